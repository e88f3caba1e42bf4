"""Sessions on record as threads: a session is run again by nodes that give back what they gave then, so that its checkpoints
are those that the session itself would have left. No model is asked."""

from collections import defaultdict, deque
from contextlib import suppress
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphRecursionError
from langsmith import tracing_context

from counseling_sessions.graph.methods import METHODS
from counseling_sessions.graph.session import run_options, session_input
from counseling_sessions.graph.session_graph import Step, build_session_graph
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.intake import IntakeView, intake
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import SessionRecord, Turn, replace, update

Given = tuple[str, dict[str, Any]]
"""What a node gave to the state's channels: its name and the update."""


async def import_session(record: SessionRecord, saver: BaseCheckpointSaver[Any]) -> None:
    """Write a session's checkpoints into the thread of its id, in place of what was there.

    They are those of a session that is run with this saver: the state after every superstep, and which nodes come next. A
    session that was cut off ends before the superstep that it did not finish, and can be run on from there; one that has
    failed ends with its failure, as it did, and can be forked before it. Raises `ValueError` for a session that this version's
    graph cannot have made: a configuration that it does not know, a turn in the middle that is not whole, a person's words.
    """
    config = SessionConfig.model_validate(record.configuration)
    steps = await supersteps(record)
    recorded: defaultdict[str, deque[dict[str, Any]]] = defaultdict(deque)
    for name, change in (given for step in steps for given in step):
        recorded[name].append(change)
    graph = build_session_graph(
        saver,
        method=config.method,
        specialists=config.techniques,
        steps={name: _gives_back(changes) for name, changes in recorded.items()},
    )
    options = run_options(record.session_id, record.profile_id, record.attitude, config)
    if not _has_ended(record):
        options["recursion_limit"] = len(steps)
    begin = session_input(record.session_id, record.profile, record.attitude)
    await saver.adelete_thread(record.session_id)
    with tracing_context(enabled=False), suppress(GraphRecursionError):  # the limit: no more is on record
        await graph.ainvoke(begin, options, context=config, durability="sync")


async def supersteps(record: SessionRecord) -> list[list[Given]]:
    """A session's updates, superstep by superstep: the nodes of one ran at the same time.

    What stands at the end, of a superstep that not all of its nodes have finished, is left out. Raises `ValueError`.
    """
    config = SessionConfig.model_validate(record.configuration)
    counselor = "router" if METHODS[config.method].specialists else "counselor"
    if any(said.author == "human" for said in record.dialogue):
        raise ValueError("a person took part in it")
    taken = await intake(IntakeView(profile=record.profile, attitude=record.attitude))
    steps: list[list[Given]] = [[("intake", taken | update(utterances=record.opening))]]
    if record.plan:
        steps.append([("plan", update(plan=record.plan))])
    for turn in record.turns:
        steps += _of_turn(turn, counselor, config)
        if turn.client is None and turn is not record.turns[-1]:
            raise ValueError(f"its turn {turn.turn} is not whole")
    if record.end_reason:
        steps[-1][-1][1].update(update(end_reason=record.end_reason))
    if record.closing:
        steps.append([(counselor, update(utterances=[record.closing]))])
    elif record.failure and record.failure.stage != "session":
        stage = record.failure.stage
        steps.append([(stage if stage in ("plan", "client") else counselor, update(failure=record.failure))])
    return steps


def _of_turn(turn: Turn, counselor: str, config: SessionConfig) -> list[list[Given]]:
    steps: list[list[Given]] = []
    if turn.pick:
        steps.append([("router", update(picks=[turn.pick]) | {"candidates": replace([])})])
        wanted = config.techniques if config.fan_out == "all" else turn.pick.techniques
        drafted = [(item.technique, update(candidates=[item])) for item in turn.candidates]
        if {name for name, _ in drafted} == set(wanted):
            steps.append(drafted)
        elif turn.counselor:
            raise ValueError(f"the candidates of its turn {turn.turn} are not those of its techniques")
    if turn.counselor:
        steps.append([(counselor, update(utterances=[turn.counselor]))])
    if turn.client:
        steps.append([("client", update(utterances=[turn.client]))])
    return steps


def _has_ended(record: SessionRecord) -> bool:
    """Whether the session's graph came to its end, be it with a failure; else it was cut off from outside."""
    return record.failure is None or record.failure.stage != "session"


def _gives_back(changes: deque[dict[str, Any]]) -> Step:
    async def step(models: Models, view: Any, config: SessionConfig) -> dict[str, Any]:
        return changes.popleft()

    return step
