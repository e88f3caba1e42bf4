"""A run read in a real browser: list, search, session, two side by side, by keyboard and by address; and that no text is markup."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import ENTER, click, no_errors, press, resize, started_browser, text_of, wait
from tests.inspection.page_sessions import many
from tests.web.runs_to_read import HOSTILE, hostile_texts, keep, served_at

RUN = "<img src=x onerror=alert(1)> & 100%"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from started_browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's address over a folder with one run."""
    folder = tmp_path_factory.mktemp("runs")
    keep(folder / RUN, [*many(12), hostile_texts()])
    with served_at(folder) as there:
        yield there


@pytest.fixture
def browser(chromium: Any, address: str) -> Iterator[Any]:
    """The browser at the run's list, reached from the start page; a test fails if its page has logged an error."""
    resize(chromium, 1280)
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get(address)
    wait(chromium, lambda: chromium.find_elements("css selector", "#runs a"))
    click(chromium, "#runs a")
    wait(chromium, lambda: text_of(chromium, "#count") == "13 sessions")
    yield chromium
    no_errors(chromium)
    assert chromium.title != "taken"
    assert chromium.execute_script("return document.querySelectorAll('img, main script').length") == 0


def told(driver: Any, selector: str, text: str) -> None:
    wait(driver, lambda: text in text_of(driver, selector))


def hash_of(driver: Any) -> str:
    return str(driver.current_url.partition("#")[2])


def test_the_list_fills_up_and_is_filtered_and_a_session_opens_at_its_turn(browser: Any) -> None:
    assert text_of(browser, "#title") == RUN
    wait(browser, lambda: browser.execute_script("return performance.getEntriesByName('read').length"))
    assert text_of(browser, "#reading") == ""
    assert HOSTILE in text_of(browser, "#sessions")
    options = browser.execute_script(
        "return [...document.querySelector('[name=risk]').options].map((one) => one.textContent)"
    )
    assert options == ["all", "none (13)"]
    click(browser, "[name=method] option[value=single]")
    told(browser, "#count", "4 of 13 sessions")
    browser.execute_script("document.activeElement.blur()")
    press(browser, "j", "j", ENTER)
    told(browser, "#steps-title", "Overview")
    assert hash_of(browser) == "session=s5"
    press(browser, "j", "j")
    assert hash_of(browser) == "session=s5&turn=1"
    press(browser, "g")
    assert browser.find_element("css selector", ".graph").is_displayed()
    press(browser, "g")
    browser.refresh()
    told(browser, "#steps-title", "Turn 1")
    for expected in ("session=s5&turn=0", "session=s5", ""):
        browser.back()
        wait(browser, lambda expected=expected: hash_of(browser) == expected)
    wait(browser, browser.find_element("id", "sessions").is_displayed)


def test_a_search_leads_to_the_hit_and_back(browser: Any) -> None:
    browser.find_element("id", "everywhere-query").send_keys("ONERROR=", ENTER)
    told(browser, "#found-count", "hits in 1 session; 13 sessions read")
    wait(browser, lambda: "…" not in text_of(browser, "#found-count"))
    assert text_of(browser, "#found mark") == "onerror="
    assert not browser.find_element("id", "sessions").is_displayed()
    click(browser, "[name=attitude] option[value=negative]")
    assert not browser.find_element("css selector", "#found section").is_displayed()
    click(browser, "[type=reset]")
    wait(browser, browser.find_element("css selector", "#found section").is_displayed)
    links = browser.find_elements("css selector", "#found a")
    client = next(link for link in links if link.text == "Turn 1, client")
    client.click()
    told(browser, "#steps-title", "Turn 1")
    assert hash_of(browser).startswith("session=hostile&turn=1")
    assert " of " in text_of(browser, "#hits")
    assert HOSTILE in text_of(browser, "#dialogue")
    browser.back()
    wait(browser, lambda: browser.find_element("id", "found").is_displayed())
    browser.get(browser.current_url.partition("#")[0] + "#session=nobody")
    told(browser, "#problem", "There is no session nobody in this run.")
    browser.get_log("browser")  # the answer 409


def test_two_sessions_stand_side_by_side(browser: Any, address: str) -> None:
    browser.get(f"{browser.current_url.partition('#')[0]}#session=s0")
    told(browser, "#steps-title", "Overview")
    click(browser, "#to-compare")
    told(browser, "#choose", "Choose the session to compare with Ada Test, magnet, positive, s0.")
    browser.find_element("css selector", "#sessions [href='#session=hostile']").send_keys(ENTER)
    told(browser, "#compare", "Settings and results that differ")
    assert hash_of(browser) == "compare=s0,hostile"
    marks = browser.execute_script(
        "return [...document.querySelectorAll('#compare .said.client mark')].map((one) => one.textContent)"
    )
    assert " ".join(HOSTILE.split()) in marks
    click(browser, "#differing")
    shown = browser.find_elements("css selector", "#compare article:not([hidden]) h3")
    assert [one.text.split()[0] for one in shown] == ["Plan", "Turn"]
    for width in (360, 1280):
        resize(browser, width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    click(browser, "#compare article:not([hidden]) h3 a")
    told(browser, "#steps-title", "Opening")
    browser.get(f"{address}#run={browser.current_url.partition('/read/')[2].partition('#')[0]}&session=s1&turn=2")
    told(browser, "#steps-title", "Turn 2")
