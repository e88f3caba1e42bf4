"""The draw of a study: balance, repeats, sides, and the file that keeps its key."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.evaluation.aspects import read_aspects
from counseling_sessions.evaluation.rating.draw import draw_study
from counseling_sessions.evaluation.rating.study import Sheet, Study, StudyError, read_study, write_study
from tests.evaluation.rating_sessions import pairs, study

THREE = ["wiring-alpha", "wiring-beta", "wiring-gamma"]


def draw(count: int, each: int, methods: list[str] = THREE, **options: Any) -> Study:
    return draw_study(pairs(count, methods), read_aspects(), pairs_per_rater=each, **options)


def firsts(sheet: Sheet) -> list[str]:
    return [showing.pair for showing in sheet.showings if showing.repeat == "none"]


def test_the_same_seed_draws_the_same_study_whatever_the_order_of_the_pairs() -> None:
    given = pairs(20)
    one, other = (draw_study(list(order), read_aspects(), pairs_per_rater=12, seed=3) for order in (given, given[::-1]))
    assert one == other
    assert one != draw_study(given, read_aspects(), pairs_per_rater=12, seed=4)


def test_every_rater_sees_the_same_pairs_in_an_order_of_their_own() -> None:
    sheets = draw(20, 12).sheets
    assert [sheet.rater for sheet in sheets] == ["rater-1", "rater-2", "rater-3"]
    assert {frozenset(firsts(sheet)) for sheet in sheets} == {frozenset(firsts(sheets[0]))}
    assert len({tuple(firsts(sheet)) for sheet in sheets}) == 3


def test_only_the_shared_pairs_are_seen_by_several_raters() -> None:
    drawn = draw(20, 12, shared=3)
    seen = Counter(pair for sheet in drawn.sheets for pair in firsts(sheet))
    assert Counter(seen.values()) == {3: 3, 1: 27}
    assert {pair.id for pair in drawn.pairs} == set(seen)


def test_methods_attitudes_and_clients_come_up_evenly() -> None:
    # Of 90 pairs, 30 for each two methods; clients in thirds over the attitudes.
    drawn = draw(30, 18)
    by_id = drawn.by_id
    for sheet in drawn.sheets:
        shown = [by_id[pair] for pair in firsts(sheet)]
        assert set(Counter((pair.methods, pair.attitude) for pair in shown).values()) == {2}
        assert set(Counter(pair.client for pair in shown).values()) == {1}


def test_sides_are_balanced_within_a_rater_and_between_raters() -> None:
    drawn = draw(30, 18, raters=4)
    by_id = drawn.by_id
    lefts: Counter[str] = Counter()
    for sheet in drawn.sheets:
        shown = [showing for showing in sheet.showings if showing.repeat == "none"]
        sides = Counter((by_id[showing.pair].methods, showing.left) for showing in shown)
        assert set(sides.values()) == {3}
        lefts.update(showing.pair for showing in shown if showing.left == "first")
    assert set(lefts.values()) == {2}


@pytest.mark.parametrize(("each", "same", "swapped"), [(9, 0, 0), (10, 1, 1), (60, 3, 3)])
def test_some_pairs_are_shown_again_far_from_their_first_showing(each: int, same: int, swapped: int) -> None:
    for sheet in draw(30, each, seed=1).sheets:
        by_number = {showing.number: showing for showing in sheet.showings}
        assert list(by_number) == list(range(1, each + same + swapped + 1))
        kinds = Counter(showing.repeat for showing in sheet.showings)
        assert kinds == Counter({"none": each, "same": same, "swapped": swapped})
        for showing in sheet.showings:
            if showing.repeats:
                before = by_number[showing.repeats]
                assert (before.pair, before.repeat) == (showing.pair, "none")
                assert showing.number - before.number >= each // 2
                assert (before.left == showing.left) == (showing.repeat == "same")


def test_no_pair_is_shown_again_where_none_should_be() -> None:
    assert all(len(sheet.showings) == 20 for sheet in draw(30, 20, repeats=0, swaps=0).sheets)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pairs_per_rater": 21}, "21 pairs are needed and there are 20"),
        ({"pairs_per_rater": 12, "shared": 2}, "32 pairs are needed and there are 20"),
        ({"pairs_per_rater": 5, "shared": 6}, "6 shared pairs: should be 0 to 5"),
        ({"pairs_per_rater": 0}, "should be 1 or more"),
        ({"pairs_per_rater": 5, "raters": 0}, "0 raters"),
        ({"pairs_per_rater": 10, "repeats": 0.3, "swaps": 0.3}, "6 of 10 pairs would be shown twice"),
        ({"pairs_per_rater": 10, "repeats": 0.8}, "a share of 0.8"),
    ],
)
def test_what_cannot_be_drawn_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        draw_study(pairs(20), read_aspects(), **options)


def test_no_pairs_and_pairs_given_twice_are_told() -> None:
    with pytest.raises(StudyError, match="no pair to rate"):
        draw_study([], read_aspects())
    with pytest.raises(StudyError, match="comes twice"):
        draw_study(pairs(2) * 2, read_aspects(), pairs_per_rater=2)


def test_a_study_comes_back_whole_from_its_file_or_folder(tmp_path: Path) -> None:
    drawn = study(12)
    write_study(drawn, tmp_path / "rating" / "study.json")
    assert read_study(tmp_path / "rating") == read_study(tmp_path / "rating" / "study.json") == drawn


def test_a_field_that_a_later_version_leaves_at_its_default_does_not_spoil_the_hash(tmp_path: Path) -> None:
    # As if it had been written before `language` was added.
    data = study(2).model_dump(mode="json", exclude={"hash": True, "pairs": {"__all__": {"first": {"language"}}}})
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    data["hash"] = hashlib.sha256(text.encode()).hexdigest()[:12]
    (tmp_path / "study.json").write_text(json.dumps(data), encoding="utf-8")
    assert {pair.first.language for pair in read_study(tmp_path).pairs} == {None}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[:-40], "broken JSON"),
        (lambda text: "[1, 2]", "not a study"),
        (lambda text: text.replace('"format": 1', '"format": 9'), "format 9"),
        (lambda text: text.replace('"left": "first"', '"left": "second"', 1), "changed since it was drawn"),
        (lambda text: text.replace('"left": "first"', '"left": "middle"', 1), "left"),
    ],
)
def test_a_damaged_study_is_refused_by_name(tmp_path: Path, damage: Any, said: str) -> None:
    path = tmp_path / "study.json"
    write_study(study(2), path)
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(StudyError, match=said) as caught:
        read_study(path)
    assert str(path) in str(caught.value)


def test_a_missing_study_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be read: No such file"):
        read_study(tmp_path)
