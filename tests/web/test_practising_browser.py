"""Practising on the page in a real browser: a whole session by keyboard, a killed server, two tabs, hostile words."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import click, no_errors, press, resize, started_browser, text_of, wait
from tests.forked import ROOT
from tests.loopback import LoopbackServer

HOSTILE = '<img src=x onerror="document.title=1"></script><b>bold</b>'


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from started_browser(tmp_path_factory.mktemp("browser"))


class Served:
    """`run.py web` in a process of its own, which can be killed and started again at the same address."""

    def __init__(self, folder: Path, models: LoopbackServer) -> None:
        self._folder, self._models, self._port = folder, models, "0"
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "XDG_STATE_HOME": str(self._folder / "state"), "OPENAI_API_KEY": "key"}
        options = ["--no-browser", "--port", self._port, "--base-url", self._models.base_url, "--model", "a-model"]
        self.process = subprocess.Popen(
            [sys.executable, "run.py", "web", str(self._folder / "runs"), *options],
            cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stderr
        self.address = self.process.stderr.readline().split()[-1]
        self._port = self.address.split(":")[2].split("/")[0]

    def kill(self) -> None:
        self.process.kill()
        self._end()

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self._end()

    def _end(self) -> int:
        status = self.process.wait(20)
        assert self.process.stderr
        self.process.stderr.close()
        return status


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with LoopbackServer() as models:
        served = Served(tmp_path, models)
        yield served
        if served.process.poll() is None:
            served.kill()


def begin(browser: Any, served: Served, turns: int) -> None:
    resize(browser, 1280)
    browser.get(served.address)
    wait(browser, lambda: browser.find_elements("css selector", "#begin"))
    browser.find_element("name", "turns").send_keys(str(turns))
    click(browser, "#begin")
    at_turn(browser, 1)


def at_turn(browser: Any, turn: int) -> None:
    wait(browser, lambda: browser.execute_script(f"return state?.waiting && !state.busy && state.turn === {turn}"))


def said(browser: Any) -> list[str]:
    return [one.text for one in browser.find_elements("css selector", "#dialogue .text")]


def test_a_session_by_keyboard_survives_a_killed_server(chromium: Any, served: Served, tmp_path: Path) -> None:
    begin(chromium, served, 3)
    message = chromium.find_element("css selector", "#message")
    message.send_keys(f"Good morning. {HOSTILE}\n")
    at_turn(chromium, 2)
    assert f"Good morning. {HOSTILE}" in said(chromium)
    assert not chromium.find_elements("css selector", "#dialogue img, #dialogue b:not(.who)")
    message.send_keys("Half a thou")
    before = said(chromium)
    served.kill()
    wait(chromium, lambda: "broke off" in text_of(chromium, "#problem"))
    served.start()
    wait(chromium, lambda: not chromium.find_element("css selector", "#problem").is_displayed())
    chromium.get_log("browser")  # what the browser says of the server that was gone
    at_turn(chromium, 2)
    assert said(chromium) == before
    assert message.get_property("value") == "Half a thou"
    chromium.refresh()
    at_turn(chromium, 2)
    message = chromium.find_element("css selector", "#message")
    assert message.get_property("value") == "Half a thou"
    message.send_keys("ght, and goodbye.")
    click(chromium, "[data-do=end]")
    press(chromium, "\n")
    wait(chromium, lambda: chromium.find_element("css selector", "#review").is_displayed())
    (review,) = (tmp_path / "runs").glob("practice-*/*.review.json")
    assert json.loads(review.read_text(encoding="utf-8"))["messages"] == 2
    assert text_of(chromium, "#review-title") == "Looking back"
    for width in (360, 3840):
        resize(chromium, width)
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    chromium.back()
    wait(chromium, lambda: chromium.find_elements("css selector", "#runs a"))
    chromium.forward()
    wait(chromium, lambda: chromium.find_element("css selector", "#review").is_displayed())
    no_errors(chromium)
    assert served.stop() == 0


def test_two_tabs_see_the_same_and_ctrl_c_ends_open_streams(chromium: Any, served: Served) -> None:
    begin(chromium, served, 4)
    first, address = chromium.current_window_handle, chromium.current_url
    chromium.switch_to.new_window("window")
    chromium.get(address)
    at_turn(chromium, 1)
    chromium.find_element("css selector", "#message").send_keys("What is it like?\n")
    at_turn(chromium, 2)
    seen = said(chromium)
    chromium.switch_to.window(first)
    at_turn(chromium, 2)
    assert said(chromium) == seen
    click(chromium, "[data-do=undo]")
    at_turn(chromium, 1)
    assert chromium.find_element("css selector", "#message").get_property("value") == "What is it like?"
    assert served.stop() == 0
