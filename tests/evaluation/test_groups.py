"""What is evaluated: groups, what is left out, and pairing where seeds are not known."""

import json
from pathlib import Path

import pytest

from evaluation.compare import compare_groups
from evaluation.figures import MEASURES, plain_figures
from evaluation.groups import gather
from generation.store import ShardWriter
from settings import SettingsError
from tests.generation.exports.sessions import session

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
    assert {item.seed for item in gathered.sessions} == {None}


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
    rows = [plain_figures(item, []) for item in gathered.sessions]
    comparison = compare_groups(rows, MEASURES, "ours", ["theirs"])
    assert (comparison.pairs, comparison.compared) == ({"theirs": 0}, ())


def test_the_same_client_attitude_and_seed_are_a_pair(ours: Path) -> None:
    rows = [plain_figures(item, []) for item in gather([ours]).sessions]
    comparison = compare_groups(rows, MEASURES, "magnet", ["single"])
    assert comparison.pairs == {"single": 1}
    turns = next(item for item in comparison.compared if item.measure.id == "turns")
    assert (turns.difference.pairs, turns.difference.difference.value) == (1, 0)
