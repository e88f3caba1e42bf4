"""How a run stands, and parts of it put together."""

import json
from pathlib import Path

import pytest

import run
from counseling_sessions.generation.exports import FORMATS
from counseling_sessions.generation.state import StateReader
from counseling_sessions.sessions.folder import RunFolder
from tests.generation.batches import check_whole, generate
from tests.loopback import LoopbackServer
from tests.scripted import profile


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A batch of 12 sessions in three parts, of which one has a session that failed and one was not begun."""
    folder = tmp_path_factory.mktemp("parts")
    forms = folder / "forms.jsonl"
    values = [profile(id=f"client-{number}").model_dump(mode="json") for number in range(12)]
    forms.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    with LoopbackServer() as server:
        options = ["--profiles", str(forms), "--turns", "2"]
        for part in ("1/3", "2/3", "3/3"):
            assert generate(folder / "study", *options, "--shard", part, url=server.base_url) == 0
    return folder


def test_parts_are_merged_into_one_run(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = sorted(map(str, parts.glob("study-*-of-3")))
    assert len(folders) == 3
    assert run.main(["merge", *folders]) == 0
    assert "12 of 12 finished" in capsys.readouterr().out
    check_whole(parts / "study", 12, 2)
    one = StateReader(parts / "study").read()
    assert one.turns == sum(StateReader(Path(folder)).read().turns for folder in folders) == 24
    assert run.main(["merge", *folders]) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_part_that_is_missing_is_named_and_its_sessions_are_to_do(
    parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(parts / f"study-{part}-of-3") for part in (1, 3)]
    out = tmp_path / "merged"
    assert run.main(["merge", *folders, "--out", str(out)]) == 1
    assert "missing parts: 2" in capsys.readouterr().err
    missing = 12 - len(list(RunFolder(out).records()))
    assert StateReader(out).read().left == missing > 0


def test_runs_of_another_batch_are_not_merged(parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        assert generate(tmp_path / "other", "--profiles", "amira-exam-panic", "--turns", "1", url=server.base_url) == 0
    out = tmp_path / "merged"
    assert run.main(["merge", str(parts / "study-1-of-3"), str(tmp_path / "other"), "--out", str(out)]) == 2
    errors = capsys.readouterr().err
    assert "is not of the same batch" in errors
    assert "configuration.max_turns" in errors
    assert not out.exists()
    assert run.main(["merge", str(tmp_path / "other")]) == 2
    assert "say with --out" in capsys.readouterr().err
    assert run.main(["merge", str(tmp_path / "nowhere"), "--out", str(out)]) == 2
    assert "is not a run directory" in capsys.readouterr().err


def test_the_state_is_told_in_words_and_as_json(
    parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = parts / "study-1-of-3"
    prices = tmp_path / "prices.yaml"
    prices.write_text("default: {input: 1, output: 2}", encoding="utf-8")
    assert run.main(["status", str(folder), "--prices", str(prices)]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "not at work" in words
    assert "cost" in words
    assert run.main(["status", str(folder), "--json", "--watch"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert state["total"] == state["finished"] > 0
    assert state["left"] == state["failed"] == 0
    assert not state["running"]
    assert run.main(["status", str(tmp_path)]) == 2
    assert "is not a run directory" in capsys.readouterr().err


@pytest.mark.parametrize("kind", FORMATS)
def test_a_run_is_exported_in_every_format(
    kind: str, parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = str(parts / "study-1-of-3"), str(tmp_path / "out")
    assert run.main(["export", folder, "--format", kind, "--out", out]) == 0
    count = len(list(RunFolder(Path(folder)).records()))
    assert f"{count} sessions of 1 client, " in capsys.readouterr().out  # the forms differ in their ids alone
    assert (tmp_path / "out" / "README.md").exists()
    assert run.main(["export", folder, "--format", kind, "--out", out]) == 2
    assert run.main(["export", folder, "--format", kind, "--out", out, "--overwrite"]) == 0
    assert run.main(["export", folder, "--format", kind, "--out", f"{out}2", "--splits", "x"]) == 2
    assert "give three shares" in capsys.readouterr().err


def test_a_single_session_can_be_exported_and_nothing_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CACHE", str(tmp_path / "cache"))
    with LoopbackServer() as server:
        where = ["--base-url", server.base_url, "--model", "loopback", "--out", str(tmp_path / "one"), "--quiet"]
        assert run.main(["session", "--turns", "1", *where]) == 0
    assert run.main(["export", str(tmp_path / "one"), "--format", "jsonl", "--out", str(tmp_path / "out")]) == 0
    assert "1 session of 1 client, " in capsys.readouterr().out
    assert run.main(["export", str(tmp_path), "--format", "jsonl", "--out", str(tmp_path / "no")]) == 2
    assert "is not a run directory" in capsys.readouterr().err
