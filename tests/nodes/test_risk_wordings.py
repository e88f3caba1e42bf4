"""The risk check's two wordings, questions about risk and answers to them, and how it does on phrases that several hands wrote."""

import hashlib
import itertools
from collections import Counter
from pathlib import Path

import pytest
import yaml

from counseling_sessions.nodes.examples import CORPUS
from counseling_sessions.nodes.risk import answer_of, asks_about_risk, find_risk
from counseling_sessions.nodes.risk.patterns import slips_of
from counseling_sessions.nodes.risk.phrases import Risk
from counseling_sessions.nodes.risk.spellings import spellings
from counseling_sessions.nodes.risk.starts import starts_of

PHRASES = Path(__file__).parent / "risk_phrases"
HELD_OUT = {
    "held_out.yaml": "d866c2f3e6285ebf1374786e9094cc806e7c54facb672b8320c158a4491fb1e1",
    "held_out_later.yaml": "a2c135bb49e114739e7a5466f02a3909e0b109f25dea442e90f30516d67a526f",
}
"""Nothing is tuned on these phrases, of four hands and of eight later ones: nobody who writes a pattern reads them."""
DANGEROUS = "Do you have thoughts of ending your life?"


def counts(file: str, key: str) -> Counter[str]:
    """What the check makes of the phrases of a kind, in all languages."""
    listed = yaml.safe_load((PHRASES / file).read_text(encoding="utf-8"))
    kinds = (key, *(f"{key}_{language}" for language in ("french", "german", "spanish")))
    texts = [text for kind in kinds for text in listed.get(kind, ())]
    if key.startswith("answers"):
        return Counter(answer_of(text) for text in texts)
    if "questions" in key:
        return Counter("asks" if asks_about_risk(text) else "none" for text in texts)
    return Counter(risk.wording if (risk := find_risk(text)) else "none" for text in texts)


def share(counted: Counter[str], *kinds: str) -> float:
    return sum(counted[kind] for kind in kinds) / counted.total()


@pytest.mark.parametrize(("file", "digest"), HELD_OUT.items())
def test_the_held_out_phrases_are_as_they_were_split(file: str, digest: str) -> None:
    assert hashlib.sha256((PHRASES / file).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("file", HELD_OUT)
def test_no_held_out_phrase_is_learned_from(file: str) -> None:
    listed = yaml.safe_load((PHRASES / file).read_text(encoding="utf-8"))
    learned = {
        spellings(text).exact[0]
        for path in (CORPUS / "risk").glob("*.yaml")
        for texts in yaml.safe_load(path.read_text(encoding="utf-8")).values()
        for text in texts
    }
    assert learned
    assert not {spellings(text).exact[0] for texts in listed.values() for text in texts} & learned


@pytest.mark.parametrize(
    ("key", "kinds", "least"),
    [
        ("explicit", ("explicit",), {"tune.yaml": 0.98, "held_out.yaml": 0.90, "held_out_later.yaml": 0.79}),
        ("explicit", ("explicit", "unclear"), {"tune.yaml": 0.98, "held_out.yaml": 0.98, "held_out_later.yaml": 0.94}),
        ("oblique", ("explicit", "unclear"), {"held_out.yaml": 0.75, "held_out_later.yaml": 0.62}),
        ("questions", ("asks",), {"tune.yaml": 0.95, "held_out.yaml": 0.91, "held_out_later.yaml": 0.70}),
        ("harmless", ("none",), {"held_out.yaml": 0.70, "held_out_later.yaml": 0.80}),
        ("harmless", ("none", "unclear"), {"held_out.yaml": 0.95, "held_out_later.yaml": 0.98}),
        ("harmless_questions", ("none",), {"tune.yaml": 0.95, "held_out.yaml": 0.98, "held_out_later.yaml": 0.85}),
    ],
)
def test_of_phrases_by_several_hands_at_least_so_many_are_taken_as_meant(
    key: str, kinds: tuple[str, ...], least: dict[str, float]
) -> None:
    shares = {file: share(counts(file, key), *kinds) for file in least}
    assert {file for file in least if shares[file] < least[file]} == set(), shares


@pytest.mark.parametrize("file", ["tune.yaml", *HELD_OUT])
@pytest.mark.parametrize("key", ["answers_yes", "answers_unclear"])
def test_next_to_no_answer_is_taken_for_a_no_that_is_none(file: str, key: str) -> None:
    assert share(counts(file, key), "no") <= 0.02


@pytest.mark.parametrize(
    ("answer", "wording"),
    [
        *((answer, "explicit") for answer in ("Yes.", "Sometimes, at night.", "yeah a bit", "once, years ago")),
        *(
            (answer, "unclear")
            for answer in ("I don't know", "No, but I would rather not say.", "not any more", "why?")
        ),
        *((answer, None) for answer in ("No.", "no, never", "Not at all!", "No, I don't.", "No, I'm not suicidal.")),
    ],
)
def test_only_a_clear_no_to_a_question_about_risk_goes_on(answer: str, wording: str | None) -> None:
    risk = find_risk(answer, asked=DANGEROUS)
    assert risk == (Risk("rules", "answer to a question about suicide", wording) if wording else None)  # type: ignore[arg-type]
    assert find_risk(answer, asked="Do you sleep at night?") in (None, Risk("rules", "suicide", "unclear"))


def test_other_risk_in_an_answer_counts_for_itself() -> None:
    assert find_risk("No, but he hits me.", asked=DANGEROUS) == Risk("rules", "danger")


@pytest.mark.parametrize(
    "asked", ["Are you safe at home?", "And do you want to live?", "¿Se siente segura en su casa?", "Willst du leben?"]
)
def test_the_no_is_what_counts_where_safety_is_asked_about(asked: str) -> None:
    assert asks_about_risk(asked)
    no, unsure = find_risk("No.", asked=asked), find_risk("I don't know.", asked=asked)
    assert no
    assert no.wording == "explicit"
    assert unsure
    assert unsure.wording == "unclear"
    assert find_risk("Yes.", asked=asked) is None


def test_neither_yes_nor_no_is_clear_where_both_are_asked_about() -> None:
    asked = "Are you safe at home? Does anyone hit you?"
    for answer in ("Yes.", "No."):
        risk = find_risk(answer, asked=asked)
        assert risk
        assert risk.wording == "unclear"


def test_to_words_about_risk_that_are_no_question_a_yes_is_unclear() -> None:
    risk = find_risk("Yes.", asked="You said that you want to die.")
    assert risk
    assert risk.wording == "unclear"


def test_a_denial_alone_is_asked_about() -> None:
    assert find_risk("I'm not suicidal.") == Risk("rules", "suicide", "unclear")
    assert find_risk("I'm not suicidal, I only want to kill myself.") == Risk("rules", "suicide")


def test_what_the_check_cannot_decide_goes_before_unclear_wording() -> None:
    assert find_risk("I am a burden to everyone, спасибо") == Risk("check_failed", "letters that no list is written in")


@pytest.mark.parametrize(
    "text",
    [
        "I can't take it any more at this job.",
        "I want it to stop raining.",
        "I want it to stop.",
        "Ich kann nicht mehr.",
    ],
)
def test_what_can_be_meant_harmlessly_never_stops_at_once(text: str) -> None:
    risk = find_risk(text)
    assert risk is None or risk.wording == "unclear"


def test_findings_have_one_order_whatever_the_order_of_the_words_and_messages() -> None:
    parts = ("I am a burden to everyone.", "He hits me.", "I want to kill him.", "Ich will sterben.")
    for order in itertools.permutations(parts):
        assert find_risk(" ".join(order)) == Risk("rules", "harm_to_others")
    alone = {part: find_risk(part) for part in parts}
    for order in itertools.permutations(parts):
        assert {part: find_risk(part) for part in order} == {part: alone[part] for part in order}


def test_what_the_last_message_says_by_itself_is_no_finding_of_this_one() -> None:
    assert find_risk("It rained all day.", before="I am a burden to everyone.") is None
    assert find_risk("a burden to everyone", before="You know that I am") is not None


@pytest.mark.parametrize(
    "text",
    [
        *("suiicde", "suicde thoughts", "suicidla", "I want to klil myself", "I will kill mysefl", "killing myslef"),
        *("s😀u😀i😀c😀i😀d😀e", "su😀icide", "I want to 💀", "hurting mysefl on purpose", "ich will mich umbirngen"),
    ],
)
def test_slips_of_the_key_and_pictures_hide_nothing(text: str) -> None:
    risk = find_risk(text)
    assert risk
    assert risk.source == "rules"


def test_a_laughing_skull_is_no_risk() -> None:
    assert find_risk("that joke 💀💀 I am done laughing") is None


def test_slips_are_near_the_word() -> None:
    slips = slips_of({"suicide", "kill"})
    assert {"suicdie", "sucide", "suivide", "klil", "kil"} <= slips.keys()
    assert not {"will", "bill", "kilt", "skill"} & slips.keys()


@pytest.mark.parametrize(
    ("pattern", "starts"),
    [
        (r"(?:cant|can not|some ?one) (?:\w+ )?go", {"cant", "can", "some", "someone"}),
        (r"(?<!\d )kms|suicid\w*", {"kms", "suicid", "suicid*"}),
        (r"(?:the )?pills?", {"the", "pill", "pills"}),
        (r"(?:\w+ )?x", {"*", "x"}),
    ],
)
def test_a_phrase_is_looked_for_at_each_word_that_it_can_begin_with(pattern: str, starts: set[str]) -> None:
    assert starts_of(pattern) == starts


def test_more_letters_apart_than_can_be_searched_count_as_risk() -> None:
    assert find_risk("t h e d o g r a n h o m e") is None
    assert find_risk("t h e d o g r a n h o m e " * 60) == Risk("check_failed", "too many letters apart")


def test_who_does_not_think_so_says_no_yes() -> None:
    assert answer_of("I don't think so.") != "yes"
    assert answer_of("I think so.") == "yes"


def test_a_no_that_asks_back_is_not_clear() -> None:
    assert answer_of("No?") == "unclear"
    assert answer_of("No.") == "no"
