"""How long modules and functions of the package are. What is too long is listed with its lines, and may not grow."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("counseling_sessions", "graph", "nodes", "prompts")
MODULE, FUNCTION = 300, 40
"""The most lines of a module, and of a function without its docstring."""
LONG_MODULES = {"counseling_sessions/settings.py": 328, "state.py": 390}
LONG_FUNCTIONS = {
    "counseling_sessions/commands/train.py:train_lora": 56,
    "counseling_sessions/evaluation/judged.py:_put_together": 43,
    "counseling_sessions/evaluation/judging/ask.py:ask": 42,
    "counseling_sessions/evaluation/judging/card.py:_card": 46,
    "counseling_sessions/evaluation/judging/run.py:judge_each": 41,
    "counseling_sessions/models/chat.py:ask": 51,
    "counseling_sessions/training/adapter.py:train_adapter": 48,
    "counseling_sessions/training/base.py:load_base": 42,
    "counseling_sessions/training/tree_attention.py:tree_attention": 45,
}


def sources() -> Iterator[tuple[str, str]]:
    """The modules of the package by their paths, and their text."""
    paths = [ROOT / "state.py", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    for path in sorted({path.resolve() for path in paths}):
        yield path.relative_to(ROOT.resolve()).as_posix(), path.read_text(encoding="utf-8")


def functions(source: str) -> Iterator[tuple[str, int]]:
    """The functions of a module with their lines, docstrings left out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            said = 0 if ast.get_docstring(node, clean=False) is None else (first.end_lineno or 0) - first.lineno + 1
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - said


def too_long(lengths: dict[str, int], most: int, listed: dict[str, int]) -> list[str]:
    """What is longer than it may be, and what is listed and need not be."""
    grown = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > listed.get(name, most)]
    return grown + [f"{name}: take it off the list" for name in listed if lengths.get(name, 0) <= most]


def test_modules_and_functions_stay_short() -> None:
    everything = dict(sources())
    assert "counseling_sessions/commands/main.py" in everything
    modules = {name: source.count("\n") for name, source in everything.items()}
    assert too_long(modules, MODULE, LONG_MODULES) == []
    lengths: dict[str, int] = {}
    for name, source in everything.items():
        for function, lines in functions(source):
            lengths[f"{name}:{function}"] = max(lines, lengths.get(f"{name}:{function}", 0))
    assert too_long(lengths, FUNCTION, LONG_FUNCTIONS) == []


@pytest.mark.parametrize(
    ("body", "lines"), [("    x = 1\n" * 41, 42), ('    """Said.\n\n    More."""\n    x = 1\n', 2)]
)
def test_a_docstring_is_no_line_of_a_function(body: str, lines: int) -> None:
    assert list(functions(f"def f():\n{body}")) == [("f", lines)]


def test_what_is_listed_may_not_grow_and_goes_from_the_list_when_it_is_short() -> None:
    assert too_long({"a": 41, "b": 60, "c": 40}, 40, {"b": 59, "c": 50}) == [
        "a: 41 lines",
        "b: 60 lines",
        "c: take it off the list",
    ]
