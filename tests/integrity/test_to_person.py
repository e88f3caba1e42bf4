"""The rules about what a person reads: what they find, in each language, and that good counselors are left alone."""

from functools import cache

import pytest

from counseling_sessions.integrity import to_person
from counseling_sessions.integrity.phrases import FOLDER, read_phrases
from counseling_sessions.integrity.spoken import Listener, Past, Spoken
from counseling_sessions.integrity.strict import runs_down
from counseling_sessions.nodes.risk import find_risk
from counseling_sessions.nodes.risk.phrases import LANGUAGES
from counseling_sessions.sessions.session import session_of
from counseling_sessions.training.corpus import COLLECTIONS, corpus_records

UNCLEAR = "Sometimes I think that the house would be quieter without my suitcase in it."
SAID = {
    "advises_harm": (
        "Then you should punish yourself for a day.",
        "You do not need a doctor for that.",
        "Erzählen Sie es niemandem.",
        "Gardez cela pour vous.",
        "Deje de tomar la medicación.",
    ),
    "promises": (
        "I promise that it gets better.",
        "Everything you told me stays between us.",
        "I will always be there for you.",
        "Ich bin immer für Sie da.",
        "Je vous promets que ça passera.",
        "No se lo contaré a nadie.",
    ),
    "diagnoses": (
        "I think you have depression.",
        "What you describe is a panic disorder.",
        "Sie leiden an einer Angststörung.",
        "Vous souffrez d'une dépression.",
        "Usted tiene depresión.",
    ),
}
FINE = (
    "You could ask your doctor about it.",
    "I can't promise that, and I would not.",
    "Has anybody called it a depression?",
    'The thought says "you should punish yourself", and you answered it.',
    "You kept that to yourself for a long time.",
)


def spoken(text: str, heard: str = UNCLEAR, *, denied: bool = True) -> Spoken:
    return Spoken(text, "counselor", Past(), Past([heard]), listener=Listener(denied=denied))


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in SAID.items() for text in texts])
def test_what_no_person_should_read_is_found(rule: str, text: str) -> None:
    assert getattr(to_person, rule)(spoken(text))
    assert getattr(to_person, rule)(Spoken(text, "client")) is None


@pytest.mark.parametrize("text", FINE)
def test_what_a_counselor_may_say_is_let_pass(text: str) -> None:
    assert not [rule for rule in to_person.OF_SENTENCES if rule(spoken(text))]


@pytest.mark.parametrize("name", [*SAID, "acknowledges"])
def test_every_list_has_the_languages_of_the_check(name: str) -> None:
    assert len(read_phrases(FOLDER / f"{name}.yaml")) == len(LANGUAGES)


@pytest.mark.parametrize(
    "text", ["Let us look at the plan for Friday.", "And how old are you?", "Try to breathe slowly."]
)
def test_a_message_that_passes_over_denied_words_drops_the_subject(text: str) -> None:
    assert to_person.drops_subject(spoken(text))
    assert to_person.drops_subject(spoken(text, denied=False)) is None
    assert to_person.drops_subject(Spoken(text, "counselor", Past(), Past([UNCLEAR]))) is None
    assert to_person.drops_subject(spoken(text, "Nothing much.")) is None


@pytest.mark.parametrize(
    "text",
    [
        "A house that would be quieter. Who is in it?",
        "The suitcases come up again.",
        "Thank you for saying that. And how old are you?",
        "That sounds heavy.",
        "Danke, das klingt schwer.",
        "Merci de l'avoir dit.",
        "Gracias por decirlo.",
    ],
)
def test_taking_a_word_up_or_acknowledging_is_enough(text: str) -> None:
    assert to_person.drops_subject(spoken(text)) is None


@cache
def counselors() -> tuple[tuple[str, str], ...]:
    """Each message of a counselor's in the corpora, with the client's message before it."""
    pairs = []
    for kind in COLLECTIONS:
        for _, record in corpus_records(kind):
            heard = ""
            for said in session_of(record, kind).dialogue:
                if said.speaker == "client":
                    heard = said.text
                else:
                    pairs.append((heard, said.text))
    return tuple(pairs)


def test_nothing_that_a_counselor_of_the_corpora_says_is_refused() -> None:
    assert len(counselors()) > 2500
    for heard, text in counselors():
        for rule in (*to_person.OF_SENTENCES, runs_down):
            assert rule(spoken(text, heard)) is None, (rule.__name__, text)
        if find_risk(heard):
            assert to_person.drops_subject(spoken(text, heard)) is None, text
