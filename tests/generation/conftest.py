"""What several tests of batches start from."""

import json
from pathlib import Path

import pytest

from tests.scripted import profile


@pytest.fixture
def forms(tmp_path: Path) -> str:
    path = tmp_path / "forms.jsonl"
    values = [profile(id=f"client-{number}").model_dump(mode="json") for number in range(4)]
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return str(path)
