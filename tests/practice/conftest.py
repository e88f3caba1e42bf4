"""A person before the program, and the model on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import LoopbackServer
from tests.seated import Person, Sit


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


@pytest.fixture
def sit(tmp_path: Path, server: LoopbackServer) -> Sit:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI", "LANG", "COUNSELING", "COLUMNS", "LINES"))
    }
    environment |= {
        "COUNSELING_SESSIONS_CHECKPOINTS": str(tmp_path / "checkpoints.sqlite"),
        "OPENAI_BASE_URL": server.base_url,
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "INPUTRC": "/dev/null",
    }
    return lambda *options, variables={}, **more: Person(environment | variables, *options, **more)
