"""The trace page in a real browser: by keyboard, by address, by search; and that nothing leaves it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.inspection.page import page_of
from counseling_sessions.sessions.record import SessionRecord
from tests.browser import DOWN, ENTER, ESCAPE, SHIFT, click, no_errors, press, resize, started_browser, text_of, wait
from tests.generation.exports.sessions import session
from tests.inspection.page_sessions import HOSTILE, cut, hostile, many, merged


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from started_browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """The browser with an empty page; a test fails if its page has logged an error."""
    chromium.get("about:blank")
    resize(chromium, 1280)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    chromium.get_log("browser")
    yield chromium
    no_errors(chromium)


def show(browser: Any, folder: Path, *records: SessionRecord, at: str = "") -> None:
    path = folder / "trace.html"
    path.write_text(page_of(records, "Study"), encoding="utf-8", newline="\n")
    browser.get("about:blank")
    browser.get(path.as_uri() + at)
    ready(browser)


def ready(browser: Any) -> None:
    wait(browser, lambda: browser.execute_script("return performance.getEntriesByName('shown').length"))


def address(browser: Any) -> str:
    return str(browser.current_url.partition("#")[2])


def title(browser: Any) -> str:
    return text_of(browser, "#steps-title")


def told(browser: Any, selector: str, text: str) -> None:
    """Wait until an element says so."""
    wait(browser, lambda: text in text_of(browser, selector))


def shown_rows(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('#sessions tbody tr:not([hidden]) a')].map((one) => one.hash)"
    return [one.removeprefix("#session=") for one in browser.execute_script(script)]


def test_turns_are_selected_by_keyboard_and_have_an_address(browser: Any, tmp_path: Path) -> None:
    show(browser, tmp_path, session())
    assert title(browser) == "Overview"
    press(browser, "j", "j")
    assert title(browser) == "Turn 1 · opening · plan step 1 · reflection + questioning"
    assert address(browser) == "turn-1"
    assert browser.switch_to.active_element.get_attribute("data-turn") == "1"
    assert text_of(browser, "#announcer") == title(browser)
    press(browser, DOWN)
    assert address(browser) == "turn-2"
    press(browser, ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "steps-title"
    press(browser, ESCAPE)
    assert browser.switch_to.active_element.get_attribute("data-turn") == "2"
    press(browser, "j", "j", "j", "k")
    assert address(browser) == "turn-2"
    browser.back()
    assert address(browser) == "turn-closing"
    assert title(browser).startswith("Closing")
    press(browser, "o")
    assert title(browser) == "Overview"


def test_a_deep_link_opens_a_turn_with_its_steps_and_path(browser: Any, tmp_path: Path) -> None:
    record = session()
    show(browser, tmp_path, record, at="#turn-2")
    turn = record.turns[1]
    browser.execute_script("for (const one of document.querySelectorAll('.kept sup, .kept .unseen')) one.remove()")
    steps = text_of(browser, "#steps-body")
    assert turn.counselor
    assert turn.pick
    for text in [turn.pick.reason, turn.counselor.text, *(draft.text for draft in turn.candidates)]:
        assert text in steps
    assert "100 in (60 cached), 10 out" in steps
    assert browser.find_element("css selector", "#turn-2").get_attribute("class") == "current"
    press(browser, "g")
    taken = browser.execute_script(
        "return [...document.querySelectorAll('.graph .node.taken')].map((one) => one.dataset.node)"
    )
    assert sorted(taken) == ["client", "questioning", "reflection", "router"]
    picture = browser.find_element("css selector", ".graph")
    assert picture.is_displayed()
    assert "router → reflection, questioning → router → client" in picture.get_attribute("aria-label")
    press(browser, "g")
    assert not browser.find_element("css selector", ".graph").is_displayed()


def test_what_survived_of_candidates_is_marked_and_told_without_color(browser: Any, tmp_path: Path) -> None:
    show(browser, tmp_path, merged(), at="#turn-1")
    script = """return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)"""
    utterance, first, second = (
        "#steps .said.counselor .kept",
        ".draft:nth-of-type(1) .kept",
        ".draft:nth-of-type(2) .kept",
    )
    assert browser.execute_script(script, utterance) == [
        "1 [reflection: you lie awake at night] ",
        "2 [questioning: what goes through your mind] ",
    ]
    assert browser.execute_script(script, first) == ["1 [taken over: You lie awake at night] "]
    assert browser.execute_script(script, second) == ["2 [taken over: what goes through your mind] "]
    colors = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((one) => getComputedStyle(one).backgroundColor)",
        utterance,
    )
    assert len(set(colors)) == 2
    press(browser, "/", "awake at night and")
    assert [one.text for one in browser.find_elements("css selector", "#steps .said mark.current")] == [
        "awake at night",
        "and",
    ]


def test_search_goes_from_hit_to_hit_through_dialogue_and_candidates(browser: Any, tmp_path: Path) -> None:
    record = session()
    draft = record.turns[1].candidates[0]
    turn = record.turns[1].model_copy(
        update={
            "candidates": (draft.model_copy(update={"text": "A Zebra, and a zebra."}), *record.turns[1].candidates[1:])
        }
    )
    assert turn.client
    turn = turn.model_copy(update={"client": turn.client.model_copy(update={"text": "No zebra here."})})
    show(browser, tmp_path, record.model_copy(update={"turns": (record.turns[0], turn)}))
    press(browser, "/", "zebra")
    assert text_of(browser, "#hits") == "1 of 3 hits"
    assert address(browser) == "turn-2"
    assert browser.switch_to.active_element.get_attribute("id") == "query"
    assert [one.text for one in browser.find_elements("css selector", "#steps mark.current")] == ["Zebra"]
    press(browser, ENTER, ENTER)
    assert text_of(browser, "#hits") == "3 of 3 hits"
    assert [one.text for one in browser.find_elements("css selector", "mark.current")] == ["zebra", "zebra"]
    browser.switch_to.active_element.send_keys(SHIFT + ENTER)
    assert text_of(browser, "#hits") == "2 of 3 hits"
    press(browser, ESCAPE)
    assert browser.find_elements("css selector", "mark") == []
    press(browser, "/", "giraffe")
    assert text_of(browser, "#hits") == "no hits"


def test_hostile_text_is_shown_as_text_and_nothing_leaves_the_page(browser: Any, tmp_path: Path) -> None:
    browser.get_log("performance")
    show(browser, tmp_path, hostile(), at="#turn-1")
    said = [one.get_property("textContent") for one in browser.find_elements("css selector", "#dialogue .text")]
    assert HOSTILE in said
    assert HOSTILE in text_of(browser, "#steps-body")
    assert "taken" in browser.title  # as part of the client's name, not by a script
    assert browser.title != "taken"
    press(browser, "o", "g")
    press(browser, "/", "bold")
    assert "hits" in text_of(browser, "#hits")
    assert browser.find_elements("css selector", "b:not(#dialogue a > b)") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert {url.partition(":")[0] for url in sent} <= {"file", "about"}
    blocked = browser.execute_async_script(
        """const done = arguments[0], found = [];
        document.addEventListener('securitypolicyviolation', (event) => {
          found.push(event.effectiveDirective);
          if (found.length === 3) done(found.sort());
        });
        fetch('http://127.0.0.1:9/').catch(() => null);
        document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/x.png'}));
        document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = 1'}));"""
    )
    assert blocked == ["connect-src", "img-src", "script-src-elem"]
    browser.get_log("browser")  # those three were meant


def test_any_session_is_shown_whatever_became_of_it(browser: Any, tmp_path: Path) -> None:
    records = [record.model_copy(update={"session_id": f"cut-{number}"}) for number, record in enumerate(cut())]
    show(browser, tmp_path, *records, session("single").model_copy(update={"session_id": "single"}))
    for record in records:
        assert record.failure
        browser.get(f"{browser.current_url.partition('#')[0]}#session={record.session_id}")
        told(browser, "#subtitle", record.session_id)
        assert record.failure.message in text_of(browser, "#dialogue")
        for _ in range(len(record.turns) + 2):
            press(browser, "j")
            assert text_of(browser, "#steps-body")


def test_the_list_is_filtered_sorted_and_searched_and_opens_sessions(browser: Any, tmp_path: Path) -> None:
    show(browser, tmp_path, *many(30))
    assert text_of(browser, "#count") == "30 sessions"
    for name, value, expected in [("status", "failed", 3), ("method", "magnet", 1), ("attitude", "negative", 0)]:
        click(browser, f"[name={name}] option[value='{value}']")
        told(browser, "#count", f"{expected} of 30 sessions")
    click(browser, "[type=reset]")
    wait(browser, lambda: text_of(browser, "#count") == "30 sessions")
    press(browser, "/", "s27")
    assert shown_rows(browser) == ["s27"]
    click(browser, "[type=reset]")
    click(browser, "[data-sort='6']")
    heads = [one.get_attribute("aria-sort") for one in browser.find_elements("css selector", "#sessions thead th")]
    assert heads == [None] * 6 + ["descending"] + [None] * 2
    assert set(shown_rows(browser)[:10]) == {f"s{number}" for number in range(0, 30, 3)}
    browser.execute_script("document.activeElement.blur()")
    press(browser, "j", "j", "k")
    link = browser.switch_to.active_element.get_attribute("href").partition("#session=")[2]
    press(browser, ENTER)
    wait(browser, lambda: title(browser) == "Overview")
    assert address(browser) == f"session={link}"
    press(browser, "j", "j")
    assert address(browser) == f"session={link}&turn=1"
    press(browser, ESCAPE)
    wait(browser, lambda: browser.find_element("css selector", "#list").is_displayed())
    assert browser.switch_to.active_element.get_attribute("href").endswith(link)


def test_a_list_of_a_thousand_sessions_works_and_its_deep_links_too(browser: Any, tmp_path: Path) -> None:
    show(browser, tmp_path, *many(1000), at="#session=s900&turn=2")
    assert title(browser).startswith("Turn 2 · ")
    assert "s900" in text_of(browser, "#subtitle")
    click(browser, "#to-list")
    wait(browser, lambda: text_of(browser, "#count") == "1,000 sessions")
    press(browser, "/", "s99")
    assert shown_rows(browser) == ["s99", *(f"s{number}" for number in range(990, 1000))]
    browser.get(f"{browser.current_url.partition('#')[0]}#session=nobody")
    wait(browser, lambda: "no session nobody" in text_of(browser, "#problem"))


@pytest.mark.parametrize("width", [320, 390, 640, 820, 1280])
def test_the_page_fits_every_width(browser: Any, tmp_path: Path, width: int) -> None:
    show(browser, tmp_path, *many(12), hostile())
    resize(browser, width)
    views = ["", "#session=s0", "#session=s0&turn=1", "#session=s9&turn=2"]
    for view in views:
        browser.get(f"{browser.current_url.partition('#')[0]}{view or '#'}")
        shown = browser.find_element("id", "session" if view else "list")
        wait(browser, shown.is_displayed)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    press(browser, "g")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_on_a_narrow_screen_one_goes_between_dialogue_and_steps(browser: Any, tmp_path: Path) -> None:
    resize(browser, 390)
    show(browser, tmp_path, session())
    assert not browser.find_element("id", "steps").is_displayed()
    click(browser, "[data-turn='1']")
    assert not browser.find_element("id", "dialogue").is_displayed()
    assert browser.switch_to.active_element.get_attribute("id") == "steps-title"
    click(browser, "[data-do=dialogue-pane]")
    assert browser.find_element("id", "turn-1").is_displayed()


def test_single_keys_can_be_switched_off_and_help_takes_them(browser: Any, tmp_path: Path) -> None:
    show(browser, tmp_path, session())
    press(browser, "?")
    assert browser.find_element("id", "help").is_displayed()
    press(browser, "j")
    click(browser, "#shortcuts")
    press(browser, ESCAPE)
    browser.execute_script("document.activeElement.blur()")
    press(browser, "j")
    assert title(browser) == "Overview"


def test_a_screen_reader_is_told_what_things_are(browser: Any, tmp_path: Path) -> None:
    show(browser, tmp_path, session(), at="#turn-1")
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    for expected in [
        ("region", "Dialogue"),
        ("region", "Turn 1 · opening · plan step 1 · reflection + questioning"),
        ("searchbox", "Search dialogue and candidates"),
        ("article", "Turn 1"),
        ("button", "Next turn"),
        ("heading", "Candidates 2 techniques"),
    ]:
        assert expected in found, expected


def test_a_print_shows_the_dialogue_and_the_steps(browser: Any, tmp_path: Path) -> None:
    show(browser, tmp_path, session(), at="#turn-1")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    seen = {
        name: browser.find_element("id", name).is_displayed() for name in ("dialogue", "steps", "query", "to-graph")
    }
    assert seen == {"dialogue": True, "steps": True, "query": False, "to-graph": False}
