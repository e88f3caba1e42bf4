"""A rater's way through the page, in a real browser: by keyboard, over reloads, out and in again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.evaluation.aspects import read_aspects
from counseling_sessions.evaluation.rating.answers import read_answers
from counseling_sessions.evaluation.rating.draw import draw_study
from counseling_sessions.evaluation.rating.page import write_pages
from counseling_sessions.evaluation.rating.study import Study
from tests.browser import click, no_errors, press, start_browser, text_of, wait
from tests.evaluation.rating_sessions import HOSTILE, hostile, pairs, study

KEY = "counseling-sessions-rating"
PAIR = ".showing:not([hidden])"


@pytest.fixture
def browsers(tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Starts browsers with fresh profiles; what they download goes to `tmp_path/downloads`."""
    started: list[Any] = []

    def start() -> Any:
        driver = start_browser(tmp_path / f"profile-{len(started)}", downloads=tmp_path / "downloads")
        driver.set_window_size(1300, 900)
        started.append(driver)
        return driver

    (tmp_path / "downloads").mkdir()
    yield start
    for driver in started:
        driver.quit()


def chosen(driver: Any) -> list[str]:
    """What is chosen in the pair that is shown, aspect by aspect."""
    script = f"""return [...document.querySelectorAll('{PAIR} fieldset')]
        .map((one) => one.querySelector('input:checked')?.value ?? '')"""
    return list(driver.execute_script(script))


def stored(driver: Any, drawn: Study, rater: str = "rater-1") -> dict[str, Any]:
    found = driver.execute_script("return localStorage.getItem(arguments[0])", f"{KEY}:{drawn.hash}:{rater}")
    return dict(json.loads(found)) if found else {}


def test_a_rater_answers_by_keyboard_reloads_goes_on_exports_and_imports_elsewhere(
    browsers: Callable[[], Any], tmp_path: Path
) -> None:
    drawn = study(2)
    page = write_pages(drawn, tmp_path)[0].as_uri()
    driver = browsers()
    driver.get(page)
    press(driver, "n12341")
    assert text_of(driver, "#announcer") == "Empathy: Session A. 5 of 9 answered."

    driver.refresh()
    assert text_of(driver, "#place") == "Pair 1 of 2"
    assert chosen(driver) == ["a", "b", "tie", "cannot_say", "a", "", "", "", ""]
    press(driver, "2222")  # goes on with the first open aspect
    assert chosen(driver) == ["a", "b", "tie", "cannot_say", "a", "b", "b", "b", "b"]
    press(driver, "kk4")  # back to the aspect before the last but one
    press(driver, "c")
    press(driver, "B7, “curt”; n1?")
    press(driver, "\ue00c")  # Escape
    press(driver, "n")
    press(driver, "333333333")
    click(driver, "[data-do=overview]")
    assert "2 of 2 pairs are complete; 18 of 18 questions" in text_of(driver, "#summary")
    click(driver, "[data-do=export]")
    exported = tmp_path / "downloads" / f"rating-{drawn.hash}-rater-1.json"
    wait(driver, exported.exists)
    no_errors(driver)

    other = browsers()
    other.get(page)
    click(other, "[data-do=overview]")
    other.find_element("css selector", "#import").send_keys(str(exported))
    wait(other, lambda: text_of(other, "#import-result") == "Imported: 18 answers.")
    click(other, "#list li:first-child button")
    assert chosen(other) == ["a", "b", "tie", "cannot_say", "a", "b", "cannot_say", "b", "b"]
    assert other.find_element("css selector", f"{PAIR} textarea").get_property("value") == "B7, “curt”; n1?"
    no_errors(other)

    answers = read_answers([exported], drawn)
    assert not answers.problems
    left = drawn.sheets[0].showings[0].left
    right = "second" if left == "first" else "first"
    expected = [left, right, "tie", "cannot_say", left, right, "cannot_say", right, right]
    assert [rating.choice for rating in answers.ratings] == expected + ["tie"] * 9
    assert [comment.text for comment in answers.comments] == ["B7, “curt”; n1?"]
    assert all(rating.seconds is not None and rating.seconds < 120 for rating in answers.ratings)


def test_hostile_text_is_shown_as_text_and_nothing_can_be_loaded_or_sent(
    browsers: Callable[[], Any], tmp_path: Path
) -> None:
    driver = browsers()
    driver.get(write_pages(hostile(), tmp_path)[0].as_uri())
    press(driver, "n")
    said = driver.execute_script(f"return [...document.querySelectorAll('{PAIR} .text')].map((one) => one.textContent)")
    assert HOSTILE in said
    assert driver.title == "Comparing sessions: rater-1"
    assert driver.find_elements("css selector", f"{PAIR} b") == []
    assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0
    blocked = driver.execute_async_script(
        """const done = arguments[0], blocked = [];
        document.addEventListener('securitypolicyviolation', (event) => {
          if (blocked.push(event.effectiveDirective) === 3) done(blocked.sort());
        });
        fetch('http://127.0.0.1:9/').catch(() => null);
        document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/x.png'}));
        document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = 1'}));"""
    )
    assert blocked == ["connect-src", "img-src", "script-src-elem"]


def test_keys_are_not_taken_from_a_comment_or_from_a_rater_who_switched_them_off(
    browsers: Callable[[], Any], tmp_path: Path
) -> None:
    driver = browsers()
    driver.get(write_pages(study(2), tmp_path)[0].as_uri())
    press(driver, "nc")
    press(driver, "1234npjk?")
    assert driver.switch_to.active_element.get_property("value") == "1234npjk?"
    assert chosen(driver) == [""] * 9
    press(driver, "\ue00c?")
    assert driver.find_element("css selector", "#keys").is_displayed()
    press(driver, "\ue004")  # Tab, to the button that closes the list of keys
    press(driver, "n1")  # while it is open they do nothing behind it
    assert (text_of(driver, "#place"), chosen(driver)) == ("Pair 1 of 2", [""] * 9)
    click(driver, "#shortcuts")
    press(driver, "\ue00c")
    click(driver, f"{PAIR} h3")
    press(driver, "n1")
    assert (text_of(driver, "#place"), chosen(driver)) == ("Pair 1 of 2", [""] * 9)
    click(driver, f"{PAIR} fieldset:nth-child(3) label:nth-child(2)")
    assert chosen(driver)[2] == "b"
    driver.refresh()
    assert driver.execute_script("return document.getElementById('shortcuts').checked") is False


def test_a_pause_counts_as_reading_for_two_minutes_at_most(browsers: Callable[[], Any], tmp_path: Path) -> None:
    drawn = study(2)
    driver = browsers()
    driver.get(write_pages(drawn, tmp_path)[0].as_uri())
    press(driver, "n")
    clock = "const now = Date.now; Date.now = () => now() + arguments[0] * 1000"
    seconds = []
    for passed in (50, 3600):
        driver.execute_script(clock, passed)
        press(driver, "1")
        seconds.append(stored(driver, drawn)["answers"]["1"]["seconds"])
    assert 50 <= seconds[0] < 60
    assert 170 <= seconds[1] < 180


def test_pages_of_two_raters_in_one_browser_keep_apart(browsers: Callable[[], Any], tmp_path: Path) -> None:
    drawn = study(2)
    one, two = (path.as_uri() for path in write_pages(drawn, tmp_path))
    driver = browsers()
    driver.get(one)
    press(driver, "n1")
    driver.get(two)
    assert text_of(driver, "#progress") == ""
    press(driver, "n22")
    assert [stored(driver, drawn, rater)["answers"]["1"]["choices"] for rater in ("rater-1", "rater-2")] == [
        {"comprehensiveness": "a"},
        {"comprehensiveness": "b", "professionalism": "b"},
    ]


def test_the_same_page_in_a_second_tab_shows_what_the_first_answers(
    browsers: Callable[[], Any], tmp_path: Path
) -> None:
    drawn = study(2)
    page = write_pages(drawn, tmp_path)[0].as_uri()
    driver = browsers()
    driver.get(page)
    press(driver, "n1")
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(page)
    press(driver, "2")
    driver.switch_to.window(first)
    wait(driver, lambda: chosen(driver)[:2] == ["a", "b"])
    press(driver, "j3")
    assert list(stored(driver, drawn)["answers"]["1"]["choices"].values()) == ["a", "b", "tie"]


def test_answers_are_replaced_or_erased_only_when_the_rater_says_so(
    browsers: Callable[[], Any], tmp_path: Path
) -> None:
    drawn = study(2)
    file = {
        "kind": "counseling-sessions ratings",
        "format": 1,
        "study": drawn.hash,
        "rater": "rater-1",
        "answers": [{"showing": 1, "choices": {"safety": "b", "humour": "a"}}, {"showing": 7, "choices": {}}],
    }
    mine, foreign, cut = (tmp_path / name for name in ("mine.json", "foreign.json", "cut.json"))
    mine.write_text(json.dumps(file), encoding="utf-8")
    foreign.write_text(json.dumps(file | {"rater": "rater-2"}), encoding="utf-8")
    cut.write_text(json.dumps(file)[:50], encoding="utf-8")
    driver = browsers()
    driver.get(write_pages(drawn, tmp_path)[0].as_uri())
    press(driver, "n1")
    click(driver, "[data-do=overview]")

    def give(path: Path) -> None:
        driver.find_element("css selector", "#import").send_keys(str(path))

    def answered() -> dict[str, Any]:
        return dict(stored(driver, drawn)["answers"].get("1", {}).get("choices", {}))

    give(foreign)
    wait(driver, lambda: "answers of rater-2" in text_of(driver, "#import-result"))
    give(cut)
    wait(driver, lambda: "perhaps it was cut off" in text_of(driver, "#import-result"))
    give(mine)
    wait(driver, lambda: driver.find_element("css selector", "#confirm").is_displayed())
    assert "1 answer here, and the file has 1 answer:" in text_of(driver, "#confirm-text")
    click(driver, "#confirm [value=no]")
    wait(driver, lambda: text_of(driver, "#import-result") == "Nothing was changed.")
    assert answered() == {"comprehensiveness": "a"}
    give(mine)
    wait(driver, lambda: driver.find_element("css selector", "#confirm").is_displayed())
    click(driver, "#confirm-yes")
    wait(driver, lambda: answered() == {"safety": "b"})

    click(driver, "[data-do=erase]")
    press(driver, "\ue00c")
    assert answered() == {"safety": "b"}
    click(driver, "[data-do=erase]")
    click(driver, "#confirm-yes")
    wait(driver, lambda: answered() == {})


def test_a_browser_that_keeps_nothing_is_told_of(browsers: Callable[[], Any], tmp_path: Path) -> None:
    driver = browsers()
    refuse = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }"
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": refuse})
    driver.get(write_pages(study(2), tmp_path)[0].as_uri())
    assert driver.find_element("css selector", "#storage-warning").is_displayed()
    press(driver, "n1")
    assert chosen(driver)[0] == "a"
    no_errors(driver)


@pytest.mark.parametrize("width", [320, 390, 640, 820, 1280])
def test_a_pair_fits_every_width_and_its_controls_are_large_enough_to_touch(
    browsers: Callable[[], Any], tmp_path: Path, width: int
) -> None:
    # 640 is a window of 1280 at a zoom of 200 %.
    driver = browsers()
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(write_pages(study(12), tmp_path)[0].as_uri())
    for view in ("begin", "overview"):
        click(driver, f"[data-do={view}]")
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        small = driver.execute_script(
            """return [...document.querySelectorAll('button, select, summary, textarea, .choices label, .jumps a')]
              .map((one) => [one.textContent.trim(), one.getBoundingClientRect()])
              .filter(([, box]) => box.width && (box.height < 43.9 || box.width < 43.9)).map(([text]) => text)"""
        )
        assert small == []


def test_a_print_holds_every_pair_with_boxes_to_tick(browsers: Callable[[], Any], tmp_path: Path) -> None:
    driver = browsers()
    driver.get(write_pages(study(3), tmp_path)[0].as_uri())
    press(driver, "n2")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = driver.execute_script(
        """const visible = (one) => one.getClientRects().length > 0;
        return [
          [...document.querySelectorAll(".showing")].filter(visible).length,
          [...document.querySelectorAll('.showing input')].filter(visible).length,
          ['#instructions', '.top', '#bar', '#overview'].map((one) => visible(document.querySelector(one)))]"""
    )
    assert shown == [3, 3 * 9 * 4, [True, False, False, False]]


def test_a_screen_reader_is_told_what_a_control_is_for(browsers: Callable[[], Any], tmp_path: Path) -> None:
    drawn = draw_study(pairs(1), read_aspects(), raters=1, pairs_per_rater=1)
    driver = browsers()
    driver.get(write_pages(drawn, tmp_path)[0].as_uri())
    press(driver, "n")
    assert driver.switch_to.active_element.get_property("textContent") == "Pair 1 of 1"
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    for aspect in drawn.aspects.items:
        assert ("group", aspect.title) in found
    assert found.count(("radio", "Session A")) == found.count(("radio", "About equal")) == 9
    for expected in [("region", "Session A"), ("region", "Session B"), ("textbox", "Comment on this pair (optional)")]:
        assert expected in found
    skips = [link.get_attribute("href").rpartition("#")[2] for link in driver.find_elements("css selector", ".skips a")]
    assert skips == ["client-1", "a-1", "b-1", "questions-1"]
    assert all(driver.find_elements("id", name) for name in skips)
