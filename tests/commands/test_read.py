"""`run.py read`: what is understood is shown before anything is computed, and what is left out is counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.commands.main import main

FILES = Path(__file__).parents[1] / "sessions" / "foreign" / "files"


def test_sessions_sides_fields_and_first_lines_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(FILES / "eeyore.json"), "--lines", "2"]) == 0
    shown = capsys.readouterr().out
    for part in (
        "Eeyore (eeyore)",
        "user → counselor, assistant → client",
        "1 × system message",
        "profile/age",
        "1 client    Long. I gave the dog away.",
        "read 1 session, left out 0 records",
    ):
        assert part in shown
    assert "That sounds hard." not in shown


def test_what_is_left_out_is_named_once_for_each_reason_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records: list[Any] = [{"dialogue": [{"role": "client", "content": "Hm."}]}, {"name": "a"}, {"name": "b"}, 3]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    assert main(["read", str(tmp_path / "a.jsonl")]) == 2
    shown = capsys.readouterr().out
    assert "a.jsonl, record 2: dialogue: is missing" in shown
    assert "(and 1 more like it)" in shown
    assert "read 1 session, left out 3 records" in shown


def test_a_label_file_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(FILES / "mdd5k.json"), str(FILES / "mdd5k-label.json")]) == 0
    assert "left out 0 records, passed over as no session: 1 record" in capsys.readouterr().out


def test_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(FILES / "psycheval.json"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    kind = data["kinds"]["psycheval"]
    assert (data["sessions"], kind["clients"], kind["passed_over"]) == (2, 1, {"reasoning before a message": 2})
    assert kind["speakers"] == {"Counselor": "counselor", "Client": "client"}
    assert kind["fields"]["theoretical"] == {"count": 2, "values": {"cbt": 2}}


def test_where_there_is_no_session_the_status_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text('{"messages": [{"role": "A", "content": "x"}, {"role": "B", "content": "y"}]}')
    assert main(["read", str(tmp_path / "a.json")]) == 1
    assert "nothing says who is the client of 'a' and 'b'; name it with --client-is" in capsys.readouterr().out
    assert main(["read", str(tmp_path / "a.json"), "--client-is", "A"]) == 0
    assert main(["read", str(tmp_path / "gone.json")]) == 2


def test_every_shape_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(FILES / "esconv.json"), "--shapes"]) == 0
    shown = capsys.readouterr().out
    assert "annomi" in shown
    assert "its name alone (--shape)" in shown
