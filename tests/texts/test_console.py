"""What people are shown holds no command to their terminal, wherever a foreign text stands."""

import io
import json

import pytest
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from counseling_sessions.texts.console import HarmlessConsole, json_text

HOSTILE = "a\x1b]0;title\x1b\\b\x1b[2Jc\x9b31md\u202ee\ud800 [bold]f[/bold] :bomb:"
SHOWN = "abcde [bold]f[/bold] :bomb:"


def table() -> Table:
    made = Table(HOSTILE, title=HOSTILE)
    made.add_row(HOSTILE)
    return made


def tree() -> Tree:
    made = Tree(Text(HOSTILE))
    made.add(Text(HOSTILE))
    return made


@pytest.mark.parametrize(
    "printed",
    [
        HOSTILE,
        Text(HOSTILE),
        Padding(Text(HOSTILE), 2),
        Panel(HOSTILE, title=HOSTILE),
        table(),
        tree(),
        Group(HOSTILE, Text(HOSTILE)),
    ],
    ids=lambda item: type(item).__name__,
)
@pytest.mark.parametrize("terminal", [True, False])
def test_a_foreign_text_is_harmless_in_whatever_is_printed(printed: object, terminal: bool) -> None:
    out = io.StringIO()
    HarmlessConsole(file=out, width=60, force_terminal=terminal, color_system=None, legacy_windows=False).print(printed)
    assert not set(out.getvalue()) & set("\x1b\x07\x9b\u202e\ud800")
    assert SHOWN in out.getvalue()


def test_styles_still_reach_the_terminal() -> None:
    out = io.StringIO()
    HarmlessConsole(file=out, force_terminal=True, color_system="standard").print(Text(HOSTILE, style="red"))
    assert out.getvalue().startswith("\x1b[31m")


def test_json_loses_nothing() -> None:
    value = {"name": HOSTILE, "tag": "\U000e0041", "é": ["中文", 1.5, None]}
    text = json_text(value)
    assert json.loads(text) == value
    assert not set(text) & set("\x1b\x07\x9b\u202e\ud800\U000e0041")
    assert "中文" in text
