"""What tests of several rooms start from."""

import gc
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from counseling_sessions.models.chat import Models
from tests import long
from tests.scripted import profile

# Tests run the small embedded model, also in child processes.
os.environ.setdefault("COUNSELING_SESSIONS_EMBEDDED", "small")

# What it takes by the clock says how busy the machine is, and nothing about the code.
EXAMPLES = 100 if long.ASKED_FOR else 40
"""Of a property, where its test names no number: CI has ten minutes, and looks at others each time."""
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=EXAMPLES
)
settings.load_profile("busy machine")

# The many objects of imported libraries stay: looking for garbage among them, over and over, takes a fifth of the collection.
gc.disable()

EMBEDDED = {"test_embedded.py", "test_tuned.py", "test_gguf.py"}
"""Modules that run the embedded model: two processes that do so at once are slower than one after the other."""


class ByModule(LoadScopeScheduling):  # type: ignore[misc]
    """With `-n`, a module's tests stay in one process, which makes its fixtures once; so do all that run the embedded model.

    So do all that train, for which torch loads ever more of itself in each process.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        folder, _, name = module.rpartition("/")
        if name in EMBEDDED:
            return "embedded"
        return folder if folder == "tests/training" else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    """Schedule modules in the order of collection. The `loadgroup` of xdist 3.8 puts each test by itself with pytest 9."""
    config.option.loadscopereorder = False
    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that have slow tests: one that began last would leave the other process without work."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Search for garbage only what tests make, not the millions of objects of imported libraries."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no endpoint of whoever runs the tests."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def models() -> AsyncIterator[Models]:
    """Models that wait next to nothing between two requests."""
    models = Models(backoff=0.001)
    yield models
    await models.close()


@pytest.fixture
def forms(tmp_path: Path) -> str:
    """A file of four clients."""
    path = tmp_path / "forms.jsonl"
    values = [profile(id=f"client-{number}").model_dump(mode="json") for number in range(4)]
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return str(path)
