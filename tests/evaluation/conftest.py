"""What the tests of judging start from."""

from pathlib import Path

import pytest

from counseling_sessions.evaluation.judging.cache import JudgeCache


@pytest.fixture
def cache(tmp_path: Path) -> JudgeCache:
    return JudgeCache(tmp_path / "judged")
