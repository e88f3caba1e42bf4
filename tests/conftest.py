"""What tests of several rooms start from."""

from collections.abc import AsyncIterator

import pytest

from models.chat import Models


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
