"""The practice graph: the session graph with a person in the place of one side. The person's turns are interrupts.

    the person is the counselor:  START → intake → person ⇄ client … until the person's closing words → END
    the person is the client:     START → intake → plan → router ⇄ specialists … → person → router … → END

Both parts are one graph; the routes follow the part that is in the state. The node `person` comes again, by way of its own route,
until it has words that can be said: after a slip, and after the question about unclear words of a client.
"""

from collections.abc import Hashable, Sequence
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Checkpointer

from counseling_sessions.graph.served import ServedConfig, ServedModels
from counseling_sessions.graph.session_graph import (
    Node,
    Step,
    as_node,
    counselor_nodes,
    recursion_limit,
    route_from_client,
    route_from_counselor,
    route_from_intake,
    route_from_plan,
    route_from_router,
)
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.client import client
from counseling_sessions.nodes.facing import FacingView
from counseling_sessions.nodes.person import (
    PersonView,
    PracticeFlowView,
    PracticeInput,
    PracticeIntakeView,
    PracticeState,
    person,
    practice_intake,
)
from counseling_sessions.nodes.stopping import stopped_unchecked, with_farewell
from counseling_sessions.nodes.techniques import technique, techniques
from counseling_sessions.settings import MOST_TURNS, SessionConfig
from counseling_sessions.state import ClientView

PracticeGraph = CompiledStateGraph[PracticeState, SessionConfig, PracticeInput, PracticeState]

WAITS = "Waits for what the person says. A client's message is checked for risk, and asked about where it is unclear."


def build_practice_graph(
    checkpointer: Checkpointer = None,
    *,
    specialists: Sequence[str] | None = None,
    models: Models | None = None,
    served: bool = False,
) -> PracticeGraph:
    """Build the graph of both parts. Running it needs a checkpointer: an interrupt is taken up from its checkpoint.

    The options are those of `build_session_graph`.
    """
    models = models or (ServedModels() if served else Models())
    names = [technique(name).name for name in specialists or techniques()]
    builder: StateGraph[PracticeState, SessionConfig, PracticeInput, PracticeState] = StateGraph(
        PracticeState, context_schema=ServedConfig if served else SessionConfig, input_schema=PracticeInput
    )
    nodes: list[Node] = [
        ("intake", practice_intake, PracticeIntakeView, "takes the intake form and the person's part; no call"),
        ("person", person, PersonView, WAITS),
        ("client", client, ClientView, "plays the intake form with its attitude"),
        *((name, _facing(step), FacingView, about) for name, step, _, about in counselor_nodes(names)),
    ]
    for name, step, view, about in nodes:
        builder.add_node(name, as_node(step, models, served=served), input_schema=view, metadata={"description": about})
    _connect(builder, names)
    compiled = builder.compile(checkpointer=checkpointer, name="practice")
    return compiled.with_config(recursion_limit=recursion_limit(MOST_TURNS))


def route_from_practice_intake(state: PracticeFlowView) -> str:
    """To whoever speaks next; a session that is taken up again may have stopped on either side."""
    if state.failure:
        return END
    last = state.utterances[-1] if state.utterances else None
    counselors_turn = last is None or last.speaker == "client"
    if state.part == "counselor":
        return "person" if counselors_turn else "client"
    return route_from_intake(state) if counselors_turn else "person"


def route_from_person(state: PracticeFlowView) -> str:
    """To the other side; to the person again until something is said; to the end after risk or the closing words."""
    last = state.utterances[-1] if state.utterances else None
    if state.failure or (last and last.closing):
        return END
    if state.part == "client":
        return "person" if last and last.speaker == "counselor" else route_from_client(state)
    return "client" if last and last.speaker == "counselor" else "person"


def route_from_simulated_client(state: PracticeFlowView) -> str:
    """To the person, who goes on or closes."""
    return END if state.failure else "person"


def _connect(builder: StateGraph[PracticeState, SessionConfig, PracticeInput, PracticeState], names: list[str]) -> None:
    counselors = ["router", "counselor"]
    instead: dict[Hashable, str] = {"client": "person", END: END}
    drafting: dict[Hashable, str] = {name: name for name in names}
    builder.add_edge(START, "intake")
    builder.add_conditional_edges("intake", route_from_practice_intake, ["person", "client", "plan", *counselors, END])
    builder.add_conditional_edges("person", route_from_person, ["person", "client", "plan", *counselors, END])
    builder.add_conditional_edges("client", route_from_simulated_client, ["person", END])
    builder.add_conditional_edges("plan", route_from_plan, [*counselors, END])
    builder.add_conditional_edges("router", route_from_router, drafting | instead)
    builder.add_conditional_edges("counselor", route_from_counselor, instead)
    for name in names:
        builder.add_edge(name, "router")


def _facing(step: Step) -> Step:
    """A step of the counselor's side, which runs where the person is the client: it asks no model about words that count as risk,
    and ends with a farewell."""

    async def facing(models: Models, view: FacingView, config: SessionConfig) -> dict[str, Any]:
        if stop := stopped_unchecked(view, config):
            return stop
        return with_farewell(await step(models, view, config), view, config)

    return facing
