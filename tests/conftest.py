"""What tests of several rooms start from."""

from collections.abc import AsyncIterator

import pytest

from counseling_sessions.models.chat import Models

EMBEDDED = {"test_embedded.py", "test_tuned.py", "test_gguf.py"}
"""Modules that run the embedded model: two processes that do so at once are slower than one after the other."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `-n`, a module's tests stay in one process, which makes its fixtures once; so do all that run the embedded model."""
    for item in items:
        group = "embedded" if item.path.name in EMBEDDED else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


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
