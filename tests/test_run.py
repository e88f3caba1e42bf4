"""The command line as a person or a script uses it, against the loopback server."""

import gc
import io
import json
import os
import re
import stat
import sys
from pathlib import Path
from typing import get_args

import pytest

import run
from counseling_sessions.commands.parsing.parser import parse
from counseling_sessions.inspection.schemas import SCHEMAS
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import Phase
from tests.kept import SHARD, kept_in
from tests.loopback import LoopbackServer, Request, sensible_answer


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def session(server: LoopbackServer, folder: Path, *options: str) -> int:
    where = ["--base-url", server.base_url, "--out", str(folder), "--seed", "7", "--turns", "3"]
    return run.main(["session", *where, *options])


def test_a_session_is_shown_and_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        assert session(server, tmp_path, "--attitude", "negative", "--method", "magnet", "--router", "llm") == 0
    shown = capsys.readouterr().out
    (record,) = kept_in(tmp_path).values()
    assert shown.startswith("loopback (http://127.0.0.1")
    assert "Amira Haddad (amira-exam-panic), negative · magnet · up to 3 turns · seed 7" in " ".join(shown.split())
    for said in record.dialogue:
        assert " ".join(said.text.split()) in " ".join(shown.split())
    assert record.plan
    assert record.plan.goal in " ".join(shown.split())
    assert record.status == "finished"
    assert [turn.turn for turn in record.turns] == [1, 2, 3]
    assert (tmp_path / f"{record.session_id}.md").read_text().startswith("# Amira Haddad, negative attitude")
    assert not list(tmp_path.rglob("*.journal.jsonl"))


def test_in_a_pipe_there_are_plain_lines_of_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        session(server, tmp_path)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\r" not in shown
    lines = [line for line in shown.splitlines() if not line.startswith(("saved: ", "to read: ", "step by step: "))]
    assert max(map(len, lines)) <= 80


def test_json_prints_the_record_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        assert session(server, tmp_path, "--json") == 0
    printed = SessionRecord.model_validate_json(capsys.readouterr().out)
    assert printed == next(iter(kept_in(tmp_path).values()))


def test_few_shot_puts_examples_into_the_prompts(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        assert session(server, tmp_path, "--few-shot", "1", "--quiet") == 0
    (record,) = kept_in(tmp_path).values()
    assert record.configuration["few_shot"] == 1
    chats = [request for request in server.requests if request.path.endswith("/completions")]
    assert chats
    assert all("other clients" in request.prompt for request in chats)


def test_few_shot_without_the_corpus_is_told_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("counseling_sessions.nodes.examples.CORPUS", tmp_path / "gone")
    with LoopbackServer() as server:
        assert session(server, tmp_path / "out", "--few-shot", "1") == 2
        assert session(server, tmp_path / "out") == 0
    assert "gone/train.jsonl cannot be read" in capsys.readouterr().err


def test_a_session_with_examples_is_not_taken_up_without_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with LoopbackServer() as server:
        server.fail_with(403, "not for you")
        assert session(server, tmp_path, "--model", "loopback", "--few-shot", "1") == 1
    capsys.readouterr()
    monkeypatch.setattr("counseling_sessions.nodes.examples.CORPUS", tmp_path / "gone")
    assert run.main(["session", "--resume", str(tmp_path)]) == 2
    assert "gone/train.jsonl cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["session", "generate --out x", "practice", "replay x --from-turn 2"])
def test_few_shot_is_an_option_wherever_a_session_is_configured(command: str) -> None:
    _, request = parse([*command.split(), "--few-shot", "2"])
    assert getattr(request, "future", request).session.few_shot == 2


def test_quiet_prints_where_the_session_was_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        session(server, tmp_path, "--quiet")
    assert capsys.readouterr().out == f"saved: {tmp_path / SHARD}\n"


def test_the_same_session_is_not_run_into_a_folder_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        session(server, tmp_path)
        made = len(server.requests)
        assert session(server, tmp_path) == 2
        assert len([request for request in server.requests if request.path.endswith("/completions")]) == made - 1
    assert "already; give another --seed or another --out" in capsys.readouterr().err


def test_a_failed_session_says_why_and_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        server.fail_with(403, "not for you")
        assert session(server, tmp_path, "--model", "loopback") == 1
    told = capsys.readouterr().err
    assert "answers 403: not for you" in told
    assert f"--resume {tmp_path}" in told


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "device", "garbage", "foreign id"])
@pytest.mark.parametrize("command", ["session", "practice"])
def test_a_hostile_file_is_not_taken_up(
    tmp_path: Path, command: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in" / f"{'0' * 8}.journal.jsonl"
    path.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "garbage":
        path.write_bytes(b"[" * 100_000)
    else:
        path.write_text(json.dumps({"type": "start", "session_id": "../../x"}) + "\n")
    for place in (path, path.parent):
        assert run.main([command, "--resume", str(place)]) == 2
        told = capsys.readouterr().err
        assert path.name in told or "has no unfinished session" in told
        assert "Traceback" not in told
    assert [item.name for item in tmp_path.iterdir()] == ["in"]
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_moved_while_it_is_written_does_not_come_into_being_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "one"

    def answer(request: Request) -> str:
        if out.exists() and request.number > 6:
            out.rename(tmp_path / "moved")
        return str(sensible_answer(request))

    with LoopbackServer(answer) as server:
        assert session(server, out) == 2
        told = capsys.readouterr().err
        assert f"{out} cannot be written: No such file or directory" in told
        assert not out.exists()
        assert run.main(["session", "--resume", str(tmp_path / "moved")]) == 0
    assert len(kept_in(tmp_path / "moved")) == 1


def test_what_nobody_foresaw_is_one_line_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*given: object) -> None:
        raise KeyError("the-words-of-a-person\nand more")

    monkeypatch.setattr("counseling_sessions.commands.session.find_profile", fails)
    assert run.main(["session", "--out", str(tmp_path / "out")]) == 3
    told = capsys.readouterr().err
    assert told.startswith("error: this should not have happened: KeyError at commands.session:")
    assert told.count("\n") == 1
    assert "COUNSELING_SESSIONS_DEBUG=1 shows the traceback" in told
    monkeypatch.setenv("COUNSELING_SESSIONS_DEBUG", "1")
    with pytest.raises(KeyError):
        run.main(["session"])


def test_what_is_written_of_a_practice_session_is_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "What is it about the nights?\nAnd before that?\nThen we stop here. Goodbye.\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(words))
    before = os.umask(0)
    try:
        with LoopbackServer() as server:
            where = ["--base-url", server.base_url, "--model", "loopback", "--out", str(tmp_path / "one")]
            assert run.main(["practice", *where, "--turns", "2"]) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o700
    written = [*(tmp_path / "one").glob("*.md"), *(tmp_path / "one").glob("*.review.txt")]
    assert len(written) == 2
    checkpoints = tmp_path / "checkpoints.sqlite"
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*written, checkpoints]} == {0o600}


def test_a_machine_at_its_end_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*given: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("counseling_sessions.commands.session.find_profile", fails)
    assert run.main(["session", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: the machine has run out of threads; try again when it has some\n"


@pytest.mark.parametrize(
    "arguments", [["status", "a\x1b[31mb\x9b2J", "c\x1b]0;x\x1b\\d\n"], ["status", "a\x1b[31mb"], ["\x1b[2J"]]
)
def test_names_that_a_shell_typed_command_no_terminal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: object = run.main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert not set(capsys.readouterr().err) & set("\x1b\x9b")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["session", "--profile", "amira-exam-panik"], "amira-exam-panic"),
        (["session", "--profile", "/nowhere/form.json"], "/nowhere/form.json"),
        (["session", "--resume", "/nowhere"], "/nowhere is not there"),
        (["session", "--turns", "0"], "max_turns"),
        (["session", "--few-shot", "5"], "few_shot: "),
        (["session", "--turns", "3", "--min-turns", "4"], "min_turns (4) is more than max_turns (3)"),
        (["session", "--techniques", "hypnosis"], "there is no technique 'hypnosis'"),
        (["session", "--base-url", "ftp://somewhere"], "must start with http"),
        (["session", "--base-url", "http://127.0.0.1:9/v1"], "cannot be reached"),
        (["session", "--model", "gpt-4o"], "needs an endpoint"),
        (["session", "--models", "/nowhere/models.yaml"], "/nowhere/models.yaml"),
        (["profiles", "show"], "needs an id"),
    ],
)
def test_a_wrong_input_is_told_in_one_line(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run.main(arguments) == 2
    errors = capsys.readouterr().err
    assert told in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "runs").exists()


def test_offline_without_the_model_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr("counseling_sessions.models.embedded._shared", {})
    assert run.main(["session", "--offline", "--out", str(tmp_path / "out")]) == 2
    assert "SmolLM2-135M-Instruct.Q4_1.gguf is missing" in capsys.readouterr().err


def test_profiles_are_listed_shown_and_validated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["profiles"]) == 0
    listed = capsys.readouterr().out
    assert len(re.findall(r"^[a-z]+(?:-[a-z]+)+ +\d+ ", listed, re.MULTILINE)) == 35
    assert run.main(["profiles", "show", "amira-exam-panic"]) == 0
    assert "Seen by the counselor's side" in capsys.readouterr().out
    (tmp_path / "mine.json").write_text('{"id": "x", "demographics": {"age": 3}}')
    assert run.main(["profiles", "validate", str(tmp_path / "mine.json")]) == 2
    assert "demographics.name" in capsys.readouterr().out


def test_check_tells_what_an_endpoint_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        assert run.main(["check", "--base-url", server.base_url]) == 0
    told = capsys.readouterr().out
    for line in (
        "reachable          yes",
        "structured output  json_schema",
        "token usage        reported",
        "cached tokens      reported",
    ):
        assert line in told
    assert run.main(["check", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"]) == 1
    assert "cannot be reached" in capsys.readouterr().out


def test_the_graph_is_drawn_as_mermaid(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["graph", "--method", "single"]) == 0
    drawn = capsys.readouterr().out
    assert "graph TD;" in drawn
    assert "counselor" in drawn
    assert "router" not in drawn


def test_the_phases_are_drawn_as_the_documentation_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["graph", "--phases"]) == 0
    drawn = capsys.readouterr().out
    assert drawn.startswith("stateDiagram-v2")
    assert all(phase in drawn for phase in get_args(Phase))
    assert drawn in (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("what", SCHEMAS)
def test_schemas_are_published(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["schema", what]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org/")


def test_a_folder_of_single_sessions_is_counted_in_words_and_is_no_batch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LoopbackServer() as server:
        assert session(server, tmp_path / "one") == 0
    assert run.main(["export", str(tmp_path / "one"), "--format", "jsonl", "--out", str(tmp_path / "data")]) == 0
    assert "1 session of 1 client, 1 example (train 1)" in capsys.readouterr().out
    assert run.main(["status", str(tmp_path / "one")]) == 2
    assert f"holds single sessions, not a batch; `run.py trace {tmp_path / 'one'} --list`" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        "trace runs",
        "evaluate runs",
        "compare runs --by method",
        "status runs",
        "export runs --format jsonl --out data",
        "train data runs --out data",
    ],
)
def test_a_folder_of_runs_is_no_run_and_the_message_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (tmp_path / "runs" / "first" / "shards").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert run.main(command.split()) == 2
    assert capsys.readouterr().err.endswith("; it holds one run: name the one that you mean, such as runs/first\n")


def test_a_session_ends_by_saying_where_it_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as server:
        session(server, tmp_path)
    (readable,) = tmp_path.glob("*.md")
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"to read: {readable}",
        f"step by step: python run.py trace {tmp_path}",
        f"saved: {tmp_path / SHARD}",
    ]


def test_a_process_looks_for_no_garbage_in_what_it_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append("once"))
    assert run.main(["profiles"]) == 0
    assert frozen == []
    monkeypatch.setattr(sys, "argv", ["run.py", "profiles"])
    assert run.main() == 0
    assert frozen == ["once"]
