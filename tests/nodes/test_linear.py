"""Whatever a model or a person writes, looking at it takes time linear in its length."""

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counseling_sessions.integrity.facts import facts_of
from counseling_sessions.integrity.rules import nearest
from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.integrity.spoken import Past, Said, Spoken, split_marker
from counseling_sessions.nodes.choosing import worth_after
from counseling_sessions.nodes.guards import check
from counseling_sessions.nodes.mending import cut, repair, tidy
from counseling_sessions.nodes.plan import _CIRCLE
from counseling_sessions.nodes.techniques import technique, techniques
from counseling_sessions.practice.cues import Moment, moments_in, picks_up, questions_in, stacked_in
from counseling_sessions.practice.labels import labels_of
from counseling_sessions.practice.seen import resistance_in
from counseling_sessions.profiles.schema import clean
from counseling_sessions.state import Speaker
from counseling_sessions.texts.telling import telling_counts
from counseling_sessions.texts.words import sentences, trigrams

LONG = 25_000
SLOWEST = 0.8
"""Seconds that one look at such a text may take; a sixth of a second is what the slowest needs, and three what is quadratic."""

REPEATED = [
    *("a", "\n", ".", " ", "* ", "_", "[ ", "[END", "[END]", "[HEARD: ", "HEARD: ", "]", '"', "Client: ", "Counselor:\n", "a. ", "a b c. ", "? ", "。", "a。"),
    *("<think>", "</think>", "here's a ", "sure ", "(", "a agent: ", "reflection specialist:", "x. Client: ", "the  ", "as  ", "ab ab. "),
    *("\u0301", "a\u0301", "😀 ", "\u202eש", "counsellll", "[/ ", "client\u200c", "tell me ", "body ", "' a'", "{", "ﷺ", "\ud800", "let "),
]  # fmt: skip
TEXTS = {repr(piece): f"a{piece * (LONG // len(piece))}b" for piece in REPEATED} | {
    "nested markers": "[" * (LONG // 5) + "END]" * (LONG // 5),
    "labels behind labels": "x agent: " * (LONG // 9) + "So.",
    "labels behind what is dropped": "".join(f"x{n} agent: I ran. " for n in range(LONG // 20)),
    "feelings that are denied": "not afraid " * (LONG // 11),
    "words that differ": "".join(f"a{n} b{n} c{n}. " for n in range(LONG // 20)),
    "a word of letters that differ": "".join(chr(0x4E00 + n % 20_000) for n in range(LONG)),
}


FACTS = facts_of("Name: Ada Lund\nRelationship: married to Rui\nFamily: husband Rui; son Tor")


def judged(text: str, speaker: Speaker, look: Callable[[Spoken], Any]) -> None:
    look(Spoken(text, speaker, Past([text[:2000], "I ran."]), Past([text[-2000:], "Did you?"]), facts=FACTS))


LOOKS: dict[str, Callable[[str], Any]] = {
    "tidy": partial(tidy, speaker="counselor"),
    "cut": partial(cut, most=4000),
    "check, counselor": partial(judged, speaker="counselor", look=check),
    "check, client": partial(judged, speaker="client", look=check),
    "repair, counselor": partial(judged, speaker="counselor", look=repair),
    "repair, client": partial(judged, speaker="client", look=repair),
    "nearest": lambda text: nearest(Said(text), [Said(text[::-1])], 0.6),
    "split_marker": split_marker,
    "sentences": sentences,
    "trigrams": trigrams,
    "clean": clean,
    "facts_of": lambda text: facts_of(f"Family: {text}"),
    "telling_counts": telling_counts,
    "worth": worth_after([]),
    "signs": signs_of,
    "plan": _CIRCLE.search,
    "called_for": lambda text: [technique(name).called_for(text) for name in techniques()],
    "cues, counselor": lambda text: (stacked_in(text), questions_in(text)),
    "labels": labels_of,
    "cues, client": moments_in,
    "resistance": lambda text: (resistance_in("Fine.", text), resistance_in(text)),
    "picks_up": lambda text: picks_up(text, Moment("fear", "afraid", text[:2000])),
}


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_a_long_text_of_any_kind_takes_no_time(look: str) -> None:
    LOOKS[look]("I ran.")  # lists and weights are read once
    for name, text in TEXTS.items():
        started = time.process_time()
        LOOKS[look](text)
        assert time.process_time() - started < SLOWEST, name


@given(st.text(st.sampled_from("ab,.!\n "), max_size=40))
def test_a_short_message_is_one_of_up_to_nine_words(text: str) -> None:
    short = technique("questioning").cues[-1]
    assert bool(short.search(text)) == bool(re.search(r"^\W*(?:\w+\W+){0,8}\w*\W*$", text))
