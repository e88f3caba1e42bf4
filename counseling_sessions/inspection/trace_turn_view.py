"""A turn's trace as a tree on a terminal: the graph's steps, in brief or in full."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from counseling_sessions.graph.record import usage_of
from counseling_sessions.inspection.client_state import state_line
from counseling_sessions.inspection.risk_line import risk_line
from counseling_sessions.inspection.trace_data import (
    CallTrace,
    CandidateTrace,
    Message,
    PickTrace,
    Prompts,
    SaidTrace,
    SessionTrace,
    TurnTrace,
)
from counseling_sessions.inspection.trace_style import SPEAKERS, Axis, brief, marked, role_name, seconds, tokens
from counseling_sessions.state import PROMPT_CUT, Pick, Plan
from counseling_sessions.texts.harmless import harmless

LINE = 200
"""Characters of an utterance or a reason in a brief tree."""
DECIDERS = {"llm": "the model", "rules": "rules", "every": "default: there is no pick", "human": "a person"}
LABEL = 26
"""Characters of the names beside bars."""


@dataclass(frozen=True)
class Look:
    """How to show a trace: `width` in characters, with or without color, optional prompts, the turn's calls as shown, and by a
    call's number the digest of its prompts, where these changed in the session."""

    width: int = 80
    color: bool = False
    prompts: Prompts | None = None
    calls: tuple[CallTrace, ...] = ()
    digests: Mapping[int, str] = field(default_factory=dict)


def turn_brief(turn: TurnTrace) -> Tree:
    """A turn in a few lines: the pick and its reason, how much of each candidate was kept, the utterances."""
    tree = Tree(_title(turn), guide_style="dim")
    _add_revised(tree, turn)
    _add_risk(tree, turn)
    if turn.progress:
        tree.add(Text(brief(turn.progress, LINE), style="dim"))
    if turn.pick:
        tree.add(Text.assemble("picked ", _picked(turn.pick.pick), f": {brief(turn.pick.pick.reason, LINE)}"))
    if turn.candidates:
        drafts = "; ".join(f"{item.candidate.technique} {_kept_share(item)}" for item in turn.candidates)
        tree.add(Text(f"drafts: {drafts}", style="dim"))
    _add_troubles(tree, turn.calls)
    for item in filter(None, (turn.counselor, turn.client)):
        if item is turn.client:
            _add_client_state(tree, turn)
        tree.add(Text.assemble(_speaker(item), brief(item.utterance.text, LINE)))
    _add_failure(tree, turn)
    return tree


def turn_full(turn: TurnTrace, look: Look) -> Tree:
    """A turn with all its steps: texts, calls, the guards' findings, and when each call ran."""
    look = replace(look, calls=_shown(turn))
    tree = Tree(_title(turn), guide_style="dim")
    _add_revised(tree, turn, look)
    _add_risk(tree, turn)
    if turn.progress:
        tree.add(Text.assemble((f"{turn.phase}: ", "bold"), harmless(turn.progress)))
    if turn.step_text:
        tree.add(Text.assemble((f"step {turn.step}: ", "bold"), harmless(turn.step_text)))
    if turn.saw:
        tree.add(Text.assemble(("the client had said: ", "bold"), (harmless(turn.saw), "dim")))
    if turn.pick:
        _add_pick(tree, turn.pick, look)
    if turn.candidates:
        drafts = tree.add(Text("drafts", style="bold"))
        for number, item in enumerate(turn.candidates, 1):
            _add_candidate(drafts, number, item, look)
    for said in filter(None, (turn.counselor, turn.client)):
        if said is turn.client:
            _add_client_state(tree, turn)
        marks = [(origin.start, origin.end, origin.candidate + 1) for origin in said.origins]
        text = Text.assemble(_speaker(said)).append_text(marked(said.utterance.text, marks, color=look.color))
        _add_call(tree.add(text), said.call, look)
    _add_failure(tree, turn, look)
    if turn.calls:
        tree.add(_times(turn, look))
    return tree


def plan_tree(trace: SessionTrace, look: Look) -> Tree:
    """The opening exchange and the plan, as turn 0."""
    tree = Tree(Text("Opening and plan", style="bold"), guide_style="dim")
    for utterance in trace.opening:
        tree.add(Text.assemble(_speaker(SaidTrace(utterance, None)), harmless(utterance.text)))
    node = _add_plan(tree, trace.plan, "plan") if trace.plan else tree.add(Text("no plan", style="dim"))
    _add_call(node, trace.plan_call, look)
    if trace.failure and trace.failure.stage == "plan":
        tree.add(Text(f"failed: {harmless(trace.failure.message)}", style="bold red"))
    return tree


def call_line(item: CallTrace) -> str:
    """A call in a line: model, time, tokens, and the number of answers and requests."""
    call, parts = item.call, []
    if call.model:
        parts.append(harmless(f"{call.model} at {call.endpoint}" if call.endpoint else call.model))
    at = "" if item.offset is None else f" from {seconds(item.offset)} on"
    parts.append(f"{seconds(call.seconds)}{at}")
    parts.append(tokens(next(iter(usage_of([call]).values()))))
    if call.attempts != 1:
        parts.append(f"{call.attempts} answers")
    if call.passed_over:
        parts.append(f"{call.passed_over} passed over")
    if call.requests != max(1, call.attempts + call.passed_over):
        parts.append(f"{call.requests} requests")
    if call.finish_reason not in (None, "stop"):
        parts.append(f"finish reason {harmless(call.finish_reason)}")
    if call.structured:
        parts.append(harmless(call.structured))
    return " · ".join(parts)


def _title(turn: TurnTrace) -> Text:
    name = f"Turn {turn.turn}: the closing" if turn.closing else f"Turn {turn.turn}"
    parts: list[str] = [] if turn.closing else [turn.phase]
    if turn.step:
        parts.append(f"plan step {turn.step}")
    if turn.pick and turn.pick.pick.act:
        parts.append(turn.pick.pick.act)
    if turn.calls:
        beside = f", {seconds(turn.overlap)} saved side by side" if turn.overlap >= 0.005 else ""
        parts.append(f"{seconds(turn.seconds)}{beside}")
    if turn.inherited:
        parts.append("shared with its parent")
    return Text.assemble((name, "bold"), *(f" · {part}" for part in parts))


def _picked(pick: Pick) -> tuple[str, str]:
    return " + ".join(pick.techniques), "bold green"


def _speaker(item: SaidTrace) -> tuple[str, str]:
    name, style = SPEAKERS[item.utterance.speaker]
    return (f"{name} (a person): " if item.utterance.author == "human" else f"{name}: ", style)


def _kept_share(item: CandidateTrace) -> str:
    if not item.candidate.text:
        return "gave no draft"
    return f"{item.kept.share:.0%} kept" if item.kept else "not merged"


def _add_plan(tree: Tree, plan: Plan, name: str) -> Tree:
    node = tree.add(Text.assemble((f"{name}: ", "bold"), (plan.technique.value, "bold green")))
    lines = [plan.formulation, plan.goal, *(f"{number}. {step}" for number, step in enumerate(plan.steps, 1))]
    for line in filter(None, lines):
        node.add(Text(harmless(line)))
    return node


def _add_revised(tree: Tree, turn: TurnTrace, look: Look | None = None) -> None:
    if turn.revised is None:
        return
    plan = turn.revised.plan
    if look is None:
        tree.add(Text(f"plan revised: {plan.technique.value} — {brief(plan.reason, LINE)}", style="yellow"))
        return
    node = _add_plan(tree, plan, "revised plan")
    node.add(Text(f"why: {harmless(plan.reason)}"))
    _add_call(node, turn.revised.call, look)


def _add_risk(tree: Tree, turn: TurnTrace) -> None:
    if turn.risk:
        tree.add(Text.assemble(("risk: ", "bold"), harmless(risk_line(turn.risk)), style="yellow"))


def _add_client_state(tree: Tree, turn: TurnTrace) -> None:
    if turn.client_state:
        tree.add(Text(state_line(turn.client_state, turn.state_before), style="dim"))


def _add_pick(tree: Tree, item: PickTrace, look: Look) -> None:
    pick = item.pick
    node = tree.add(Text.assemble(("picked ", "bold"), _picked(pick), f" by {DECIDERS[pick.source]}"))
    if pick.reason:
        node.add(Text(f"why: {harmless(pick.reason)}"))
    for name, value in (("focus", pick.focus), ("the plan no longer fits", pick.revise)):
        if value:
            node.add(Text(f"{name}: {harmless(value)}"))
    if pick.asks is False:
        node.add(Text("no question in this message"))
    if pick.fallback:
        node.add(Text(f"the rules decided, since the model could not: {harmless(pick.fallback)}", style="yellow"))
    _add_call(node, item.call, look)


def _add_candidate(tree: Tree, number: int, item: CandidateTrace, look: Look) -> None:
    draft = item.candidate
    picked = "" if item.picked else ", not picked"
    words = f", {item.kept.words} of {item.kept.total} words" if item.kept else ""
    node = tree.add(Text.assemble((f"{number} {draft.technique}", "bold"), f"{picked} · {_kept_share(item)}{words}"))
    if draft.text:
        marks = [(span.start, span.end, number) for span in item.kept.spans] if item.kept else []
        node.add(marked(draft.text, marks, color=look.color))
    if draft.error:
        node.add(Text(harmless(draft.error), style="red"))
    _add_call(node, item.call, look)


def _add_call(tree: Tree, item: CallTrace | None, look: Look) -> None:
    if item is None:
        return
    made_with = f" · prompts {look.digests[item.number]}" if item.number in look.digests else ""
    tree.add(Text(call_line(item) + made_with, style="dim"))
    _add_troubles(tree, (item,), with_role=False)
    if look.prompts is None:
        return
    messages = look.prompts.by_call.get(item.number)
    if messages is None:
        tree.add(Text("its prompt cannot be made again", style="dim italic"))
        return
    node = tree.add(Text("prompt", style="bold"))
    same, role = _begins_like(item, messages, look)
    if role:
        node.add(Text(f"the first {same} of its {len(messages)} messages: as for {role_name(role)}", style="dim"))
    for message in messages[same:]:
        node.add(Group(Text(message.role, style="bold dim"), Padding(Text(harmless(message.text)), (0, 0, 0, 2))))


def _shown(turn: TurnTrace) -> tuple[CallTrace, ...]:
    """A turn's calls in the order of the tree."""
    steps = [turn.revised, turn.pick, *turn.candidates, turn.counselor, turn.client]
    return tuple(item.call for item in steps if item and item.call)


def _begins_like(item: CallTrace, messages: Sequence[Message], look: Look) -> tuple[int, str]:
    """The number of first messages that a prompt shares with an earlier one, and the role of that one; 0 and "" if none."""
    most, role = 0, ""
    for earlier in takewhile(lambda call: call is not item, look.calls):
        theirs = look.prompts.by_call.get(earlier.number, ()) if look.prompts else ()
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(messages, theirs, strict=False)))
        if same > most:
            most, role = same, earlier.call.role
    return most, role


def _add_troubles(tree: Tree, calls: tuple[CallTrace, ...], *, with_role: bool = True) -> None:
    for item in calls:
        for line in _troubles(item):
            tree.add(Text(f"{role_name(item.call.role)}: {line}" if with_role else line, style="yellow"))


def _troubles(item: CallTrace) -> Iterator[str]:
    """The guards' findings and the failed requests; equal ones are one line with their count."""
    lines = []
    for finding in item.call.findings:
        detail = f": {brief(finding.detail, 120)}" if finding.detail else ""
        action = "mended" if finding.repaired else "noticed" if finding.kind == PROMPT_CUT else "refused"
        lines.append(
            f"{action}, {finding.kind}{detail}" if finding.kind != "repaired" else f"mended at the last{detail}"
        )
    lines += [f"request failed: {brief(error, 160)}" for error in item.call.errors]
    for line, count in Counter(lines).items():
        yield f"{line} ({count} times)" if count > 1 else line


def _add_failure(tree: Tree, turn: TurnTrace, look: Look | None = None) -> None:
    if turn.failure is None:
        return
    node = tree.add(Text(f"failed at {turn.failure.stage}: {harmless(turn.failure.message)}", style="bold red"))
    if look:
        _add_call(node, next((item for item in turn.calls if item.call is turn.failure.call), None), look)


def _times(turn: TurnTrace, look: Look) -> RenderableType:
    """When each call of a turn ran."""
    axis = Axis(turn.calls, look.width - LABEL - 18)
    lines = [Text("when each call ran", style="bold")]
    for item in turn.calls:
        bar = f"{axis.bar([item]):<{axis.width}}"
        name = brief(role_name(item.call.role), LABEL)
        lines.append(Text.assemble(f"{name:<{LABEL}} ", (bar, "cyan"), f" {seconds(item.call.seconds):>9}"))
    return Group(*lines)
