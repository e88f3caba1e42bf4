"""The session graph: one state machine for a whole counseling session.

    START → intake → plan → router ⇄ specialists (the picked ones, in parallel)
                              │ one merged utterance
                              ▼
                            client → router (or plan, where that has to be revised) … until the end;
                            the router writes the closing utterance → END

Where what the client says may show a risk, `notice` comes before the router. From the first sign on `protocol` speaks in its place.

`build_session_graph(method=…)` wires the nodes of one method; without a method it wires all of them and the routes follow
the method in the run's context: that is the module-level `graph` which LangGraph Studio opens. That one is served: its callers
have no say in servers and keys (`graph.served`). Graphs that our code builds follow their configuration.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime, get_runtime
from langgraph.types import Checkpointer

from counseling_sessions.graph.served import ServedConfig, ServedModels, owned
from counseling_sessions.graph.trouble import contained
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.client import client
from counseling_sessions.nodes.intake import IntakeView, intake
from counseling_sessions.nodes.methods import METHODS, Method
from counseling_sessions.nodes.plan import plan
from counseling_sessions.nodes.progress import progress_of
from counseling_sessions.nodes.protocol import goes_on, is_to_notice, notice, protocol
from counseling_sessions.nodes.router import router
from counseling_sessions.nodes.single import single
from counseling_sessions.nodes.specialist import specialist
from counseling_sessions.nodes.techniques import technique, techniques
from counseling_sessions.settings import MOST_TURNS, MethodName, SessionConfig
from counseling_sessions.state import ClientView, CounselorView, FlowView, SessionInput, SessionState

SUPERSTEPS_PER_TURN = 5  # notice, pick, specialists, merge, client
SUPERSTEPS_AROUND = (
    45  # start, intake, plan and its revisions, closing, the protocol after the last turn, some to spare
)

NOTICES = "Looks at what the client said for a risk, and enters what it shows. A model is asked where `risk` is llm."
LEADS = "Speaks in place of the plan from the first sign of a risk on: asks directly, agrees on safety, hands over to a person."

SessionGraph = CompiledStateGraph[SessionState, SessionConfig, SessionInput, SessionState]
Step = Callable[[Models, Any, SessionConfig], Awaitable[dict[str, Any]]]
Node = tuple[str, Step, type, str]
"""A node of a graph: its name, what it does, its view of the state, and what it is for."""


def build_session_graph(
    checkpointer: Checkpointer = None,
    *,
    method: MethodName | None = None,
    specialists: Sequence[str] | None = None,
    models: Models | None = None,
    steps: Mapping[str, Step] | None = None,
    served: bool = False,
) -> SessionGraph:
    """Build the graph of a method, or of all of them.

    `specialists` are the techniques that get a node (default: all); the run's configuration says which take part. `models` can
    be shared with other graphs. `steps` replace what nodes do, by name: a session on record returns its updates. `served`:
    others call the graph over a network; the context is a `ServedConfig`.
    """
    models = models or (ServedModels() if served else Models())
    parts = METHODS[method] if method else None
    names = [technique(name).name for name in specialists or techniques()]
    builder: StateGraph[SessionState, SessionConfig, SessionInput, SessionState] = StateGraph(
        SessionState, context_schema=ServedConfig if served else SessionConfig, input_schema=SessionInput
    )
    takes = "Takes the intake form, splits it into what each side may see, records the opening. No call."
    plays = "Plays the intake form with its attitude: answers the counselor, may declare the end."
    nodes: list[Node] = [
        ("intake", intake, IntakeView, takes),
        *(node for node in counselor_nodes(names) if _has(parts, node[0])),
        ("notice", notice, CounselorView, NOTICES),
        ("protocol", protocol, CounselorView, LEADS),
        ("client", client, ClientView, plays),
    ]
    for name, step, view, about in nodes:
        node = as_node((steps or {}).get(name, step), models, served=served)
        builder.add_node(name, node, input_schema=view, metadata={"description": about})
    _connect(builder, parts, names)
    compiled = builder.compile(checkpointer=checkpointer, name="session")
    return compiled.with_config(recursion_limit=recursion_limit(MOST_TURNS))


def counselor_nodes(names: Sequence[str]) -> list[Node]:
    """The nodes of the counselor's side with these techniques, for all the methods."""
    plans = "The CBT agent: chooses a CBT technique, a goal and the steps of this session, and revises them where they do not fit."
    routes = (
        "Entered twice a turn: picks the techniques that the turn needs, then merges the specialists' candidates into the "
        "counselor's one utterance. At the end it writes the closing."
    )
    drafts = "Specialist for {}: drafts what the counselor could say this turn."
    speaks = "The baselines' one counselor, who writes alone (methods single, single-plan)."
    return [
        ("plan", plan, CounselorView, plans),
        ("router", router, CounselorView, routes),
        *((name, partial(specialist, technique=name), CounselorView, drafts.format(name)) for name in names),
        ("counselor", single, CounselorView, speaks),
    ]


def as_node(step: Step, models: Models, *, served: bool) -> Any:
    """A step as a node of the graph. In a served graph it gets the caller's configuration with the owner's models."""

    async def node(state: Any, runtime: Runtime[SessionConfig]) -> dict[str, Any]:
        config = runtime.context or SessionConfig()
        if served:
            config = await owned(config)
        with contained():
            return await step(models, state, config)

    return node


def recursion_limit(max_turns: int) -> int:
    """Supersteps that a session of this length can take, with some to spare."""
    return SUPERSTEPS_PER_TURN * max_turns + SUPERSTEPS_AROUND


def route_from_intake(state: FlowView) -> str:
    """To the plan, if the method has one and it is not made yet (a session taken up again has it)."""
    if state.failure:
        return END
    return "plan" if _method(state).plan and state.plan is None else _to_counselor(state)


def route_from_plan(state: FlowView) -> str:
    """To the node that writes the counselor's utterances."""
    return END if state.failure else _method(state).counselor


def route_first(state: FlowView) -> str:
    """From the intake: to the plan first; then the last message is looked at, where it may show a risk."""
    route = route_from_intake(state)
    return "notice" if route not in ("plan", END) and _is_to_notice(state) else route


def route_noticing(state: FlowView) -> str:
    """From the client: its message is looked at first, where it may show a risk."""
    return "notice" if _is_to_notice(state) else route_from_client(state)


def route_noticing_from_plan(state: FlowView) -> str:
    """After the first plan, what was said before it is looked at; before a revision it has been."""
    is_first = state.plan is not None and not state.plan.turn
    return "notice" if is_first and _is_to_notice(state) else route_from_plan(state)


def _is_to_notice(state: FlowView) -> bool:
    return state.failure is None and is_to_notice(state, _run_config() or SessionConfig())


def route_from_notice(state: FlowView) -> str:
    """To the protocol, where it leads in this turn; else on as after any message of the client's."""
    if state.failure:
        return END
    return "protocol" if goes_on(state) else _to_counselor(state)


def route_from_router(state: FlowView) -> list[str] | str:
    """After a pick to the specialists, after a merge to the client, after the closing to the end."""
    if state.failure:
        return END
    last = state.utterances[-1] if state.utterances else None
    if last and last.speaker == "counselor":
        return END if last.closing else "client"
    config = _run_config() or SessionConfig()
    picked = state.picks[-1].techniques
    return list(config.techniques if config.fan_out == "all" else picked)


def route_from_counselor(state: FlowView) -> str:
    """To the client, or to the end after the closing utterance."""
    return END if state.failure or state.utterances[-1].closing else "client"


def route_from_client(state: FlowView) -> str:
    """Always back to the counselor, who goes on or closes; only a failure ends a session without a closing."""
    return END if state.failure else _to_counselor(state)


def _to_counselor(state: FlowView) -> str:
    """To the node that speaks for the counselor, by way of the plan where that no longer fits what the client says."""
    method = _method(state)
    if state.end_reason or not (method.plan and state.plan):
        return method.counselor
    revises = not state.utterances or state.utterances[-1].speaker == "client"
    return "plan" if revises and progress_of(state, _run_config() or SessionConfig()).revise else method.counselor


def _connect(
    builder: StateGraph[SessionState, SessionConfig, SessionInput, SessionState], parts: Method | None, names: list[str]
) -> None:
    counselors = [name for name in ("router", "counselor") if _has(parts, name)]
    starts = ["plan", *counselors] if parts is None else ["plan"] if parts.plan else counselors
    builder.add_edge(START, "intake")
    builder.add_conditional_edges("intake", route_first, ["notice", *starts, END])
    if "plan" in starts:
        builder.add_conditional_edges("plan", route_noticing_from_plan, ["notice", *counselors, END])
    if "router" in counselors:
        builder.add_conditional_edges("router", route_from_router, [*names, "client", END])
        for name in names:
            builder.add_edge(name, "router")
    if "counselor" in counselors:
        builder.add_conditional_edges("counselor", route_from_counselor, ["client", END])
    planning = ["plan"] if "plan" in starts else []
    builder.add_conditional_edges("client", route_noticing, ["notice", *planning, *counselors, END])
    builder.add_conditional_edges("notice", route_from_notice, ["protocol", *planning, *counselors, END])
    builder.add_conditional_edges("protocol", route_from_counselor, ["client", END])


def _has(method: Method | None, name: str) -> bool:
    """Whether a node of the counselor's side takes part in a method (None: in any)."""
    if method is None:
        return True
    return method.plan if name == "plan" else method.specialists is (name != "counselor")


def _method(state: FlowView) -> Method:
    """The run's method; where there is no run, the one that the dialogue shows."""
    config = _run_config()
    if config or not any(said.turn for said in state.utterances):
        return METHODS[(config or SessionConfig()).method]
    return next(one for one in METHODS.values() if (one.plan, one.specialists) == (bool(state.plan), bool(state.picks)))


def _run_config() -> SessionConfig | None:
    """The run's configuration; None where there is no run.

    `update_state`, which forks a thread with an edited state, asks the routes where to go on without a run. A route with
    a `runtime` parameter fails there (langgraph 1.2.22), so the routes look for it themselves.
    """
    try:
        runtime: Runtime[SessionConfig] | None = get_runtime(SessionConfig)
    except RuntimeError:
        return None
    return (runtime.context or SessionConfig()) if runtime else None
