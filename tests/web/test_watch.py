"""Simulated sessions that the page begins, watches, stops and goes on with."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'web' is not installed")

from langgraph.checkpoint.memory import InMemorySaver

from counseling_sessions.graph.practice import Practice
from counseling_sessions.graph.session import SessionTask
from counseling_sessions.inspection.find import find_one
from counseling_sessions.models.prices import Price, Prices
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.web.changing import Changing, states
from counseling_sessions.web.watching import MOST_AT_WORK
from tests.scripted import Asked, ScriptedChat, Sensible, config, profile, scripted_models
from tests.web.watched import HeldChat, page_on

NEW = {"client": "amira-exam-panic", "attitude": "neutral"}
HOSTILE = 'I typed <img src=x onerror="document.title=1"> and <script>document.title=1</script> and {{plan}}.'


@pytest.fixture(autouse=True)
def _checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))


def over(state: Any) -> bool:
    return state["state"] != "running"


def test_a_session_leaves_the_same_files_as_one_of_the_terminal(tmp_path: Path) -> None:
    with page_on(tmp_path / "runs", ScriptedChat(answer=Sensible())) as page:
        name = page.post("api/watch", NEW)["name"]
        state = page.until(name, over)
        listed = [one["name"] for one in page.get("api/start")["sessions"]]
    folder = tmp_path / "runs" / name
    record = find_one(folder)
    assert record.status == "finished"
    assert record.attitude == "neutral"
    assert not RunFolder(folder).journal_files()
    assert (folder / f"{record.session_id}.md").read_text(encoding="utf-8").startswith("# Amira")
    assert (state["state"], listed) == ("finished", [name])
    assert state["ended"] == "ended: the time was up"
    assert [one["text"] for turn in state["turns"] for one in turn["said"]] == [one.text for one in record.dialogue]


def test_the_state_has_each_pick_with_its_reason_and_how_it_is_for_the_client(tmp_path: Path) -> None:
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        state = page.until(page.post("api/watch", NEW)["name"], over)
    first = next(turn for turn in state["turns"] if turn["key"] == "1")
    assert first["pick"]["techniques"] == ["reflection", "questioning"]
    assert first["pick"]["reason"] == "The client needs room."
    assert "trust" in dict(first["client_state"])
    assert state["turns"][0]["plan"]["technique"] == "behavior experiment"


def test_the_nodes_at_work_are_named_while_they_run(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=2)
    with page_on(tmp_path, chat) as page:
        name = page.post("api/watch", NEW)["name"]
        assert chat.held.wait(30)
        state = page.until(name, lambda one: one["nodes"] == ["client"])
        assert (state["state"], state["doing"], state["turn"]) == ("running", ["answering"], 2)
        assert 'data-node="client"' in page.get(f"api/watch/{name}/graph")["svg"]
        chat.go.set()
        assert page.until(name, over)["nodes"] == []


def test_a_stopped_session_goes_on_and_says_the_same_up_to_there(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=2)
    with page_on(tmp_path, chat) as page:
        name = page.post("api/watch", NEW)["name"]
        assert chat.held.wait(30)
        stopped = page.post(f"api/watch/{name}/stop")
        assert stopped["state"] == "unfinished"
        assert [(one["name"], one["state"]) for one in page.get("api/watch")["sessions"]] == [(name, "unfinished")]
        chat.go.set()
        assert page.post(f"api/watch/{name}/on")["state"] == "running"
        finished = page.until(name, over)
        assert page.get("api/watch")["sessions"] == []
    assert finished["state"] == "finished"
    assert finished["number"] > stopped["number"]
    assert finished["turns"][:2] == stopped["turns"][:2]
    assert find_one(tmp_path / name).resumed == 1


def test_a_server_that_comes_again_shows_the_session_and_goes_on_with_it(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=2)
    with page_on(tmp_path, chat) as page:
        name = page.post("api/watch", NEW)["name"]
        assert chat.held.wait(30)
        before = page.get(f"api/watch/{name}")
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        state = page.get(f"api/watch/{name}")
        assert (state["state"], state["turns"][:2]) == ("unfinished", before["turns"][:2])
        assert state["number"] > before["number"]
        page.post(f"api/watch/{name}/on")
        assert page.until(name, over)["state"] == "finished"


def test_a_session_that_another_process_runs_is_followed_but_not_run_twice(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=2)
    with page_on(tmp_path, chat) as page, page_on(tmp_path, ScriptedChat(answer=Sensible())) as other:
        name = page.post("api/watch", NEW)["name"]
        assert chat.held.wait(30)
        before = other.until(name, lambda state: state["turn"] == 2)
        assert "in use by another process" in other.post(f"api/watch/{name}/on", status=400)["problem"]
        chat.go.set()
        after = other.until(name, lambda state: state["state"] == "finished")
    assert after["number"] > before["number"]
    assert after["turns"][:2] == before["turns"][:2]


def test_going_on_twice_runs_the_session_once(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=1)
    with page_on(tmp_path, chat) as page:
        name = page.post("api/watch", NEW)["name"]
        assert chat.held.wait(30)
        assert page.post(f"api/watch/{name}/on")["state"] == "running"
        chat.go.set()
        page.until(name, over)
        assert "no unfinished session" in page.post(f"api/watch/{name}/on", status=400)["problem"]
    assert sum(one.role == "closing" for one in chat.asked) == 1


def test_a_failed_session_says_why_and_goes_on(tmp_path: Path) -> None:
    broken = [True]

    def answer(asked: Asked) -> Any:
        return RuntimeError("down") if broken[0] and asked.role == "client" else sensible(asked)

    sensible = Sensible()
    with page_on(tmp_path, ScriptedChat(answer=answer)) as page:
        name = page.post("api/watch", NEW)["name"]
        failed = page.until(name, over)
        assert failed["state"] == "failed"
        assert "down" in failed["ended"]
        broken[0] = False
        page.post(f"api/watch/{name}/on")
        assert page.until(name, over)["state"] == "finished"


def test_trouble_of_the_machine_is_told_and_the_session_goes_on(tmp_path: Path) -> None:
    full, sensible = [True], Sensible()

    def answer(asked: Asked) -> Any:
        return OSError(28, "No space left on device") if full[0] and asked.role == "client" else sensible(asked)

    with page_on(tmp_path, ScriptedChat(answer=answer)) as page:
        name = page.post("api/watch", NEW)["name"]
        stopped = page.until(name, over)
        assert (stopped["state"], "No space left" in stopped["problem"]) == ("unfinished", True)
        full[0] = False
        page.post(f"api/watch/{name}/on")
        finished = page.until(name, over)
        assert (finished["state"], finished["problem"]) == ("finished", "")


def test_a_session_does_not_go_on_where_the_command_does_not_name_its_servers(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=1)
    with page_on(tmp_path, chat) as page:
        name = page.post("api/watch", NEW)["name"]
        assert chat.held.wait(30)
        page.post(f"api/watch/{name}/stop")
        asked = len(chat.asked)
        page.conducting.refused = "it wants to send to http://elsewhere"
        assert "elsewhere" in page.post(f"api/watch/{name}/on", status=400)["problem"]
        assert page.get(f"api/watch/{name}")["state"] == "unfinished"
    assert len(chat.asked) == asked


def test_no_more_sessions_run_at_once_than_may(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=1)
    with page_on(tmp_path, chat) as page:
        names = [page.post("api/watch", NEW)["name"] for _ in range(MOST_AT_WORK)]
        assert len(set(names)) == MOST_AT_WORK
        assert "no more can at once" in page.post("api/watch", NEW, status=409)["problem"]
        page.post(f"api/watch/{names[0]}/stop")
        page.post("api/watch", NEW)


@pytest.mark.parametrize("field", ["base_url", "model", "api_key_env", "folder", "models"])
def test_no_request_says_which_model_or_file(field: str, tmp_path: Path) -> None:
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        page.post("api/watch", {**NEW, field: "http://elsewhere"}, status=422)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..", "other", "%2fetc", "."])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    with page_on(tmp_path / "runs", ScriptedChat(answer=Sensible())) as page:
        with page_on(tmp_path / "other", ScriptedChat(answer=Sensible())) as other:
            other.until(other.post("api/watch", NEW)["name"], over)
        answer = page.client.get(f"/token/api/watch/{name}")
        assert answer.status_code in {404, 409} or "sessions" in answer.json()
        assert "turns" not in answer.json()


def test_a_practice_session_and_a_batch_are_not_watched(tmp_path: Path) -> None:
    models, _ = scripted_models(Sensible())
    task = SessionTask(profile=profile(), attitude="neutral", config=config())
    practice = Practice.begin(task, "counselor", RunFolder(tmp_path / "typed").journals, models, InMemorySaver())
    asyncio.run(practice.start())
    practice.close()
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch" / "run.json").write_text("{}", encoding="utf-8")
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        assert "A person takes part" in page.get("api/watch/typed", status=409)["problem"]
        assert "several sessions" in page.get("api/watch/batch", status=409)["problem"]
        assert page.get("api/watch")["sessions"] == []


def test_hostile_words_come_as_they_are_and_the_graph_escapes_them(tmp_path: Path) -> None:
    chat = ScriptedChat(answer=Sensible(client=(HOSTILE,)))
    with page_on(tmp_path, chat) as page:
        name = page.post("api/watch", {**NEW, "turns": 1})["name"]
        state = page.until(name, over)
        assert "<img" not in page.get(f"api/watch/{name}/graph")["svg"]
    assert HOSTILE in [one["text"] for turn in state["turns"] for one in turn["said"]]


def test_costs_are_counted_where_every_model_has_a_price(tmp_path: Path) -> None:
    prices = Prices({"scripted": Price(input=1e6, output=1e6)})
    with page_on(tmp_path, ScriptedChat(answer=Sensible()), prices) as page:
        state = page.until(page.post("api/watch", NEW)["name"], over)
    calls = int(dict(state["facts"])["calls"].split()[0])
    assert dict(state["facts"])["cost"] == f"{calls * 110:,.4f}"
    with page_on(
        tmp_path / "more", ScriptedChat(answer=Sensible()), Prices({"other": Price(input=1, output=1)})
    ) as page:
        state = page.until(page.post("api/watch", NEW)["name"], over)
    assert dict(state["facts"])["cost"] == ""


async def test_a_stream_gives_a_state_at_once_and_then_only_new_ones() -> None:
    thing, numbers = Changing(), []

    async def now() -> Changing:
        return thing

    async for event in states(now, lambda one: {"number": one.number}, lambda: len(numbers) == 3):
        numbers.append(event.data["number"])
        asyncio.get_running_loop().call_soon(thing.changed)
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


async def test_waiting_for_news_leaves_no_task_behind() -> None:
    thing = Changing()
    for _ in range(5):
        assert not await thing.after(thing.number, 0.001)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


def test_every_file_that_the_page_names_is_served(tmp_path: Path) -> None:
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        names = re.findall(r'(?:src|href)="(page/[^"]+)"', page.client.get("/token/").text)
        assert {"page/watch.js", "page/batch.js", "page/watch.css"} <= set(names)
        assert [name for name in names if page.client.get(f"/token/{name}").status_code != 200] == []
