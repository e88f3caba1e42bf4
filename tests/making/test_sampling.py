"""New clients are drawn as the tables say: shares, rules, names; alike for one seed."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.making.sampling import draw
from counseling_sessions.making.tables import BUILT_IN, Tables, band_of, read_tables
from counseling_sessions.settings import SettingsError


def changed(tmp_path: Path, change: Any) -> Path:
    """A file of tables that differs from the built-in one."""
    data = yaml.safe_load(BUILT_IN.read_text(encoding="utf-8"))
    change(data)
    path = tmp_path / "tables.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def free(tables: Tables) -> Tables:
    """The tables without rules."""
    return tables.model_copy(update={"rules": ()})


def far(tables: Tables, count: int, seed: int) -> float:
    """How many clients the count of a value is from its share, at most."""
    sketches, most = draw(tables, count, seed), 0.0
    for name, attribute in tables.attributes.items():
        weight = sum(value.weight for value in attribute.values)
        there = Counter(sketch.values[name] for sketch in sketches)
        for value in attribute.values:
            most = max(most, abs(there[value.value] - count * value.weight / weight))
    return most


@pytest.mark.parametrize("count", [1, 7, 30, 100])
def test_shares_are_those_of_the_tables_up_to_one_client(count: int) -> None:
    for seed in range(3):
        assert far(free(read_tables()), count, seed) < 1 + 1e-9


@pytest.mark.parametrize(("count", "most"), [(10, 2.5), (60, 3.5)])
def test_rules_move_few_clients(count: int, most: float) -> None:
    for seed in range(3):
        assert far(read_tables(), count, seed) <= most


def test_no_client_breaks_a_rule() -> None:
    tables = read_tables()
    without = [
        limit for sketch in draw(free(tables), 60, 1) for limit in tables.limits if limit.broken_by(sketch.values)
    ]
    assert without, "without rules there would be impossible people"
    sketches = draw(tables, 60, 1)
    assert not [limit.why for sketch in sketches for limit in tables.limits if limit.broken_by(sketch.values)]
    assert all(sketch.age in band_of(sketch.values["age"]) for sketch in sketches)


def test_one_seed_draws_one_set_and_another_seed_another() -> None:
    tables = read_tables()
    assert draw(tables, 12, 5) == draw(tables, 12, 5)
    assert draw(tables, 12, 5) != draw(tables, 12, 6)


def test_names_are_of_the_culture_and_none_comes_twice() -> None:
    tables = free(read_tables())
    sketches = draw(tables, 150, 2)
    names = [sketch.name for sketch in sketches]
    assert len(set(names)) == 150
    only = tables.attributes["culture"].model_copy(update={"values": tables.attributes["culture"].values[:1]})
    kenyans = tables.model_copy(update={"attributes": tables.attributes | {"culture": only}})
    families = {sketch.name.rpartition(" ")[2] for sketch in draw(kenyans, 40, 1)}
    assert families <= {
        *("Mwangi", "Odhiambo", "Kiplagat", "Wekesa", "Njuguna", "Mutiso"),
        *("Karanja", "Omondi", "Kirui", "Barasa", "Gitau", "Musyoka"),
    }
    with pytest.raises(SettingsError, match="too few names"):
        draw(kenyans, 400, 1)


def test_triggers_of_a_problem_take_turns() -> None:
    tables = free(read_tables())
    sketches = [sketch for sketch in draw(tables, 160, 1) if sketch.values["problem"] == "anger"]
    assert len(sketches) == 8
    assert set(Counter(sketch.trigger for sketch in sketches).values()) == {2}


def drop(data: Any) -> None:
    del data["attributes"]["voice"]


def odd_attribute(data: Any) -> None:
    data["attributes"]["zodiac"] = data["attributes"]["voice"]


def no_weight(data: Any) -> None:
    data["attributes"]["gender"]["values"][0]["weight"] = 0


def young(data: Any) -> None:
    data["attributes"]["age"]["values"][0]["value"] = "12-19"
    data["rules"] = []


def no_names(data: Any) -> None:
    data["attributes"]["culture"]["values"][0]["names"] = "atlantis"


def odd_rule(data: Any) -> None:
    data["rules"].append({"when": {"work": ["astronaut"]}, "only": {"age": ["25-34"]}, "why": "space"})


def odd_distortion(data: Any) -> None:
    data["attributes"]["distortion"]["values"][0]["value"] = "pessimism"


def twice(data: Any) -> None:
    data["attributes"]["gender"]["values"].append({"value": "woman", "weight": 1})


def no_trigger(data: Any) -> None:
    del data["attributes"]["problem"]["values"][0]["triggers"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop, "missing: voice"),
        (odd_attribute, "no such attributes: zodiac"),
        (no_weight, "greater than 0"),
        (young, "within 16-99"),
        (no_names, "atlantis|names out of"),
        (odd_rule, "astronaut"),
        (odd_distortion, "pessimism"),
        (twice, "twice: woman"),
        (no_trigger, "has no triggers"),
    ],
)
def test_broken_tables_are_refused_with_the_reason(tmp_path: Path, change: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_tables(changed(tmp_path, change))


def test_rules_that_leave_no_way_are_refused(tmp_path: Path) -> None:
    def contradict(data: Any) -> None:
        genders = ["woman", "man", "non-binary person"]
        data["rules"] = [{"when": {"gender": genders}, "never": {"voice": ["plain"]}, "why": "no plain voice"}]
        data["attributes"]["voice"]["values"] = data["attributes"]["voice"]["values"][:1]

    with pytest.raises(SettingsError, match="no plain voice"):
        draw(read_tables(changed(tmp_path, contradict)), 4, 1)
