"""Prompt files that somebody edits: a copy of ours for this process, or a whole checkout for others."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from counseling_sessions import prompts
from counseling_sessions.nodes import examples, prompt_set
from counseling_sessions.nodes.techniques import techniques

ROOT = Path(__file__).parents[1]
MARK = "Think of the herons."
PARTS = ("run.py", "state.py", "counseling_sessions", "graph", "nodes", "prompts", "corpus")


def edit(folder: Path, name: str) -> None:
    """Put the mark behind every line of a prompt of this folder, but for its front matter."""
    path = folder / f"{name}.md"
    front, mark, text = path.read_text(encoding="utf-8").rpartition("---\n")
    path.write_text(front + mark + re.sub(r"(?m)^(?!#)(\S.*)$", rf"\1 {MARK}", text), encoding="utf-8")


def start_again() -> None:
    """Forget the prompts that this process has read, as the next process has not read them."""
    hashes = prompts.prompt_hashes, prompts.front_matter_hashes, prompt_set._digest
    made = techniques, examples._counselor_text, examples._client_text
    for cached in (prompts._files, prompts._sections, *hashes, *made):
        cached.cache_clear()  # type: ignore[attr-defined]


@contextmanager
def edited_prompts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the prompts in this folder, which this process uses."""
    shutil.copytree(ROOT / "prompts", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    with monkeypatch.context() as patched:
        patched.setattr(prompts, "FOLDERS", [folder])
        start_again()
        yield folder
    start_again()


def checkout(folder: Path) -> Path:
    """A copy of the program, whose prompts can be edited for processes that start in it."""
    folder.mkdir()
    for name in PARTS:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder
