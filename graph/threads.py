"""Sessions on record as threads: nodes return the updates on record, without a model, so that the checkpoints are those of the
session."""

from collections import defaultdict, deque
from contextlib import suppress
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphRecursionError
from langsmith import tracing_context

from counseling_sessions.graph.replay import replay
from counseling_sessions.graph.session import run_options, session_input
from counseling_sessions.graph.session_graph import Step, build_session_graph
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig


async def import_session(record: SessionRecord, saver: BaseCheckpointSaver[Any]) -> None:
    """Write a session's checkpoints into the thread of its id, in place of what was there.

    They are those of a session that runs with this saver: the state after every superstep, and the next nodes. A session that
    was cut off ends before its unfinished superstep, and can run on from there; a failed one ends with its failure. Raises
    `ValueError` for a session that this version's graph cannot have made: an unknown configuration, an incomplete turn in the
    middle, a person's words.
    """
    config = SessionConfig.model_validate(record.configuration)
    if any(said.author == "human" for said in record.dialogue):
        raise ValueError("a person took part in it")
    steps = replay(record)
    if gap := next((step for step in steps[:-1] if not step.complete), None):
        raise ValueError(f"its turn {gap.turn} is not whole")
    if not steps[-1].complete:
        steps.pop()
    recorded: defaultdict[str, deque[dict[str, Any]]] = defaultdict(deque)
    for name, change in (named for step in steps for named in step.updates):
        recorded[name].append(change)
    graph = build_session_graph(
        saver,
        method=config.method,
        specialists=config.techniques,
        steps={name: _gives_back(changes) for name, changes in recorded.items()},
    )
    options = run_options(record.session_id, record.profile_id, record.attitude, config)
    if record.failure and record.failure.stage == "session":  # cut off from outside
        options["recursion_limit"] = len(steps)
    begin = session_input(record.session_id, record.profile, record.attitude)
    await saver.adelete_thread(record.session_id)
    with tracing_context(enabled=False), suppress(GraphRecursionError):  # the limit: no more is on record
        await graph.ainvoke(begin, options, context=config, durability="sync")


def _gives_back(changes: deque[dict[str, Any]]) -> Step:
    async def step(models: Models, view: Any, config: SessionConfig) -> dict[str, Any]:
        return changes.popleft()

    return step
