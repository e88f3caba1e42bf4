"""Judges whose endpoints fail or refuse, what is told while they work, and what is never asked."""

from typing import Any

import pytest

from counseling_sessions.evaluation.judging.ask import Unscored
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.means import affect_changes
from counseling_sessions.evaluation.judging.panel import FAILURES_IN_A_ROW, JudgeStopped, Progress
from counseling_sessions.evaluation.scales import read_scale
from counseling_sessions.models.chat import Models
from counseling_sessions.settings import SettingsError
from tests.evaluation.judged import SMALL, judge, judged, rater, rating, session
from tests.loopback import Faults, LoopbackServer, Request
from tests.loopback.raw import http_answer

pytestmark = pytest.mark.usefixtures("no_surroundings")


# Endpoints that fail


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", "rate_limited"),
        ("500", "server_error"),
        ("timeout", "timeout"),
        ("reset", "connection"),
        ("garbage", "garbled"),
    ],
)
async def test_a_failing_endpoint_leaves_unscored_what_it_failed_and_is_asked_for_that_again(
    models: Models, cache: JudgeCache, fault: Any, kind: str
) -> None:
    one = judge(None, max_in_flight=1, timeout=2 if fault == "timeout" else 20)
    with LoopbackServer(rater(), faults=Faults.script([None, fault], hold=60, retry_after=0)) as server:
        one = one.model_copy(update={"base_url": server.base_url})
        sessions = [session("one"), session("two"), session("three")]
        found = await judged(models, cache, one, sessions=sessions)
        assert [row.unscored and row.unscored.kind for row in found.rows] == [None, None, kind, kind, None, None]
        assert [row.score for row in found.rows] == [2, 2, None, None, 2, 2]
        assert found.accounts["j"].spent.requests == 3
        again = await judged(models, cache, one, sessions=sessions)
        assert len(server.requests) == 4
    assert [row.score for row in again.rows] == [2] * 6
    assert again.accounts["j"].hits == 2


async def test_faults_that_pass_cost_requests_and_no_scores(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(rater(), faults=Faults.script(["500", "429", "cut"], retry_after=0)) as server:
        found = await judged(models, cache, judge(server, max_requests=4))
    assert [row.score for row in found.rows] == [2, 2]
    assert found.accounts["j"].spent.requests == 4


@pytest.mark.parametrize("status", [401, 404])
async def test_an_endpoint_that_refuses_everything_stops_the_run_at_once(
    models: Models, cache: JudgeCache, status: int
) -> None:
    with LoopbackServer(rater()) as server:
        server.fail_with(status, "No such thing here.")
        said = rf"judge j: .* answers {status}: No such thing here\. Stopped after 1 of 40 questions; none was answered"
        with pytest.raises(JudgeStopped, match=said):
            await judged(models, cache, judge(server, max_in_flight=2), sessions=[session(str(n)) for n in range(40)])
        assert len(server.requests) <= 4
    assert not len(cache)


async def test_what_was_answered_before_a_stop_is_kept_and_said_to_be(models: Models, cache: JudgeCache) -> None:
    answered: list[str] = []

    def two_of_them(request: Request) -> str:
        if len(answered) == 2:
            raise ValueError("too long")
        answered.append(rating(request.prompt))
        return answered[-1]

    said = f"Stopped after {2 + FAILURES_IN_A_ROW} of 40 questions; the answers to 2 questions are kept"
    with LoopbackServer(two_of_them) as server, pytest.raises(JudgeStopped, match=said):
        await judged(models, cache, judge(server, max_in_flight=1), sessions=[session(str(n)) for n in range(40)])
    assert len(cache) == 2


async def test_an_endpoint_that_fails_one_session_after_another_stops_the_run(
    models: Models, cache: JudgeCache
) -> None:
    with LoopbackServer(rater()) as server:
        server.fail_with(400, "Too long for this model.")
        with pytest.raises(JudgeStopped, match="Too long for this model"):
            await judged(models, cache, judge(server, max_in_flight=1), sessions=[session(str(n)) for n in range(40)])
        assert len(server.requests) == FAILURES_IN_A_ROW


async def test_one_session_that_is_always_refused_does_not_stop_the_run(models: Models, cache: JudgeCache) -> None:
    def too_long(request: Request) -> str:
        if "(long)" in request.prompt:
            raise ValueError("too long")
        return rating(request.prompt)

    many = FAILURES_IN_A_ROW + 3
    with LoopbackServer(too_long) as server:
        one = judge(server, samples=many, temperature=1, max_in_flight=1)
        found = await judged(models, cache, one, sessions=[session("long"), session("short")])
    assert sum(row.unscored is not None for row in found.rows) == 2 * many
    assert {row.key.session for row in found.rows if row.scored is not None} == {"short"}


async def test_failures_between_successes_do_not_stop_the_run(models: Models, cache: JudgeCache) -> None:
    many = 2 * FAILURES_IN_A_ROW + 4
    every_other = Faults.script([None, "500"] * (many // 2))
    with LoopbackServer(rater(), faults=every_other) as server:
        sessions = [session(str(number)) for number in range(many)]
        found = await judged(models, cache, judge(server, max_in_flight=1), sessions=sessions)
    assert (
        sum(row.unscored is None for row in found.rows) == sum(row.unscored is not None for row in found.rows) == many
    )


# Accounts and progress


async def test_progress_is_told_for_every_question_and_tokens_are_counted(models: Models, cache: JudgeCache) -> None:
    told: list[Progress] = []
    with LoopbackServer(lambda request: "no" if "(two)" in request.prompt else rating(request.prompt)) as server:
        sessions = [session("one"), session("two")]
        found = await judged(models, cache, judge(server, samples=2), sessions=sessions, on_progress=told.append)
        spent = found.accounts["j"].spent
        assert (spent.prompt, spent.cached, spent.completion) == (
            server.prompt_tokens,
            server.cached_tokens,
            server.completion_tokens,
        )
        assert spent.requests == len(server.requests) == 2 + 4
    assert [(item.done, item.total) for item in told] == [(number, 4) for number in range(1, 5)]
    assert (told[-1].unscored, told[-1].hits, told[-1].tokens) == (2, 0, spent)


async def test_no_more_calls_are_in_flight_than_the_judge_allows(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(rater()) as server:
        await judged(
            models, cache, judge(server, max_in_flight=3), sessions=[session(str(number)) for number in range(12)]
        )
        spans = [(request.received, request.finished or 0.0) for request in server.requests]
    assert max(sum(begin <= at < end for begin, end in spans) for at, _ in spans) <= 3


# What is not asked


async def test_what_there_is_nothing_to_judge_by_is_unscored_without_a_call(models: Models, cache: JudgeCache) -> None:
    silent = tuple(message.model_copy(update={"text": " "}) for message in session().dialogue)
    sessions = [session("silent", dialogue=silent), session("formless", profile=None, profile_problem="no form in it")]
    with LoopbackServer(rater()) as server:
        found = await judged(
            models, cache, judge(server, samples=2), sessions=sessions, scales=[SMALL, read_scale("panas-style")]
        )
        assert len(server.requests) == 2 + 2
    kinds = {(row.key.session, row.scale, row.occasion): row.unscored and row.unscored.kind for row in found.rows}
    assert kinds == {
        ("silent", "small-style", "session"): "empty_session",
        ("silent", "panas-style", "before"): None,
        ("silent", "panas-style", "after"): "empty_session",
        ("formless", "small-style", "session"): None,
        ("formless", "panas-style", "before"): "no_intake_form",
        ("formless", "panas-style", "after"): "no_intake_form",
    }
    assert next(row for row in found.rows if row.key.session == "formless" and row.unscored).unscored == Unscored(
        "no_intake_form", "no form in it"
    )
    assert {change.change for change in affect_changes(found.rows, read_scale("panas-style"))} == {None}


@pytest.mark.parametrize("settings", [{"model": "embedded", "base_url": None}, {"model": None, "base_url": None}])
async def test_the_embedded_model_does_not_judge(models: Models, cache: JudgeCache, settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="too small to judge.*--i-know"):
        await judged(models, cache, judge(None, **settings))


async def test_two_judges_that_are_one_are_refused(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(rater()) as server:
        with pytest.raises(SettingsError, match="judges j and k are both m, sampled alike"):
            await judged(models, cache, judge(server), judge(server, name="k"))
        with pytest.raises(SettingsError, match="two scales have one name"):
            await judged(models, cache, judge(server), scales=[SMALL, SMALL])
        assert not server.requests


async def test_an_endpoint_that_stays_at_its_limit_stops_the_run_at_once(models: Models, cache: JudgeCache) -> None:
    words = {"error": {"message": "Daily limit of 50 reached"}}
    with LoopbackServer(raw=lambda request: http_answer(words, 429, [("Retry-After", "3600")])) as server:
        with pytest.raises(JudgeStopped, match="Daily limit of 50 reached; it asks to wait 1 h 00 min"):
            await judged(models, cache, judge(server, max_in_flight=1), sessions=[session("one"), session("two")])
        assert len(server.requests) == 1


async def test_what_a_filter_refuses_does_not_stop_the_run(models: Models, cache: JudgeCache) -> None:
    words = {"error": {"message": "The prompt was filtered", "code": "content_filter"}}
    sessions = [session(f"session-{number}") for number in range(FAILURES_IN_A_ROW + 3)]
    with LoopbackServer(raw=lambda request: http_answer(words, 400)) as server:
        found = await judged(models, cache, judge(server, max_in_flight=1), sessions=sessions)
    assert {row.unscored and row.unscored.kind for row in found.rows} == {"filtered"}
