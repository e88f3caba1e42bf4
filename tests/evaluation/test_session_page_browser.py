"""A rater's way through a page of single sessions, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.evaluation.rating.answers import read_scale_answers
from counseling_sessions.evaluation.rating.page import write_pages
from tests.browser import click, no_errors, press, resize, start_browser, text_of, wait
from tests.evaluation.test_rated_sessions import drawn

SHOWN = ".showing:not([hidden])"


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "downloads").mkdir()
    driver = start_browser(tmp_path / "profile", downloads=tmp_path / "downloads")
    driver.set_window_size(1300, 900)
    yield driver
    driver.quit()


def test_a_rater_scores_by_keyboard_reads_anchors_and_exports(driver: Any, tmp_path: Path) -> None:
    study = drawn(2, repeats=0)
    driver.get(write_pages(study, tmp_path)[0].as_uri())
    assert "from 0 to 6" in " ".join(text_of(driver, "#instructions").split())
    press(driver, "n")
    assert driver.find_element("css selector", f"{SHOWN} fieldset .anchors").is_displayed()
    press(driver, "06x3")
    assert text_of(driver, "#announcer") == "Guided discovery: 3. 4 of 6 answered."
    # What a screen reader reads with a point is its anchor.
    described = driver.execute_script(
        f"""const input = document.querySelector('{SHOWN} fieldset input[value="4"]');
        return document.getElementById(input.getAttribute('aria-describedby')).textContent"""
    )
    assert described == study.scale.items[0].anchors[4]
    skips = [link.get_attribute("href").rpartition("#")[2] for link in driver.find_elements("css selector", ".skips a")]
    assert skips == ["client-1", "session-1", "questions-1"]
    click(driver, "[data-do=overview]")
    assert "0 of 4 sessions are complete; 4 of 24 questions" in text_of(driver, "#summary")
    click(driver, "[data-do=export]")
    exported = tmp_path / "downloads" / f"rating-{study.hash}-rater-1.json"
    wait(driver, exported.exists)
    no_errors(driver)
    answers = read_scale_answers([exported], study)
    assert not answers.problems
    assert [row.score for row in answers.ratings] == [0, 6, None, 3]


def test_a_session_fits_small_and_large_windows(driver: Any, tmp_path: Path) -> None:
    driver.get(write_pages(drawn(2, "realism"), tmp_path)[0].as_uri())
    click(driver, "[data-do=begin]")
    for width in (320, 390, 820, 1280):
        resize(driver, width, 800)
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        small = driver.execute_script(
            f"""return [...document.querySelectorAll('{SHOWN} .choices label')].map((one) => one.getBoundingClientRect())
              .filter((box) => box.height < 43.9 || box.width < 43.9).length"""
        )
        assert small == 0
