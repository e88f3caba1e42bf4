"""The journal: what it says is what the graph's own state was, however it was cut, spoilt, locked or resumed."""

import contextlib
import errno
import json
import os
import re
import signal
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counseling_sessions.graph.provenance import provenance
from counseling_sessions.graph.session import SessionTask, resume_session, run_session
from counseling_sessions.graph.session_graph import build_session_graph, recursion_limit
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.sessions.errors import JournalError
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_lines import FORMAT, SUFFIX, JournalHead, JournalResume, JournalUpdate
from counseling_sessions.sessions.journal_reading import fold, has_begun, read_journal
from counseling_sessions.sessions.record import SessionRecord
from tests.forked import ended, start
from tests.full_disk import fill_up
from tests.scripted import Sensible, config, profile, said, scripted_models


def task(**options: Any) -> SessionTask:
    return SessionTask(profile=profile(), attitude="neutral", config=config(**options))


def head(**options: Any) -> JournalHead:
    job = task(**options)
    return JournalHead(
        session_id=job.session_id,
        profile=job.profile,
        attitude=job.attitude,
        configuration=job.config,
        provenance=provenance(job.config),
        started_at="2026-01-01T00:00:00.000+00:00",
    )


NAME = f"{head().session_id}{SUFFIX}"


async def ran(folder: Path, **options: Any) -> tuple[SessionRecord, Path]:
    models, _ = scripted_models(Sensible())
    job = task(**options)
    return await run_session(job, folder, models), job.journal_path(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real journal of a session of four turns, from its head to its closing utterance."""
    return real_journal(tmp_path_factory.mktemp("whole"))


@cache
def real_journal(folder: Path) -> bytes:
    import asyncio

    _, path = asyncio.run(ran(folder, max_turns=4))
    return path.read_bytes()


def written(folder: Path, data: bytes) -> Path:
    """A journal's file, named by the session that its first line names."""
    line = re.search(rb'"session_id": ?"([0-9a-f-]{36})"', data)
    path = folder / f"{line[1].decode() if line else 'one'}{SUFFIX}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "options", [{}, {"fan_out": "all"}, {"router": "rules"}, {"method": "single-plan"}, {"method": "magnet-no-router"}]
)
async def test_folding_a_journal_gives_the_graphs_own_state(tmp_path: Path, options: dict[str, Any]) -> None:
    job = task(**options)
    models, _ = scripted_models(Sensible())
    graph = build_session_graph(method=job.config.method, specialists=job.config.techniques, models=models)
    begin = {"session_id": job.session_id, "profile": job.profile.model_dump(mode="json"), "attitude": "neutral"}
    limit = {"recursion_limit": recursion_limit(job.config.max_turns)}
    expected = await graph.ainvoke(begin | {"profile_id": job.profile.id}, limit, context=job.config)
    _, path = await ran(tmp_path, **options)
    # The channels that a method never writes exist, empty, in the graph alone.
    folded = {"session_id": job.session_id, "picks": [], "candidates": [], "client_states": [], "risk": []} | fold(
        read_journal(path).updates
    )
    assert without_times(folded) == without_times(expected)


async def test_the_record_and_the_state_have_the_same_dialogue(tmp_path: Path) -> None:
    record, path = await ran(tmp_path)
    state = fold(read_journal(path).updates)
    assert [said.model_dump(mode="json") for said in record.dialogue] == state["utterances"]
    assert record.plan
    assert record.plan.model_dump(mode="json") == state["plan"]


def test_an_overwrite_replaces_and_an_append_appends() -> None:
    updates = [
        {"candidates": [{"n": 1}], "utterances": [{"n": 1}]},
        {"candidates": [{"n": 2}], "utterances": [{"n": 2}]},
        {"candidates": {"__overwrite__": [{"n": 3}]}, "attitude": "positive"},
        {"candidates": [{"n": 4}], "attitude": "negative"},
    ]
    items = [JournalUpdate(node="x", at=0, update=update) for update in updates]
    assert fold(items) == {
        "candidates": [{"n": 3}, {"n": 4}],
        "utterances": [{"n": 1}, {"n": 2}],
        "attitude": "negative",
    }
    assert (
        fold([*items, JournalUpdate(node="x", at=0, update={"candidates": {"__overwrite__": []}})])["candidates"] == []
    )
    # The journal's own lists are not the state's: folding twice gives the same.
    assert fold(items) == fold(items)


@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_journal_cut_at_any_byte_is_a_prefix_of_its_updates(whole: bytes, cut: float) -> None:
    cut_at(whole, int(cut * len(whole)))


def test_a_journal_cut_around_any_line_end_is_a_prefix_of_its_updates(whole: bytes) -> None:
    ends = [place for place, byte in enumerate(whole) if byte == 10]
    for place in ends:
        for cut in (place - 1, place, place + 1):
            cut_at(whole, cut)


def cut_at(whole: bytes, cut: int) -> None:
    first_line = whole.index(b"\n")
    with TemporaryDirectory() as folder:
        full = read_journal(written(Path(folder), whole))
        path = written(Path(folder), whole[:cut])
        if cut < first_line:
            with pytest.raises(JournalError, match=str(path)):
                read_journal(path)
            return
        content = read_journal(path)
        assert content.updates == full.updates[: len(content.updates)]
        assert len(content.updates) >= whole[first_line + 1 : cut].count(b"\n")
        assert content.unreadable <= 1
        # Taken up again, it holds the turns that were finished, and reads the same ever after.
        finished = content.finished_updates
        journal, resumed = Journal.resume(path)
        node = "client" if finished else "intake"
        journal.add(node, {"utterances": []})
        journal.close()
        again = read_journal(path)
        assert resumed.updates == finished == again.updates[:-1]
        assert (again.resumed, again.updates[-1].node) == (1, node)


@given(place=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=40))
def test_junk_anywhere_after_the_head_leaves_a_prefix(whole: bytes, place: float, junk: bytes) -> None:
    first_line = whole.index(b"\n") + 1
    at = first_line + int(place * (len(whole) - first_line))
    with TemporaryDirectory() as folder:
        full = read_journal(written(Path(folder), whole))
        content = read_journal(written(Path(folder), whole[:at] + b"\n" + junk + b"\n" + whole[at:]))
        assert content.updates == full.updates[: len(content.updates)]


@given(st.binary(max_size=200))
def test_any_file_is_a_journal_or_said_to_be_none(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder), data)
        with pytest.raises(JournalError, match="is not a session's journal"):
            read_journal(path)


async def test_a_lost_line_in_the_middle_takes_what_came_after_it(tmp_path: Path, whole: bytes) -> None:
    """Were only the lost line left out, a finished session could lack an utterance without anybody noticing."""
    lines = whole.splitlines(keepends=True)
    lost = next(n for n, line in enumerate(lines) if b'"node":"client"' in line and b'"turn":2' in line)
    lines[lost] = b"\0" * len(lines[lost].rstrip()) + b"\n"
    path = written(tmp_path, b"".join(lines))
    content = read_journal(path)
    assert len(content.updates) == lost - 1
    assert content.unreadable == len(lines) - lost
    models, _ = scripted_models(Sensible())
    record = await resume_session(path, models)
    assert_whole(record, 4)


async def test_a_resume_mark_takes_back_the_cut_off_turn_and_the_session_goes_on(tmp_path: Path, whole: bytes) -> None:
    lines = whole.splitlines(keepends=True)
    for cut in range(1, len(lines) + 1):
        path = written(tmp_path, b"".join(lines[:cut])[: -1 if cut % 2 else None])
        models, _ = scripted_models(Sensible())
        record = await resume_session(path, models)
        assert_whole(record, 4)
        assert record.resumed == 1
        content = read_journal(path)
        assert content.resumed == 1
        assert [said.model_dump(mode="json") for said in record.dialogue] == fold(content.updates)["utterances"]


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_can_be_taken_up_again(tmp_path: Path, method: str) -> None:
    _, path = await ran(tmp_path, method=method, max_turns=4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    models, asked = scripted_models(Sensible())
    record = await resume_session(path, models)
    assert record.failure is None
    assert [said.speaker for said in record.dialogue] == ["counselor", "client"] * 5 + ["counselor"]
    # The plan was made before the cut: it is kept, not made again.
    assert (record.plan is not None) == METHODS[record.configuration["method"]].plan
    assert "plan" not in {request.role for request in asked}


def test_an_impossible_resume_mark_is_not_followed(tmp_path: Path) -> None:
    mark = JournalResume(keep=5, at=0).model_dump_json()
    path = written(tmp_path, f"{head().model_dump_json()}\n{mark}\n".encode())
    content = read_journal(path)
    assert (content.resumed, content.unreadable) == (0, 1)


def test_the_time_between_cut_and_resume_is_not_the_sessions(tmp_path: Path) -> None:
    lines = [
        head(),
        JournalUpdate(node="intake", at=100, update={}),
        JournalResume(keep=1, at=160),
        JournalUpdate(node="plan", at=161, update={}),
        JournalResume(keep=2, at=171),
    ]
    content = read_journal(written(tmp_path, b"".join(line.model_dump_json().encode() + b"\n" for line in lines)))
    assert (content.paused, content.resumed) == (70, 2)


def test_a_newer_format_is_refused_as_such(tmp_path: Path) -> None:
    data = head().model_dump(mode="json") | {"format": FORMAT + 1, "a_field_of_tomorrow": True}
    path = written(tmp_path, json.dumps(data).encode() + b"\n")
    with pytest.raises(JournalError, match=rf"{path} has format {FORMAT + 1}; this version reads up to {FORMAT}"):
        read_journal(path)
    with pytest.raises(JournalError, match="has format"):
        Journal.resume(path)


def test_a_session_begins_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / NAME
    Journal.create(path, head()).close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"is there already.*--resume"):
        Journal.create(path, head())
    assert path.read_bytes() == before


@pytest.mark.parametrize("piece", [b"", b'{"type": "start", "form'])
def test_a_crash_before_the_first_line_was_whole_is_no_session(tmp_path: Path, piece: bytes) -> None:
    path = tmp_path / NAME
    path.write_bytes(piece)
    assert not has_begun(path)
    Journal.create(path, head()).close()
    assert has_begun(path)
    assert read_journal(path).head == head()


def test_a_journal_in_use_is_locked_in_this_process_and_in_others(tmp_path: Path) -> None:
    path = tmp_path / NAME
    journal = Journal.create(path, head())
    size = path.stat().st_size
    with pytest.raises(JournalError, match="is in use by another process"):
        Journal.resume(path)
    with pytest.raises(JournalError, match="is in use by another process"):
        Journal.create(path, head())
    code = f"from counseling_sessions.sessions.journal import Journal; from pathlib import Path; Journal.resume(Path({str(path)!r}))"
    assert "is in use by another process" in python(code, tmp_path)[1]
    assert path.stat().st_size == size
    journal.close()
    journal.close()  # once is enough, twice does no harm
    Journal.resume(path)[0].close()


def test_a_dead_process_holds_no_lock(tmp_path: Path) -> None:
    path = written(tmp_path, head().model_dump_json().encode() + b"\n")
    code = f"""
        import os, signal
        from pathlib import Path
        from counseling_sessions.sessions.journal import Journal
        journal, _ = Journal.resume(Path({str(path)!r}))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert python(code, tmp_path)[0] == -signal.SIGKILL
    journal, content = Journal.resume(path)
    journal.close()
    assert content.resumed == 2


@contextlib.contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    with unwritable(tmp_path), pytest.raises(JournalError, match="cannot be written: Permission denied"):
        Journal.create(tmp_path / NAME, head())


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(JournalError, match=r"taken/one.journal.jsonl cannot be written"):
        Journal.create(tmp_path / "taken" / "one.journal.jsonl", head())
    with pytest.raises(JournalError, match="cannot be opened: No such file"):
        Journal.resume(tmp_path / "none.journal.jsonl")


def test_a_full_disk_at_the_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / NAME
    with monkeypatch.context() as patch:
        fill_up(patch, after=100)
        with pytest.raises(JournalError, match="cannot be written: No space left on device"):
            Journal.create(path, head())
    assert not path.exists()


async def test_a_full_disk_loses_the_turn_in_flight_and_no_more(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for share in (0.3, 0.6, 0.9):
        folder = tmp_path / str(share)
        with monkeypatch.context() as patch:
            fill_up(patch, after=int(len(whole) * share))
            with pytest.raises(JournalError, match="No space left on device"):
                await ran(folder, max_turns=4)
        path = task(max_turns=4).journal_path(folder)
        assert read_journal(path).unreadable <= 1
        models, _ = scripted_models(Sensible())
        assert_whole(await resume_session(path, models), 4)


def test_a_disk_that_fails_at_the_sync_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.create(tmp_path / NAME, head())

    def fsync(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    journal.add("router", {})
    with pytest.raises(JournalError, match="cannot be written: Input/output error"):
        journal.add("client", {})
    journal.close()


async def test_a_failed_turn_is_tried_again(tmp_path: Path) -> None:
    sensible, broken = Sensible(), True

    job = task(max_turns=4, guard_attempts=1)
    models, asked = scripted_models(lambda request: said("") if fails(request, asked) else sensible(request))

    def fails(request: Any, so_far: list[Any]) -> bool:
        return broken and request.role == "client" and sum(item.role == "client" for item in so_far) == 3

    record = await run_session(job, tmp_path, models)
    assert record.status == "failed"
    assert record.failure
    assert record.failure.stage == "client"
    assert [turn.turn for turn in record.turns if turn.client] == [1, 2]
    broken = False
    again = await resume_session(job.journal_path(tmp_path), models)
    assert_whole(again, 4)
    assert [turn.client for turn in again.turns[:2]] == [turn.client for turn in record.turns[:2]]


def assert_whole(record: SessionRecord, turns: int) -> None:
    assert record.failure is None
    assert [said.speaker for said in record.dialogue] == ["counselor", "client"] * (turns + 1) + ["counselor"]
    assert [said.turn for said in record.dialogue] == [n for turn in range(turns + 1) for n in (turn, turn)] + [
        turns + 1
    ]
    assert all(turn.pick and turn.candidates for turn in record.turns)
    assert len({said.text for said in record.dialogue}) == len(record.dialogue)


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in {"started", "seconds"}}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def python(code: str, folder: Path) -> tuple[int | None, str]:
    """Run code in another process: its exit code, and what it wrote."""
    program, shown = folder / "other.py", folder / "shown.txt"
    program.write_text(textwrap.dedent(code), encoding="utf-8")
    return ended(start([], shown, program=program)), shown.read_text()
