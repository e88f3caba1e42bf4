"""A tiny model in parts, and a process that fetches it."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from counseling_sessions.ladder.models import EmbeddedModel, Hub, Part, ladder
from counseling_sessions.models import wheel
from counseling_sessions.models.embedded_file import (
    EmbeddedModelError,
    model_file,
)

NAME = "Tiny.Q4_1.gguf"


LARGE = 100_000
"""Bytes of a part that is written piece by piece."""


PUT_WHEEL = "shutil.copy(wheel, dest)"


def content(number: int, size: int = 1024) -> bytes:
    """A part's bytes, which differ from those of every other part."""
    return hashlib.shake_256(bytes([number])).digest(size)


def described(*contents: bytes, hub: Hub | None = None) -> EmbeddedModel:
    """A model whose file is these parts joined."""
    parts = tuple(
        Part(
            requirement=f"tiny{number}==1.0",
            member=f"tiny{number}/part.bin",
            size=len(part),
            sha256=hashlib.sha256(part).hexdigest(),
        )
        for number, part in enumerate(contents, 1)
    )
    whole = b"".join(contents)
    file = ladder()[0].file.model_copy(
        update={
            "name": NAME,
            "size": len(whole),
            "sha256": hashlib.sha256(whole).hexdigest(),
            "hub": hub,
            "parts": parts,
        }
    )
    return ladder()[0].model_copy(update={"size": "tiny", "name": "Tiny", "file": file})


def wheel_of(tmp_path: Path, number: int) -> Path:
    return tmp_path / "pip" / f"tiny{number}-1.0-py3-none-any.whl"


def model_of(index: Callable[..., None], parts: int, size: int = 1024, hub: Hub | None = None) -> EmbeddedModel:
    contents = [content(number, size) for number in range(1, parts + 1)]
    for number, part in enumerate(contents, 1):
        index(number, part)
    return described(*contents, hub=hub)


def whole(model: EmbeddedModel) -> bytes:
    return b"".join(content(number, part.size) for number, part in enumerate(model.file.parts, 1))


def calls(tmp_path: Path) -> list[str]:
    """The requirements that pip was asked for."""
    file = tmp_path / "pip" / "calls"
    return [line.split()[1] for line in file.read_text().splitlines()] if file.exists() else []


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def lines(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def names(cache: Path) -> set[str]:
    return {file.name for file in cache.iterdir()}


def fetched(model: EmbeddedModel) -> bytes:
    return model_file(model, console=quiet()).read_bytes()


def refusal(model: EmbeddedModel, **options: Any) -> str:
    with pytest.raises(EmbeddedModelError) as caught:
        model_file(model, console=quiet(), **options)
    return str(caught.value)


FETCHER = """
import json, os, signal, sys, zipfile
from counseling_sessions.ladder.models import EmbeddedModel
from counseling_sessions.models import parts, wheel
from counseling_sessions.models.embedded_file import model_file
described, pip, dying = json.loads(sys.stdin.read())
wheel.PIP = tuple(pip)
parts.CHUNK = 1 << 14
read = zipfile.ZipExtFile.read
def last(self, size):
    if self.name == dying and self.tell() > 40_000: os.kill(os.getpid(), signal.SIGKILL)
    return read(self, size)
zipfile.ZipExtFile.read = last
print(model_file(EmbeddedModel.model_validate(described)))
"""


def fetcher(model: EmbeddedModel, dying: str = "", **environment: str) -> "subprocess.Popen[str]":
    """A process that fetches a model, and kills itself in the middle of unpacking the member `dying`."""
    process = subprocess.Popen(
        [sys.executable, "-c", FETCHER],
        cwd=Path(__file__).parents[3],
        env=os.environ | environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    process.stdin.write(json.dumps([model.model_dump(mode="json"), wheel.PIP, dying]))
    process.stdin.close()
    process.stdin = None  # `communicate` must not write to it
    return process


def ended(process: "subprocess.Popen[str]") -> SimpleNamespace:
    out, err = process.communicate(timeout=60)
    return SimpleNamespace(code=process.returncode, out=out, err=err)
