"""Hints: they follow what the client just said, the phase, and what the person did; a reason quotes, or says that nothing was seen."""

import pytest

from counseling_sessions.nodes.progress import progress_of
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.practice.hint_text import hint_lines, why_lines
from counseling_sessions.practice.hints import Hint, hint_by_rules, texts
from counseling_sessions.practice.labels import labels_of
from counseling_sessions.state import CounselorView, EndReason, Pick, Utterance
from tests.scripted import config

ASKS = ("How was that?", "It was loud in the hall.")


def view(*texts: str, end: EndReason | None = None, working: bool = False) -> CounselorView:
    """A dialogue of a person who is the counselor and a client, the counselor's message first."""
    said = tuple(
        Utterance(
            turn=place // 2 + 1,
            speaker="client" if place % 2 else "counselor",
            text=text,
            author="model" if place % 2 else "human",
        )
        for place, text in enumerate(texts)
    )
    last = max((one.turn for one in said), default=0)
    picks = (Pick(turn=last, phase="working", techniques=("reflection",), source="rules"),) if working else ()
    return CounselorView(utterances=said, picks=picks, end_reason=end)


def hint(*texts: str, end: EndReason | None = None, working: bool = False, language: str = "English") -> Hint:
    return hint_by_rules(view(*texts, end=end, working=working), config(max_turns=20, language=language))


@pytest.mark.parametrize(
    ("counselor", "client", "working", "rule", "leads"),
    [
        ("How was it?", "I was terrified. Nobody but Rim knows about it.", True, "disclosure", "reflection"),
        ("How was it?", "My heart was racing in the corridor.", True, "feeling", "reflection"),
        ("You should call her.", "Yes, but she never picks up.", False, "pressed", "reflection"),
        ("How was it?", "I don't see how talking will help.", True, "resistance", "reflection"),
        ("How is it now?", "Part of me wants to go, and part of me stays in bed.", True, "torn", "reflection"),
        ("How is it now?", "What should I do when it starts again?", False, "help_early", "reflection"),
        ("How is it now?", "What should I do when it starts again?", True, "help", "solutions"),
        ("How is it now?", "Why does my mind go blank like that?", True, "why", "psychoeducation"),
        ("How is it now?", "Why does my mind go blank like that?", False, "why_early", "questioning"),
        ("How is it now?", "I'm such a coward, everyone else manages.", False, "self_blame", "normalizing"),
        ("How is it now?", "My mother died in March.", False, "pain", "reflection"),
        ("How is it now?", "I want to sit in that room again.", False, "wish", "questioning"),
        ("How is it now?", "I think they will throw me out.", True, "thought", "questioning"),
        ("How is it now?", "I'll call her on Friday.", True, "gain", "reflection"),
        ("How is it now?", "I don't want to live any more, I'd rather be dead.", True, "risk", "questioning"),
    ],
)
def test_a_hint_follows_what_the_client_just_said(
    counselor: str, client: str, working: bool, rule: str, leads: str
) -> None:
    made = hint(counselor, client, working=working)
    assert (made.rule, made.techniques[0]) == (rule, leads)
    assert made.advice
    quotation = made.reason.split("“")[1].split("”")[0].strip(". …")
    assert quotation in client  # the reason names what was seen


def test_pain_in_the_first_words_is_heard_too() -> None:
    opening = (
        Utterance(turn=0, speaker="counselor", text="Where shall we start?"),
        Utterance(turn=0, speaker="client", text="My husband died last year."),
    )
    made = hint_by_rules(CounselorView(utterances=opening), config(max_turns=20))
    assert (made.rule, made.turn) == ("pain", 1)


def test_hints_of_a_session_that_moves_are_not_all_the_same() -> None:
    told = (
        "I was scared.",
        "Part of me wants it.",
        "What should I do?",
        "Why do I shake?",
        "I'm such a coward.",
        "Okay.",
    )
    assert len({hint("How is it?", one, working=True).techniques for one in told}) >= 4


def test_where_nothing_was_seen_the_reason_says_so() -> None:
    made = hint("How is the market?", "We sell tomatoes on the square by the station, and bread beside them.")
    assert made.rule == "phase"
    assert "Nothing in the client's last message stood out" in made.reason
    assert "“" not in made.reason


def test_a_cue_of_a_technique_is_quoted() -> None:
    made = hint("How are the nights?", "The boiler rattles. My breath goes flat when the lift stops.", working=True)
    assert (made.rule, made.techniques[0]) == ("called_for", "psychoeducation")
    assert "“My breath goes flat when the lift stops.”" in made.reason


def test_what_the_person_did_counts() -> None:
    asked = hint(*ASKS, "What did you see?", "The list on the door.", "Who was there?", "Two of the others.")
    assert (asked.rule, asked.techniques) == ("questions", ("reflection",))
    assert hint(*ASKS, "What did you see?", "The list on the door.").rule != "questions"
    advised = hint("You should find a new job.", "We count boxes at the depot all morning.")
    assert (advised.rule, advised.techniques) == ("advised", ("reflection", "questioning"))
    assert hint("You should find a new job.", "We count boxes at the depot.", working=True).rule != "advised"
    reflected = hint(
        "So the waiting is worse than the exam itself.", "Yes, it is.", "It sounds like the list on the door is the worst of it.",
        "Yes, I was scared of it.",
    )  # fmt: skip
    assert (reflected.rule, reflected.techniques[0]) == ("feeling_reflected", "questioning")


def test_the_last_message_gathers() -> None:
    assert hint(*ASKS, end="turn_limit").rule == "farewell"


def test_in_another_language_the_phase_decides_and_the_hint_says_so() -> None:
    made = hint("Wie war das?", "Ich hatte Angst. I was terrified.", language="German")
    assert (made.rule, made.seen) == ("unread", ())
    assert "English alone" in made.reason


def test_the_phase_of_a_hint_is_that_of_the_session() -> None:
    seen = view(*ASKS, working=True)
    assert hint(*ASKS, working=True).phase == progress_of(seen, config(max_turns=20)).phase == "working"


def test_a_hint_has_at_most_two_techniques_that_the_session_has() -> None:
    names = {name for rule in texts().rules.values() for name in rule.techniques}
    assert names <= {*techniques()}
    few = config(max_turns=20, techniques=("questioning", "solutions"))
    made = hint_by_rules(view("How was it?", "I was terrified. Nobody knows about it."), few)
    assert (made.rule, {*made.techniques} <= {*few.techniques}) == ("disclosure", True)


def test_hint_and_why_give_the_same_advice() -> None:
    made = hint("How was it?", "I was scared the whole time.")
    shown, again = hint_lines(made), why_lines(2, labels_of("You should relax.", "I was scared."), made)
    assert shown[0].removeprefix("Perhaps ") == again[1].removeprefix("The hint before it was ")
    assert shown[-1] == again[-1]
    assert again[0].startswith("Your message in turn 2, as a classifier reads it: ")
    assert "advice without permission" in again[0]
    assert "nothing that it is sure of" in why_lines(2, (), made)[0]
