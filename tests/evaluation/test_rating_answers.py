"""Reading what raters hand in, from pages and from Label Studio, whole, in parts, damaged and in the wrong place."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from counseling_sessions.evaluation.aspects import read_aspects
from counseling_sessions.evaluation.rating.answers import find_study, read_answers
from counseling_sessions.evaluation.rating.draw import draw_study
from counseling_sessions.evaluation.rating.label_studio import (
    label_studio_configuration,
    label_studio_tasks,
    write_label_studio,
)
from counseling_sessions.evaluation.rating.page import write_pages
from counseling_sessions.evaluation.rating.study import Study, StudyError, write_study
from tests.evaluation.rating_sessions import HOSTILE, METHODS, hostile_pair, study

ASPECTS = [aspect.id for aspect in read_aspects().items]


def sheet_file(path: Path, drawn: Study, rater: str, choice: str = "a", /, **fields: Any) -> Path:
    """A page's export in which every question of the rater's has the same answer."""
    showings = next(sheet.showings for sheet in drawn.sheets if sheet.rater == rater)
    content = {
        "kind": "counseling-sessions ratings",
        "format": 1,
        "study": drawn.hash,
        "rater": rater,
        "exported_at": "2026-03-01T10:00:00.000Z",
        "answers": [
            {"showing": showing.number, "choices": dict.fromkeys(ASPECTS, choice), "comment": "", "seconds": 61.5}
            for showing in showings
        ],
    }
    path.write_text(json.dumps(content | fields), encoding="utf-8")
    return path


def test_sides_become_sessions_of_the_pair(tmp_path: Path) -> None:
    drawn = study(10)
    sheet = drawn.sheets[0]
    for choice, on_left, on_right in [
        ("a", "first", "second"),
        ("b", "second", "first"),
        ("tie", "tie", "tie"),
        ("cannot_say", "cannot_say", "cannot_say"),
    ]:
        answers = read_answers([sheet_file(tmp_path / "one.json", drawn, "rater-1", choice)], drawn)
        assert not answers.problems
        assert len(answers.ratings) == 12 * 9
        for rating in answers.ratings:
            showing = sheet.showings[rating.showing - 1]
            assert (rating.pair, rating.first_left, rating.repeat) == (
                showing.pair,
                showing.left == "first",
                showing.repeat,
            )
            assert rating.choice == (on_left if rating.first_left else on_right)
            assert (rating.rater, rating.seconds) == ("rater-1", 61.5)


def test_a_rater_who_always_says_a_agrees_with_themselves_on_same_and_not_on_swapped_repeats(tmp_path: Path) -> None:
    drawn = study(10)
    ratings = read_answers([sheet_file(tmp_path / "one.json", drawn, "rater-1")], drawn).ratings
    before = {(rating.pair, rating.aspect): rating.choice for rating in ratings if rating.repeat == "none"}
    again = Counter(
        (rating.repeat, rating.choice == before[rating.pair, rating.aspect])
        for rating in ratings
        if rating.repeat != "none"
    )
    assert again == {("same", True): 9, ("swapped", False): 9}


def test_partial_answers_are_read_and_counted(tmp_path: Path) -> None:
    drawn = study(3, raters=3)
    some = [{"showing": 2, "choices": {"safety": "b", "empathy": "tie"}, "comment": " B7 is curt. "}]
    answers = read_answers([sheet_file(tmp_path / "one.json", drawn, "rater-2", answers=some)], drawn)
    assert not answers.problems
    assert [(rating.aspect, rating.seconds) for rating in answers.ratings] == [("safety", None), ("empathy", None)]
    assert [(comment.showing, comment.text) for comment in answers.comments] == [(2, "B7 is curt.")]
    assert [(one.rater, one.answered, one.asked) for one in answers.progress] == [
        ("rater-1", 0, 27),
        ("rater-2", 2, 27),
        ("rater-3", 0, 27),
    ]
    assert [one.file is None for one in answers.progress] == [True, False, True]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"study": "0123456789ab"}, "answers to study '0123456789ab'"),
        ({"rater": "rater-9"}, "'rater-9' is no rater of this study; it has rater-1 to rater-2"),
        ({"format": 2}, "format 2"),
        ({"exported_at": "yesterday"}, "exported_at"),
        ({"answers": "none"}, "answers"),
        ({"kind": "shopping list"}, "holds neither answers"),
    ],
)
def test_a_file_that_does_not_belong_is_named_and_the_others_are_read(
    tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    drawn = study(2)
    wrong = sheet_file(tmp_path / "wrong.json", drawn, "rater-1", **fields)
    right = sheet_file(tmp_path / "right.json", drawn, "rater-2")
    answers = read_answers([wrong, right], drawn)
    assert [problem.file for problem in answers.problems] == [str(wrong)]
    assert said in str(answers.problems[0])
    assert {rating.rater for rating in answers.ratings} == {"rater-2"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"kind": "counseling-ses', "broken JSON at line 1"),
        (b"", "broken JSON"),
        (b"\xff\xfe\x00", "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b"17", "holds neither answers"),
        (b"[]", "holds neither answers"),
        (b"\n<!DOCTYPE html><html>", "give the file rating-"),
    ],
)
def test_a_file_that_is_none_is_told_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    (problem,) = read_answers([path], study(2)).problems
    assert problem.file == str(path)
    assert said in problem.message


def test_a_page_in_place_of_answers_is_told_with_what_is_needed_and_how_it_is_got(tmp_path: Path) -> None:
    (page, *_) = write_pages(study(2), tmp_path)
    (problem,) = read_answers([page], study(2)).problems
    html = page.read_text(encoding="utf-8")
    for quoted in ("Overview and export", "Export my answers"):
        assert f"“{quoted}”" in problem.message
        assert quoted in html


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    (problem,) = read_answers([tmp_path / "gone.json"], study(2)).problems
    assert "gone.json: cannot be read: No such file" in str(problem)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"showing": 9, "choices": {"safety": "a"}}, "pair 9 of rater-1 left out: this rater was shown pairs 1 to 2"),
        ({"showing": 1, "choices": {"safety": "a"}}, "pair 1 of rater-1 is answered twice"),
        (
            {"showing": 2, "choices": {"humour": "a"}},
            "humour: pair 2 of rater-1: left out: the study has no such aspect",
        ),
        ({"showing": 2, "choices": {"safety": "left"}}, "safety: pair 2 of rater-1: left out: should be one of a, b"),
        ({"showing": 2, "choices": {"safety": ["a"]}}, "safety: pair 2 of rater-1: left out: should be one of a, b"),
        ({"showing": 2, "choices": {"safety": "a"}, "seconds": -4}, "record 2: left out: seconds"),
        ({"showing": "two", "choices": {}}, "record 2: left out: showing"),
        ("nothing", "record 2: left out"),
    ],
)
def test_an_answer_that_does_not_fit_is_left_out_and_the_rest_stays(tmp_path: Path, answer: Any, said: str) -> None:
    drawn = study(2)
    rows = [{"showing": 1, "choices": {"empathy": "tie"}}, answer]
    answers = read_answers([sheet_file(tmp_path / "one.json", drawn, "rater-1", answers=rows)], drawn)
    assert [rating.aspect for rating in answers.ratings] == ["empathy"]
    (problem,) = answers.problems
    assert said in str(problem)


@pytest.mark.parametrize("later_first", [True, False])
def test_of_two_files_of_one_rater_the_later_counts(tmp_path: Path, later_first: bool) -> None:
    drawn = study(2)
    early = sheet_file(tmp_path / "early.json", drawn, "rater-1", "tie")
    late = sheet_file(tmp_path / "late.json", drawn, "rater-1", "cannot_say", exported_at="2026-03-01T12:30:00+02:00")
    answers = read_answers([late, early] if later_first else [early, late], drawn)
    assert {rating.choice for rating in answers.ratings} == {"cannot_say"}
    (problem,) = answers.problems
    assert problem.file == str(early)
    assert "late.json" in problem.message


def test_the_studys_own_files_may_stand_among_the_answers(tmp_path: Path) -> None:
    drawn = study(2)
    write_study(drawn, tmp_path / "study.json")
    write_label_studio(drawn, tmp_path)
    write_pages(drawn, tmp_path)
    sheet_file(tmp_path / "one.json", drawn, "rater-1")
    answers = read_answers(sorted(tmp_path.glob("*.json")), drawn)
    assert not answers.problems
    assert len(answers.ratings) == 18


def test_the_study_is_found_beside_its_answers(tmp_path: Path) -> None:
    drawn = study(2)
    for name in ("one", "two"):
        write_study(drawn, tmp_path / name / "study.json")
    one, two = (sheet_file(tmp_path / name / "rating.json", drawn, "rater-1") for name in ("one", "two"))
    assert find_study([one, tmp_path / "one" / "study.json"]) == (tmp_path / "one" / "study.json").resolve()
    with pytest.raises(StudyError, match="several studies"):
        find_study([one, two])
    with pytest.raises(StudyError, match=r"no study\.json"):
        find_study([tmp_path / "elsewhere.json"])


def test_label_studio_tasks_show_a_study_and_tell_no_method() -> None:
    drawn = draw_study([hostile_pair()], read_aspects(), raters=2, pairs_per_rater=1)
    tasks = label_studio_tasks(drawn)
    assert list(tasks) == ["rater-1", "rater-2"]
    for rater, (task,) in tasks.items():
        data = task["data"]
        assert (data["study"], data["rater"], data["showing"], data["place"]) == (drawn.hash, rater, 1, "Pair 1 of 1")
        assert "aunt's bakery" in data["client"]
        assert {item["text"] for item in data["a"] + data["b"]} >= {HOSTILE}
    # The two raters see the sessions on different sides.
    assert tasks["rater-1"][0]["data"]["a"] == tasks["rater-2"][0]["data"]["b"]
    written = json.dumps(tasks)
    for name in (*METHODS, "neutral", "canary", "ida-0", drawn.pairs[0].id):
        assert name not in written


def test_the_labelling_configuration_asks_every_aspect_of_the_tasks_data() -> None:
    root = ElementTree.fromstring(label_studio_configuration(read_aspects()))
    shown = {element.get("value", "")[1:] for element in root.iter() if element.get("value", "").startswith("$")}
    assert shown <= set(label_studio_tasks(study(1))["rater-1"][0]["data"])
    asked = {element.get("name"): [choice.get("alias") for choice in element] for element in root.iter("Choices")}
    assert asked == {f"aspect_{aspect}": ["a", "b", "tie", "cannot_say"] for aspect in ASPECTS}
    names = [element.get("name") for element in root.iter() if element.get("name")]
    assert len(names) == len(set(names))


def annotation(choice: str, at: str = "2026-03-02T09:00:00.123456Z", person: Any = 4, **fields: Any) -> dict[str, Any]:
    """An annotation in the form of Label Studio's JSON export."""
    results = [
        {
            "id": f"r{place}",
            "type": "choices",
            "value": {"choices": [choice]},
            "origin": "manual",
            "to_name": "a",
            "from_name": f"aspect_{aspect}",
        }
        for place, aspect in enumerate(ASPECTS)
    ]
    comment = {
        "id": "c",
        "type": "textarea",
        "value": {"text": ["B is brisk."]},
        "origin": "manual",
        "to_name": "a",
        "from_name": "comment_on_pair",
    }
    return {
        "id": 1001,
        "completed_by": person,
        "result": [*results, comment],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": at,
        "updated_at": at,
        "lead_time": 48.25,
        "task": 1,
    } | fields


def export(path: Path, drawn: Study, *annotations: list[dict[str, Any]]) -> Path:
    """Rater 1's tasks, each with its annotations, as Label Studio exports them."""
    tasks = label_studio_tasks(drawn)["rater-1"]
    content = [
        {"id": place, **task, "annotations": given, "drafts": [], "predictions": [], "meta": {}, "project": 83}
        for place, (task, given) in enumerate(zip(tasks, annotations, strict=True), 1)
    ]
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_label_studio_export_gives_the_same_rows_as_a_page(tmp_path: Path) -> None:
    drawn = study(2)
    exported = read_answers([export(tmp_path / "ls.json", drawn, [annotation("a")], [annotation("b")])], drawn)
    assert not exported.problems
    both = [
        {"showing": number, "choices": dict.fromkeys(ASPECTS, choice), "comment": "B is brisk.", "seconds": 48.25}
        for number, choice in ((1, "a"), (2, "b"))
    ]
    page = read_answers([sheet_file(tmp_path / "page.json", drawn, "rater-1", answers=both)], drawn)
    assert exported.ratings == page.ratings
    assert exported.comments == page.comments
    assert len(exported.ratings) == 18


def test_of_one_persons_annotations_the_latest_counts_and_cancelled_ones_do_not(tmp_path: Path) -> None:
    drawn = study(2)
    person = {"id": 4, "email": "rater@example.org"}
    first = [
        annotation("tie", person=person),
        annotation("a", at="2026-03-03T09:00:00Z"),
        annotation("b", at="2026-03-02T10:00:00Z"),
    ]
    second = [annotation("a", was_cancelled=True)]
    answers = read_answers([export(tmp_path / "ls.json", drawn, first, second)], drawn)
    assert not answers.problems
    left = "first" if drawn.sheets[0].showings[0].left == "first" else "second"
    assert {(rating.showing, rating.choice) for rating in answers.ratings} == {(1, left)}


def test_a_task_that_several_people_annotated_is_left_out_and_told(tmp_path: Path) -> None:
    drawn = study(2)
    twice = [annotation("a", person=4), annotation("b", person=5)]
    answers = read_answers([export(tmp_path / "ls.json", drawn, twice, [annotation("tie")])], drawn)
    assert {rating.showing for rating in answers.ratings} == {2}
    (problem,) = answers.problems
    assert "several people answered it" in problem.message


def test_an_export_of_another_project_is_told_once(tmp_path: Path) -> None:
    path = export(tmp_path / "ls.json", study(2, raters=3), [annotation("a")], [annotation("a")])
    (problem,) = read_answers([path], study(2)).problems
    assert "answers to study" in problem.message
    path.write_text(json.dumps([{"id": 1, "data": {"image": "x.png"}, "annotations": []}]), encoding="utf-8")
    (problem,) = read_answers([path], study(2)).problems
    assert "not a task of this study" in problem.message
