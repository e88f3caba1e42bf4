"""Watching a session in a real browser: it grows, stops, goes on after a reload, and its words stay words."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'web' is not installed")
pytest.importorskip("uvicorn", reason="the extra 'web' is not installed")

from counseling_sessions.commands.web import free_port
from counseling_sessions.web.guard import Guard
from counseling_sessions.web.server import PageServer
from tests.browser import click, no_errors, resize, started_browser, text_of, wait
from tests.scripted import Sensible
from tests.web.watched import HeldChat, app_on, waited

HOSTILE = 'I typed <img src=x onerror="document.title=1"> and <script>document.title=1</script> and {{plan}}.'


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from started_browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture
def chat() -> HeldChat:
    return HeldChat(answer=Sensible(client=(HOSTILE,)), turn=2)


@pytest.fixture
def address(tmp_path: Path, chat: HeldChat, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))
    port = free_port(0)
    origin = f"http://127.0.0.1:{port}"
    server = PageServer(
        "127.0.0.1", port, lambda stopping: Guard(app_on(tmp_path / "runs", chat, stopping)[0], "token", [origin])
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.run()))
    thread.start()
    waited(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    yield f"{origin}/token/"
    chat.go.set()
    server.stop()
    thread.join(20)


def test_a_session_is_watched_stopped_and_gone_on_with(browser: Any, address: str, chat: HeldChat) -> None:
    resize(browser, 1280)
    browser.get(address)
    wait(browser, lambda: browser.find_elements("css selector", "#begin-watch"))
    click(browser, "#begin-watch")
    wait(browser, lambda: "Turn 2" in text_of(browser, "#watch-state") and chat.held.is_set())
    lit = "return [...document.querySelectorAll('#watch-graph .node.taken')].map((one) => one.dataset.node)"
    wait(browser, lambda: browser.execute_script(lit) == ["client"])
    assert HOSTILE in text_of(browser, "#watch-dialogue")
    assert "The client needs room." in text_of(browser, "#watch-dialogue")
    assert "trust" in text_of(browser, "#watch-dialogue")
    assert browser.find_elements("css selector", "main img") == []
    click(browser, "#watch-stop")
    wait(browser, lambda: browser.find_element("css selector", "#watch-on").is_displayed())
    assert browser.execute_script("return document.activeElement.id") == "watch-on"
    browser.refresh()
    wait(browser, lambda: "stopped" in text_of(browser, "#watch-state"))
    chat.go.set()
    click(browser, "#watch-on")
    wait(browser, lambda: "the time was up" in text_of(browser, "#watch-state"))
    assert text_of(browser, "#watch-dialogue").count(HOSTILE) == 1
    resize(browser, 360)
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    browser.back()
    wait(browser, lambda: browser.find_elements("css selector", "#runs a"))
    assert browser.find_elements("css selector", "#watchable a") == []
    no_errors(browser)


def test_a_batch_is_previewed_begun_stopped_and_gone_on_with(browser: Any, address: str, chat: HeldChat) -> None:
    resize(browser, 1280)
    browser.get(f"{address}#batch")
    wait(browser, lambda: text_of(browser, "#batch-preview").endswith("sessions"))
    click(browser, "#batch select[name=clients] option")
    wait(browser, lambda: text_of(browser, "#batch-preview").endswith("= 1 session"))
    click(browser, "#begin-batch")
    wait(browser, chat.held.is_set)
    for _ in range(2):  # after the turns in progress, then at once
        wait(browser, lambda: browser.find_elements("css selector", "#batch-stop"))
        browser.execute_script("document.querySelector('#batch-stop').click()")
    wait(browser, lambda: "Ended: 0 of 1 finished" in text_of(browser, "#batch"))
    browser.refresh()
    wait(browser, lambda: "Ended: 0 of 1 finished" in text_of(browser, "#batch"))
    chat.go.set()
    click(browser, "#batch-on")
    wait(browser, lambda: "Ended: 1 of 1 finished" in text_of(browser, "#batch"))
    assert "What the whole batch takes" in text_of(browser, "#batch")
    resize(browser, 360)
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    no_errors(browser)
