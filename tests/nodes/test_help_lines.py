"""The fixed texts around a risk: in every language of the check, with lines that say whether somebody has checked them."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from counseling_sessions.nodes.risk import (
    check_country,
    find_risk,
    help_text,
    outdated_lines,
    read_help,
    read_texts,
    texts_in,
)
from counseling_sessions.nodes.risk import texts as texts_module
from counseling_sessions.nodes.risk.help_lines import DAYS, FILE, VARIABLE
from counseling_sessions.nodes.risk.phrases import LANGUAGES
from counseling_sessions.nodes.risk.texts import LAST_RESORT
from counseling_sessions.settings import SettingsError

TODAY = date(2026, 6, 15)
LINES = """
GB:
  name: United Kingdom
  emergency: {name: Emergency, contact: "999", source: "https://www.example.org", checked: CHECKED}
  lines:
    - {name: Samaritans, contact: 116 123, hours: 24/7, cost: null, source: "https://www.samaritans.org", checked: CHECKED}
    - {for: young, name: Childline, contact: 0800 1111, source: "https://www.childline.org.uk", checked: null}
"""


def write(path: Path, monkeypatch: pytest.MonkeyPatch, checked: str = "null") -> None:
    path.write_text(LINES.replace("CHECKED", checked))
    monkeypatch.setenv(VARIABLE, str(path))


def test_the_help_names_the_country_or_all_of_them() -> None:
    assert "116 123 – Samaritans" in help_text("gb")
    assert "988" not in help_text("GB")
    everywhere = help_text()
    assert help_text("nowhere") == everywhere
    for contact in ("988 Suicide & Crisis Lifeline", "116 123", "0800 111 0 111", "13 11 14", "112"):
        assert contact in everywhere
    assert "local emergency number" in everywhere
    with pytest.raises(SettingsError, match=r"no help lines for 'ZZ'; choose from AT, AU, .*, or all"):
        check_country("ZZ")
    with pytest.raises(
        SettingsError, match=r"needs --country, whose help lines are shown; choose from AT, AU, .*, or all"
    ):
        check_country("")
    for code in ("gb", "all"):
        check_country(code)


def test_every_country_has_lines_for_anyone_for_children_and_for_violence_at_home() -> None:
    for code, country in read_help().items():
        audiences = {line.audience for line in country.lines}
        assert audiences == (set() if code == "EU" else {"anyone", "young", "home"}), code


def test_nothing_is_said_to_be_checked_that_nobody_here_could_check() -> None:
    listed = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    entries = [line for country in listed.values() for line in (country["emergency"], *country["lines"])]
    assert len(entries) > 40
    assert {line["checked"] for line in entries} == {None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_acknowledges_asks_who_is_near_and_names_lines_in_the_language(language: str) -> None:
    texts = read_texts()[language]
    shown = help_text("GB", language)
    places = [shown.index(part) for part in (texts.message, texts.near, "116 123", texts.general)]
    assert places == sorted(places)
    assert texts.unchecked in shown
    assert shown.endswith(texts.unchecked_means)
    assert shown != help_text("GB", "English") or language == "English"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_occasion_has_words_of_its_own_and_the_lines(language: str) -> None:
    texts = read_texts()[language]
    assert texts.near in help_text("GB", language)
    for occasion, first in (("failed", texts.failed), ("stop", texts.stop), ("afterwards", texts.afterwards)):
        shown = help_text("GB", language, occasion=occasion)
        assert shown.startswith(first)
        assert "  116 123 – Samaritans, 24/7, free" in shown
        assert texts.general in shown
        assert texts.message not in shown
        assert texts.near not in shown


def test_where_nothing_is_wrong_the_lines_of_all_countries_are_too_much() -> None:
    texts = read_texts()["English"]
    assert help_text("ALL", occasion="afterwards") == f"{texts.afterwards}\n\n{texts.general}"
    assert "116 123" in help_text("ALL", occasion="stop")


def test_hours_and_cost_are_shown_where_they_stand() -> None:
    shown = help_text("DE").splitlines()
    assert (
        "  116 111 – Kinder- und Jugendtelefon, children and young people, Mo–Sa 14–20 Uhr, kostenlos (not checked)"
        in shown
    )
    (line,) = (line for line in shown if "Gewalt an Männern" in line)  # no hours
    assert line.endswith("violence at home, kostenlos (not checked)")


def test_another_language_reads_english() -> None:
    assert texts_in("Finnish") == texts_in("English")
    assert help_text("GB", "Finnish") == help_text("GB")


def test_no_language_has_a_text_of_another_one() -> None:
    for name in type(read_texts()["English"]).model_fields:
        assert len({getattr(texts, name) for texts in read_texts().values()}) == len(LANGUAGES), name


def test_the_questions_are_about_the_person_and_take_a_no() -> None:
    for question in (read_texts()["English"].question, read_texts()["English"].question_again):
        assert "you yourself" in question.replace("to you yourself and not", "you yourself and not")
        assert "hurting yourself" in question
        assert "danger" in question
        assert "type only: no" in question
    for texts in read_texts().values():
        assert len(texts.question_again) < len(texts.question)


@pytest.mark.parametrize(
    ("days", "mark"),
    [
        (None, " (not checked)"),
        (0, ""),
        (DAYS, ""),
        (DAYS + 1, f" (checked {TODAY - timedelta(DAYS + 1)}, over a year ago)"),
        (-1, " (not checked)"),  # a day to come is a slip
    ],
)
def test_every_entry_says_whether_it_was_checked(
    days: int | None, mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = "null" if days is None else str(TODAY - timedelta(days))
    write(tmp_path / "lines.yaml", monkeypatch, checked)
    shown = help_text("GB", today=TODAY).splitlines()
    assert f"  116 123 – Samaritans, 24/7{mark}" in shown
    assert f"  999 – emergency{mark}" in shown
    assert "  0800 1111 – Childline, children and young people (not checked)" in shown
    is_old = days is not None and days > DAYS
    assert outdated_lines("gb", today=TODAY) == (["Emergency", "Samaritans"] if is_old else [])


@pytest.mark.parametrize("harm", ['source: "https://www.samaritans.org", ', ", checked: null"])
def test_an_entry_without_a_source_or_a_word_on_its_check_is_refused(
    harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "lines.yaml", monkeypatch)
    path = tmp_path / "harmed.yaml"
    text = (tmp_path / "lines.yaml").read_text()
    assert harm in text
    path.write_text(text.replace(harm, ""))
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(SettingsError, match=r"lines\.1\.(?:source|checked)|lines\.0\.(?:source|checked)|emergency"):
        read_help()
    assert help_text("GB") == LAST_RESORT


@pytest.mark.parametrize("content", [None, "[", "message: x", "{}"])
def test_help_is_shown_also_where_its_data_is_broken(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lines.yaml"
    monkeypatch.setenv(VARIABLE, str(path))
    if content is not None:
        path.write_text(content)
    assert help_text("GB") == LAST_RESORT
    with pytest.raises(SettingsError, match=r"lines\.yaml"):
        read_help()


@pytest.mark.parametrize("content", [None, "[", "English: {}", "Latin: {}"])
def test_help_is_shown_also_where_its_texts_are_broken(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "texts.yaml"
    monkeypatch.setattr(texts_module, "FILE", path)
    if content is not None:
        path.write_text(content)
    assert help_text("GB") == LAST_RESORT
    assert texts_in("English") is None
    with pytest.raises(SettingsError, match=r"texts\.yaml"):
        read_texts()


def test_the_last_resort_speaks_every_language() -> None:
    assert "112, 911 or 999" in LAST_RESORT
    for start in ("Deutsch", "Français", "Español"):
        assert start in LAST_RESORT


def test_a_plain_no_to_the_question_carries_no_risk() -> None:
    for word in ("No.", "Nein.", "Non.", "No, thank you."):
        assert find_risk(word) is None
