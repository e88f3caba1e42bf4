"""Rating on the page in a real browser: from the start page on, in two tabs, and over a server that goes away."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.evaluation.rating.answers import read_answers
from counseling_sessions.evaluation.rating.kept import KeptAnswers
from counseling_sessions.web.server import PageServer
from tests.browser import ESCAPE, click, no_errors, press, resize, started_browser, text_of, wait
from tests.evaluation.rating_sessions import study
from tests.web.rated import FOLDER, guarded, kept


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Any]:
    yield from started_browser(tmp_path / "profile")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """The address of the page of a folder, served until the block ends."""
    origin = f"http://127.0.0.1:{port}"
    server = PageServer("127.0.0.1", port, lambda _: guarded(folder, origin))
    thread = threading.Thread(target=lambda: asyncio.run(server.run()))
    thread.start()
    try:
        until_open(port)
        yield f"{origin}/t/"
    finally:
        server.stop()
        thread.join()


def until_open(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    raise AssertionError("the server did not come up")


def choices_in(file: Path) -> Callable[[], dict[int, dict[str, str]]]:
    """Reads what a rater's file has, by showing."""

    def read() -> dict[int, dict[str, str]]:
        rows = json.loads(file.read_text(encoding="utf-8"))["answers"] if file.exists() else []
        return {row["showing"]: row["choices"] for row in rows}

    return read


def test_a_rater_answers_in_two_tabs_and_while_the_server_is_away(tmp_path: Path, driver: Any, port: int) -> None:
    drawn = kept(tmp_path, study(2))
    file = tmp_path / FOLDER / f"rating-{drawn.hash}-rater-1.json"
    has = choices_in(file)
    aspects = list(drawn.choices)
    resize(driver, 1300)
    with served(tmp_path, port) as address:
        driver.get(address)
        wait(driver, lambda: driver.find_elements("css selector", "#studies a"))
        click(driver, "#studies a")
        wait(driver, lambda: driver.find_elements("css selector", "#raters a"))
        click(driver, "#raters a")
        wait(driver, lambda: driver.find_elements("css selector", ".showing"))
        press(driver, "n12")
        wait(driver, lambda: has() == {1: {aspects[0]: "a", aspects[1]: "b"}})
        first, place = driver.current_window_handle, driver.current_url
        driver.switch_to.new_window("window")
        driver.get(place)
        second = driver.current_window_handle
        press(driver, "3c", "B7, “curt” ", ESCAPE)
        wait(driver, lambda: aspects[2] in has().get(1, {}))
        driver.switch_to.window(first)
        wait(driver, lambda: text_of(driver, "#answered") == "3 of 9 answered")
        KeptAnswers(file.parent, drawn, "rater-1").put(1, {aspects[8]: "a"}, None, 1)  # as another computer does
        driver.execute_script("window.dispatchEvent(new Event('focus'))")
        wait(driver, lambda: text_of(driver, "#answered") == "4 of 9 answered")
        press(driver, "n111")
        wait(driver, lambda: has().get(2) == dict.fromkeys(aspects[:3], "a"))
        no_errors(driver)
    press(driver, "2")  # nobody is there to hear it
    wait(driver, lambda: driver.find_element("css selector", "#storage-warning").is_displayed())
    assert aspects[3] not in has()[2]
    with served(tmp_path, port):
        wait(driver, lambda: has()[2].get(aspects[3]) == "b")
        wait(driver, lambda: not driver.find_element("css selector", "#storage-warning").is_displayed())
    press(driver, "3")
    driver.get("about:blank")  # the page is closed while the server is away
    with served(tmp_path, port):
        driver.get(place)
        wait(driver, lambda: has()[2].get(aspects[4]) == "tie")
        assert text_of(driver, "#answered") == "5 of 9 answered"
        driver.get(f"{address}#rate={drawn.hash}&progress")
        wait(driver, lambda: "9 of 18" in text_of(driver, "#rate"))
        driver.execute_script("localStorage.clear()")  # as another browser, which knows nothing
        driver.get(place)
        assert "9 of 18 questions" in text_of(driver, "#summary")
        answers = read_answers([file], drawn)
        click(driver, "[data-do=overview]")
        click(driver, "[data-do=erase]")
        click(driver, "#confirm-yes")
        wait(driver, lambda: not file.exists())
        driver.refresh()
        assert "0 of 18 questions" in text_of(driver, "#summary")
        driver.switch_to.window(second)
        press(driver, "n")  # saves what this tab has
        wait(driver, lambda: text_of(driver, "#answered") == "0 of 9 answered")
        assert "0 of 18 questions" in text_of(driver, "#summary")
    assert not file.exists()
    assert answers.problems == ()
    assert answers.comments[0].text == "B7, “curt”"
    assert {row.seconds is not None and row.seconds < 60 for row in answers.ratings} == {True}
