"""Damaged runs at the command line: status counts, readers refuse, --salvage leaves out, generate runs again."""

import json
import os
import shutil
from pathlib import Path

import pytest

import run
from counseling_sessions.sessions.folder import RunFolder
from tests.damaged import make_run
from tests.generation.batches import check_whole, generate
from tests.loopback import LoopbackServer
from tests.scripted import profile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_run(tmp_path / "run")
    return tmp_path / "run"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_status_counts_what_is_damaged_and_says_so_with_its_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["status", str(folder)]) == 0
    assert "6 of 6 finished" in capsys.readouterr().out
    cut(folder / "shards" / "w1-00001.jsonl")
    assert run.main(["status", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert "5 of 6 finished, 0 failed, 1 damaged" in out
    assert "1 damaged session:" in err
    assert "shard w1-00001: cut short" in err
    assert run.main(["status", str(folder), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["damaged"]) == 1
    assert run.main(["status", str(folder), "--salvage"]) == 0
    assert "left out: 1 damaged session" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["export", "RUN", "--format", "jsonl", "--out", "OUT"],
        ["evaluate", "RUN", "--metrics", "integrity", "--quiet"],
        ["train", "data", "RUN", "--out", "OUT"],
        ["rate", "RUN", "--pairs", "1", "--by", "attitude", "--out", "OUT"],
    ],
    ids=lambda command: command[0],
)
def test_sessions_that_are_still_to_come_are_counted_wherever_a_run_is_read(
    folder: Path, tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"RUN": str(folder), "OUT": str(tmp_path / "out")}
    run.main([names.get(part, part) for part in command])
    assert "still to come" not in capsys.readouterr().err
    (folder / "shards" / "w1-00001.jsonl").unlink()
    (folder / "ledger" / "w1.jsonl").unlink()
    names["OUT"] = str(tmp_path / "again")
    run.main([names.get(part, part) for part in command])
    said = " ".join(capsys.readouterr().err.split())
    assert "1 of its sessions are still to come" in said


@pytest.mark.parametrize(
    "command",
    [
        ["export", "RUN", "--format", "jsonl", "--out", "OUT"],
        ["evaluate", "RUN", "--metrics", "integrity", "--quiet"],
        ["trace", "RUN", "--list"],
        ["trace", "RUN", "--html", "OUT.html"],
        ["train", "data", "RUN", "--out", "OUT"],
        ["prefer", "RUN", "--judge", "JUDGE"],
        ["rate", "RUN", "--out", "OUT"],
        ["studio", "RUN"],
        ["merge", "RUN", "--out", "OUT"],
    ],
    ids=lambda command: " ".join(command[:1] + command[-2:]),
)
def test_commands_that_read_sessions_stop_at_damaged_ones(
    command: list[str], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "shards" / "w1-00001.jsonl").unlink()
    (tmp_path / "judge.yaml").write_text("model: x\nbase_url: http://127.0.0.1:1/v1\n", encoding="utf-8")
    places = {"RUN": str(folder), "OUT": str(tmp_path / "out"), "OUT.html": str(tmp_path / "x.html")}
    places["JUDGE"] = str(tmp_path / "judge.yaml")
    assert run.main([places.get(part, part) for part in command]) == 2
    err = capsys.readouterr().err
    assert "1 damaged session:" in err
    assert "shard w1-00001: the shard is missing" in err
    assert not (tmp_path / "out").exists()


def test_what_is_salvaged_is_exported_and_what_is_left_out_is_counted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut(folder / "shards" / "w0-00001.jsonl.zst")
    lost = len(list(RunFolder(folder).check().damaged))
    out = tmp_path / "out"
    options = ["--format", "jsonl", "--out", str(out), "--salvage"]
    assert run.main(["export", str(folder), *options]) == 0
    output = capsys.readouterr()
    assert f"left out: {lost} damaged sessions\n" in output.err
    assert output.err.count("session ") >= lost
    assert f"{lost} damaged sessions could not be read" in (out / "README.md").read_text(encoding="utf-8")
    assert len((out / "train.jsonl").read_text(encoding="utf-8").splitlines()) == 6 - lost
    assert run.main(["evaluate", str(folder), "--metrics", "integrity", "--salvage"]) == 0
    assert f"left out: {lost} damaged sessions" in capsys.readouterr().err
    assert run.main(["train", "data", str(folder), "--out", str(tmp_path / "data"), "--salvage"]) == 0
    assert run.main(["trace", str(folder), "--list", "--salvage"]) == 0


def test_generate_runs_damaged_sessions_again_and_readers_are_content_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, forms = tmp_path / "run", tmp_path / "forms.jsonl"
    values = [profile(id=f"client-{number}").model_dump(mode="json") for number in range(4)]
    forms.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    with LoopbackServer() as server:
        assert generate(out, "--profiles", str(forms), "--turns", "1", url=server.base_url) == 0
        before = {record.session_id: record for record in RunFolder(out).records()}
        shard = out / "shards" / "w0-00001.jsonl"
        cut(shard)
        damaged = shard.read_bytes()
        lost = {item.session_id for item in RunFolder(out).check().damaged}
        capsys.readouterr()
        assert generate(out, url=server.base_url) == 0
    err = capsys.readouterr().err
    assert f"{len(lost)} damaged sessions" in err
    assert "they are run again; the damaged files stay" in err
    assert all(str(name) in err for name in lost)
    check_whole(out, 4, 1)
    assert shard.read_bytes() == damaged
    after = {record.session_id: record for record in RunFolder(out).records()}
    assert {name for name, record in after.items() if record != before[name]} == lost
    assert run.main(["status", str(out)]) == 0


HOSTILE = ("a pipe", "a folder", "a device", "a link to itself", "deep", "huge", "numbers", "nothing")


def make_hostile(path: Path, what: str) -> None:
    path.unlink()
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "a folder":
        path.mkdir()
    elif what == "a device":
        path.symlink_to("/dev/zero")
    elif what == "a link to itself":
        path.symlink_to(path)
    elif what == "deep":
        path.write_bytes(b"[" * 200_000 + b"\n")
    elif what == "huge":
        with path.open("wb") as file:
            file.truncate(100 * 2**20)  # one line, without taking the disk
    elif what == "numbers":
        path.write_bytes(b'{"format": 1e999, "session_id": NaN, "end": -' + b"9" * 5000 + b"}\n")
    else:
        path.write_bytes(b"")


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("name", ["run.json", "profiles.jsonl", "ledger/w1.jsonl", "shards/w1-00001.jsonl"])
def test_a_run_made_of_hostile_things_is_an_error_of_one_line(
    folder: Path, name: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_hostile(folder / name, what)
    status = run.main(["status", str(folder)])
    err = capsys.readouterr().err
    ledger_only = name.startswith("ledger") and what in ("deep", "numbers", "nothing")  # the shard's end is the truth
    assert status == 0 if ledger_only else status in (1, 2)
    assert ledger_only or str(folder) in err
    assert "Traceback" not in err


IMPOSSIBLE = {
    "format": 9,
    "profiles": 10**30,
    "seeds": [10**400],
    "shard": [1, 0],
    "methods": ["../x"],
    "configuration": {"max_turns": 1e300},
    "profiles_hash": "other",
}


@pytest.mark.parametrize("field", IMPOSSIBLE)
def test_impossible_values_of_a_batch_are_named(
    folder: Path, field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {field: IMPOSSIBLE[field]}), encoding="utf-8")
    for command in (
        ["status", str(folder)],
        ["export", str(folder), "--format", "jsonl", "--out", str(tmp_path / "o")],
    ):
        assert run.main(command) == 2
        err = capsys.readouterr().err
        assert str(folder) in err
        assert "batch format 9; this version reads up to 1" in err or field != "format"


def test_a_state_of_a_run_at_work_that_cannot_be_read_is_none(folder: Path) -> None:

    from counseling_sessions.generation.state import StateReader

    live = folder / "live.json"
    with RunFolder(folder).lock():
        for text in ("[]", '{"began": 1e999}', '{"began": "x"}', '{"running": "many"}', "[" * 100_000, '{"line": 3}'):
            live.write_text(text, encoding="utf-8")
            assert StateReader(folder).read().live == {}
        live.write_text('{"began": 1.5, "running": 2, "line": "at it"}', encoding="utf-8")
        state = StateReader(folder).read()
    assert state.live == {"began": 1.5, "running": 2, "line": "at it"}


def test_a_merged_run_has_the_profiles_of_a_part_that_still_has_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, out = shutil.copytree(folder, tmp_path / "other"), tmp_path / "out"
    (folder / "profiles.jsonl").write_text("{}\n", encoding="utf-8")
    assert run.main(["merge", str(folder), "--out", str(out)]) == 2
    assert "no part has the profiles that it began with" in capsys.readouterr().err
    assert not out.exists()
    assert run.main(["merge", str(folder), str(other), "--out", str(out)]) == 0
    assert "6 of 6 finished" in capsys.readouterr().out
