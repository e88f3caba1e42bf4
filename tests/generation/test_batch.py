"""The plan of a batch: which units there are, how they are paired and parted, and what may change."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.generation.batch import (
    PROFILES_FILE,
    Batch,
    Profiles,
    read_batch,
    task_of,
    units,
)
from counseling_sessions.generation.profile_sources import write_profiles
from counseling_sessions.generation.run import Asked, Run, open_run
from counseling_sessions.graph.provenance import configuration_hash
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from tests.scripted import config, profile

METHODS = ("magnet", "single-plan")
ATTITUDES = ("positive", "negative")


def forms(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [profile(id=f"client-{number}").model_dump(mode="json") for number in range(start, start + count)]


def form_file(path: Path, values: list[Any]) -> str:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return str(path)


def open_one(folder: Path, source: str | None = None, **asked: Any) -> Run:
    settings = asked.pop("settings", config())
    return open_run(folder, Asked(settings, source=source, **asked))


@pytest.fixture
def source(tmp_path: Path) -> str:
    return form_file(tmp_path / "mine.jsonl", forms(12))


def test_units_are_all_combinations_with_the_same_seed_for_every_method(tmp_path: Path, source: str) -> None:
    run = open_one(tmp_path / "run", source, methods=METHODS, attitudes=ATTITUDES, seeds=(1, 2))
    todo = run.todo()
    assert len(todo) == run.total == 12 * 2 * 2 * 2
    assert len({unit.session_id for unit in todo}) == len(todo)
    pairs: dict[Any, set[int]] = {}
    for unit in todo:
        pairs.setdefault((unit.profile_id, unit.attitude, unit.seed), set()).add(unit.session_seed)
    assert all(len(seeds) == 1 for seeds in pairs.values())
    assert len(set().union(*pairs.values())) == len(pairs)
    assert [unit.method for unit in todo[:4]] == [*METHODS, *METHODS]


def test_a_unit_is_the_session_that_a_single_run_would_be(tmp_path: Path, source: str) -> None:
    run = open_one(tmp_path / "run", source)
    unit = run.todo()[3]
    task = task_of(run.batch, run.profiles, unit)
    assert task.session_id == unit.session_id
    assert (task.profile.id, task.config.seed) == ("client-3", unit.session_seed)


def test_a_record_keeps_its_own_attitude_unless_attitudes_are_given(tmp_path: Path) -> None:
    source = form_file(
        tmp_path / "mine.jsonl", [form | {"attitude": "negative"} for form in forms(2)] + forms(1, start=5)
    )
    assert [unit.attitude for unit in open_one(tmp_path / "own", source).todo()] == ["negative", "negative", "neutral"]
    units = open_one(tmp_path / "units", source, attitudes=("positive",)).todo()
    assert {unit.attitude for unit in units} == {"positive"}


def test_the_parts_of_a_run_are_the_whole_and_nothing_twice(tmp_path: Path, source: str) -> None:
    complete = {
        unit.session_id for unit in open_one(tmp_path / "whole", source, methods=METHODS, attitudes=ATTITUDES).todo()
    }
    parts: Counter[str] = Counter()
    for part in range(1, 5):
        run = open_one(tmp_path / f"{part}", source, methods=METHODS, attitudes=ATTITUDES, shard=(part, 4))
        parts.update(unit.session_id for unit in run.todo())
        paired = Counter((unit.profile_id, unit.attitude) for unit in run.todo())
        assert set(paired.values()) <= {len(METHODS)}  # what is compared stays together
    assert parts == Counter(complete)


def test_a_run_is_gone_on_with_when_the_same_or_nothing_is_asked_for(tmp_path: Path, source: str) -> None:
    first = open_one(tmp_path / "run", source, methods=METHODS)
    again = open_one(tmp_path / "run", source, methods=METHODS)
    silent = open_one(tmp_path / "run")
    assert first.todo() == again.todo() == silent.todo()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": config(max_turns=5)}, "configuration.max_turns: 3 here, 5 asked for"),
        ({"methods": ("single",)}, "methods"),
        ({"seeds": (1, 2, 3)}, "seeds"),
        ({"source": "builtin"}, "profiles_hash"),
        ({"shard": (1, 2)}, "shard"),
    ],
)
def test_something_else_is_refused_with_the_difference(tmp_path: Path, source: str, change: Any, message: str) -> None:
    open_one(tmp_path / "run", source)
    with pytest.raises(RunError, match="has been begun with something else") as error:
        open_one(tmp_path / "run", **change)
    assert message in str(error.value)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [PROFILES_FILE, "run.json"]


def test_a_run_can_be_extended_and_keeps_its_units(tmp_path: Path, source: str) -> None:
    before = {unit.session_id for unit in open_one(tmp_path / "run", source, shard=(1, 2)).todo()}
    more = form_file(tmp_path / "more.jsonl", forms(6, start=9))
    run = open_one(tmp_path / "run", more, methods=METHODS, seeds=(1, 2), extend=True)
    after = [unit.session_id for unit in run.todo()]
    assert before < set(after)
    assert len(set(after)) == len(after)
    assert (run.batch.profiles, run.batch.methods, run.batch.seeds) == (15, METHODS, (1, 2))
    assert open_one(tmp_path / "run").todo() == run.todo()


@pytest.mark.parametrize("change", [{"settings": config(max_turns=5)}, {"attitudes": ("positive",)}])
def test_extending_changes_nothing_else(tmp_path: Path, source: str, change: Any) -> None:
    open_one(tmp_path / "run", source)
    kept = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(RunError, match="extend"):
        open_one(tmp_path / "run", extend=True, **change)
    assert (tmp_path / "run" / "run.json").read_bytes() == kept


def test_broken_records_are_told_and_nothing_is_begun_unless_they_are_left_out(tmp_path: Path) -> None:
    source = form_file(tmp_path / "source.jsonl", [*forms(2), {"id": "x"}, *forms(1)])
    with pytest.raises(ProfileError, match="record 3"):
        open_one(tmp_path / "run", source)
    assert list((tmp_path / "run").iterdir()) == []
    run = open_one(tmp_path / "run", source, skip_invalid=True)
    assert len(run.profiles) == 2
    assert {problem.record for problem in run.problems} == {
        3,
        4,
    }  # one without its fields, one whose id is there already


def test_profiles_that_were_changed_underneath_are_refused(tmp_path: Path, source: str) -> None:
    open_one(tmp_path / "run", source)
    path = tmp_path / "run" / PROFILES_FILE
    path.write_text(path.read_text(encoding="utf-8").replace("stall", "booth"), encoding="utf-8")
    with pytest.raises(RunError, match="not what this run began with"):
        open_one(tmp_path / "run")


def test_built_in_profiles_by_id(tmp_path: Path) -> None:
    run = open_one(tmp_path / "run", "amira-exam-panic,grace-empty-chair")
    assert run.profiles.ids == ["amira-exam-panic", "grace-empty-chair"]
    assert len(open_one(tmp_path / "all").profiles) == 35


def test_a_run_file_of_another_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"format": 0}', encoding="utf-8")
    with pytest.raises(RunError, match="not a batch of this version"):
        read_batch(tmp_path)
    assert read_batch(tmp_path / "nowhere") is None


def test_profiles_are_read_from_their_places(tmp_path: Path) -> None:
    forms_here = [profile(id=f"c{number}", reason_for_counseling="é" * number + "x") for number in range(1, 40)]
    source = form_file(tmp_path / "mine.jsonl", [form.model_dump(mode="json") for form in forms_here])
    write_profiles(source, tmp_path / "p.jsonl", skip_invalid=False)
    profiles = Profiles(tmp_path / "p.jsonl")
    assert [profiles.read(row) for row in (38, 0, 17)] == [forms_here[38], forms_here[0], forms_here[17]]


def test_a_run_is_locked_until_its_process_lets_go(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path).lock(),
        pytest.raises(RunError, match=r"in use by another process \(process \d+ on "),
        RunFolder(tmp_path).lock(),
    ):
        pass
    with RunFolder(tmp_path).lock():
        pass


def test_the_units_of_a_large_batch_come_without_its_profiles_in_memory(tmp_path: Path) -> None:
    source = form_file(tmp_path / "mine.jsonl", forms(2000))
    run = open_one(tmp_path / "run", source, attitudes=("positive", "neutral", "negative"))
    assert sum(1 for _ in units(run.batch, run.profiles)) == 6000
    assert not hasattr(run.profiles, "profiles")


def test_a_batch_says_that_its_methods_are_paired(tmp_path: Path, source: str) -> None:
    run = open_one(tmp_path / "run", source)
    assert isinstance(run.batch, Batch)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["paired"] == "profile, attitude and seed"


def test_a_run_goes_on_when_its_server_has_moved(tmp_path: Path) -> None:
    asked = config(models={"default": {"model": "m", "base_url": "http://one/v1"}})
    moved = config(models={"default": {"model": "m", "base_url": "http://two/v1", "max_in_flight": 4}})
    other = config(models={"default": {"model": "n", "base_url": "http://one/v1"}})
    assert configuration_hash(asked) == configuration_hash(moved) != configuration_hash(other)
    first = open_run(tmp_path / "run", Asked(asked, source="amira-exam-panic"))
    again = open_run(tmp_path / "run", Asked(moved))
    assert again.batch.configuration.models["default"].base_url == "http://two/v1"
    assert [unit.session_id for unit in again.todo()] == [unit.session_id for unit in first.todo()]
    assert open_run(tmp_path / "run", Asked(moved)).batch == again.batch
    with pytest.raises(RunError, match="begun with something else"):
        open_run(tmp_path / "run", Asked(other))


def test_profiles_that_were_changed_under_the_same_name_are_noticed(tmp_path: Path) -> None:
    forms = tmp_path / "forms.jsonl"
    forms.write_text(profile(id="one").model_dump_json() + "\n", encoding="utf-8")
    open_run(tmp_path / "run", Asked(config(), source=str(forms)))
    forms.write_text(profile(id="two").model_dump_json() + "\n", encoding="utf-8")
    with pytest.raises(RunError, match="profiles_hash"):
        open_run(tmp_path / "run", Asked(config(), source=str(forms)))


def test_an_extension_that_was_cut_off_can_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun = open_run(folder, Asked(config(), source="amira-exam-panic"))
    wanted = Asked(config(), source="jonas-burned-out", extend=True)
    open_run(folder, wanted)
    begun.batch.write(folder)  # as if the batch had not been written any more
    run = open_run(folder, Asked(config()))
    assert run.profiles.ids == ["amira-exam-panic"]
    assert "has more lines than the run has profiles: an --extend was cut off" in run.notes()[0]
    again = open_run(folder, wanted)
    assert (len(again.profiles), again.notes()) == (2, [])
    lines = (folder / PROFILES_FILE).read_text(encoding="utf-8").splitlines()
    (folder / PROFILES_FILE).write_text("\n".join(reversed(lines)) + "\n", encoding="utf-8")
    with pytest.raises(RunError, match="is not what this run began with"):
        open_run(folder, Asked(config(), source="sam-between-words", extend=True))
