"""Behaviour codes: the codebook, how messages are read, what the coder sees, and what is counted and reported."""

import json
from pathlib import Path

import pytest

from counseling_sessions.evaluation.codes.agreement import EXPERTS, Agreements, agreements, is_fair, kappa_of
from counseling_sessions.evaluation.codes.coarse import COARSE, coarse_code
from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.coder import (
    CodedMessage,
    CodedSentence,
    CodedSession,
    Coder,
    code_messages,
    code_session,
    coders,
)
from counseling_sessions.evaluation.codes.counts import CodeCount, session_codes
from counseling_sessions.evaluation.codes.models import FILE as WEIGHTS
from counseling_sessions.evaluation.codes.models import CodeModels, likely_codes
from counseling_sessions.evaluation.codes.sentences import features, plain_words, read_message
from counseling_sessions.evaluation.figures import MEASURES
from counseling_sessions.evaluation.measure import measure
from counseling_sessions.evaluation.readings import Measuring
from counseling_sessions.evaluation.report.codes import EXPLORE, codes_section, of_codes
from counseling_sessions.evaluation.report.document import cell
from counseling_sessions.integrity.linear import LinearModel, read_weights
from counseling_sessions.settings import SettingsError
from counseling_sessions.state import Speaker
from tests.evaluation.made import clean, session


def codes(text: str, before: str = "", side: Speaker = "counselor") -> list[tuple[str, ...]]:
    [message] = code_messages([(side, text, before)])
    return [sentence.codes for sentence in message.sentences]


def coded(side: Speaker, *sentences: tuple[int, str]) -> CodedMessage:
    return CodedMessage(side, tuple(CodedSentence("", words, (code,)) for words, code in sentences))


def test_words_are_read_without_hesitation_notes_and_words_said_twice() -> None:
    assert plain_words("So, um, it's-it's [laughs] the the Mornings?") == ("so", "it's", "the", "mornings")
    assert plain_words("[crosstalk]") == ()


def test_a_sentence_has_its_words_its_end_and_what_stands_around_it() -> None:
    first, last = read_message("Okay. So the nights are long?", "The nights never end!")
    assert first.words == ("^", "okay", "$")
    assert last.words[-1] == "?"
    assert first.listens
    assert not last.listens
    assert {"=place last", "=asked False", "=echo 2?", "=same 1"} <= set(last.cues)
    assert {"^ okay $", "okay $", "okay", "=asks later True"} <= set(features(first))
    assert read_message("…", "") == []


def test_the_coder_sums_as_the_model_does() -> None:
    said = read_message("So it wears you out. What would help?", "I'm so tired of it.")
    model = read_weights(WEIGHTS, CodeModels).counselor
    likely = [model.probabilities(features(sentence)) for sentence in said]
    assert Coder([model])(said) == [(max(one, key=one.__getitem__),) for one in likely]
    assert Coder([model])([]) == []


@pytest.mark.parametrize("side", ["counselor", "client"])
def test_the_likeliest_code_of_a_sentence_is_the_coders(side: Speaker) -> None:
    text, before = "Mm-hmm. So it wears you out. What would help? I don't see the point.", "I'm so tired of it."
    likely = likely_codes(side, text, before)
    (message,) = code_messages([(side, text, before)])
    assert [one.text for one in likely] == [one.text for one in message.sentences]
    for one, coded in zip(likely, message.sentences, strict=True):
        talk = (
            one.codes if side == "counselor" else {name: one.codes[name] for name in ("change", "sustain", "neutral")}
        )
        assert coded.codes[0] in (max(talk, key=talk.__getitem__), "neutral")
        assert sum(talk.values()) == pytest.approx(1)
    assert side == "client" or likely[0].codes == {"facilitate": 1.0}


def test_a_file_that_holds_no_models_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"counselor": {}}), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"weights\.json"):
        coders(path)


@pytest.mark.parametrize(
    ("text", "before", "code"),
    [
        ("What was that like for you?", "We moved in the spring.", "question_open"),
        ("Do you smoke at home?", "I smoke a bit.", "question_closed"),
        ("You're tired of hiding it.", "I put the bottles in the neighbour's bin.", "reflection_complex"),
        ("Mm-hmm.", "And then he left.", "facilitate"),
        ("Yeah, okay.", "And then he left.", "facilitate"),
        ("You should see a doctor about that.", "My chest hurts.", "advice"),
        ("A lot of new parents feel that way.", "I thought it was only me.", "normalizing"),
    ],
)
def test_plain_sentences_get_their_code(text: str, before: str, code: str) -> None:
    assert codes(text, before) == [(code,)]


def test_each_sentence_has_its_own_codes_and_the_message_has_all() -> None:
    [message] = code_messages([("counselor", "Okay. What happened then?", "He left.")])
    assert [sentence.codes for sentence in message.sentences] == [("facilitate",), ("question_open",)]
    assert message.codes == {"facilitate", "question_open"}


def test_a_client_has_one_kind_of_talk_and_may_have_more() -> None:
    kinds = {"change", "sustain", "neutral"}
    for text in ("I want to stop.", "I like it and I won't stop.", "Mm-hmm.", "Whatever."):
        [listed] = codes(text, "How is it?", "client")
        assert listed[0] in kinds
        assert not kinds & set(listed[1:])
    assert codes("Mm-hmm.", "It is late.", "client")[0][0] == "neutral"


@pytest.mark.parametrize(
    ("message", "coarse"),
    [
        (coded("counselor", (9, "reflection_complex"), (4, "question_open")), "question"),
        (coded("counselor", (9, "reflection_simple"), (4, "information")), "reflection"),
        (coded("counselor", (40, "information"), (4, "question_open")), "input"),
        (coded("counselor", (3, "facilitate")), "other"),
        (coded("counselor"), "other"),
        (coded("client", (9, "neutral"), (4, "change")), "change"),
        (coded("client", (9, "sustain"), (4, "change")), "sustain"),
        (coded("client"), "neutral"),
    ],
)
def test_a_message_has_one_coarse_code(message: CodedMessage, coarse: str) -> None:
    assert coarse_code(message) == coarse


def test_a_session_has_figures_of_what_it_can_have() -> None:
    said = (
        coded("counselor", (4, "question_open")),
        coded("client", (3, "change")),
        coded("counselor", (4, "reflection_simple"), (3, "advice")),
        coded("client", (3, "sustain")),
        coded("counselor", (4, "question_closed"), (2, "question_open")),
    )
    assert session_codes(CodedSession(said)) == {
        "codes_reflections": pytest.approx(1 / 3),
        "codes_open": 1.0,
        "codes_complex": 0.0,
        "codes_information": 0.0,
        "codes_advice": pytest.approx(1 / 3),
        "codes_agenda": 0.0,
    }
    assert session_codes(CodedSession(())) == {}


def test_a_session_in_another_language_is_not_coded() -> None:
    german = session("Wie geht es Ihnen heute mit der neuen Arbeit und den vielen Terminen?", "Nicht so gut, leider.")
    assert code_session(german) is None
    assert code_session(clean(language="German")) is None
    count = CodeCount()
    assert count.add(german) is None
    assert (count.sessions, count.foreign, count.messages("counselor")) == (0, 1, 0)
    section = codes_section(measure({"one": [german]}, Measuring(("codes",))))
    assert section
    assert "1 session not coded" in section.paragraphs[-1]


def test_kappa_is_cohens_with_an_interval_over_conversations() -> None:
    """sklearn.metrics.cohen_kappa_score([1, 1, 0, 0, 1, 0] * 6, [1, 0, 0, 0, 1, 1] * 6) is 0.3333333333333333."""
    labels, coder = [1, 1, 0, 0, 1, 0], [1, 0, 0, 0, 1, 1]
    both = [(f"c{number}", bool(a), bool(b)) for number in range(6) for a, b in zip(labels, coder, strict=True)]
    kappa = kappa_of(both)
    assert (kappa.kappa, kappa.labelled) == (0.333, 18)
    assert (kappa.low, kappa.high) == (None, None)  # All conversations are alike.
    mixed = kappa_of([*both, *((f"d{number}", True, False) for number in range(4))])
    assert mixed.low is not None
    assert mixed.kappa is not None
    assert mixed.high is not None
    assert mixed.low < mixed.kappa < mixed.high
    assert kappa_of([("c", False, False)]).kappa is None


def test_every_code_has_a_measured_agreement_and_examples() -> None:
    book = codebook()
    assert set(agreements().codes) == {*book.counselor, *book.client}
    assert set(agreements(EXPERTS).codes) == {code for listed in COARSE.values() for code in listed}
    for side in (book.counselor, book.client):
        assert all(code.examples and code.means.endswith(".") for code in side.values())


def test_the_coder_agrees_with_experts_as_was_asked_for() -> None:
    experts: Agreements = agreements(EXPERTS)
    question, reflection = experts.codes["question"].kappa, experts.codes["reflection"].kappa
    assert question
    assert question >= 0.60
    assert reflection
    assert reflection >= 0.45


def test_the_report_marks_what_the_coder_does_not_reach() -> None:
    section = codes_section(measure({"one": [clean()], "two": [clean("other")]}, Measuring(("codes",))))
    assert section
    pooled, counselor, client = section.blocks
    titles = {cell(row[0]).text for table in (counselor, client) for row in table.rows}  # type: ignore[union-attr]
    for side in (codebook().counselor, codebook().client):
        for name, code in side.items():
            assert (code.title if is_fair(name) else f"{code.title} {EXPLORE}") in titles
    assert is_fair("question_open")
    assert not is_fair("sidestep")
    assert pooled.columns == ("", "one (n=1)", "two (n=1)")  # type: ignore[union-attr]


def test_codes_are_measured_if_asked_for() -> None:
    asked = measure({"one": [clean()]}, Measuring(("codes",))).groups["one"]
    assert {name for name in asked.figures if name.startswith("codes_")} <= set(MEASURES)
    assert asked.figures["codes_open"].value is not None
    other = measure({"one": [clean()]}, Measuring(("talk",))).groups["one"]
    assert other.codes is None
    assert "codes_open" not in other.figures
    assert codes_section(measure({"one": [clean()]}, Measuring(("talk",)))) is None


def test_the_methods_say_who_coded_where_codes_were_asked_for() -> None:
    (said,) = of_codes(measure({"one": [clean()]}, Measuring(("codes",))))
    assert "no MISC or MITI scores" in said
    assert list(of_codes(measure({"one": [clean()]}, Measuring(("talk",))))) == []


def test_a_model_has_one_column_for_each_class() -> None:
    with pytest.raises(ValueError, match="one weight for each"):
        LinearModel(source="", classes=("a", "b"), bias=(1,), weights={})
