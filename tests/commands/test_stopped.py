"""Ctrl-C in a session: it is said how the session is taken up, also where nobody named its folder."""

import re
from pathlib import Path

import pytest

from counseling_sessions.commands.main import main
from counseling_sessions.commands.parsing.session import SessionRequest


def stops_in_a_turn(request: SessionRequest, profile: object, attitude: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "aa.journal.jsonl").write_text("{}\n")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "folder"),
    [([], r"runs/\d{8}-\d{6}-amira-exam-panic-negative"), (["--out", "a place"], "'a place'")],
)
def test_a_stopped_session_says_how_it_is_taken_up(
    options: list[str],
    folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("counseling_sessions.commands.session._begin", stops_in_a_turn)
    assert main(["session", "--attitude", "negative", *options]) == 130
    assert re.search(rf"python run\.py session --resume {folder}\n", capsys.readouterr().err)


def test_a_session_that_had_not_begun_was_only_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stops(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("counseling_sessions.commands.session.find_profile", stops)
    assert main(["session"]) == 130
    assert capsys.readouterr().err == "stopped\n"
