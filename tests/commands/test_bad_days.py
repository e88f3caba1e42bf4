"""Commands on an endpoint's bad days: what they say, how often they ask, and how one goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import run
from counseling_sessions.sessions.folder import RunFolder
from tests.loopback import Faults, LoopbackServer, Request, sensible_answer
from tests.loopback.raw import Raw, http_answer
from tests.scripted import profile

pytestmark = pytest.mark.usefixtures("no_surroundings")

CHAT = "/v1/chat/completions"
FILTER = {"error": {"message": "The prompt was filtered", "code": "content_filter"}}
CONTEXT = {
    "error": {"message": "This model's maximum context length is 4096 tokens", "code": "context_length_exceeded"}
}


def forms(folder: Path, count: int) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / "forms.jsonl"
    values = [
        profile(id=f"client-{number}", reason_for_counseling=f"My reason is number {number}.").model_dump(mode="json")
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return str(path)


def generate(folder: Path, url: str, count: int, *options: str) -> int:
    where = ["--base-url", url, "--model", "m"] if url else []
    first = ["--profiles", forms(folder, count), "--methods", "single", "--turns", "2"] if count else []
    return run.main(["generate", "--out", str(folder / "run"), "--quiet", *where, *first, *options])


def session(folder: Path, url: str, *options: str) -> int:
    return run.main(
        ["session", "--out", str(folder), "--base-url", url, "--model", "m", "--quiet", "--seed", "1", *options]
    )


def refusing(body: Any, when: Callable[[Request], bool], status: int = 400) -> Callable[[Request], Raw | None]:
    return lambda request: http_answer(body, status) if request.path == CHAT and when(request) else None


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_a_filter_s_refusal_is_one_client_s_failure_and_not_the_endpoint_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = [f"reason is number {number}." for number in range(4)]

    def about_a_marked_one(request: Request) -> bool:
        return any(name in request.prompt for name in marked)

    with LoopbackServer(raw=refusing(FILTER, about_a_marked_one)) as server:
        assert generate(tmp_path, server.base_url, 12, "--stop-after", "2", "--concurrency", "1") == 1
    records = list(RunFolder(tmp_path / "run").records(failed=True))
    failed = [record.failure for record in records if record.failure]
    assert len(records) == 12
    assert [failure.kind for failure in failed] == ["filtered"] * 4
    assert failed[0].status == 400
    assert "stopped early" not in said(capsys)


def test_a_filtered_draft_ends_its_session_as_filtered(tmp_path: Path) -> None:
    with LoopbackServer(raw=refusing(FILTER, lambda request: "draft" in request.prompt.lower())) as server:
        session(tmp_path / "one", server.base_url, "--method", "magnet", "--turns", "2")
    (record,) = RunFolder(tmp_path / "one").records(failed=True)
    assert record.failure
    assert record.failure.kind == "filtered"


def test_a_batch_that_outgrows_its_model_stops_early_and_is_not_sent_into_the_same_wall(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = refusing(CONTEXT, lambda request: len(request.messages) > 4)
    with LoopbackServer(raw=long) as server:
        assert generate(tmp_path, server.base_url, 12, "--stop-after", "3", "--concurrency", "1") == 1
        told = said(capsys)
        assert "3 sessions in a row failed alike" in told
        assert "--turns" in told
        assert "3 sessions too long for the model" in told
        asked = len(server.requests)
        assert generate(tmp_path, "", 0, "--retry-failed", "--stop-after", "1", "--preview", "1") == 1
        assert "3 sessions are too long for their model and stay failed" in said(capsys)
        first = {record.session_id for record in RunFolder(tmp_path / "run").records(failed=True)}
        assert len(first) == 4
        assert len(server.requests) > asked
    with LoopbackServer() as better:
        assert generate(tmp_path, "", 0, "--retry-failed", "--base-url", better.base_url) == 0


def test_a_session_that_outgrew_its_model_is_not_resumed_into_the_same_wall(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, resume = tmp_path / "one", ["session", "--resume", str(tmp_path / "one"), "--quiet"]
    walls = [True]
    with LoopbackServer(raw=refusing(CONTEXT, lambda request: walls[0] and len(request.messages) > 4)) as server:
        assert session(place, server.base_url, "--method", "single", "--turns", "3") == 1
        assert "once the server has a longer context" in said(capsys)
        (record,) = RunFolder(place).records(failed=True)
        assert record.failure
        assert (record.failure.kind, record.failure.call and record.failure.call.requests) == ("context", 1)
        asked = len(server.requests)
        assert run.main(resume) == 2
        told = said(capsys)
        assert "too long for its model" in told
        assert "--base-url" in told
        assert "--turns" in told
        assert len(server.requests) == asked
        walls[0] = False
        assert run.main([*resume, "--base-url", server.base_url]) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_batch_at_a_daily_limit_stops_with_the_server_s_words_and_goes_on_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    answered = {"left": 9}

    def daily(request: Request) -> Raw | None:
        if request.path != CHAT:
            return None
        answered["left"] -= 1
        words = {"error": {"message": "Daily limit of 50 reached"}}
        return http_answer(words, 429, [("Retry-After", "3600")]) if answered["left"] < 0 else None

    with LoopbackServer(raw=daily) as server:
        assert generate(tmp_path, server.base_url, 6, "--workers", workers) == 1
        told = said(capsys)
        assert "stopped early" in told
        assert "Daily limit of 50 reached; it asks to wait 1 h 00 min" in told
        assert "go on with: python run.py generate" in told
        assert "--retry-failed" not in told
        assert not [record for record in RunFolder(tmp_path / "run").records(failed=True) if record.failure]
        answered["left"] = 10**6
        assert generate(tmp_path, "", 0) == 0
    assert len(list(RunFolder(tmp_path / "run").records())) == 6


def test_a_batch_that_meets_nothing_but_a_limit_stops_after_a_time_and_fails_no_session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counseling_sessions.models.breaker.PATIENCE", 0.3)
    full = [True]
    raw = http_answer({"error": {"message": "Too many requests"}}, 429)
    with LoopbackServer(raw=lambda request: raw if full[0] and request.path == CHAT else None) as server:
        assert generate(tmp_path, server.base_url, 6, "--stop-after", "2") == 1
        assert "stopped early" in (told := said(capsys))
        assert "answers 429: Too many requests; it has given no answer for" in told
        assert not list(RunFolder(tmp_path / "run").records(failed=True))
        full[0] = False
        assert generate(tmp_path, "", 0) == 0


def test_a_single_session_says_what_it_waits_for_and_until_when(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counseling_sessions.models.chat.WAIT_WORTH_A_WORD", 0.2)
    with LoopbackServer(faults=Faults.script([None, "429"], retry_after=0.6)) as server:
        assert session(tmp_path / "one", server.base_url, "--method", "single", "--turns", "2") == 0
    told = said(capsys)
    assert "answers 429: Rate limit reached" in told
    assert "waits 1 s, until " in told


def test_a_single_session_at_a_daily_limit_ends_and_can_be_taken_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = [True]
    words = {"error": {"message": "Daily limit of 50 reached"}}
    raw = http_answer(words, 429, [("Retry-After", "3600")])
    with LoopbackServer(raw=lambda request: raw if full[0] and len(request.messages) > 4 else None) as server:
        assert session(tmp_path / "one", server.base_url, "--method", "single", "--turns", "2") == 1
        assert "Daily limit of 50 reached; it asks to wait 1 h 00 min" in said(capsys)
        (record,) = RunFolder(tmp_path / "one").records(failed=True)
        assert record.failure
        assert record.failure.kind == "limit"
        full[0] = False
        assert run.main(["session", "--resume", str(tmp_path / "one"), "--quiet", "--base-url", server.base_url]) == 0


def counting(
    most: int | None, reported: Callable[[Request], bool] = lambda request: True
) -> Callable[[Request], Raw | None]:
    """Answers as usual, with a count of prompt tokens that ends at `most`, where it is `reported`."""

    def answer(request: Request) -> Raw | None:
        if request.path != CHAT:
            return None
        tokens = len(request.prompt) // 4
        usage = {"prompt_tokens": min(tokens, most or tokens), "completion_tokens": 9, "total_tokens": None}
        message = {"role": "assistant", "content": str(sensible_answer(request))}
        body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        return http_answer(
            body if reported(request) else {**body, "usage": {"prompt_tokens": None, "completion_tokens": 9}}
        )

    return answer


def test_a_server_that_cuts_prompts_is_noticed_live_in_the_record_and_in_the_evaluation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "one"
    with LoopbackServer(raw=counting(700)) as server:
        where = ["--base-url", server.base_url, "--model", "m", "--method", "single", "--turns", "20", "--seed", "1"]
        assert run.main(["session", "--out", str(place), *where]) == 0
    assert "the server seems to cut the prompt without a word" in " ".join(capsys.readouterr().out.split())
    (record,) = RunFolder(place).records()
    cut = [call for _, call in record.calls if any(finding.kind == "prompt_cut" for finding in call.findings)]
    assert {call.role for call in cut} == {"counselor", "client"}
    assert all(call.prompt_tokens and call.prompt_tokens % 700 == 0 for call in cut)  # one or more attempts
    assert (
        run.main(["evaluate", str(place), "--metrics", "integrity", "--json", str(tmp_path / "e.json"), "--quiet"]) == 0
    )
    group = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))["groups"]["single"]
    assert group["integrity"]["totals"]["prompt_cut"]["sessions"] == 1


def test_a_batch_says_live_that_a_server_cuts_prompts_or_that_budgets_cannot_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LoopbackServer(raw=counting(700)) as server:
        assert generate(tmp_path, server.base_url, 2, "--turns", "20") == 0
    assert said(capsys).count("it seems to cut them without a word") == 2  # live, and at the end
    prices = tmp_path / "prices.yaml"
    prices.write_text("default: {input: 1, output: 1}\n", encoding="utf-8")
    with LoopbackServer(raw=counting(None, lambda request: "client" in request.prompt[:60])) as server:
        options = ("--max-tokens", "1000000", "--prices", str(prices), "--max-cost", "5", "--seeds", "2")
        assert generate(tmp_path / "other", server.base_url, 2, *options) == 0
    told = said(capsys)
    assert "--max-tokens and --max-cost do not count them, and may never stop the batch" in told
    assert "tokens and costs lack them" in told
    with LoopbackServer(raw=counting(None)) as server:
        assert generate(tmp_path / "third", server.base_url, 2, *options) == 0
    told = said(capsys)
    assert "cut" not in told
    assert "count" not in told


def test_a_status_that_no_standard_knows_is_recorded(tmp_path: Path) -> None:
    models = tmp_path / "models.yaml"
    with LoopbackServer(raw=refusing({"error": {"message": "odd"}}, lambda request: True, status=999)) as server:
        models.write_text(f"default: {{base_url: {server.base_url}, model: m, max_requests: 1}}\n", encoding="utf-8")
        place = tmp_path / "one"
        assert run.main(["session", "--out", str(place), "--models", str(models), "--method", "single", "--quiet"]) == 1
    (record,) = RunFolder(place).records(failed=True)
    assert record.failure
    assert (record.failure.kind, record.failure.status) == ("server_error", 999)
