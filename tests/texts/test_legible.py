"""Consoles and files whose encoding has few letters."""

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.tree import Tree

from counseling_sessions.texts.console import HarmlessConsole, busy, print_json
from counseling_sessions.texts.legible import LOOK_ALIKE, ascii_json, legible_output


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        ("José → Łukasz – “ja”…", "cp1252", "José -> Lukasz – “ja”…"),
        ("José → Łukasz – “ja”…", "ascii", 'Jose -> Lukasz - "ja"...'),
        ("«Größe» ≥ 3 × 5 €", "ascii", '"Grosse" >= 3 x 5 EUR'),
        ("王小明 مرحبا 🙂", "cp437", "?????? ????? ??"),
        ("knob⁴ e\u0301", "cp437", "knob4 e"),
        ("a\udc80b", "cp1252", "a?b"),
    ],
)
def test_what_an_encoding_lacks_looks_alike(text: str, encoding: str, shown: str) -> None:
    assert text.encode(encoding, LOOK_ALIKE).decode(encoding) == shown


@given(st.text(st.characters(codec=None)))
def test_every_text_can_be_shown(text: str) -> None:
    for encoding in ("ascii", "cp1252", "cp437", "cp932"):
        text.encode(encoding, LOOK_ALIKE)


def narrow(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Standard output on a console of code page 437."""
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="cp437", errors="strict", write_through=True))
    legible_output()
    return shown


def test_tables_and_trees_have_lines_of_ascii_where_unicode_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, table, tree = narrow(monkeypatch), Table("w"), Tree("root")
    table.add_row("王")
    tree.add("leaf")
    console = HarmlessConsole(width=40)
    console.print(table, tree)
    text = shown.getvalue().decode("cp437")
    assert "+----+" in text
    assert "`-- leaf" in text
    assert "| ?? |" in text
    assert busy(console).renderable.name == "line"


def test_where_unicode_is_at_hand_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="utf-8", write_through=True))
    legible_output()
    assert sys.stdout.errors == "strict"
    HarmlessConsole(width=40).print("→ 王", Tree("root"))
    print_json('"王"')
    assert "→ 王" in shown.getvalue().decode()
    assert '"王"' in shown.getvalue().decode()
    assert busy(HarmlessConsole()).renderable.name == "dots"


@given(st.text(st.characters(codec="utf-8")))
def test_json_in_ascii_is_the_same_json(text: str) -> None:
    document = ascii_json(json.dumps(text, ensure_ascii=False))
    assert document.isascii()
    assert json.loads(document) == text
