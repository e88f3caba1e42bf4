"""Journals that no session wrote: refused by file, line and field, or read up to where they make sense; never anything else."""

import asyncio
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.graph.practice import Practice
from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.session import find_session, resume_session
from counseling_sessions.sessions.errors import DamagedJournal, JournalError
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_lines import SUFFIX, JournalContent, JournalUpdate
from counseling_sessions.sessions.journal_reading import fold, has_begun, read_journal
from tests.graph.test_journal import NAME, assert_whole, head, ran, written
from tests.scripted import Sensible, scripted_models

EDITS = 240
Line = dict[str, Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    _, path = asyncio.run(ran(tmp_path_factory.mktemp("whole"), max_turns=3))
    return path.read_bytes()


def with_line(whole: bytes, number: int, change: Callable[[Line], None]) -> bytes:
    """The journal with one line (from 1) changed."""
    lines = whole.splitlines()
    value = json.loads(lines[number - 1])
    change(value)
    lines[number - 1] = json.dumps(value).encode()
    return b"\n".join(lines) + b"\n"


def line_with(whole: bytes, channel: str, count: int = 1) -> int:
    """The number of the line that gives to a channel for the n-th time."""
    numbers = [n for n, line in enumerate(whole.splitlines(), 1) if channel in json.loads(line).get("update", ())]
    return numbers[count - 1]


MALFORMED: list[tuple[str, int, Callable[[Line], None], str]] = [
    ("utterances", 3, lambda line: line["update"]["utterances"][0].update(turn=7), r"update.utterances.0: turn 7 of the"),
    ("utterances", 3, lambda line: line["update"]["utterances"][0].update(turn="x"), r"update.utterances.0.turn: "),
    ("utterances", 3, lambda line: line["update"]["utterances"][0].update(speaker="both"), r"update.utterances.0.speaker"),
    ("utterances", 3, lambda line: line["update"]["utterances"].insert(0, 3), r"update.utterances.0: "),
    ("utterances", 2, lambda line: line["update"].update(utterances={"__overwrite__": 3}), r"update.utterances: "),
    ("utterances", 2, lambda line: line["update"].update(utterances=7), r"update.utterances: "),
    ("utterances", 4, lambda line: line["update"]["utterances"][0].update(closing=True), r"something is said after the clos"),
    ("picks", 1, lambda line: line["update"]["picks"][0].update(techniques=[]), r"update.picks.0.techniques: "),
    ("picks", 2, lambda line: line["update"]["picks"][0].update(turn=1), r"update.picks.0.turn: turn 1 where turn 2 is in"),
    ("candidates", 2, lambda line: line["update"]["candidates"].append(None), r"update.candidates.1: "),
    ("candidates", 2, lambda line: line["update"].update(candidates=line["update"]["candidates"] * 2), r"has its questioning"),
    ("plan", 1, lambda line: line["update"]["plan"].update(steps="one"), r"update.plan.steps: "),
    ("plan", 1, lambda line: line["update"].update(plans={}), r"update.plans: Extra inputs are not permitted"),
    ("plan", 1, lambda line: line["update"]["plan"]["call"].update(seconds=-1), r"update.plan.call.seconds: "),
    ("profile", 1, lambda line: line["update"]["profile"].update(reason_for_counseling="x"), r"update.profile: another one"),
    ("attitude", 1, lambda line: line["update"].update(attitude="positive"), r"update.attitude: another one"),
    ("profile", 1, lambda line: line.update(node="plan"), r"node: a session begins with its intake, not with 'plan'"),
]  # fmt: skip


@pytest.mark.parametrize(("channel", "count", "change", "message"), MALFORMED)
def test_a_malformed_update_is_refused_by_file_line_and_field(
    tmp_path: Path, whole: bytes, channel: str, count: int, change: Callable[[Line], None], message: str
) -> None:
    number = line_with(whole, channel, count)
    path = written(tmp_path, with_line(whole, number, change))
    with pytest.raises(
        DamagedJournal, match=rf"{path} is damaged, line {number}|is damaged, line {number + 1}"
    ) as error:
        read_journal(path)
    assert error.match(message)
    with pytest.raises(DamagedJournal):
        Journal.resume(path)[0].close()
    assert "\n" not in str(error.value)


def test_what_was_taken_back_is_not_judged(tmp_path: Path, whole: bytes) -> None:
    """Only what counts is: a session that was taken up after a disk fault is whole."""
    lines = whole.splitlines(keepends=True)
    bad = b'{"type": "update", "node": "client", "at": 1, "update": {"utterances": 3}}\n'
    mark = b'{"type": "resume", "keep": 2, "at": 2}\n'
    path = written(tmp_path, b"".join([*lines[:3], bad, mark, *lines[3:]]))
    assert len(read_journal(path).updates) == len(lines) - 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line.update(session_id="../../x"), r"line 1: session_id: "),
        (lambda line: line.update(session_id=""), r"line 1: session_id: "),
        (
            lambda line: line.update(session_id="another"),
            r"the journal of another session, line 1: session_id: another",
        ),
        (lambda line: line.update(started_at="yesterday"), r"line 1: started_at: no date and time"),
        (lambda line: line.update(started_at="0001-01-01T00:00:00"), r"line 1: started_at: no date and time"),
        (lambda line: line.update(started_at=7), r"line 1: started_at: "),
        (lambda line: line["configuration"].update(seed=2**40), r"line 1: configuration.seed: "),
        (lambda line: line["configuration"].update(max_turns=10**9), r"line 1: configuration.max_turns: "),
        (lambda line: line.pop("profile"), r"line 1: profile: "),
    ],
)
def test_a_head_that_is_none_of_ours_is_refused(
    tmp_path: Path, whole: bytes, change: Callable[[Line], None], message: str
) -> None:
    path = tmp_path / NAME
    path.write_bytes(with_line(whole, 1, change))
    with pytest.raises(DamagedJournal, match=message):
        read_journal(path)


@pytest.mark.parametrize("at", ["NaN", "Infinity", "-1", "1e999", "1e300", '"noon"'])
def test_a_time_that_is_none_ends_what_is_read(tmp_path: Path, whole: bytes, at: str) -> None:
    lines = whole.splitlines(keepends=True)
    line = json.loads(lines[4])
    lines[4] = lines[4].replace(str(line["at"]).encode(), at.encode())
    content = read_journal(written(tmp_path, b"".join(lines)))
    assert len(content.updates) == 3
    assert content.unreadable == len(lines) - 4
    assert make_record(content).seconds < 1e6


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "long line", "deep"])
async def test_hostile_files_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / NAME
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "deep":
        path.write_bytes(b"[" * 2_000_000 + b"\n")
    else:
        with path.open("wb") as file:
            file.truncate(2**30)
    models, _ = scripted_models(Sensible())
    with pytest.raises(DamagedJournal, match=NAME):
        await resume_session(path, models)
    with pytest.raises(DamagedJournal, match=NAME):
        read_journal(path)
    if kind not in ("deep", "long line"):
        with pytest.raises(DamagedJournal, match=NAME):
            has_begun(path)
    with pytest.raises(JournalError):
        find_session(path.parent if kind == "folder" else tmp_path / "nothing")


@pytest.mark.parametrize(
    "update",
    [
        {"utterances": 3}, {"utterances": {"__overwrite__": 1}}, {"utterances": {"other": []}}, {"picks": "abc"},
        {"candidates": None}, {"utterances": [{"turn": 1}]}, {"plan": 3}, {"failure": [1]}, {"end_reason": {}},
        {"utterances": [{"turn": 10**400, "speaker": "client", "text": "\ud800"}]},
    ],
)  # fmt: skip
def test_hostile_updates_raise_nothing_but_a_journal_error(update: dict[str, Any]) -> None:
    item = JournalUpdate(node="client", at=0, update=update)
    with pytest.raises(JournalError):
        make_record(JournalContent(head(), [item]))
    try:
        fold([item, item])
    except JournalError as error:
        assert "no list" in str(error)


async def test_a_practice_journal_is_judged_too(tmp_path: Path) -> None:
    from tests.graph.test_practice_graph import Session, say

    session = Session(tmp_path, "counselor", max_turns=2)
    await session.practice.start()
    await say(session.practice, "What is it about the nights?")
    session.practice.close()
    path = session.practice.journal.path
    path.write_bytes(path.read_bytes().replace(b'"speaker":"client","text"', b'"speaker":"nobody","text"'))
    with pytest.raises(DamagedJournal, match=r"line 2: update.utterances.1.speaker"):
        Practice.resume(path, session.models, session.saver)


def edited(data: bytes, draw: random.Random) -> bytes:
    """One random edit: of bytes, of lines, or of a field of a line."""
    lines = data.splitlines(keepends=True)
    place, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    kind = draw.choice(["flip", "cut", "drop", "double", "swap", "delete", "retype", "rename", "number"])
    if kind == "flip":
        at = draw.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]
    if kind == "cut":
        lines[place] = lines[place][: draw.randrange(len(lines[place]))] + b"\n"
    elif kind == "drop":
        del lines[place]
    elif kind == "double":
        lines.insert(other, lines[place])
    elif kind == "swap":
        lines[place], lines[other] = lines[other], lines[place]
    else:
        value = json.loads(lines[place])
        holder, key = draw.choice(list(fields(value)))
        if kind == "delete":
            del holder[key]
        elif kind == "rename" and isinstance(holder, dict):
            holder[f"{key}s"] = holder.pop(key)
        elif kind == "number":
            holder[key] = draw.choice([-1, 0, 1, 2, 10**30, 0.5])
        else:
            holder[key] = draw.choice([None, [], {}, "x", [[]], {"__overwrite__": 1}, True, [None]])
        lines[place] = json.dumps(value).encode() + b"\n"
    return b"".join(lines)


def fields(value: Any) -> Any:
    """Every field of a JSON value: what holds it, and its name or place."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from fields(value[key])


@pytest.mark.parametrize("seed", range(4))
async def test_a_journal_edited_at_random_is_gone_on_with_rightly_or_refused(
    tmp_path: Path, whole: bytes, seed: int
) -> None:
    draw = random.Random(seed)
    outcomes = {"read": 0, "refused": 0}
    name = json.loads(whole.splitlines()[0])["session_id"] + SUFFIX
    for number in range(EDITS // 4):
        path = tmp_path / str(number) / name
        path.parent.mkdir()
        path.write_bytes(edited(whole, draw))
        try:
            kept = read_journal(path).finished_updates
        except JournalError as error:
            assert str(path) in str(error)
            outcomes["refused"] += 1
            with pytest.raises(JournalError):
                Journal.resume(path)[0].close()
            continue
        before = fold(kept).get("utterances", [])
        models, _ = scripted_models(Sensible())
        try:
            record = await resume_session(path, models)
        except JournalError as error:
            assert "there is no technique" in str(error)
            continue
        outcomes["read"] += 1
        assert record.failure is None
        dialogue = [said.model_dump(mode="json") for said in record.dialogue]
        assert len(dialogue) >= len(before)
        for said, there in zip(dialogue, before, strict=False):
            assert {name: said[name] for name in ("turn", "speaker", "text")} == {
                name: there[name] for name in ("turn", "speaker", "text")
            }
        if record.configuration["max_turns"] == 3 and len(record.turns) == 3:
            assert_order(record)
    assert min(outcomes.values()) > EDITS // 40, outcomes


def assert_order(record: Any) -> None:
    speakers = [said.speaker for said in record.dialogue]
    assert speakers == ["counselor", "client"] * (len(speakers) // 2) + ["counselor"]
    assert [turn.turn for turn in record.turns] == [1, 2, 3]


async def test_an_untouched_journal_is_gone_on_with_to_the_end(tmp_path: Path, whole: bytes) -> None:
    models, _ = scripted_models(Sensible())
    assert_whole(await resume_session(written(tmp_path, whole), models), 3)
