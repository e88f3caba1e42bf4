"""The evaluation of a run on the page: a process of its own, a file in the run's folder, a page that runs nothing."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'web' is not installed")

from counseling_sessions.web.evaluating import REPORT
from tests.scripted import ScriptedChat, Sensible
from tests.web.evaluations import dies, refuses, slow
from tests.web.watched import Page, page_on, waited


def run_of(page: Page) -> str:
    name: str = page.post("api/watch", {"client": "amira-exam-panic", "turns": 1})["name"]
    page.until(name, lambda state: state["state"] == "finished")
    return name


def ended(page: Page, name: str) -> Any:
    return waited(lambda: None if (state := page.get(f"api/evaluate/{name}"))["at_work"] else state)


@pytest.fixture(autouse=True)
def _checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))


@pytest.mark.slow
def test_a_run_is_evaluated_and_its_report_runs_no_script(tmp_path: Path) -> None:
    with page_on(tmp_path / "runs", ScriptedChat(answer=Sensible())) as page:
        name = run_of(page)
        page.get(f"reports/{name}", status=409)
        assert page.post(f"api/evaluate/{name}")["at_work"]
        state = ended(page, name)
        assert (state["problem"], state["report"], state["done"], state["of"]) == ("", True, 1, 1)
        report = page.client.get(f"/token/reports/{name}")
    assert report.text == (tmp_path / "runs" / name / REPORT).read_text(encoding="utf-8")
    assert "<h1" in report.text
    policy = report.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_an_evaluation_shows_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    with page_on(tmp_path / "runs", ScriptedChat(answer=Sensible()), evaluate=slow) as page:
        name, other = run_of(page), run_of(page)
        page.post(f"api/evaluate/{name}")
        state = waited(lambda: one if (one := page.get(f"api/evaluate/{name}"))["of"] else None)
        assert (state["stage"], state["done"], state["of"]) == ("reading", 1, 3)
        assert "is being evaluated" in page.post(f"api/evaluate/{other}", status=409)["problem"]
        assert not page.post(f"api/evaluate/{other}/stop")["at_work"]
        assert page.get(f"api/evaluate/{name}")["at_work"]
        stopped = page.post(f"api/evaluate/{name}/stop")
        assert ended(page, name)["problem"] == "It was stopped."
        assert not stopped["report"]


@pytest.mark.parametrize(("evaluate", "why"), [(dies, "before its time"), (refuses, "there is nothing to evaluate")])
def test_what_goes_wrong_is_told(evaluate: Any, why: str, tmp_path: Path) -> None:
    with page_on(tmp_path / "runs", ScriptedChat(answer=Sensible()), evaluate=evaluate) as page:
        name = run_of(page)
        page.post(f"api/evaluate/{name}")
        assert why in ended(page, name)["problem"]


def test_only_a_listed_run_is_evaluated_or_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside.html"
    outside.write_text("secret", encoding="utf-8")
    with page_on(tmp_path / "runs", ScriptedChat(answer=Sensible())) as page:
        name = run_of(page)
        (tmp_path / "runs" / name / REPORT).symlink_to(outside)
        page.get(f"reports/{name}", status=409)
        page.post("api/evaluate/other", status=409)
        page.get("reports/other", status=409)
        assert "secret" not in page.client.get("/token/reports/..%2foutside.html").text
