"""A session on record, imported into a thread: the same checkpoints as a session run with a checkpointer leaves."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ValidationError

from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.graph.threads import import_session
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import replace
from tests.scripted import Answer, Asked, Sensible, config, profile, scripted_models

Snapshot = tuple[dict[str, Any], tuple[str, ...], dict[str, Any]]


async def made(answer: Answer | None = None, **options: Any) -> tuple[SessionRecord, list[Snapshot], JournalContent]:
    """A session run with a checkpointer: its record, its thread's history, and its journal."""
    models, _ = scripted_models(answer or Sensible())
    task = SessionTask(profile=profile(), attitude="negative", config=config(**options))
    saver = InMemorySaver()
    with tempfile.TemporaryDirectory() as folder:
        record = await run_session(task, Path(folder), models, checkpointer=saver)
        content = read_journal(task.journal_path(Path(folder)))
    return record, await history(saver, record), content


async def imported(record: SessionRecord) -> list[Snapshot]:
    saver = InMemorySaver()
    await import_session(record, saver)
    return await history(saver, record)


async def history(saver: InMemorySaver, record: SessionRecord) -> list[Snapshot]:
    """The thread's states from the first to the last: values, the nodes that come next, metadata."""
    thread: Any = {"configurable": {"thread_id": record.session_id}}
    states = [state async for state in build_session_graph(saver).aget_state_history(thread)]
    return [(state.values, state.next, dict(state.metadata or {})) for state in reversed(states)]


@pytest.mark.parametrize(
    "options",
    [
        {"method": "magnet"},
        {"method": "magnet", "fan_out": "all", "router": "rules"},
        {"method": "magnet-no-plan-no-router"},
        {"method": "single-plan"},
        {"method": "single", "prompt_layout": "separate"},
    ],
)
async def test_an_imported_session_has_the_history_of_one_that_was_run(options: dict[str, Any]) -> None:
    record, wanted, _ = await made(max_turns=2, **options)

    checkpoints = await imported(record)

    assert record.status == "finished"
    assert checkpoints == wanted
    assert checkpoints[-1][1] == ()
    assert checkpoints[-1][0]["utterances"][-1]["closing"]


@pytest.mark.parametrize("options", [{"max_turns": 2}, {"max_turns": 2, "method": "single"}])
async def test_a_session_cut_anywhere_ends_at_its_last_whole_superstep(options: dict[str, Any]) -> None:
    _, wanted, content = await made(**options)

    for cut in range(1, len(content.updates) + 1):
        record = make_record(JournalContent(content.head, content.updates[:cut]))
        checkpoints = await imported(record)

        assert checkpoints == wanted[: len(checkpoints)], cut
        if record.failure:  # cut off: its graph goes on from there
            assert checkpoints[-1][1]
            drafted = content.updates[cut - 1].node in record.configuration["techniques"]
            assert drafted or wanted[len(checkpoints)][0] != checkpoints[-1][0]


class Fails(Sensible):
    """Refuses one role from its second call on."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role, self.calls = role, 0

    def __call__(self, asked: Asked) -> Any:
        self.calls += asked.role == self.role
        return "" if asked.role == self.role and self.calls > 1 else super().__call__(asked)


@pytest.mark.parametrize("role", ["client", "merge", "closing"])
async def test_a_failed_session_ends_with_its_failure(role: str) -> None:
    answer = Fails(role) if role != "closing" else (lambda asked: "" if asked.role == "closing" else sensible(asked))
    sensible = Sensible()
    record, wanted, _ = await made(answer, max_turns=2, guard_attempts=1)

    checkpoints = await imported(record)

    assert record.status == "failed"
    assert record.failure
    assert record.failure.stage != "session"
    assert checkpoints == wanted
    assert checkpoints[-1][0]["failure"]["kind"] == "refused_by_guards"


async def test_it_runs_on_from_where_it_was_cut_off() -> None:
    record, _, content = await made(max_turns=2)
    cut = make_record(JournalContent(content.head, content.updates[:8]))  # after the second turn's pick
    saver = InMemorySaver()
    await import_session(cut, saver)
    models, asked = scripted_models(Sensible())
    graph = build_session_graph(saver, models=models)

    state = await graph.ainvoke(None, {"configurable": {"thread_id": cut.session_id}}, context=config(max_turns=2))

    assert {call.role for call in asked[:2]} == {"reflection", "questioning"}
    assert [call.role for call in asked[2:]] == ["merge", "client", "closing"]
    assert [said["text"] for said in state["utterances"][:4]] == [said.text for said in record.dialogue[:4]]
    assert state["end_reason"] == "turn_limit"


async def test_an_edited_pick_decides_who_drafts() -> None:
    record, _, _ = await made(max_turns=2)
    saver = InMemorySaver()
    await import_session(record, saver)
    models, asked = scripted_models(Sensible())
    graph = build_session_graph(saver, models=models)
    thread: Any = {"configurable": {"thread_id": record.session_id}}
    states = [state async for state in graph.aget_state_history(thread)]
    picked = next(state for state in states if set(state.next) == {"reflection", "questioning"})
    assert record.turns[1].pick
    other = record.turns[1].pick.model_copy(update={"techniques": ("normalizing",)}).model_dump(mode="json")
    change = {"picks": replace([*picked.values["picks"][:-1], other])}

    fork = await graph.aupdate_state(picked.config, change, as_node="router")
    await graph.ainvoke(None, fork, context=config(max_turns=2))

    assert [call.role for call in asked] == ["normalizing", "merge", "client", "closing"]


async def test_what_was_in_the_thread_goes() -> None:
    record, _, content = await made(max_turns=2)
    saver = InMemorySaver()
    await import_session(record, saver)

    cut = make_record(JournalContent(content.head, content.updates[:2]))
    await import_session(cut, saver)

    assert [said["turn"] for said in (await history(saver, cut))[-1][0]["utterances"]] == [0, 0]


async def test_what_this_graph_cannot_have_made_is_refused() -> None:
    record, _, _ = await made(max_turns=2)
    first, second = record.turns
    saver = InMemorySaver()

    with pytest.raises(ValueError, match="turn 1 is not whole"):
        await import_session(
            record.model_copy(update={"turns": (first.model_copy(update={"client": None}), second)}), saver
        )
    with pytest.raises(ValueError, match="its turn 2 is not whole"):
        await import_session(
            record.model_copy(update={"turns": (first, second.model_copy(update={"candidates": ()}))}), saver
        )
    with pytest.raises(ValidationError, match="method"):
        await import_session(record.model_copy(update={"configuration": {"method": "unheard-of"}}), saver)
    spoken = second.model_copy(
        update={"counselor": second.counselor and second.counselor.model_copy(update={"author": "human"})}
    )
    with pytest.raises(ValueError, match="a person took part"):
        await import_session(record.model_copy(update={"turns": (first, spoken)}), saver)
    assert not await history(saver, record)
