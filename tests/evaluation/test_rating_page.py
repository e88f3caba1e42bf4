"""The raters' page: what its file tells and hides, and, in a real browser, a rater's way through it."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from counseling_sessions.evaluation.rating.label_studio import label_studio_tasks
from counseling_sessions.evaluation.rating.page import FOLDER, page_of, write_pages
from counseling_sessions.evaluation.rating.study import StudyError
from counseling_sessions.settings import MethodName
from tests.browser import contrast
from tests.evaluation.rating_sessions import METHODS, hostile, study


def test_a_page_tells_neither_methods_nor_anything_that_leads_to_them() -> None:
    drawn = study(12)
    for sheet in drawn.sheets:
        page = page_of(drawn, sheet)
        for session in (session for pair in drawn.pairs for session in (pair.first, pair.second)):
            assert session.dialogue[1].text in page
            assert session.id not in page
        for hidden in [*METHODS, "canary", *(pair.id for pair in drawn.pairs), *(pair.client for pair in drawn.pairs)]:
            assert hidden not in page
        data = json.loads(page.split('id="study">')[1].split("</script>")[0])
        assert set(data) == {
            *("format", "kind", "study", "rater", "minutes", "words", "lead", "choices", "questions", "showings"),
        }
        assert {name for showing in data["showings"] for name in showing} == {"number", "client", "sessions"}
        assert not re.search("positive|neutral|negative|swapped|seed", json.dumps(data["showings"]))


def test_session_a_is_the_one_that_the_key_calls_left() -> None:
    drawn = study(12)
    by_id = drawn.by_id
    for sheet, tasks in zip(drawn.sheets, label_studio_tasks(drawn).values(), strict=True):
        data = json.loads(page_of(drawn, sheet).split('id="study">')[1].split("</script>")[0])
        for showing, on_page, task in zip(sheet.showings, data["showings"], tasks, strict=True):
            pair = by_id[showing.pair]
            a, b = (pair.first, pair.second) if showing.left == "first" else (pair.second, pair.first)
            for place, (name, session) in enumerate((("a", a), ("b", b))):
                said = [item.text for item in session.dialogue]
                assert [text for _, text in on_page["sessions"][place]["messages"]] == said
                assert [item["text"] for item in task["data"][name]] == said


@pytest.mark.parametrize("method", get_args(MethodName))
def test_the_pages_own_text_names_no_method(method: str) -> None:
    for file in (*FOLDER.glob("*.html"), *FOLDER.glob("*.css"), *FOLDER.glob("*.js")):
        assert not re.search(rf"\b{method}\b", file.read_text(encoding="utf-8"), re.IGNORECASE)


def test_a_page_is_one_file_per_rater_that_asks_for_nothing(tmp_path: Path) -> None:
    drawn = study(2, raters=3)
    paths = write_pages(drawn, tmp_path / "pages")
    assert [path.name for path in paths] == ["rater-1.html", "rater-2.html", "rater-3.html"]
    for path in paths:
        page = path.read_text(encoding="utf-8")
        assert drawn.hash in page
        assert not re.search(r"https?://|\bsrc=|<link|@import|url\(", page)
        assert "default-src 'none'" in page


def test_text_of_sessions_cannot_end_the_script_element_it_stands_in() -> None:
    drawn = hostile()
    page = page_of(drawn, drawn.sheets[0])
    assert page.count("</script>") == 2
    assert "<!--" not in page
    assert "{{style}}" in page  # a message's braces are text, not a place to fill in


def test_pages_are_made_of_a_whole_study_only() -> None:
    drawn = study(2).model_copy(update={"hash": ""})
    with pytest.raises(StudyError, match="no hash"):
        page_of(drawn, drawn.sheets[0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_controls_stand_out_from_their_ground(scheme: str) -> None:
    # WCAG 2.2, success criteria 1.4.3 (4.5 to 1 for text) and 1.4.11 (3 to 1 for controls).
    blocks = re.findall(r":root(?:\[[^\]]*\])? \{(.*?)\}", (FOLDER / "page.css").read_text(encoding="utf-8"), re.DOTALL)
    color = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[0 if scheme == "light" else 1]))
    grounds = ["ground", "surface", "counselor", "client"]
    text = [(name, ground) for name in ("text", "soft", "accent") for ground in grounds]
    text += [("text", "chosen"), ("on-accent", "accent"), ("on-warning", "warning"), ("done", "surface")]
    for name, ground in text:
        assert contrast(color[name], color[ground]) >= 4.5, (name, ground)
    for name in ("control", "accent"):
        assert contrast(color[name], color["surface"]) >= 3, name
        assert contrast(color[name], color["ground"]) >= 3, name
