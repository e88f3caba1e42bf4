"""What several tests of asking a model start from."""

import pytest

from tests.models.asking import KEY


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY
