"""What is evaluated: groups, what is left out, and pairing where seeds are not known."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from counseling_sessions.evaluation.compare import compare_groups
from counseling_sessions.evaluation.figures import MEASURES, Measure, SessionFigures, rows_by_group
from counseling_sessions.evaluation.groups import Gathered, gather
from counseling_sessions.evaluation.judging.means import SubscaleMean
from counseling_sessions.evaluation.measure import measure
from counseling_sessions.evaluation.pairs import Pairing, PairKey, pairs_of
from counseling_sessions.evaluation.readings import Measuring
from counseling_sessions.evaluation.report.data import evaluation_data
from counseling_sessions.evaluation.structure import session_figures
from counseling_sessions.sessions import SessionKey
from counseling_sessions.sessions.writing import ShardWriter
from counseling_sessions.settings import SettingsError
from tests.generation.exports.sessions import session


def figures(gathered: Gathered) -> list[SessionFigures]:
    return [
        SessionFigures(item.key, name, session_figures(item, []))
        for name, group in gathered.groups.items()
        for item in group
    ]


DIALOGUE = [{"role": "counselor", "message": "Where shall we start?"}, {"role": "client", "message": "With work."}]


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    writer = ShardWriter(tmp_path / "ours", "w0")
    for method in ("single", "magnet"):
        writer.keep(session(method))
    return tmp_path / "ours"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "session_1.json").write_text(json.dumps({"dialogue": DIALOGUE}), encoding="utf-8")
    (tmp_path / "theirs" / "broken.json").write_text("[", encoding="utf-8")
    return tmp_path / "theirs"


def test_methods_are_groups_in_their_own_order(ours: Path) -> None:
    gathered = gather([ours])
    assert (gathered.by, list(gathered.groups)) == ("method", ["magnet", "single"])


def test_several_sources_are_groups_and_problems_are_kept(ours: Path, theirs: Path) -> None:
    gathered = gather([ours, theirs])
    assert {name: len(group) for name, group in gathered.groups.items()} == {"ours": 2, "theirs": 1}
    assert [Path(problem.file).name for problem in gathered.problems] == ["broken.json"]


def test_sources_of_one_name_are_told_apart(tmp_path: Path, theirs: Path) -> None:
    other = tmp_path / "more" / "theirs"
    other.mkdir(parents=True)
    (other / "session_1.json").write_text(json.dumps({"dialogue": DIALOGUE}), encoding="utf-8")
    names = list(gather([theirs, other]).groups)
    assert len(names) == 2
    assert names[1] == "more/theirs"


def test_where_a_group_has_no_seeds_none_count(ours: Path, theirs: Path) -> None:
    assert not gather([ours]).without_seeds
    gathered = gather([ours, theirs])
    assert gathered.without_seeds
    assert gathered.pairing == Pairing(seed=False)


def test_a_session_stays_what_it_is_in_whatever_group(ours: Path) -> None:
    gathered = gather([ours], "attitude")
    [first, second] = gathered.groups["neutral"]
    assert {first.method, second.method} == {"single", "magnet"}
    assert (first.attitude, gathered.group_of[first.key]) == ("neutral", "neutral")
    unseeded = {"negative": [first.model_copy(update={"seed": None})]}
    for groups in (gathered.groups, gathered.groups | unseeded):
        mixed = replace(gathered, groups=groups)
        assert (mixed.pairing, mixed.without_seeds) == (Pairing(attitude=False, seed=False), False)


def test_what_is_left_out_of_a_pairing_counts_for_none() -> None:
    key = SessionKey("one", "here", "magnet", "c", "negative", 7)
    assert Pairing().key(key) == PairKey("c", "negative", 7)
    assert Pairing(attitude=False).key(key) == PairKey("c", "", 7)
    assert Pairing(seed=False).key(replace(key, attitude=None)) == PairKey("c", "", 0)


def test_the_file_names_the_group_and_not_what_sessions_are_not_paired_by(ours: Path) -> None:
    for by, (group, attitude, seed) in {
        "method": ("magnet", "neutral", 0),
        "attitude": ("neutral", None, None),
    }.items():
        gathered = gather([ours], by)  # type: ignore[arg-type]
        measures = measure(gathered.groups, Measuring(metrics=("structure",)))
        row = evaluation_data(gathered, measures, made={"seed": 0})["groups"][group]["by_session"][0]
        assert list(row) == ["session", "source", "group", "client", "attitude", "seed", "values"]
        assert (row["group"], row["attitude"], row["seed"]) == (group, attitude, seed)


def test_what_says_nothing_of_the_grouping_is_counted(ours: Path, theirs: Path) -> None:
    assert gather([ours, theirs], "method").unnamed == 1
    with pytest.raises(SettingsError, match="says its method"):
        gather([theirs], "method")


def test_nothing_to_read_is_told_with_the_first_problems(theirs: Path) -> None:
    (theirs / "session_1.json").unlink()
    with pytest.raises(SettingsError, match=r"no session could be read.*broken\.json"):
        gather([theirs])


def test_without_a_partner_nothing_is_compared(ours: Path, theirs: Path) -> None:
    gathered = gather([ours, theirs])
    comparison = compare_groups(figures(gathered), MEASURES, "ours", ["theirs"], pairing=gathered.pairing)
    assert (comparison.pairs, comparison.compared) == ({"theirs": 0}, ())


def test_the_same_client_attitude_and_seed_are_a_pair(ours: Path) -> None:
    comparison = compare_groups(figures(gather([ours])), MEASURES, "magnet", ["single"], pairing=Pairing())
    assert comparison.pairs == {"single": 1}
    turns = next(item for item in comparison.compared if item.measure.id == "turns")
    assert (turns.difference.pairs, turns.difference.difference.value) == (1, 0)


def chats(folder: Path, words: str) -> Path:
    folder.mkdir(parents=True)
    for number in range(6):
        dialogue = [*DIALOGUE, {"role": "counselor", "message": f"{words} {number}?"}]
        (folder / f"chat_{number}.json").write_text(json.dumps({"dialogue": dialogue}), encoding="utf-8")
    return folder


def test_sessions_that_only_share_their_files_names_are_no_pairs(tmp_path: Path) -> None:
    gathered = gather([chats(tmp_path / "one", "And then"), chats(tmp_path / "two", "What next")])
    comparison = compare_groups(figures(gathered), MEASURES, "one", ["two"], pairing=gathered.pairing)
    assert comparison.pairs == {"two": 0}
    assert comparison.alone == {"two": {"one": 6, "two": 6}}
    assert len({item.client for item in gathered.sessions}) == 12


def test_scores_of_sessions_with_one_id_are_kept_apart(tmp_path: Path) -> None:
    gathered = gather([chats(tmp_path / "a" / "x", "And then"), chats(tmp_path / "b" / "x", "What next")], "source")
    mixed = [replace(row, group="all") for row in figures(gathered)]
    scores = [SubscaleMean(row.key, "s", "session", "t", float(place), 1, 1, 0) for place, row in enumerate(mixed)]
    measures = {"s/t": Measure("s/t", "t", "s")}
    found = rows_by_group(mixed, scores, (), measures)["all"]
    assert [row.values["s/t"] for row in found] == [float(place) for place in range(12)]


def test_a_pair_has_one_name_whatever_is_named_first(ours: Path) -> None:
    groups = gather([ours]).groups
    [one] = pairs_of(groups, Pairing()).pairs
    [other] = pairs_of({name: groups[name] for name in ("single", "magnet")}, Pairing()).pairs
    assert one.id == other.id
    assert one.groups == other.groups[::-1] == ("magnet", "single")


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    records = [
        {"id": f"s{number}", "about": {"Quality": quality, "score": number}, "dialogue": DIALOGUE}
        for number, quality in enumerate(("high", "low", "high", "n/a"))
    ]
    (tmp_path / "labelled.json").write_text(json.dumps(records), encoding="utf-8")
    return tmp_path / "labelled.json"


@pytest.mark.parametrize("by", ["about/Quality", "quality", "Quality"])
def test_any_field_of_others_files_groups_them(by: str, labelled: Path) -> None:
    gathered = gather([labelled], by)
    assert {name: [session.id for session in group] for name, group in gathered.groups.items()} == {
        "high": ["s0", "s2"],
        "low": ["s1"],
    }
    assert (gathered.by, gathered.unnamed) == (by, 1)


def test_a_field_that_no_session_has_is_refused_with_those_that_there_are(labelled: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"none of the 4 sessions says its topic; their fields are about/Quality, about/score, id"
    ):
        gather([labelled], "topic")


def test_a_field_with_too_many_values_makes_no_groups(tmp_path: Path) -> None:
    records = [{"id": str(number), "when": f"day {number}", "dialogue": DIALOGUE} for number in range(50)]
    (tmp_path / "many.json").write_text(json.dumps(records), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"--by when: 50 groups \(day 0, day 1"):
        gather([tmp_path / "many.json"], "when")
