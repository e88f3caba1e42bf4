"""From a journal to a record and back: what a session's nodes gave comes back from its record, wherever it was cut off."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.replay import replay
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.sessions.journal_lines import JournalContent, JournalResume, JournalUpdate
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import SessionRecord
from tests.scripted import Asked, Sensible, config, profile, scripted_models

TURNS = 3
ROLES = ("plan", "router", "reflection", "questioning", "merge", "counselor", "client", "closing")
TAKEN = ("finished_at", "seconds", "provenance", "usage")
"""What a record has from its clock and from where it was made; `usage` is in the order of the drafts' arrival."""


@cache
def content_of(method: str, fan_out: str, fails: str, ends: str) -> JournalContent:
    """The journal of a scripted session. `fails` is a role that answers nothing: from its second call on, if it has several. `ends` is an end reason."""
    talk, calls = Sensible(), 0

    def answer(asked: Asked) -> Any:
        nonlocal calls
        calls += asked.role == fails
        if asked.role == fails and calls > (fails not in ("plan", "closing")):
            return ""
        return f"{talk(asked)} [END: {ends}]" if asked.role == "client" and ends else talk(asked)

    async def run() -> JournalContent:
        models, _ = scripted_models(answer)
        settings = config(method=method, fan_out=fan_out, max_turns=TURNS, min_turns=2, guard_attempts=1)
        task = SessionTask(profile=profile(), attitude="neutral", config=settings)
        with TemporaryDirectory() as folder:
            await run_session(task, Path(folder), models)
            return read_journal(task.journal_path(Path(folder)))

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()


def again(record: SessionRecord, content: JournalContent) -> SessionRecord:
    """The record that a journal of the replayed updates makes."""
    given = [change for step in replay(record) for change in step.updates]
    updates = [JournalUpdate(node=node, at=0.0, update=change) for node, change in given]
    outside = record.failure if record.failure and record.failure.stage == "session" else None
    return make_record(JournalContent(content.head, updates), outside)


def comparable(record: SessionRecord) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude=set(TAKEN))


def in_supersteps(content: JournalContent) -> list[dict[str, Any]]:
    """A journal's updates by node; what its drafting nodes gave one after another stands together."""
    steps: list[dict[str, Any]] = []
    drafting = set(content.head.configuration.techniques)
    for item in content.updates:
        if not (item.node in drafting and steps and steps[-1].keys() <= drafting):
            steps.append({})
        steps[-1][item.node] = item.update
    return steps


@pytest.mark.parametrize("method", METHODS)
@given(
    fan_out=st.sampled_from(["selected", "all"]),
    fails=st.sampled_from(["", *ROLES]),
    ends=st.sampled_from(["", "resolved", "left"]),
    cut=st.floats(0, 1),
)
@settings(max_examples=10, deadline=None)
def test_a_record_and_its_updates_are_each_others_inverse(
    method: str, fan_out: str, fails: str, ends: str, cut: float
) -> None:
    whole = content_of(method, fan_out, fails, ends)
    content = JournalContent(whole.head, whole.updates[: 1 + round(cut * (len(whole.updates) - 1))])
    record = make_record(content)
    steps = replay(record)

    assert comparable(again(record, content)) == comparable(record)
    assert again(record, content).usage == record.usage
    assert [dict(step.updates) for step in steps] == in_supersteps(content)
    assert [step.complete for step in steps[:-1]] == [True] * (len(steps) - 1)
    drafting = steps[-1].updates[0][0] in whole.head.configuration.techniques
    assert steps[-1].complete == (
        not drafting or in_supersteps(whole)[len(steps) - 1].keys() == dict(steps[-1].updates).keys()
    )


def test_what_is_missing_before_the_end_is_a_gap() -> None:
    record = make_record(content_of("magnet", "selected", "", ""))
    first, *rest = record.turns
    for lost in ({"client": None}, {"counselor": None}, {"candidates": ()}, {"candidates": first.candidates[:1]}):
        steps = replay(record.model_copy(update={"turns": (first.model_copy(update=lost), *rest)}))
        assert [step.turn for step in steps if not step.complete] == [1]


def test_the_time_that_a_session_lay_idle_is_not_its_own() -> None:
    whole = content_of("single", "selected", "", "")
    began = datetime.fromisoformat(whole.head.started_at).timestamp()
    intake, said, replied = (
        item.model_copy(update={"at": began + at}) for item, at in zip(whole.updates[:3], (1, 5, 92), strict=True)
    )
    content = JournalContent(whole.head, [intake, said])
    content.apply(JournalResume(keep=1, at=began + 90))  # taken up after 85 s, from the intake on
    content.updates += [said.model_copy(update={"at": began + 91}), replied]
    record = make_record(content)
    assert (record.resumed, record.seconds) == (1, 92 - 85)


def test_every_call_is_there_once_in_the_order_of_work_and_the_failures_is_the_last() -> None:
    for method, fails in (("magnet", ""), ("magnet", "closing"), ("single-plan", "counselor"), ("magnet", "plan")):
        content = content_of(method, "selected", fails, "")
        record = make_record(content)
        made = [item for change in content.updates for item in _items(change.update) if item.get("call")]
        assert len(record.calls) == len(made)
        assert {call.started for _, call in record.calls} == {item["call"]["started"] for item in made}
        assert [turn for turn, _ in record.calls] == sorted(turn for turn, _ in record.calls)
        assert (record.failure is not None) == bool(fails)
        assert record.failure is None or record.calls[-1][1] == record.failure.call
        assert record.calls[0][0] == 0  # the plan's, also where there was none to be had


def _items(update: dict[str, Any]) -> list[dict[str, Any]]:
    values = [value if isinstance(value, list) else [value] for value in update.values()]
    return [item for value in values for item in value if isinstance(item, dict)]
