"""Draws the session graph: inline SVG from a method's wiring, without an external renderer.

The nodes that every session passes stand one below the other, by their longest way from the start. A node that only exchanges
with one other (a specialist with its router) stands beside that node. Arrows that go back, or that skip a layer, run along the
left. Nodes have `data-node`, arrows `data-from` and `data-to`, so that a page can mark the path of a turn.
"""

from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

from langgraph.graph import END, START

from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.settings import MethodName

PHASES = Path(__file__).with_name("phases.mmd")
"""The phases of a session as a Mermaid diagram."""

Edges = tuple[tuple[str, str], ...]

WIDTH, HEIGHT, ROW = 116, 30, 56
SPOKE_WIDTH, SPOKE_ROW = 168, 38
BESIDE = 62
"""Pixels between a node and those beside it."""
MARGIN, LANE = 8, 13
"""Pixels around the drawing, and between the arrows that run along its left."""
STAND_IN = "reflection"
"""The specialist whose wiring the drawing uses for all of them; their names come from the session."""


def graph_svg(method: MethodName, techniques: Sequence[str]) -> str:
    """The drawing of a method with these specialists. Foreign records can have techniques of any name."""
    nodes, edges = wiring(method, techniques)
    beside = {name: hub for name in nodes if (hub := _hub(name, edges))}
    spine = _layers([name for name in nodes if name not in beside], edges)
    lanes = _lanes(spine, [edge for edge in edges if not {*edge} & beside.keys()])
    left = MARGIN + LANE * (1 + max(lanes.values(), default=0))
    places = _places(spine, beside, left)
    parts = [_arrow(edge, places, lanes.get(edge), beside) for edge in edges]
    parts += [_box(name, *places[name]) for name in nodes]
    width = max(x + w for x, _, w in places.values()) + MARGIN
    height = max(y for _, y, _ in places.values()) + HEIGHT + MARGIN
    return f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}">{"".join(parts)}</svg>'


def wiring(method: MethodName, techniques: Sequence[str]) -> tuple[list[str], Edges]:
    """Nodes and edges of a method's compiled graph, with a node for each technique."""
    nodes: list[str] = []
    for name in _compiled(method)[0]:
        nodes += techniques if name == STAND_IN else [name]
    edges = [
        (source, target)
        for from_, to in _compiled(method)[1]
        for source in (techniques if from_ == STAND_IN else (from_,))
        for target in (techniques if to == STAND_IN else (to,))
    ]
    return list(dict.fromkeys(nodes)), tuple(dict.fromkeys(edges))


@cache
def _compiled(method: MethodName) -> tuple[tuple[str, ...], Edges]:
    drawn = build_session_graph(method=method, specialists=[STAND_IN]).get_graph()
    return tuple(drawn.nodes), tuple((edge.source, edge.target) for edge in drawn.edges)


def _hub(name: str, edges: Edges) -> str | None:
    before = {source for source, target in edges if target == name}
    after = {target for source, target in edges if source == name}
    return next(iter(before)) if len(before) == 1 and before == after else None


def _layers(names: list[str], edges: Edges) -> list[str]:
    """The names by their longest way from the start; arrows back into a way do not count."""
    depth = {START: 0}

    def walk(name: str, way: tuple[str, ...]) -> None:
        for source, target in edges:
            if source == name and target in names and target not in way and depth.get(target, -1) < len(way):
                depth[target] = len(way)
                walk(target, (*way, target))

    walk(START, (START,))
    depth[END] = len(names)
    return sorted(names, key=lambda name: depth.get(name, len(names)))


def _lanes(spine: list[str], edges: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """A lane on the left for every arrow that does not go to the next layer; short arrows are on the inside."""
    row = {name: place for place, name in enumerate(spine)}
    far = [edge for edge in edges if row[edge[1]] - row[edge[0]] != 1]
    return {edge: lane for lane, edge in enumerate(sorted(far, key=lambda edge: abs(row[edge[1]] - row[edge[0]])), 1)}


def _places(spine: list[str], beside: dict[str, str], left: int) -> dict[str, tuple[int, int, int]]:
    """Left, top and width of every box."""
    rows = {name: MARGIN + ROW * place for place, name in enumerate(spine)}
    places = {name: (left, top, WIDTH) for name, top in rows.items()}
    for hub in dict.fromkeys(beside.values()):
        spokes = [name for name in beside if beside[name] == hub]
        top = max(MARGIN, rows[hub] - (len(spokes) - 1) * SPOKE_ROW // 2)
        for place, name in enumerate(spokes):
            places[name] = (left + WIDTH + BESIDE, top + SPOKE_ROW * place, SPOKE_WIDTH)
    return places


def _arrow(
    edge: tuple[str, str], places: dict[str, tuple[int, int, int]], lane: int | None, beside: dict[str, str]
) -> str:
    source, target = edge
    (x1, y1, w1), (x2, y2, w2) = places[source], places[target]
    middle1, middle2 = y1 + HEIGHT // 2, y2 + HEIGHT // 2
    if target in beside:  # Two arrows side by side, one for each direction.
        start, end, bend = (x1 + w1, middle1 - 4), (x2, middle2 - 4), (x1 + w1 + x2) // 2
        line = f"M{start[0]} {start[1]}C{bend} {start[1]} {bend} {end[1]} {end[0] - 5} {end[1]}"
        head = _head(*end, "right")
    elif source in beside:
        start, end, bend = (x1, middle1 + 4), (x2 + w2, middle2 + 4), (x2 + w2 + x1) // 2
        line = f"M{start[0]} {start[1]}C{bend} {start[1]} {bend} {end[1]} {end[0] + 5} {end[1]}"
        head = _head(*end, "left")
    elif lane is None:
        x = x1 + w1 // 2
        line, head = f"M{x} {y1 + HEIGHT}V{y2 - 5}", _head(x, y2, "down")
    else:
        x, y, end_y = x1 - LANE * lane, middle1 + 3, middle2 - 3
        turn = 5 if end_y > y else -5
        line = f"M{x1} {y}H{x + 5}Q{x} {y} {x} {y + turn}V{end_y - turn}Q{x} {end_y} {x + 5} {end_y}H{x2 - 5}"
        head = _head(x2, end_y, "right")
    ends = f'data-from="{escape(source)}" data-to="{escape(target)}"'
    return f'<g class="arrow" {ends}><path class="line" d="{line}"/><path class="head" d="{head}"/></g>'


def _head(x: int, y: int, direction: str) -> str:
    across, back = {"right": ((0, 4), (-7, 0)), "left": ((0, 4), (7, 0)), "down": ((4, 0), (0, -7))}[direction]
    ends = [(x + back[0] + sign * across[0], y + back[1] + sign * across[1]) for sign in (-1, 1)]
    return f"M{x} {y}L{ends[0][0]} {ends[0][1]}L{ends[1][0]} {ends[1][1]}Z"


def node_title(name: str) -> str:
    """A node's name for people."""
    return {START: "start", END: "end"}.get(name, name.replace("_", " "))


def _box(name: str, x: int, y: int, width: int) -> str:
    title = node_title(name)
    title = title if len(title) <= 24 else title[:23] + "…"
    round_ = HEIGHT // 2 if name in (START, END) else 6
    return (
        f'<g class="node" data-node="{escape(name)}">'
        f'<rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="{round_}"/>'
        f'<text x="{x + width // 2}" y="{y + HEIGHT // 2}">{escape(title)}</text></g>'
    )
