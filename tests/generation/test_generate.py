"""`run.py generate` as a user calls it, against a server that answers, refuses or is not there."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

import run
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter
from tests.forked import ended, start
from tests.generation.survival import batch, killed
from tests.loopback import Latency, LoopbackServer, Request, sensible_answer
from tests.scripted import profile

ROOT = Path(__file__).parents[2]


@pytest.fixture
def forms(tmp_path: Path) -> str:
    path = tmp_path / "forms.jsonl"
    values = [profile(id=f"client-{number}").model_dump(mode="json") for number in range(4)]
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return str(path)


def generate(out: Path, *options: str, url: str = "") -> int:
    where = ["--base-url", url, "--model", "loopback"] if url else []
    return run.main(["generate", "--out", str(out), "--quiet", *where, *options])


def check_whole(out: Path, count: int, turns: int) -> None:
    """All sessions are there, finished, once, with all their turns, and no journal is left."""
    records = list(RunFolder(out).records())
    assert len(records) == count
    assert len({record.session_id for record in records}) == count
    for record in records:
        assert record.status == "finished"
        assert [turn.turn for turn in record.turns] == list(range(1, len(record.turns) + 1))
        assert len(record.turns) == turns
        assert record.closing
        speakers = [said.speaker for said in record.dialogue]
        assert speakers == ["counselor", "client"] * (len(speakers) // 2) + ["counselor"]
    assert list((out / "journals").iterdir()) == []


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


def test_a_refusing_endpoint_stops_the_batch_early_and_failed_sessions_can_be_taken_up(
    tmp_path: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        options = ["--profiles", forms, "--turns", "2", "--seeds", "10", "--concurrency", "1", "--stop-after", "3"]
        server.fail_with(401, "Incorrect API key provided.")
        assert generate(out, *options, url=server.base_url) == 1
        output = capsys.readouterr()
        assert "3 sessions in a row failed alike" in output.err
        assert "401: Incorrect API key" in " ".join(output.err.split())
        assert "0 of 40 sessions finished, 3 failed" in output.out
        server.clear()
        assert generate(out, "--concurrency", "8") == 1
        assert "37 of 40 sessions finished, 3 failed" in capsys.readouterr().out
        assert generate(out, "--retry-failed") == 0
    check_whole(out, 40, 2)


def test_a_failed_session_goes_on_after_its_last_finished_turn(tmp_path: Path, forms: str) -> None:
    out = tmp_path / "run"
    broken = True

    def answer(request: Request) -> Any:
        if broken and "client" in request.prompt and request.prompt.count("Sentence") >= 0 and _turn(request) >= 3:
            return ""
        return sensible_answer(request)

    with LoopbackServer(answer) as server:
        assert generate(out, "--profiles", forms, "--turns", "4", "--seeds", "1", url=server.base_url) == 1
        failed = list(RunFolder(out).records(failed=True))
        assert len(failed) == 4
        assert {record.failure.stage for record in failed if record.failure} == {"client"}
        assert {len(record.turns) for record in failed} == {3}
        broken = False
        before = len(server.requests)
        assert generate(out, "--retry-failed") == 0
        assert len(server.requests) - before < 4 * (2 * 5 + 2)
    check_whole(out, 4, 4)
    assert {record.resumed for record in RunFolder(out).records()} == {1}


def _turn(request: Request) -> int:
    """The turn of a client's request: how often the counselor has spoken, beside the greeting."""
    if "You are the client in a counseling session" not in request.prompt:
        return 0
    return sum(role == "user" for role, _ in request.messages) - 1


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


def cut_journals(out: Path, url: str, forms: str) -> list[Path]:
    """The journals of four sessions that were cut off after some turns."""
    models = out.with_suffix(".yaml")
    models.write_text(f"default: {{model: loopback, base_url: {url}, max_requests: 1}}\n", encoding="utf-8")
    where = ["--profiles", forms, "--turns", "3", "--models", str(models), "--stop-after", "99"]
    assert generate(out, *where) == 1
    return sorted((out / "journals").iterdir())


def swapped(one: Path, other: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


DAMAGES: dict[str, Any] = {
    "malformed": lambda path: path.write_bytes(path.read_bytes().replace(b'"speaker":"client"', b'"speaker":7')),
    "another head": lambda path: path.write_bytes(path.read_bytes().replace(path.name[:36].encode(), b"0" * 36, 1)),
    "another client": lambda path: path.write_bytes(path.read_bytes().replace(b"market days", b"holidays")),
    "no journal": lambda path: path.write_bytes(b"words, words\n"),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_journal_is_set_aside_and_its_session_begun_anew(
    tmp_path: Path, forms: str, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, ill = tmp_path / "run", True

    def answer(request: Request) -> Any:
        return "" if ill and _turn(request) >= 3 else sensible_answer(request)

    with LoopbackServer(answer) as server:
        journal = cut_journals(out, server.base_url, forms)[1]
        DAMAGES[damage](journal)
        ill = False
        assert generate(out, "--retry-failed") == 0
    output = capsys.readouterr()
    assert "1 damaged journal set aside, their sessions begun anew; run.log says which and why" in output.err
    log = (out / "run.log").read_text()
    assert f"set aside as {journal.name}.damaged, the session is begun anew" in log
    records = list(RunFolder(out).records())
    assert len(records) == len({record.session_id for record in records}) == 4
    assert sorted(record.resumed for record in records) == [0, 1, 1, 1]
    assert [path.name for path in (out / "journals").iterdir()] == [f"{journal.name}.damaged"]


def test_sessions_that_were_cut_off_go_on_where_the_server_is_now(tmp_path: Path, forms: str) -> None:
    out = tmp_path / "run"
    with LoopbackServer(lambda request: "" if _turn(request) >= 3 else sensible_answer(request)) as server:
        cut_journals(out, server.base_url, forms)
    with LoopbackServer() as server:
        assert generate(out, "--retry-failed", "--base-url", server.base_url) == 0
        assert {record.configuration["models"]["default"]["base_url"] for record in RunFolder(out).records()} == {
            server.base_url
        }
    check_whole(out, 4, 3)


def test_two_journals_in_each_others_place_are_both_begun_anew(tmp_path: Path, forms: str) -> None:
    out, ill = tmp_path / "run", True

    def answer(request: Request) -> Any:
        return "" if ill and _turn(request) >= 3 else sensible_answer(request)

    with LoopbackServer(answer) as server:
        journals = cut_journals(out, server.base_url, forms)
        swapped(*journals[:2])
        ill = False
        assert generate(out, "--retry-failed") == 0
    records = list(RunFolder(out).records())
    assert sorted(record.resumed for record in records) == [0, 0, 1, 1]
    assert {len(record.turns) for record in records} == {3}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_what_nobody_foresaw_fails_its_sessions_with_a_line_and_a_traceback_in_the_log(
    tmp_path: Path, forms: str, workers: int
) -> None:
    """A node that fails for one client."""
    out, code = tmp_path / "run", tmp_path / "broken.py"
    code.write_text(BROKEN, encoding="utf-8")
    with LoopbackServer() as server:
        started = [sys.executable, str(code), "generate", "--out", str(out), "--model", "loopback"]
        options = ["--profiles", forms, "--turns", "1", "--base-url", server.base_url, "--workers", str(workers)]
        ended = subprocess.run(
            [*started, *options],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "internal: ZeroDivisionError at " in ended.stderr
    assert "3 of 4 sessions finished, 1 failed" in ended.stdout
    log = (out / "run.log").read_text()
    assert log.count("in fails_for_one") == 1
    assert "caused by" not in log
    (failed,) = [record for record in RunFolder(out).records(failed=True) if record.status == "failed"]
    assert failed.failure
    assert (failed.failure.kind, failed.profile_id) == ("internal", "client-2")


BROKEN = """
import sys
from counseling_sessions.nodes import plan
import run

def fails_for_one(models, request):
    folder = sys.argv[sys.argv.index("--out") + 1]
    if '"client-2"' in open(f"{folder}/journals/{request.session_id}.journal.jsonl").read():
        return 1 / 0
    return decide(models, request)

decide = plan.decide
plan.decide = fails_for_one
if __name__ == "__main__":
    sys.exit(run.main())
"""


SLOWLY = ["--turns", "6", "--seeds", "8", "--concurrency", "3"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_moved_while_it_is_written_does_not_come_into_being_again(
    tmp_path: Path, forms: str, workers: int
) -> None:
    out, moved, shown = tmp_path / "run", tmp_path / "moved", tmp_path / "shown.txt"
    with LoopbackServer(latency=Latency(base=0.01)) as server:
        options = ["--profiles", forms, *SLOWLY, "--base-url", server.base_url, "--workers", str(workers)]
        process = start([*command(out, *options), "--quiet"], shown)
        wait_for(lambda: done(out) >= 3, process)
        out.rename(moved)
        code, errors = ended(process), shown.read_text()
        assert code == 2, errors
        assert "not there any more" in errors
        assert "Traceback" not in errors
        assert not out.exists()
        kept = len(list(RunFolder(moved).records()))
        assert generate(moved, "--max-hours", "0.000001") == 1
        assert len(list(RunFolder(moved).records())) >= kept >= 3


@pytest.mark.slow
def test_another_folder_in_a_moved_runs_place_gets_nothing(tmp_path: Path, forms: str) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer(latency=Latency(base=0.01)) as server:
        options = ["--profiles", forms, *SLOWLY, "--base-url", server.base_url, "--quiet"]
        process = start(command(out, *options), shown)
        wait_for(lambda: done(out) >= 1, process)
        out.rename(tmp_path / "moved")
        out.mkdir()
        (out / "lock").touch()
        code, errors = ended(process), shown.read_text()
        assert code == 2, errors
        assert f"{out} is not there any more, or not the same" in errors
        assert [path.name for path in out.rglob("*")] == ["lock"]


def test_trying_again_is_suggested_where_it_can_help(
    tmp_path: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, ill = tmp_path / "run", True
    again = f"take them up again with: python run.py generate --out {out} --retry-failed"
    with LoopbackServer(lambda request: "" if ill and _turn(request) >= 1 else sensible_answer(request)) as server:
        assert generate(out, "--profiles", forms, "--turns", "1", "--stop-after", "99", url=server.base_url) == 1
        assert again in capsys.readouterr().err
        ill = False
        assert generate(out, "--retry-failed") == 0
        assert "--retry-failed" not in capsys.readouterr().err
        server.fail_with(403, "not for you")
        assert generate(tmp_path / "other", "--profiles", forms, "--turns", "1", url=server.base_url) == 1
        errors = capsys.readouterr().err
        assert "take them up again" not in errors
        assert "what the endpoint refused stays refused until it is put right" in errors
        options = ["--profiles", forms, "--turns", "1", "--max-tokens", "1"]
        server.clear()
        generate(tmp_path / "third", *options, url=server.base_url)
        errors = capsys.readouterr().err
        assert "--retry-failed" not in errors


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


def command(out: Path, *options: str) -> list[str]:
    return ["generate", "--out", str(out), "--model", "loopback", *options]


def test_ctrl_c_ends_soon_and_says_how_to_go_on(tmp_path: Path) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer() as server:
        process = start(command(out, "--turns", "40", "--base-url", server.base_url), shown)
        wait_for(lambda: len(server.requests) > 100, process)
        assert process.pid
        os.kill(process.pid, signal.SIGINT)
        assert ended(process, 60) == 130
    errors = shown.read_text()
    assert f"go on with: python run.py generate --out {out}" in errors
    assert "Traceback" not in errors
    assert any((out / "journals").iterdir())


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer() as server:
        options = ["--turns", "40", "--base-url", server.base_url]
        process = start(command(out, *options), tmp_path / "first.txt")
        try:
            wait_for(lambda: len(server.requests) > 20, process)
            assert ended(start(command(out, *options), shown)) == 2
            refused = f"{out} cannot be written: it is in use by another process (process {process.pid} on "
            assert refused in shown.read_text()
        finally:
            process.kill()
            process.join()


def test_a_disk_that_fills_ends_the_batch_and_loses_nothing(tmp_path: Path, forms: str) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer() as server:
        options = ["--profiles", forms, "--turns", "3", "--seeds", "5", "--base-url", server.base_url]
        code = ended(start(command(out, *options), shown, limits={resource.RLIMIT_FSIZE: 150_000}))
        assert code == 2
        assert "cannot be written: File too large" in " ".join(shown.read_text().split())
        assert "Traceback" not in shown.read_text()
        kept = Counter(record.session_id for record in RunFolder(out).records())
        assert 0 < len(kept) < 20
        assert generate(out) == 0
    check_whole(out, 20, 3)


def test_threads_that_cannot_be_had_cost_no_session(
    tmp_path: Path, forms: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep, spells = ShardWriter.keep, [2]

    def fails(writer: ShardWriter, record: SessionRecord) -> Entry:
        if spells[0]:
            spells[0] -= 1
            raise RuntimeError("can't start new thread")
        return keep(writer, record)

    monkeypatch.setattr(ShardWriter, "keep", fails)
    out = tmp_path / "run"
    with LoopbackServer() as server:
        assert generate(out, "--profiles", forms, "--turns", "1", url=server.base_url) == 0
    check_whole(out, 4, 1)
    errors = capsys.readouterr().err
    assert "the machine has run out of threads (2 times): fewer sessions ran at once for a while" in errors


def test_a_session_without_a_record_is_no_finished_batch_and_is_run_again(
    tmp_path: Path, forms: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep, spells = ShardWriter.keep, [1]

    def fails(writer: ShardWriter, record: SessionRecord) -> Entry:
        if spells[0]:
            spells[0] -= 1
            raise ValueError("what nobody foresaw")
        return keep(writer, record)

    monkeypatch.setattr(ShardWriter, "keep", fails)
    out = tmp_path / "run"
    with LoopbackServer() as server:
        assert generate(out, "--profiles", forms, "--turns", "1", url=server.base_url) == 1
        output = capsys.readouterr()
        assert "3 of 4 sessions finished, 0 failed" in output.out
        assert "1 session without a record: see run.log; the next start runs them again" in output.err
        assert f"go on with: python run.py generate --out {out}\n" in output.err
        assert "ValueError at " in (out / "run.log").read_text()
        assert generate(out) == 0
    check_whole(out, 4, 1)


@pytest.mark.slow
def test_a_process_with_few_files_runs_fewer_sessions_and_loses_none(tmp_path: Path, forms: str) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer(latency=Latency(base=0.02)) as server:
        options = ["--profiles", forms, "--turns", "3", "--seeds", "6", "--base-url", server.base_url]
        code = ended(start(command(out, *options), shown, limits={resource.RLIMIT_NOFILE: 40}))
    errors = shown.read_text()
    assert "Traceback" not in errors
    assert "the machine has run out of open files" in errors
    assert code == 0, errors
    check_whole(out, 24, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(Path("/proc/nowhere/run")) == 2
    assert "/proc/nowhere/run cannot be written" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workers", [1, 2])
def test_thirty_sessions_survive_faults_and_kills(tmp_path: Path, workers: int) -> None:
    """30 sessions of 3 turns, 20 % of the calls failing in mixed ways, the process killed three times."""
    out = tmp_path / "run"
    with batch(tmp_path, 30, 3, "--workers", str(workers)) as arguments:
        survived = killed(arguments, out, [4, 9, 14], 3)
    assert survived.code == 0, survived.output
    assert survived.kills == 3
    check_whole(out, 30, 3)


@pytest.mark.slow
def test_a_worker_process_that_dies_is_replaced(tmp_path: Path, forms: str) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        options = ["--profiles", forms, "--turns", "3", "--seeds", "8", "--workers", "2", "--base-url", server.base_url]
        started = [sys.executable, "run.py", *command(out, *options)]
        process = subprocess.Popen(started, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(lambda: done(out) >= 5, process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        victims = [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
        os.kill(victims[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
    check_whole(out, 32, 3)


def done(out: Path) -> int:
    return len(RunFolder(out).entries())


def wait_for(
    condition: Callable[[], bool], process: "subprocess.Popen[Any] | ForkServerProcess", seconds: float = 60
) -> None:
    """Come back when it holds, which it has to before the process ends and the time is over."""
    until = time.monotonic() + seconds
    while not condition():
        ended = process.poll() is not None if isinstance(process, subprocess.Popen) else not process.is_alive()
        assert not ended, "the process has ended"
        assert time.monotonic() < until, "nothing came of it"
        time.sleep(0.02)
