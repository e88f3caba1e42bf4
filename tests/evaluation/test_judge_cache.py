"""What judges answered is kept: nothing is judged twice, and a run that was cut off goes on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.evaluation.judging.cache import FILE, JudgeCache
from counseling_sessions.evaluation.judging.panel import Progress
from counseling_sessions.evaluation.judging.run import Judgements
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions.errors import RunError
from tests.evaluation.judged import judge, judged, rater, rating, session, small_scale
from tests.loopback import LoopbackServer

pytestmark = pytest.mark.usefixtures("no_surroundings")


async def test_nothing_is_judged_twice(models: Models, tmp_path: Path) -> None:
    sessions = [session("one"), session("two")]
    with LoopbackServer(rater()) as server:
        first = await judged(models, JudgeCache(tmp_path), judge(server, samples=3), sessions=sessions)
        assert (first.accounts["j"].questions, first.accounts["j"].hits, len(server.requests)) == (6, 0, 6)
        second = await judged(models, JudgeCache(tmp_path), judge(server, samples=3), sessions=sessions)
        assert (second.accounts["j"].hits, len(server.requests)) == (6, 6)
        assert second.rows == first.rows
        assert second.accounts["j"].spent.requests == 0
        assert second.accounts["j"].used == first.accounts["j"].used
        more = await judged(models, JudgeCache(tmp_path), judge(server, samples=4), sessions=sessions)
        assert (more.accounts["j"].hits, len(server.requests)) == (6, 8)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.9},
        {"model": "other"},
        {"top_p": 0.5},
        {"extra_body": {"x": 1}},
        {"omit": ["temperature"]},
        {"reasoning_effort": "low"},
        {"system_role": "fold"},
    ],
)
async def test_another_model_or_sampling_is_another_question(
    models: Models, cache: JudgeCache, change: dict[str, Any]
) -> None:
    with LoopbackServer(rater()) as server:
        await judged(models, cache, judge(server))
        found = await judged(models, cache, judge(server, **change))
        assert (found.accounts["j"].hits, len(server.requests)) == (0, 2)


async def test_another_rubric_or_session_is_another_question_and_another_endpoint_is_not(
    models: Models, cache: JudgeCache
) -> None:
    with LoopbackServer(rater()) as server, LoopbackServer(rater()) as elsewhere:
        await judged(models, cache, judge(server))
        moved = await judged(models, cache, judge(elsewhere, max_requests=5, timeout=9))
        assert (moved.accounts["j"].hits, len(elsewhere.requests)) == (1, 0)
        await judged(models, cache, judge(server), scales=[small_scale(hash="ba9876543210")])
        await judged(models, cache, judge(server), sessions=[session("another")])
        assert len(server.requests) == 3


async def test_faulty_answers_are_kept_until_they_are_asked_for_again(models: Models, cache: JudgeCache) -> None:
    good: list[bool] = []
    with LoopbackServer(lambda request: rating(request.prompt) if good else "no") as server:
        await judged(models, cache, judge(server))
        kept = await judged(models, cache, judge(server))
        assert (len(server.requests), kept.accounts["j"].hits) == (2, 1)
        good.append(True)
        mended = await judged(models, cache, judge(server), again=True)
        assert len({request.body["seed"] for request in server.requests}) == len(server.requests) == 3
    assert [row.score for row in mended.rows] == [2, 2]
    assert mended.accounts["j"].used.requests == 3


async def test_a_run_that_is_cancelled_goes_on_where_it_was(models: Models, tmp_path: Path) -> None:
    sessions = [session(str(number)) for number in range(12)]
    running: list[asyncio.Task[Judgements]] = []

    def stop(progress: Progress) -> None:
        if progress.done == 5:
            running[0].cancel()

    with LoopbackServer(rater()) as server:
        one = judge(server, max_in_flight=2)
        running.append(
            asyncio.create_task(judged(models, JudgeCache(tmp_path), one, sessions=sessions, on_progress=stop))
        )
        with pytest.raises(asyncio.CancelledError):
            await running[0]
        kept = len(JudgeCache(tmp_path))
        assert 5 <= kept < 12
        found = await judged(models, JudgeCache(tmp_path), one, sessions=sessions)
    assert found.accounts["j"].hits == kept
    assert found.accounts["j"].spent.requests == 12 - kept
    assert [row.score for row in found.rows] == [2] * 24


async def test_half_lines_and_foreign_lines_are_passed_over_and_never_glued(models: Models, tmp_path: Path) -> None:
    with LoopbackServer(rater()) as server:
        await judged(models, JudgeCache(tmp_path), judge(server), sessions=[session("one"), session("two")])
        path = tmp_path / FILE
        whole = path.read_bytes()
        first, second = whole.splitlines(keepends=True)
        path.write_bytes(first + b'{"key": "x"}\n[]\n\xff\n' + second[: len(second) // 2])
        cut = JudgeCache(tmp_path)
        assert (len(cut), cut.damaged) == (1, 3)
        found = await judged(models, cut, judge(server), sessions=[session("one"), session("two")])
        assert (found.accounts["j"].hits, len(server.requests)) == (1, 3)
    assert len(JudgeCache(tmp_path)) == 2
    assert path.read_bytes().startswith(first)


async def test_one_writes_and_others_read(models: Models, cache: JudgeCache) -> None:
    other = JudgeCache(cache.folder)
    with LoopbackServer(rater()) as server:
        with cache.writing(), pytest.raises(RunError, match="is in use by another process"):
            await judged(models, other, judge(server))
        await judged(models, cache, judge(server))
        # A reader that was opened before finds what has been written since as soon as it writes itself.
        found = await judged(models, other, judge(server))
        assert (found.accounts["j"].hits, len(server.requests)) == (1, 1)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(RunError, match="file"), JudgeCache(tmp_path / "file" / "in").writing():
        pass
