"""The scales: the built-in ones have the published structure, a user's own take their place, and faults are named."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.evaluation.aspects import RUBRICS
from counseling_sessions.evaluation.scales import BUILT_IN, Scale, read_scale
from counseling_sessions.settings import SettingsError
from tests.evaluation.judged import small_scale

PUBLISHED = BUILT_IN[:3]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_scale_of_published_constructs_is_labelled_as_no_instrument(name: str) -> None:
    scale = read_scale(name)
    assert name.endswith("-style")
    assert "-style" in scale.title
    assert "not the" in scale.note


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_scale_says_that_nobody_has_validated_it_and_describes_its_points(name: str) -> None:
    scale = read_scale(name)
    assert scale.name == name
    assert "not been validated" in scale.note or "must not be reported" in scale.note
    assert len(scale.hash) == 12
    for item in scale.items:
        points = scale.anchors_of(item)
        assert (min(points), max(points)) == (scale.low, scale.high)
        assert len(points) >= 4


def test_the_structure_is_the_published_one() -> None:
    ctrs, wai, panas = map(read_scale, PUBLISHED)
    assert ((ctrs.low, ctrs.high), (wai.low, wai.high), (panas.low, panas.high)) == ((0, 6), (1, 7), (1, 5))
    assert ctrs.subscales == {
        "general": ("understanding", "interpersonal_effectiveness", "collaboration"),
        "cbt_specific": ("guided_discovery", "focus", "strategy"),
    }
    numbers = {name: sorted(int(item[1:3]) for item in items) for name, items in wai.subscales.items()}
    assert numbers == {"goal": [4, 6, 10, 11], "task": [1, 2, 8, 12], "bond": [3, 5, 7, 9]}
    assert [int(item.id[1:3]) for item in wai.items] == list(range(1, 13))
    assert [int(item.id[1:3]) for item in wai.items if item.reverse] == [4, 10]
    assert not any(item.reverse for scale in (ctrs, panas) for item in scale.items)
    assert {name: len(items) for name, items in panas.subscales.items()} == {"positive": 10, "negative": 10}
    assert (ctrs.subject, wai.subject, panas.subject) == ("session", "session", "affect")


def test_realism_has_items_of_the_client_and_of_the_counselor_and_needs_the_form() -> None:
    scale = read_scale("realism")
    assert {name: len(items) for name, items in scale.subscales.items()} == {"client": 6, "counselor": 3}
    assert (scale.subject, scale.low, scale.high) == ("session", 0, 6)
    assert not any(item.reverse for item in scale.items)
    assert [read_scale(name).needs_form for name in BUILT_IN] == [False, False, True, True]


def test_reverse_keyed_items_are_counted_the_other_way_round() -> None:
    wai = read_scale("wai-style")
    assert [wai.scored("w04_goals_unclear", score) for score in (1, 4, 7)] == [7, 4, 1]
    assert [wai.scored("w06_shared_goals", score) for score in (1, 4, 7)] == [1, 4, 7]
    with pytest.raises(KeyError):
        wai.scored("w13", 1)


def test_members_of_a_subscale_an_item_and_nothing() -> None:
    scale = small_scale()
    assert scale.members("manner") == ("warmth", "haste")
    assert scale.members("haste") == ("haste",)
    assert scale.members("tempo") == ()


def test_a_users_own_wording_takes_the_place_of_ours_and_has_another_hash(tmp_path: Path) -> None:
    data = yaml.safe_load((RUBRICS / "ctrs-style.yaml").read_text(encoding="utf-8"))
    data["items"][0]["definition"] = "In our own words."
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    mine = read_scale(path)
    assert mine.items[0].definition == "In our own words."
    assert mine.hash != read_scale("ctrs-style").hash
    assert mine.hash == read_scale(str(path)).hash


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"low": 4}, r"low \(4\) must be less than high \(4\)"),
        ({"subscales": {"manner": ["warmth"]}}, "'haste' is in none"),
        ({"subscales": {"manner": ["warmth", "haste"], "other": ["haste"]}}, "'haste' is in two places"),
        ({"subscales": {"manner": ["warmth", "haste", "pace"]}}, "'pace' is none of the items"),
        ({"anchors": {0: "none", 5: "all"}}, "5 lies outside 0 to 4"),
        ({"anchors": {0: "none"}}, "warmth: needs anchors for two points"),
        ({"items": [{"id": "warmth", "title": "t", "definition": "d"}] * 2}, "'warmth' is there twice"),
        ({"items": [{"id": "Warm th", "title": "t", "definition": "d"}]}, "items.0.id"),
        ({"colour": "red"}, "colour: there is no such key; there are"),
        ({"question": None}, "question"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "scale.yaml"
    path.write_text(yaml.safe_dump(small_scale().model_dump(mode="json") | change), encoding="utf-8")
    with pytest.raises(SettingsError, match=said) as caught:
        read_scale(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(("text", "said"), [("- a\n", "expected a mapping"), ("{", "not readable as YAML")])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "scale.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        read_scale(path)


def test_an_unknown_name_lists_the_built_in_ones() -> None:
    with pytest.raises(SettingsError, match=r"srs-style is neither a built-in scale \(ctrs-style, wai-style"):
        read_scale("srs-style")


def test_a_scale_does_not_change() -> None:
    scale: Scale = small_scale()
    with pytest.raises(ValueError, match="frozen"):
        scale.low = 1  # type: ignore[misc]
