"""Clients at risk on the command line: no command yields one unless `--risk` names its level, and a notice says what they are for."""

import json
from pathlib import Path

import pytest

import run
from counseling_sessions.generation.run import Asked, open_run
from counseling_sessions.profiles.library import builtin_ids, risk_ids, risk_notice
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.sessions.errors import RunError
from tests.kept import kept_in
from tests.loopback import LoopbackServer
from tests.scripted import config

NOTICE = risk_notice()[:60]


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[list[str], str]:
    assert run.main(["profiles", "list", *options]) == 0
    said = capsys.readouterr()
    return [line.split()[0] for line in said.out.splitlines()[1:]], said.err


def test_the_list_has_the_ordinary_clients_or_those_of_the_levels(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == (list(builtin_ids()), "")
    names, said = listed(capsys, "--risk", "none,immediate")
    assert names == list(risk_ids(["none", "immediate"]))
    assert said.count(NOTICE) == 1
    assert listed(capsys, "--risk", "all")[0] == list(risk_ids())


def test_a_client_at_risk_is_shown_and_plays_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))
    for command in (["profiles", "show", "remy-blank-wall"], ["session", "--profile", "remy-blank-wall"]):
        assert run.main(command) == 2
        assert "remy-blank-wall is a client at risk" in capsys.readouterr().err
    assert run.main(["practice", "--client", "remy-blank-wall"]) == 2
    assert run.main(["profiles", "show", "remy-blank-wall", "--risk", "passive"]) == 0
    assert "Asked directly: Okay. Yes" in capsys.readouterr().out
    options = [
        "--profile",
        "remy-blank-wall",
        "--risk",
        "passive",
        "--turns",
        "2",
        "--quiet",
        "--out",
        str(tmp_path / "one"),
    ]
    with LoopbackServer() as server:
        assert run.main(["session", "--base-url", server.base_url, *options]) == 0
    assert capsys.readouterr().err.count(NOTICE) == 1
    (record,) = kept_in(tmp_path / "one").values()
    assert record.profile.risk


def test_a_session_at_risk_needs_a_name_of_its_level(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["session", "--risk", "none"]) == 2
    assert "built in are bram-the-phone, rukmini-two-cups" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run.main(["session", "--risk", "grave"])
    assert "choose from none, passive, active, immediate, or all" in capsys.readouterr().err


def batch(folder: Path, **asked: object) -> list[str]:
    return open_run(folder, Asked(config(), **asked)).profiles.ids  # type: ignore[arg-type]


def test_a_batch_draws_from_the_levels_alone_and_without_them_from_the_others(tmp_path: Path) -> None:
    assert batch(tmp_path / "plain") == list(builtin_ids())
    assert batch(tmp_path / "some", risk=("none", "active")) == list(risk_ids(["none", "active"]))
    assert batch(tmp_path / "some") == list(risk_ids(["none", "active"]))
    assert json.loads((tmp_path / "some" / "run.json").read_text())["source"] == "risk"
    with pytest.raises(RunError, match="begun with something else"):
        batch(tmp_path / "some", risk=("passive",))
    more = batch(tmp_path / "some", risk=("immediate",), extend=True)
    assert more == [*risk_ids(["none", "active"]), *risk_ids(["immediate"])]


def test_no_source_of_a_batch_mixes_them_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    assert batch(tmp_path / "kept", risk=("none",)) == list(risk_ids(["none"]))
    (tmp_path / "kept" / "profiles.jsonl").rename(path)
    for number, source in enumerate((str(path), "bram-the-phone", "amira-exam-panic,bram-the-phone")):
        with pytest.raises(ProfileError, match="bram-the-phone is a client at risk"):
            batch(tmp_path / str(number), source=source)
    with pytest.raises(ProfileError, match="amira-exam-panic is no client at risk"):
        batch(tmp_path / "4", source="builtin", risk=("none",))
    assert batch(tmp_path / "5", source=str(path), risk=("none",)) == list(risk_ids(["none"]))
