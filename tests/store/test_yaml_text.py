"""YAML that anybody may have written: what is read of it, and what could exhaust a reader."""

import datetime
import re
import time
import tracemalloc
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.store import yaml_text
from counseling_sessions.store.yaml_text import MOST_CHARACTERS, MOST_NESTED, YamlError, parse_yaml

LAUGHS = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MERGED = "a0: &a0 {k0: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 1}}\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("---\n", [None]),
        ("a: 1\n---\n- 2\n", [{"a": 1}, [2]]),
        ("day: 2024-05-01\nnever: 2024-02-30\n", [{"day": "2024-05-01", "never": "2024-02-30"}]),
        ("a: &x [1, 2]\nb: *x\n", [{"a": [1, 2], "b": [1, 2]}]),
        ("a: &x {y: 1}\nb: {<<: *x, z: 2}\n", [{"a": {"y": 1}, "b": {"y": 1, "z": 2}}]),
        ("a: {<<: {y: 1, z: 1}, z: 2}\n", [{"a": {"y": 1, "z": 2}}]),
    ],
)
def test_plain_values_are_read(text: str, values: list[Any]) -> None:
    assert parse_yaml(text) == values


def test_what_is_written_with_aliases_by_a_program_is_read() -> None:
    profile = {"name": "Ada", "notes": ["one", "two"]}
    profiles = [profile] * 500
    assert "*id001" in yaml.safe_dump(profiles)
    assert parse_yaml(yaml.safe_dump(profiles)) == [profiles]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LAUGHS, "the aliases stand for more than 1,000,000 values"),
        (MERGED, "the aliases stand for more than 1,000,000 values"),
        (f"a: &a {'x' * 10_000}\nb: [{'*a, ' * 200}]", "the aliases stand for more than 1,000,000 values"),
        ("a: &a [*a]", "an anchor stands inside itself"),
        ("a: &a {b: {<<: *a}}", "an anchor stands inside itself"),
        ("a: *b", "undefined alias"),
        ("[" * 3000, "nested too deeply"),
        ("- " * 3000, "nested too deeply"),
        ("{a: " * 3000, "nested too deeply"),
        (f"a: {'9' * 5000}", "a number of more than 100 characters"),
        (f"a: 0x{'f' * 5000}", "a number of more than 100 characters"),
        (f"a: 1{':59' * 100_000}", "a number of more than 100 characters"),
        (f"a: 1{':59' * 100_000}.5", "a number of more than 100 characters"),
        ("a: !!timestamp 2024-13-45", "does not fit its type 'timestamp'"),
        ("a: !!int one", "does not fit its type 'int'"),
        ("a: !!python/object:os.system {}", "could not determine a constructor"),
        ("a: 1\na: 2", "a key stands twice"),
        ("? [a]\n: 1", "unhashable key"),
        ("a: \x00", "character 4"),
        ("a: \ud800", "character 4"),
        ("x" * (MOST_CHARACTERS + 1), "more than 33,554,432 characters"),
    ],
    ids=lambda value: value[:24],
)
def test_what_could_exhaust_a_reader_is_refused_at_once(text: str, problem: str) -> None:
    started = time.process_time()
    with pytest.raises(YamlError) as caught:
        parse_yaml(text)
    assert time.process_time() - started < 4
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", [LAUGHS, MERGED], ids=["lists", "mappings"])
def test_what_aliases_stand_for_is_counted_before_it_is_made(text: str) -> None:
    tracemalloc.start()
    with pytest.raises(YamlError):
        parse_yaml(text)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 * 2**20


def test_the_depth_has_a_bound_that_does_not_follow_from_the_stack() -> None:
    assert parse_yaml("[" * (MOST_NESTED - 1) + "1" + "]" * (MOST_NESTED - 1))
    with pytest.raises(YamlError, match="nested too deeply"):
        parse_yaml("[" * MOST_NESTED + "1" + "]" * MOST_NESTED)


def test_an_error_says_where_it_is() -> None:
    with pytest.raises(YamlError) as caught:
        parse_yaml("a: 1\nb:\n  c: 1\n  c: 2\n")
    assert (caught.value.line, caught.value.column, caught.value.key) == (4, 3, "c")


def test_a_date_may_be_asked_for() -> None:
    assert parse_yaml("!!timestamp 2024-05-01") == [datetime.date(2024, 5, 1)]


def test_without_libyaml_the_same_is_read_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    spec = spec_from_file_location("without_libyaml", yaml_text.__file__)
    assert spec
    assert spec.loader
    without = module_from_spec(spec)
    spec.loader.exec_module(without)
    for path in sorted((Path(__file__).parents[2] / "nodes" / "risk").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        assert without.parse_yaml(text) == parse_yaml(text) != []
    for text in ("[" * 3000, "a: \x00", "a: 1\na: 2"):
        with pytest.raises(YamlError) as caught:
            parse_yaml(text)
        with pytest.raises(without.YamlError, match=re.escape(str(caught.value))):
            without.parse_yaml(text)
