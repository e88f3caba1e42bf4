"""`run.py generate` as a user calls it, against a server that answers, refuses or is not there."""

import json
import os
import sys
from pathlib import Path

import pytest

import run
from counseling_sessions.sessions.folder import RunFolder
from tests.generation.batches import check_whole, generate
from tests.loopback import LoopbackServer


def test_a_batch_is_run_and_not_run_again(tmp_path: Path, forms: str) -> None:
    out = tmp_path / "run"
    options = ["--profiles", forms, "--attitudes", "all", "--methods", "magnet,single-plan", "--turns", "2"]
    with LoopbackServer() as server:
        assert generate(out, *options, url=server.base_url) == 0
        asked = len(server.requests)
        check_whole(out, 4 * 3 * 2, 2)
        assert generate(out, *options, url=server.base_url) == 0
        done = next(RunFolder(out).records()).session_id
        (out / "journals" / f"{done}.journal.jsonl").touch()  # a kill came before it was removed
        assert generate(out) == 0
        check_whole(out, 4 * 3 * 2, 2)
        assert len(server.requests) == asked
    assert {path.name for path in out.iterdir()} == {
        *("run.json", "profiles.jsonl", "run.log", "lock"),
        *("shards", "ledger", "journals"),
    }


def test_a_batch_with_examples_goes_on_with_them_and_not_without_the_corpus(
    tmp_path: Path, forms: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = ["--profiles", forms, "--turns", "1", "--methods", "magnet,single", "--few-shot", "1"]
    with LoopbackServer() as server:
        assert generate(out, *options, "--preview", "1", url=server.base_url) == 0
        assert generate(out, "--few-shot", "2") == 2
        assert "configuration.few_shot: 1 here, 2 asked for" in capsys.readouterr().err
        with monkeypatch.context() as patched:
            patched.setattr("counseling_sessions.nodes.examples.CORPUS", tmp_path)
            assert generate(out) == 2
            assert "train.jsonl cannot be read" in capsys.readouterr().err
        assert generate(out) == 0
        check_whole(out, 4 * 2, 1)
        assert all("other clients" in r.prompt for r in server.requests if r.path.endswith("/completions"))


@pytest.mark.parametrize("younger", ["few_shot", "appraisal", "merge", "choices"])
def test_a_batch_of_before_there_was_a_setting_goes_on(tmp_path: Path, forms: str, younger: str) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        assert generate(out, "--profiles", forms, "--turns", "1", "--preview", "1", url=server.base_url) == 0
        begun = json.loads((out / "run.json").read_text(encoding="utf-8"))
        del begun["configuration"][younger]
        (out / "run.json").write_text(json.dumps(begun), encoding="utf-8")
        done = next(RunFolder(out).records()).session_id
        assert generate(out, "--profiles", forms, "--turns", "1", url=server.base_url) == 0
    check_whole(out, 4, 1)
    assert done in {record.session_id for record in RunFolder(out).records()}


def test_a_preview_counts_and_projects(tmp_path: Path, forms: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, prices = tmp_path / "run", tmp_path / "prices.yaml"
    prices.write_text("loopback: {input: 1000, output: 2000}", encoding="utf-8")
    with LoopbackServer() as server:
        options = ["--profiles", forms, "--turns", "2", "--methods", "magnet,single", "--prices", str(prices)]
        where = ["--base-url", server.base_url, "--model", "loopback"]
        assert run.main(["generate", "--out", str(out), *options, *where, "--preview", "2"]) == 0
        shown = capsys.readouterr().out
        assert "2 of 8 sessions finished" in shown
        assert "from 2 finished sessions" in shown
        assert "cost" in shown
        assert len(list(RunFolder(out).records())) == 2
        assert generate(out) == 0
    check_whole(out, 8, 2)


def test_another_configuration_is_refused_with_the_difference(
    tmp_path: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        assert generate(out, "--profiles", forms, "--turns", "2", url=server.base_url) == 0
        assert generate(out, "--turns", "3") == 2
        assert "configuration.max_turns: 2 here, 3 asked for" in capsys.readouterr().err
        assert generate(out, "--methods", "magnet,single", "--seeds", "2", "--extend") == 0
    check_whole(out, 4 * 2 * 2, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--methods", "hypnosis"], "choose from magnet"),
        (["--seeds", "x"], "how many (3)"),
        (["--shard", "5/4"], "a part of how many"),
        (["--concurrency", "0"], "a whole number from 1 on"),
        (["--attitudes", ","], "names none"),
    ],
)
def test_wrong_options_are_told(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        generate(tmp_path / "run", *options)
    assert error.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-cost", "3"], "--max-cost needs --prices"),
        (["--prices", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["--profiles", "nowhere.json"], "there is no file or directory 'nowhere.json'"),
        (["--techniques", "hypnosis"], "hypnosis"),
    ],
)
def test_wrong_inputs_are_told(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with LoopbackServer() as server:
        assert generate(tmp_path / "run", *options, url=server.base_url) == 2
    assert message in capsys.readouterr().err


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["run.log", "lock"])
def test_a_pipe_in_a_files_place_is_not_waited_for(tmp_path: Path, forms: str, name: str) -> None:
    out = tmp_path / "run"
    out.mkdir()
    os.mkfifo(out / name)
    with LoopbackServer() as server:
        code = generate(out, "--profiles", forms, "--turns", "1", url=server.base_url)
    assert code == (2 if name == "lock" else 0)


def test_a_part_has_a_folder_of_its_own_also_from_slurm(
    tmp_path: Path, forms: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer() as server:
        options = ["--profiles", forms, "--turns", "1", "--seeds", "3"]
        assert generate(tmp_path / "study", *options, "--shard", "1/2", url=server.base_url) == 0
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "8")
        monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "2")
        monkeypatch.setenv("SLURM_ARRAY_TASK_MIN", "7")
        assert generate(tmp_path / "study", *options, url=server.base_url) == 0
    parts = [{r.session_id for r in RunFolder(tmp_path / f"study-{part}-of-2").records()} for part in (1, 2)]
    assert not parts[0] & parts[1]
    assert len(parts[0] | parts[1]) == 12


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(Path("/proc/nowhere/run")) == 2
    assert "/proc/nowhere/run cannot be written" in capsys.readouterr().err
