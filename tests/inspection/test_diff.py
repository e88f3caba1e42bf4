"""Two sessions compared: what they share is told once, what differs is told by name, by turn and by word."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from counseling_sessions.graph.fork import Edits, fork_head, fork_task, run_fork
from counseling_sessions.inspection.diff import Difference, Setting, as_json, compare, compare_words
from counseling_sessions.inspection.diff_view import show_difference
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig
from tests.generation.exports.sessions import client, run
from tests.scripted import Sensible, scripted_models

WORDS = st.lists(st.sampled_from(["one", "two", "three", "four", "five", "six"]), max_size=12).map(" ".join)


def done(work: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@cache
def parent() -> SessionRecord:
    record, _ = done(run(Sensible(), max_turns=5))
    return record


@cache
def fork(turn: int, edits: Edits | None = None, **options: Any) -> SessionRecord:
    async def made() -> SessionRecord:
        models, _ = scripted_models(Sensible(picked=("solutions",)))
        config = SessionConfig.model_validate(parent().configuration | options)
        with TemporaryDirectory() as folder:
            return await run_fork(fork_head(fork_task(parent(), turn, config, edits=edits)), Path(folder), models)

    return done(made())


@cache
def stranger() -> SessionRecord:
    record, _ = done(run(Sensible(), client(4, opening=None), "negative", method="single", max_turns=2))
    return record


def shown(difference: Difference, width: int = 80, *, alike: bool = False, color: bool = False, **options: Any) -> str:
    out = StringIO()
    system: Any = {"color_system": "truecolor", "force_terminal": True} if color else {}
    console = Console(file=out, width=width, highlight=False, **system, **options)
    show_difference(console, difference, ("runs/study/a", "runs/what-if/b"), alike=alike)
    return out.getvalue()


def unmarked(text: str) -> str:
    return re.sub(r"\[-|-\]|\{\+|\+\}", "", text)


def test_a_fork_shares_its_past_and_differs_from_there_on() -> None:
    difference = compare(parent(), fork(4, router="rules"))
    assert [pair.name for pair in difference.shared] == ["plan", "opening", "turn 1", "turn 2", "turn 3"]
    assert [pair.name for pair in difference.pairs[5:]] == ["turn 4", "turn 5", "closing"]
    assert not difference.pairs[5].alike
    assert difference.relation == "B is a fork of A at turn 4."
    assert [item.name for item in difference.settings] == ["router", "seed"]
    assert difference.settings[0] == Setting("router", "llm", "rules")


def test_relations_are_told_from_either_side() -> None:
    one, other = fork(4, router="rules"), fork(3, Edits(counselor="May I ask about the stall?"))
    assert compare(other, parent()).relation == "A is a fork of B at turn 3 (counselor edited by hand)."
    told = compare(one, other).relation
    assert told == f"A and B are forks of {parent().session_id}: A at turn 4, B at turn 3 (counselor edited by hand)."
    assert compare(one, stranger()).relation == ""
    assert "same session" in compare(one, one).relation


def test_what_differs_in_configuration_plan_and_end_is_named() -> None:
    settings = {item.name: (item.a, item.b) for item in compare(parent(), stranger()).settings}
    assert settings["method"] == ("magnet", "single")
    assert settings["attitude"] == ("neutral", "negative")
    assert settings["client"] == ("ada-test", "client-4")
    assert settings["turns"] == ("5", "2")
    assert "end" not in settings
    failed = parent().model_copy(update={"end_reason": "left"})
    assert {item.name: item.b for item in compare(parent(), failed).settings} == {"end": "ended: the client left"}
    models = parent().configuration | {"models": {"client": {"model": "other", "temperature": None}}}
    changed = compare(parent(), parent().model_copy(update={"configuration": models})).settings
    assert Setting("models.client.model", "", "other") in changed
    (plan,) = (pair for pair in compare(parent(), stranger()).pairs if pair.name == "plan")
    assert plan.rows[0].b is None


def test_unrelated_sessions_share_nothing_and_say_so() -> None:
    difference = compare(parent(), stranger())
    assert difference.shared == ()
    assert "They share nothing" in shown(difference)
    assert "They share nothing" not in shown(compare(parent(), fork(4, router="rules")))


def test_a_session_is_like_itself() -> None:
    difference = compare(parent(), parent())
    assert difference.settings == ()
    assert difference.shared == difference.pairs
    text = shown(difference)
    assert "Plan, opening, turns 1–5 and closing alike" in text
    assert "are marked" not in text
    assert parent().turns[0].client.text.split()[0] not in text  # type: ignore[union-attr]


@given(a=WORDS, b=WORDS)
def test_the_words_of_both_sides_are_all_there_and_what_is_unmarked_is_the_same(a: str, b: str) -> None:
    ours, theirs = compare_words(a, b)
    assert " ".join(span.text for span in ours) == a
    assert " ".join(span.text for span in theirs) == b
    common = [" ".join(span.text for span in side if not span.changed) for side in (ours, theirs)]
    assert common[0] == common[1]


def test_words_that_one_side_has_alone_are_told() -> None:
    ours, theirs = compare_words("I slept badly  again last night", "I slept well last night")
    assert [(span.text, span.changed) for span in ours] == [
        ("I slept", False),
        ("badly again", True),
        ("last night", False),
    ]
    assert [(span.text, span.changed) for span in theirs] == [("I slept", False), ("well", True), ("last night", False)]
    assert all(span.changed for side in compare_words("a b c d e f", "a u v w x y") for span in side)


def edited() -> Difference:
    """One word of the client's in turn 3 is another."""
    said = parent().turns[2].client
    assert said
    return compare(parent(), fork(4, Edits(client=said.text.replace(said.text.split()[2], "something", 1))))


def test_unrelated_texts_are_not_marked() -> None:
    difference = compare(parent(), fork(4, router="rules"))
    said = difference.pairs[5].rows[2]
    assert all(span.changed for side in said.words for span in side)
    assert said.a
    text = " ".join(shown(difference).split())
    assert said.a in text
    assert f"[-{said.a}" not in text


def test_marks_need_no_color_and_color_needs_no_marks() -> None:
    plain, colored = shown(edited()), shown(edited(), color=True)
    assert "{+something+}" in plain
    assert re.search(r"\[-[^\]]+-\]", plain)
    assert "\x1b" not in plain
    assert "{+" not in colored
    assert "\x1b[1;32msomething" in colored
    without = shown(edited(), color=True, no_color=True)
    assert "{+something+}" in without


@pytest.mark.parametrize("width", [60, 80, 99, 100, 140])
def test_every_word_is_shown_and_fits(width: int) -> None:
    difference = compare(parent(), fork(4, router="rules"))
    text = shown(difference, width)
    assert max(map(len, text.splitlines())) <= width
    said = difference.pairs[5].rows[1]
    if width < 100:
        flat = " ".join(unmarked(text).split())
        assert said.a
        assert said.b
        assert said.a in flat
        assert said.b in flat
        assert "A Counselor" in flat
    else:
        first = next(line for line in text.splitlines() if "A Counselor" in line)
        assert "B Counselor" in first
    assert "Plan, opening and turns 1–3 alike" in text


def test_what_is_alike_is_shown_on_request() -> None:
    difference = compare(parent(), fork(4, router="rules"))
    said = parent().turns[0].client
    assert said
    assert said.text not in " ".join(shown(difference).split())
    assert said.text in " ".join(shown(difference, alike=True).split())


def test_what_one_side_does_not_have_is_nothing() -> None:
    difference = compare(fork(4, router="rules", max_turns=7), parent())
    (pair,) = (pair for pair in difference.pairs if pair.name == "turn 7")
    assert all(row.b is None for row in pair.rows)
    assert "nothing" in shown(difference)


def test_json_has_it_all() -> None:
    difference = compare(parent(), fork(4, router="rules"))
    told = json.loads(json.dumps(as_json(difference)))
    assert told["relation"] == difference.relation
    assert told["shared"] == ["plan", "opening", "turn 1", "turn 2", "turn 3"]
    assert told["a"]["session_id"] == parent().session_id
    assert told["b"]["forked_from"]["turn"] == 4
    alike, other = told["pairs"][2], told["pairs"][5]
    assert alike == {"name": "turn 1", "turn": 1, "alike": True}
    said = parent().turns[3].counselor
    assert said
    row = other["rows"][1]
    assert (row["what"], row["a"]) == ("counselor", said.text)
    assert " ".join(span["text"] for span in row["words"][0]) == " ".join(said.text.split())
    assert as_json(difference, alike=True)["pairs"][2]["rows"]
