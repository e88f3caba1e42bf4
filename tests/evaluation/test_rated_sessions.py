"""People who rate single sessions on a scale: the draw, the page, their answers, and judges beside them, through the commands."""

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.rated_sessions import rated_sessions
from counseling_sessions.evaluation.rating.answers import read_scale_answers
from counseling_sessions.evaluation.rating.draw_sessions import draw_scale_study
from counseling_sessions.evaluation.rating.page import page_of, write_pages
from counseling_sessions.evaluation.rating.study import ScaleStudy, StudyError, read_study, write_study
from counseling_sessions.evaluation.report.document import Table, cell
from counseling_sessions.evaluation.report.rated_sessions import agreement_of_scores, ratings_section
from counseling_sessions.evaluation.scales import Scale, read_scale
from run import main
from tests.evaluation.methods import methods_of, unexplained
from tests.evaluation.rating_sessions import METHODS, pairs


def groups(count: int) -> dict[str, Any]:
    both = pairs(count)
    return {METHODS[0]: [pair.first for pair in both], METHODS[1]: [pair.second for pair in both]}


def drawn(count: int = 10, scale: str | Scale = "ctrs-style", **options: Any) -> ScaleStudy:
    options = {"raters": 3, "sessions_per_rater": 2 * count} | options
    return draw_scale_study(
        groups(count), scale if isinstance(scale, Scale) else read_scale(scale), Pairing(), **options
    )


def answer(path: Path, study: ScaleStudy, rater: int, score: Any) -> Path:
    """A page's export in which the rater gives what `score` makes of the session's id and the item."""
    sheet = study.sheets[rater - 1]
    content = {
        "kind": "counseling-sessions ratings",
        "format": 1,
        "study": study.hash,
        "rater": sheet.rater,
        "exported_at": "2026-03-01T10:00:00Z",
        "answers": [
            {
                "showing": showing.number,
                "choices": {item.id: str(score(showing.session, item.id)) for item in study.scale.items},
                "comment": "Calm." if showing.number == 1 else "",
            }
            for showing in sheet.showings
        ],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_groups_and_clients_come_up_evenly_and_some_sessions_twice() -> None:
    study = drawn(10, sessions_per_rater=10)
    by_id = study.by_id
    for sheet in study.sheets:
        first = [showing for showing in sheet.showings if showing.repeat == "none"]
        assert Counter(by_id[showing.session].session.method for showing in first) == dict.fromkeys(METHODS, 5)
        assert max(Counter(by_id[showing.session].client for showing in first).values()) == 1
        (again,) = (showing for showing in sheet.showings if showing.repeat == "same")
        before = next(showing for showing in first if showing.number == again.repeats)
        assert (before.session, again.number - before.number >= 5) == (again.session, True)
    assert len({tuple(showing.session for showing in sheet.showings) for sheet in study.sheets}) == 3
    assert study == drawn(10, sessions_per_rater=10)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": "panas-style"}, "affect before and after"),
        ({"scale": read_scale("ctrs-style").model_copy(update={"high": 100})}, "101 points"),
        ({"sessions_per_rater": 21}, "21 sessions are needed and there are 20"),
        ({"repeats": 0.9}, "a share of 0.9 repeated sessions"),
    ],
)
def test_what_cannot_be_drawn_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        drawn(**options)


def test_a_study_comes_back_from_its_file(tmp_path: Path) -> None:
    write_study(drawn(3), tmp_path / "study.json")
    assert read_study(tmp_path) == drawn(3)


def test_a_page_shows_items_and_anchors_and_tells_no_method() -> None:
    study = drawn(3)
    page = page_of(study, study.sheets[0])
    data = json.loads(page.split('id="study">')[1].split("</script>")[0])
    item = study.scale.items[0]
    assert data["questions"][0]["anchors"] == [[str(point), text] for point, text in item.anchors.items()]
    assert [choice["key"] for choice in data["choices"]] == [*"0123456", "x"]
    for hidden in (*METHODS, "canary", "neutral", *study.by_id, *(one.session.id for one in study.sessions)):
        assert hidden not in page


def test_a_scale_that_needs_the_intake_form_shows_it_to_people() -> None:
    study = drawn(2, "realism")
    data = page_of(study, study.sheets[0]).split('id="study">')[1]
    assert "Sleeplessness and worry" in data  # of the form, which the counselor has not read
    assert "Sleeplessness and worry" not in page_of(drawn(2), drawn(2).sheets[0])


def test_scores_are_read_turned_round_where_reversed_and_put_together_as_for_judges(tmp_path: Path) -> None:
    study = drawn(6, "wai-style", repeats=0)
    files = [answer(tmp_path / f"{rater}.json", study, rater, lambda session, item: 6) for rater in (1, 2)]
    answers = read_scale_answers(files, study)
    assert not answers.problems
    assert [(one.answered, one.asked) for one in answers.progress] == [(144, 144), (144, 144), (0, 144)]
    found = rated_sessions(answers, study)
    scored = [study.scale.scored(item, 6) for item in study.scale.subscales["bond"]]
    assert 2 in [study.scale.scored(item.id, 6) for item in study.scale.items]
    for figure in found.means["bond"].values():
        assert (figure.value, figure.n) == (sum(scored) / len(scored), 6)
    item = next(iter(found.items.values()))
    assert item.ac is not None
    assert (item.ac.value, item.alpha.value, found.users["rater-1"].distinct) == (1, None, 1)


def test_a_subscale_needs_all_its_items_and_wrong_points_are_told(tmp_path: Path) -> None:
    study = drawn(5, repeats=0)
    left = study.sheets[0].showings[0].session

    def score(session: str, item: str) -> Any:
        return ("cannot_say" if item == "understanding" else 9 if item == "strategy" else 3) if session == left else 3

    answers = read_scale_answers([answer(tmp_path / "one.json", study, 1, score)], study)
    assert "strategy: session 1 of rater-1: left out: should be one of 0, 1, 2, 3, 4, 5, 6, cannot_say" in str(
        answers.problems[0]
    )
    found = rated_sessions(answers, study)
    assert sum(figure.n for figure in found.means["general"].values()) == 9
    assert found.users["rater-1"].unsaid == 1


def test_what_comes_again_is_a_raters_consistency_and_no_second_rating(tmp_path: Path) -> None:
    study = drawn(10)
    showings = {showing.number: showing for showing in study.sheets[0].showings}
    path = answer(tmp_path / "one.json", study, 1, lambda session, item: 3)
    content = json.loads(path.read_text())
    for one in content["answers"]:
        if showings[one["showing"]].repeat != "none":
            one["choices"] = dict.fromkeys(one["choices"], "5")
    path.write_text(json.dumps(content))
    user = rated_sessions(read_scale_answers([path], study), study).users["rater-1"]
    assert (user.scores, user.distinct, user.repeated.value, user.apart.value) == (120, 1, 0, 2)


def test_one_rater_has_no_agreement(tmp_path: Path) -> None:
    study = drawn(2, repeats=0)
    one = read_scale_answers([answer(tmp_path / "one.json", study, 1, lambda session, item: 3)], study)
    section = agreement_of_scores(rated_sessions(one, study))
    assert "Agreement needs two raters" in section.paragraphs[0]
    assert len(section.blocks) == 1


@pytest.mark.parametrize(
    ("shift", "words"), [(0, "no difference between the ratings of"), (2, "differently on 2 of 2")]
)
def test_what_people_rated_stands_in_words_with_its_test(tmp_path: Path, shift: int, words: str) -> None:
    study = drawn(10, repeats=0)
    methods = {name: one.session.method for name, one in study.by_id.items()}
    random = Random(2)
    noise = {name: random.choice([1, 2, 3]) for name in methods}

    def score(session: str, item: str) -> int:
        return noise[session] + shift * (methods[session] == METHODS[0])

    answers = [answer(tmp_path / f"{rater}.json", study, rater, score) for rater in (1, 2)]
    section = ratings_section(rated_sessions(read_scale_answers(answers, study), study))
    said = section.paragraphs[0]
    assert said.startswith("In words: ")
    assert words in said
    assert ("points of the scale" in said) == bool(shift)
    assert "these 2 raters" in said
    assert "does not show that the groups are alike" in said
    table = section.blocks[1]
    assert isinstance(table, Table)
    assert table.caption == f"{METHODS[0]} less {METHODS[1]}, as people rated"
    assert cell(table.rows[0][-1]).strong == bool(shift)


def test_people_and_a_generous_judge_through_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = drawn(10, sessions_per_rater=8, repeats=0)
    write_study(study, tmp_path / "study.json")
    write_pages(study, tmp_path)
    random = Random(1)
    everything = drawn(10)
    truth = {(name, item.id): random.choice([1, 2, 3, 4]) for name in everything.by_id for item in study.scale.items}
    for rater in (1, 2, 3):
        answer(tmp_path / f"{rater}.json", study, rater, lambda *of: truth[of] + random.choice([-1, 0, 0, 1]))
    judged = tmp_path / "judged" / "evaluate.json"
    judged.parent.mkdir()
    judged.write_text(json.dumps({"judged": evaluated(everything, truth)}), encoding="utf-8")
    made = tmp_path / "judged" / "agreement.json"
    command = ["agreement", *(str(tmp_path / f"{rater}.json") for rater in (1, 2, 3)), "--json", str(made)]
    page = tmp_path / "agreement.md"
    assert main([*command, "--judged", str(judged), "--markdown", str(page)]) == 0
    assert unexplained(page.read_text(encoding="utf-8")) == []
    for part in ("intraclass correlations", "generalizability study", "prediction-powered (Angelopoulos et al., 2023)"):
        assert part in methods_of(page.read_text(encoding="utf-8"))
    assert "Judges beside people" in capsys.readouterr().out
    rated = json.loads(made.read_text())["rated"]
    assert rated["subscales"]["general"]["intraclass"]["agreement"]["value"] > 0.5
    first = rated["judges"][0]
    assert first["calibration"]["bias"]["low"] <= 1 <= first["calibration"]["bias"]["high"]
    for group in METHODS:
        mean = first["means"][group]
        assert (mean["powered"]["n"], mean["people"]["n"] + mean["people"]["missing"]) == (10, 10)
    judged.write_text(json.dumps({"judged": evaluated(everything, truth, "0123456789ab")}), encoding="utf-8")
    assert main([*command, "--judged", str(judged)]) == 2
    assert "in the words that people were shown" in capsys.readouterr().err


def evaluated(study: ScaleStudy, truth: dict[tuple[str, str], int], digest: str = "") -> dict[str, Any]:
    """What `evaluate --json` writes of a judge who is one point too generous."""
    scores = [
        {
            **{"session": one.session.id, "source": "runs", "method": one.session.method, "client": one.client},
            **{"attitude": None, "seed": None, "scale": study.scale.name, "occasion": "session", "item": item.id},
            **{"judge": "generous", "sample": 1, "score": truth[name, item.id] + 1, "scored": truth[name, item.id] + 1},
        }
        for name, one in study.by_id.items()
        for item in study.scale.items
    ]
    return {"scales": {study.scale.name: digest or study.scale.hash}, "scores": scores}
