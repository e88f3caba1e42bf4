"""Messages as the rules see them: end markers, what was said before, and who may use whom."""

import gc
import re
import weakref
from pathlib import Path

import pytest

from counseling_sessions.integrity.rules import nearest
from counseling_sessions.integrity.spoken import RECENT, Past, Said, Spoken, split_marker, unmarked

PACKAGE = Path(__file__).parents[2] / "counseling_sessions"


@pytest.mark.parametrize(
    ("text", "left", "reason"),
    [
        ("Bye. [END: resolved]", "Bye.", "resolved"),
        ("Bye. [ end : LEFT ] .", "Bye. .", "left"),
        ("Bye. [END]", "Bye.", "resolved"),
        ("I read [END: left] there.", "I read there.", None),
        ("[END: left] Bye. [END]", "Bye.", "resolved"),
        ("[ [END] END] Bye.", "Bye.", None),
        ("[" * 40 + "END]" * 40 + " Bye. [END: left]", "END]" * 31 + " Bye.", "left"),
        ("The end.", "The end.", None),
    ],
)
def test_split_marker(text: str, left: str, reason: str | None) -> None:
    assert split_marker(text) == (left, reason, None)


@pytest.mark.parametrize(
    ("text", "left", "end", "heard"),
    [
        ("Hm. [HEARD: understood, asked_well]", "Hm.", None, ("understood", "asked_well")),
        ("Bye. [HEARD: pushed] [END: left]", "Bye.", "left", ("pushed",)),
        ("Bye. [END: left] [HEARD: pushed]", "Bye.", "left", ("pushed",)),
        ("Hm. [HEARD: none]", "Hm.", None, ()),
        ("Hm. [heard : asked well; gave-choice]", "Hm.", None, ("asked_well", "gave_choice")),
        ("Hm. **[HEARD: pushed]**", "Hm.", None, ("pushed",)),
        ("Hm. (HEARD: pushed)", "Hm.", None, ("pushed",)),
        ("Hm.\nHEARD: pushed", "Hm.", None, ("pushed",)),
        ("Hm. [HEARD: understood, asked_we", "Hm.", None, ("understood",)),
        ("Hm. [HEARD", "Hm.", None, None),
        ("Hm. [HEARD: kindness]", "Hm.", None, None),
        ("[HEARD: pushed] Hm. [HEARD: ignored]", "Hm.", None, ("ignored",)),
        ("[HE[HEARD: pushed]ARD: pushed] Hm.", "[HE ARD: pushed] Hm.", None, ("pushed",)),
        ("I heard: nothing of that.", "I heard: nothing of that.", None, None),
    ],
)
def test_what_was_heard_is_taken_out_whole_or_malformed(
    text: str, left: str, end: str | None, heard: tuple[str, ...] | None
) -> None:
    assert split_marker(text) == (left, end, heard)
    assert "HEARD" not in unmarked(text)


def test_markers_come_again_behind_other_words() -> None:
    marked = split_marker("Bye. [END: left] [HEARD: pushed, ignored]")
    assert marked.with_markers("So.") == "So. [HEARD: pushed, ignored] [END: left]"
    assert split_marker("Hm. [HEARD: none]").with_markers("So.") == "So. [HEARD: none]"


def test_a_past_knows_its_latest_messages_first_and_each_by_its_words() -> None:
    past = Past(f"Number {n}." for n in range(RECENT + 2))
    assert [said.text for said in past.recent][:: RECENT - 1] == [f"Number {RECENT + 1}.", "Number 2."]
    past.add(Said("NUMBER 3", turn=7))
    assert [said.turn for said in past.by_words["number 3"]] == [0, 7]
    assert {"number", "11"} <= past.vocabulary


def test_a_marker_is_no_part_of_what_is_compared() -> None:
    assert (Spoken("Bye. [END]", "client").words, Said("Bye. [END]").words) == ("bye", "bye end")


def test_the_nearest_is_the_first_that_shares_enough() -> None:
    said = Said("one two three four five six")
    others = [Said("one two three"), Said("one two three four five"), Said("one two three four five six")]
    assert nearest(said, others, 0.75) == (others[1], 0.75)
    assert nearest(said, [longer := Said(f"{said.text} seven")], 0.8) == (longer, 0.8)
    assert nearest(said, others, 0.8) == (others[2], 1.0)
    assert nearest(said, others[:1], 0.3) is None


@pytest.mark.parametrize("room", ["evaluation", "integrity", "sessions"])
def test_what_judges_a_session_takes_nothing_from_what_makes_one(room: str) -> None:
    modules = list((PACKAGE / room).rglob("*.py"))
    assert modules
    assert [path.name for path in modules if re.search(r"counseling_sessions\.nodes\b", path.read_text("utf-8"))] == []


def test_a_message_goes_with_the_one_who_judges_it_though_it_is_past() -> None:
    """Else every session stays in memory until Python looks for cycles."""
    past = Past()
    spoken = Spoken("It was the sun.", "client", past=past)
    past.add(spoken)
    watched = weakref.ref(spoken)
    gc.disable()
    try:
        del spoken
        assert watched() is None
    finally:
        gc.enable()
    assert past.by_words["it was the sun"][0].text == "It was the sun."
