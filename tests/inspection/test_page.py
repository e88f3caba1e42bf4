"""The trace page as a file: what lies in it, for any session, and that its text can do nothing."""

import re
from pathlib import Path
from typing import get_args

import pytest

from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.inspection.graph_picture import graph_svg
from counseling_sessions.inspection.page import FOLDER, page_of, write_page
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.settings import DEFAULT_TECHNIQUES, MethodName
from tests.browser import contrast
from tests.generation.exports.sessions import session
from tests.inspection.page_sessions import HOSTILE, cut, hostile, many, rows_of, sessions_of

METHODS = get_args(MethodName)


@pytest.mark.parametrize("method", METHODS)
def test_a_page_holds_all_that_was_said_drafted_and_asked(method: str) -> None:
    record = session(method)
    [data] = sessions_of(page_of([record], "one"))
    assert [said["text"] for turn in data["turns"] for said in turn["said"]] == [said.text for said in record.dialogue]
    drafted = [draft["text"] for turn in data["turns"] for draft in turn["drafts"]]
    assert drafted == [draft.text for turn in record.turns for draft in turn.candidates]
    for name in ("prompt_tokens", "cached_tokens", "completion_tokens", "requests", "attempts"):
        total = sum(getattr(usage, name) for usage in record.usage.values())
        assert sum(call[name] or 0 for call in data["calls"]) == total > 0, name
    assert [turn["key"] for turn in data["turns"]] == ["0", "1", "2", "closing"]


@pytest.mark.parametrize(
    ("method", "opening", "turn", "closing"),
    [
        ("magnet", "start → intake → plan", "router → reflection, questioning → router → client", "router → end"),
        ("single", "start → intake", "counselor → client", "counselor → end"),
    ],
)
def test_the_path_of_a_turn_is_made_of_the_graphs_own_edges(
    method: MethodName, opening: str, turn: str, closing: str
) -> None:
    [data] = sessions_of(page_of([session(method)], "one"))
    assert [part["path_text"] for part in data["turns"]] == [opening, turn, turn, closing]
    drawn = build_session_graph(method=method).get_graph()
    edges = {(edge.source, edge.target) for edge in drawn.edges}
    taken = {tuple(edge) for part in data["turns"] for edge in part["path"]}
    assert taken <= edges
    assert ("client", "router" if method == "magnet" else "counselor") in taken


def test_sessions_that_came_to_nothing_say_where() -> None:
    told = []
    for record in cut():
        [data] = sessions_of(page_of([record], "one"))
        [part] = [part for part in data["turns"] if part["failure"]]
        told.append((part["key"], part["path_text"]))
    assert told == [
        ("0", "start → intake → plan → end"),
        ("0", "start → intake"),
        ("1", "router → end"),
        ("1", "router → reflection"),
        ("1", "router → reflection, questioning → router → end"),
        ("1", "router → reflection, questioning → router → client → end"),
        ("3", "router → end"),
    ]


def test_a_page_asks_for_nothing_and_its_text_can_do_nothing() -> None:
    page = page_of([hostile()], "one")
    assert page.count("</script>") == 3
    assert "<!--" not in page
    assert "taken" not in page.split("<script>")[0].split("<template")[1].split("application/octet-stream")[0].replace(
        "&#x27;taken&#x27;", ""
    )
    assert not re.search(r"https?://|\bsrc=|<link|@import|url\(", page)
    assert "default-src 'none'" in page
    [data] = sessions_of(page)
    assert data["turns"][1]["said"][0]["text"] == HOSTILE
    assert rows_of(page)[0]["id"] == HOSTILE


def test_the_list_has_a_row_for_every_session_with_what_it_is_filtered_by() -> None:
    records = [*many(10), hostile()]
    page = page_of(records, "A <run>")
    assert "<title>A &lt;run&gt;</title>" in page
    rows = rows_of(page)
    assert [row["id"] for row in rows] == [record.session_id for record in records]
    assert [data["id"] for data in sessions_of(page)] == [record.session_id for record in records]
    assert [rows[9][name] for name in ("method", "attitude", "status", "end")] == ["magnet", "positive", "failed", None]
    assert rows[10]["findings"] == {"meta_talk": 1}
    assert rows[0]["first"] == [said.text for said in records[0].dialogue[:2]]
    assert rows[0]["tokens"] == sum(u.prompt_tokens + u.completion_tokens for u in records[0].usage.values())


def test_a_page_has_one_drawing_for_all_sessions_that_are_wired_alike() -> None:
    page = page_of(many(9), "run")
    assert page.count("<template") == 3
    assert {row["method"]: row["graph"] for row in rows_of(page)} == {"magnet": 0, "single-plan": 1, "single": 2}


@pytest.mark.parametrize("method", METHODS)
def test_the_drawing_has_every_node_and_arrow_of_the_compiled_graph(method: MethodName) -> None:
    drawn = build_session_graph(method=method, specialists=DEFAULT_TECHNIQUES).get_graph()
    svg = graph_svg(method, DEFAULT_TECHNIQUES)
    assert set(re.findall(r'data-node="(\w+)"', svg)) == set(drawn.nodes)
    assert set(re.findall(r'data-from="(\w+)" data-to="(\w+)"', svg)) == {(e.source, e.target) for e in drawn.edges}


def test_boxes_of_a_drawing_do_not_overlap() -> None:
    svg = graph_svg("magnet", [f"technique_{number}" for number in range(12)])
    boxes = [
        [int(side) for side in box] for box in re.findall(r'x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', svg)
    ]
    assert len(boxes) == 20
    width, height = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0])
    for place, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        for x2, y2, w2, h2 in boxes[place + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_and_controls_stand_out_from_their_ground(scheme: int) -> None:
    # WCAG 2.2, success criteria 1.4.3 (4.5 to 1 for text) and 1.4.11 (3 to 1 for controls and graphics).
    style = (FOLDER / "trace.css").read_text(encoding="utf-8")
    color = {name: pair[scheme] for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)}
    shades = [f"shade-{number}" for number in range(8)]
    grounds = ["paper", "surface", "band", "chosen", "counselor", "client"]
    text = [(name, ground) for name in ("ink", "dim", "link") for ground in grounds]
    text += [("bad", "paper"), ("bad", "surface"), ("ink", "bad-ground"), ("paper", "link"), ("ink", "hit")]
    text += [("ink", shade) for shade in shades]
    for name, ground in text:
        assert contrast(color[name], color[ground]) >= 4.5, (name, ground)
    graphics = ["control", "link", *(f"edge-{number}" for number in range(8))]
    for name in graphics:
        assert contrast(color[name], color["paper"]) >= 3, name
        assert contrast(color[name], color["band"]) >= 3, name


def test_every_file_of_the_page_is_in_it(tmp_path: Path) -> None:
    page = page_of([session()], "one")
    for file in (*FOLDER.glob("*.css"), *FOLDER.glob("*.js")):
        assert file.read_text(encoding="utf-8") in page


def test_a_page_is_made_of_any_place_with_sessions(tmp_path: Path) -> None:
    shard = tmp_path / "some.jsonl"
    shard.write_text("".join(record.model_dump_json() + "\n" for record in many(3)), encoding="utf-8")
    out = tmp_path / "pages" / "trace.html"
    write_page(shard, None, out)
    assert out.is_file()
    assert [data["id"] for data in sessions_of(out.read_text(encoding="utf-8"))] == ["s0", "s1", "s2"]
    write_page(shard, "s1", out)
    assert [data["id"] for data in sessions_of(out.read_text(encoding="utf-8"))] == ["s1"]
    with pytest.raises(RunError, match="no session s7"):
        write_page(shard, "s7", out)
    with pytest.raises(RunError, match="cannot be written"):
        write_page(shard, None, tmp_path)


def test_a_page_with_what_a_person_typed_is_for_its_owner_alone(tmp_path: Path) -> None:
    record = session("single")
    typed = record.opening[1].model_copy(update={"author": "human", "call": None})
    practised = record.model_copy(update={"opening": (record.opening[0], typed)})
    out = tmp_path / "trace.html"
    for kept, mode in ((record, 0o644), (practised, 0o600)):
        (tmp_path / "one.jsonl").write_text(kept.model_dump_json() + "\n", encoding="utf-8")
        write_page(tmp_path / "one.jsonl", None, out)
        assert out.stat().st_mode & 0o777 == mode
