"""The coder's weights: learned from the labelled utterances as they are, and how labels are laid on sentences."""

import json
from pathlib import Path

import pytest

from counseling_sessions.evaluation.codes.models import FILE, CodeModels
from counseling_sessions.training.behaviour_codes import (
    LabelledUtterance,
    labelled,
    models_of,
    sentences_of,
    source_of,
)
from counseling_sessions.training.errors import WrittenError


def utterance(*segments: tuple[str, str], before: str | None = "", side: str = "counselor") -> LabelledUtterance:
    parts = tuple((text, tuple(codes.split())) for text, codes in segments)
    return LabelledUtterance.model_validate({"side": side, "before": before, "segments": parts, "hand": "x"})


def test_the_weights_are_learned_from_the_labels_as_they_are() -> None:
    """After a change of corpus/codes/: python -m counseling_sessions.training.behaviour_codes."""
    source = source_of(labelled())
    models = json.loads(FILE.read_bytes())
    assert {model["source"] for model in models.values()} == {source}


def test_a_sentence_has_the_codes_of_its_parts_what_says_most_first() -> None:
    one = utterance(("Okay, so", "facilitate"), ("you quit twice.", "reflection_simple"), ("Why?", "question_open"))
    assert [sentence.codes for sentence in sentences_of([one])] == [
        ("reflection_simple", "facilitate"),
        ("question_open",),
    ]
    two = utterance(("I want to, I do.", "change disclosure"), side="client")
    assert [sentence.codes for sentence in sentences_of([two])] == [("change", "disclosure")]


def test_a_conversation_is_set_apart_as_a_part_of_one_hand() -> None:
    talk = [
        utterance(("Hello.", "facilitate")),
        utterance(("Hi there.", "neutral"), before=None, side="client"),
        utterance(("How was it?", "question_open"), before="Something else."),
    ]
    conversations = [sentence.conversation for sentence in sentences_of(talk)]
    assert conversations == ["x: Hello.", "x: Hello.", "x: How was it?"]
    sentences = list(sentences_of(labelled()[:400]))
    by_conversation = {(one.conversation, one.apart) for one in sentences}
    assert len(by_conversation) == len({one.conversation for one in sentences})
    assert {apart for _, apart in by_conversation} == {True, False}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"side": "counselor"}', "line 1: .*segments"),
        ('{"side": "counselor", "before": "", "segments": [["Hi.", ["change"]]], "hand": "x"}', "change: no code of"),
    ],
)
def test_a_bad_line_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "x.jsonl").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(WrittenError, match=problem):
        labelled(tmp_path)


def test_models_learn_from_few_sentences() -> None:
    pytest.importorskip("sklearn")
    counselor = [("What then?", "question_open"), ("Mm-hmm.", "facilitate"), ("You quit twice.", "reflection_simple")]
    client = [
        ("I will stop.", "change"),
        ("I like it.", "sustain disclosure"),
        ("Yes, but no.", "neutral discount"),
        ("It is Monday.", "neutral"),
    ]
    taught = [utterance(one) for one in counselor * 3] + [utterance(one, side="client") for one in client * 3]
    models: CodeModels = models_of(list(sentences_of(taught)), "here")
    assert models.counselor.source == "here"
    assert set(models.talk.classes) == {"change", "sustain", "neutral"}
    assert models.disclosure.classes == ("disclosure", "none")
    assert set(models.resistance.classes) == {"discount", "none"}
