"""Sessions with a risk in an export: a configuration of their own, which nobody gets by loading the default."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.generation.exports.exporting import FORMATS, export
from counseling_sessions.profiles.library import load_risk
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import RiskEntry
from tests.generation.exports.sessions import client, of, session, stream


def with_risk(number: int, **changes: Any) -> SessionRecord:
    entry = RiskEntry(turn=1, wording="explicit", category="suicide", steps=("acknowledge", "ask"))
    return of(client(number), **({"risk": (entry,)} | changes))


def configs(folder: Path) -> Any:
    _, front, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("specialists", "preference")])
def test_they_have_a_folder_and_a_gated_card(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = export(stream(of(client(1)), with_risk(2), of(client(3))), name, out)
    card = configs(out)
    assert report.sessions == 3
    assert [config["config_name"] for config in card["configs"]] == ["default", "risk"]
    default, risk = (config["data_files"][0]["path"] for config in card["configs"])
    assert risk == f"risk/{default}"
    assert len(list(out.glob(risk))) == (len(list(out.glob(default))) if "*" not in default else 1)
    assert "not for care" in card["extra_gated_prompt"]
    assert "No clinician has checked" in (out / "README.md").read_text(encoding="utf-8")


def test_the_default_has_none_of_them(tmp_path: Path) -> None:
    export(stream(of(client(1)), with_risk(2)), "jsonl", tmp_path / "out")
    default = (tmp_path / "out" / "train.jsonl").read_text(encoding="utf-8")
    risk = (tmp_path / "out" / "risk" / "train.jsonl").read_text(encoding="utf-8")
    assert "client-1" in default
    assert "client-2" not in default
    assert "client-2" in risk


def test_without_any_there_is_one_configuration_and_no_gate(tmp_path: Path) -> None:
    export(stream(of(client(1))), "jsonl", tmp_path / "out")
    card = configs(tmp_path / "out")
    assert [config["config_name"] for config in card["configs"]] == ["default"]
    assert "extra_gated_prompt" not in card
    assert not (tmp_path / "out" / "risk").exists()


def test_an_export_of_them_alone_has_no_default(tmp_path: Path) -> None:
    export(stream(with_risk(1)), "jsonl", tmp_path / "out")
    assert [config["config_name"] for config in configs(tmp_path / "out")["configs"]] == ["risk"]
    assert not (tmp_path / "out" / "train.jsonl").exists()


def test_an_export_replaces_one_with_a_risk(tmp_path: Path) -> None:
    export(stream(of(client(1)), with_risk(2)), "jsonl", tmp_path / "out")
    export(stream(of(client(1))), "jsonl", tmp_path / "out", overwrite=True)
    assert not list((tmp_path / "out").glob("risk/*.jsonl"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"risk": ()}, False),
        ({"risk": (), "end_reason": "risk"}, True),
        ({"risk": (RiskEntry(turn=1, wording="unclear", steps=("acknowledge", "ask")),)}, False),
    ],
)
def test_what_counts_as_one(changes: dict[str, Any], expected: bool) -> None:
    assert with_risk(1, **changes).has_risk is expected


def test_a_client_of_the_risk_folder_makes_one_whatever_is_said() -> None:
    assert session().model_copy(update={"profile": load_risk("bram-the-phone")}).has_risk
