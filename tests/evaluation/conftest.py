"""What the tests of judging start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from counseling_sessions.evaluation.judging.cache import JudgeCache
from tests.evaluation.risk_study import answering, by_what_is_said, write_study
from tests.loopback import LoopbackServer


@pytest.fixture
def cache(tmp_path: Path) -> JudgeCache:
    return JudgeCache(tmp_path / "judged")


@pytest.fixture(scope="session")
def risk_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A judge that finds no failure where the counselor asks about the risk, and else the gravest."""
    with LoopbackServer(answering(by_what_is_said)) as running:
        yield running
