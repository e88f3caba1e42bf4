"""Lengths of sessions in pairs: whose is whose, and what is counted."""

from counseling_sessions.evaluation.pair_lengths import PairAnswer, SizedPair, duel_lengths
from counseling_sessions.evaluation.preferred import OVERALL
from counseling_sessions.evaluation.session_length import SessionLength, session_length
from counseling_sessions.sessions import Message

LONG, SHORT = SessionLength(900, 40.0, 30.0), SessionLength(600, 20.0, 10.0)


def test_words_are_counted_by_speaker() -> None:
    said = [("counselor", "How did it go?"), ("client", "I don't know."), ("counselor", "我听到了"), ("client", "")]
    found = session_length([Message(turn=1, speaker=speaker, text=text) for speaker, text in said])  # type: ignore[arg-type]
    assert found == SessionLength(4 + 3 + 3, 3.5, 1.5)
    assert session_length([]) == SessionLength(0, None, None)


def test_figures_are_the_first_one_s_whichever_stands_first_in_a_pair() -> None:
    pairs = {
        "as asked": SizedPair(("x", "y"), "one", (LONG, SHORT)),
        "turned": SizedPair(("y", "x"), "two", (SHORT, LONG)),
        "others": SizedPair(("x", "z"), "two", (SHORT, LONG)),
    }
    answers = [
        PairAnswer("as asked", "safety", "first", "j"),
        PairAnswer("turned", "safety", "second", "j"),
        PairAnswer("turned", "empathy", "cannot_say", "j"),
        PairAnswer("others", "safety", "second", "j"),
    ]
    found = {(duel.first, duel.second): duel for duel in duel_lengths(pairs, answers, "xyz", ["safety", "empathy"])}
    assert list(found) == [("x", "y"), ("x", "z")]
    duel = found["x", "y"]
    assert [figure.value for figure in (*duel.words, *duel.counselor, *duel.client)] == [900, 600, 40, 20, 30, 10]
    assert duel.first_longer.value == 1
    assert list(duel.aspects) == ["safety", OVERALL]
    assert (duel.aspects[OVERALL].rate.value, duel.aspects[OVERALL].rate.n, duel.aspects[OVERALL].longer.value) == (
        1,
        2,
        1,
    )
    assert found["x", "z"].raters["j"].rate.value == 0
