"""The page of a report in a real browser: what stands behind figures is for finger, key, screen reader and paper; nothing is cut."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.evaluation.report.document import Cell, Document, Section, Table
from counseling_sessions.evaluation.report.html import html
from counseling_sessions.evaluation.report.plots import dots
from counseling_sessions.evaluation.report.points import Point
from tests.browser import ENTER, contrast, no_errors, press, resize, started_browser, text_of

LONG = "a-prompt-with-everything-in-it-and-no-plan"
NAME = "sessions handed over to a named human or service"
TABLE = Table(
    f"{LONG} against another group with a long name, 60 pairs of sessions; without a partner: 0",
    ("", LONG, "single_plan_without_anything", "difference", "percent", "g_z", "p", "p (Holm)"),
    tuple(
        (Cell(NAME, better="higher"), *(Cell(f"10.{row} [10.12, 12.40]", f"n = {row}") for _ in range(7)))
        for row in range(3)
    ),
    ("Notes.",),
)
PAGE = html(
    Document(
        f"{LONG} compared",
        "Of something.",
        (Section("Tables", ("Said.",), (TABLE, dots({NAME: {"": Point(1.0, 0.5, 1.5)}}, "Effects", "g_z"))),),
        "No clinical outcome.",
        ("Sessions were read.",),
    )
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from started_browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture
def driver(browser: Any, tmp_path: Path) -> Any:
    page = tmp_path / "report.html"
    page.write_text(PAGE, encoding="utf-8")
    resize(browser, 1280)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": []})
    browser.get(page.as_uri())
    return browser


def height(driver: Any, selector: str) -> float:
    script = "return document.querySelector(arguments[0]).getBoundingClientRect().height"
    return float(driver.execute_script(script, selector))


def seen(driver: Any, selector: str) -> bool:
    return bool(driver.execute_script("return document.querySelector(arguments[0]).checkVisibility()", selector))


def test_what_stands_behind_figures_opens_by_key_and_stands_in_print(driver: Any) -> None:
    assert not seen(driver, ".behind dt")
    summary = driver.find_element("css selector", ".behind summary")
    driver.execute_script("arguments[0].focus()", summary)
    press(driver, ENTER)
    assert seen(driver, ".behind dt")
    press(driver, ENTER)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert seen(driver, ".behind dt")
    no_errors(driver)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_page_is_as_wide_as_its_window_and_wide_tables_scroll_alone(driver: Any, width: int) -> None:
    resize(driver, width)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    cut = driver.execute_script(
        """return [...document.querySelectorAll('h1, h2, p, summary, figcaption')]
          .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"""
    )
    assert cut == []
    assert height(driver, "figure svg") > 50


def test_a_row_keeps_its_name_in_view_while_a_narrow_table_is_scrolled(driver: Any) -> None:
    resize(driver, 390)
    left = driver.execute_script(
        """const wide = document.querySelector('.wide'); wide.scrollLeft = 300;
        return wide.querySelector('tbody th').getBoundingClientRect().left - wide.getBoundingClientRect().left"""
    )
    assert abs(left) < 1


def test_a_screen_reader_hears_the_direction_the_picture_and_whose_figures(driver: Any) -> None:
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    heard = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    assert ("rowheader", f"{NAME} (higher is better)") in heard
    assert ("table", TABLE.caption) in heard
    assert any(role == "image" and name.startswith("Effects. g_z") for role, name in heard)
    assert text_of(driver, ".behind summary") == f"Behind the figures of {TABLE.caption}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_text_can_be_read_in_light_and_dark(driver: Any, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    dim, paper = driver.execute_script(
        """const hex = (color) => '#' + color.match(/\\d+/g).slice(0, 3).map((n) => (+n).toString(16).padStart(2, '0')).join('');
        return [hex(getComputedStyle(document.querySelector('.note')).color), hex(getComputedStyle(document.body).backgroundColor)]"""
    )
    assert contrast(dim, paper) >= 4.5
