"""`run.py replay` and `run.py diff` as a person uses them, against the loopback server."""

import json
import os
import signal
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

import run
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.record import Fork, SessionRecord
from tests.forked import start
from tests.kept import SHARD, kept_in
from tests.loopback import Answer, LoopbackServer, Request, sensible_answer

TURNS = 8


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


def session(server: LoopbackServer, folder: Path, *options: str) -> SessionRecord:
    where = [
        "--base-url",
        server.base_url,
        "--out",
        str(folder),
        "--seed",
        "7",
        "--turns",
        str(TURNS),
        "--min-turns",
        str(TURNS),
    ]
    assert run.main(["session", *where, "--quiet", *options]) == 0
    return only(folder)


def only(folder: Path) -> SessionRecord:
    (record,) = kept_in(folder).values()
    return record


def replay(place: Path, turn: int, out: Path, *options: str) -> int:
    return run.main(["replay", str(place), "--from-turn", str(turn), "--out", str(out), *options])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def as_bytes(record: SessionRecord, turns: int) -> list[str]:
    return [item.model_dump_json() for item in (*record.opening, *record.turns[:turns])]


def test_a_fork_at_turn_7_has_the_same_past_and_another_future(
    server: LoopbackServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parent = session(server, tmp_path / "study")
    before = files(tmp_path / "study")
    asked = len(server.requests)
    capsys.readouterr()
    assert replay(tmp_path / "study", 7, tmp_path / "what-if", "--router", "rules", "--fan-out", "all") == 0
    fork = only(tmp_path / "what-if")
    assert as_bytes(fork, 6) == as_bytes(parent, 6)
    assert fork.plan == parent.plan
    assert len(fork.turns) == TURNS
    for then, now in zip(parent.turns[6:], fork.turns[6:], strict=True):
        assert then.counselor
        assert now.counselor
        assert then.counselor.text != now.counselor.text
    assert fork.forked_from == Fork(session_id=parent.session_id, turn=7)
    # Two turns of five specialists, merge and client, and the closing; nothing of the past is asked again.
    chats = [request for request in server.requests[asked:] if request.path.endswith("/completions")]
    assert len(chats) == 2 * (5 + 1 + 1) + 1
    assert files(tmp_path / "study") == before
    assert (tmp_path / "what-if" / f"{fork.session_id}.md").is_file()
    assert not list((tmp_path / "what-if").rglob(f"*{SUFFIX}"))
    shown = " ".join(capsys.readouterr().out.split())
    assert f"fork of {parent.session_id} at turn 7" in shown
    for said in fork.dialogue:
        assert " ".join(said.text.split()) in shown


def test_it_is_asked_as_the_session_was_unless_told_otherwise(server: LoopbackServer, tmp_path: Path) -> None:
    models = tmp_path / "models.yaml"
    models.write_text(
        f"default: {{base_url: '{server.base_url}', model: first, temperature: 0.6}}\n"
        f"client: {{base_url: '{server.base_url}', model: second, temperature: 1.1}}\n"
    )
    out = tmp_path / "study"
    run.main(["session", "--models", str(models), "--turns", "2", "--seed", "1", "--quiet", "--out", str(out)])
    parent = only(out)

    def models_of(name: str, *options: str) -> tuple[set[str], set[str], SessionRecord]:
        assert replay(out, 2, tmp_path / name, "--quiet", *options) == 0
        record = only(tmp_path / name)
        turn = record.turns[1]
        calls = [said.call for said in (*turn.candidates, turn.counselor, turn.client) if said]
        return {call.model for call in calls if call}, {call.endpoint for call in calls if call}, record

    same, where, record = models_of("same")
    assert same == {"first", "second"}
    assert record.configuration == parent.configuration | {"seed": record.configuration["seed"]}
    with LoopbackServer(models=("there",)) as other:
        names, where, record = models_of("other", "--base-url", other.base_url)
        assert (names, where) == ({"there"}, {other.base_url})
    assert record.configuration["models"]["client"]["temperature"] == 1.1
    assert models_of("named", "--model", "third")[:2] == ({"third"}, {server.base_url})
    models.write_text("client: {model: fourth}\n")
    assert models_of("client", "--models", str(models))[:2] == ({"first", "fourth"}, {server.base_url})


def test_a_fork_can_have_examples_that_the_session_had_not(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parent = session(server, tmp_path / "study")
    asked = len(server.requests)
    assert replay(tmp_path / "study", 8, tmp_path / "what-if", "--quiet", "--few-shot", "1") == 0
    assert (parent.configuration["few_shot"], only(tmp_path / "what-if").configuration["few_shot"]) == (0, 1)
    then, now = (
        ["other clients" in request.prompt for request in requests if request.path.endswith("/completions")]
        for requests in (server.requests[:asked], server.requests[asked:])
    )
    assert not any(then)
    assert now
    assert all(now)
    monkeypatch.setattr("counseling_sessions.nodes.examples.CORPUS", tmp_path)
    assert replay(tmp_path / "what-if", 8, tmp_path / "again") == 2
    assert "train.jsonl cannot be read" in capsys.readouterr().err


def test_a_fork_is_not_made_twice_and_others_stand_beside_it(
    server: LoopbackServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parent = session(server, tmp_path / "study")
    out = tmp_path / "what-if"
    assert replay(tmp_path / "study", 7, out, "--quiet") == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"saved: {out / SHARD}"
    assert replay(tmp_path / "study", 7, out) == 2
    assert "already; give another --seed or another --out" in capsys.readouterr().err
    assert replay(tmp_path / "study", 7, out, "--json", "--seed", "5") == 0
    printed = SessionRecord.model_validate_json(capsys.readouterr().out)
    assert printed.configuration["seed"] == 5
    assert replay(tmp_path / "study", 7, out, "--quiet", "--say", "What did the morning look like?") == 0
    assert replay(tmp_path / "study", 7, out, "--quiet", "--pick", "solutions", "--client-says", "It was easier.") == 0
    records = kept_in(out)
    assert len(records) == 4
    assert {record.forked_from and record.forked_from.session_id for record in records.values()} == {parent.session_id}
    assert {record.forked_from.edits for record in records.values() if record.forked_from} == {
        (),
        ("counselor",),
        ("client", "pick"),
    }
    # A fork of a fork, into the same folder.
    assert replay(out / printed.session_id[:13], 8, out, "--quiet") == 0
    assert len(kept_in(out)) == 5


def test_sessions_of_a_run_directory_are_forked_by_id_or_its_beginning(
    server: LoopbackServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    options = [
        "--profiles",
        "amira-exam-panic",
        "--attitudes",
        "positive,negative",
        "--turns",
        "3",
        "--router",
        "rules",
    ]
    assert run.main(["generate", "--out", str(study), "--base-url", server.base_url, *options]) == 0
    before = files(study)
    one, two = RunFolder(study).records()
    assert (
        run.main(["replay", str(study), one.session_id, "--from-turn", "3", "--out", str(tmp_path / "one"), "--quiet"])
        == 0
    )
    assert replay(study / two.session_id[:10], 2, tmp_path / "two", "--quiet", "--attitude", "neutral") == 0
    assert as_bytes(only(tmp_path / "one"), 2) == as_bytes(one, 2)
    assert as_bytes(only(tmp_path / "two"), 1) == as_bytes(two, 1)
    assert only(tmp_path / "two").attitude == "neutral"
    assert files(study) == before
    capsys.readouterr()
    assert replay(study / one.session_id, 2, study) == 2
    assert "is a run directory" in capsys.readouterr().err


def test_a_fork_that_fails_among_others_says_which_journal_to_go_on_from(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with LoopbackServer() as ill:
        ill.fail_with(403, "not for you")
        options = ["--base-url", ill.base_url, "--model", "loopback", "--quiet"]
        assert replay(study, 3, out, *options) == 1
        assert f"--resume {out}\n" in capsys.readouterr().err
        assert replay(study, 4, out, *options) == 1
    (last,) = (record for record in kept_in(out).values() if record.forked_from and record.forked_from.turn == 4)
    assert f"--resume {out / 'journals' / last.session_id}{SUFFIX}\n" in capsys.readouterr().err


def test_a_session_that_failed_is_forked_from_its_folder_or_its_journal(tmp_path: Path) -> None:
    ill = True

    def answer(request: Request) -> Answer:
        if ill and request.number >= 9:  # a turn takes 3 to 7 calls, after the plan's
            raise RuntimeError("out of memory")
        return sensible_answer(request)

    with LoopbackServer(answer) as server:
        models = tmp_path / "models.yaml"
        models.write_text(f"default: {{base_url: '{server.base_url}', model: loopback, max_requests: 1}}\n")
        study = tmp_path / "study"
        assert run.main(["session", "--models", str(models), "--turns", "4", "--out", str(study), "--quiet"]) == 1
        failed = only(study)
        whole = sum(turn.client is not None for turn in failed.turns)
        assert 0 < whole < 4
        before = files(study)
        (journal,) = study.rglob(f"*{SUFFIX}")
        ill = False
        for name, place in (("one", study), ("two", journal)):
            assert replay(place, whole + 1, tmp_path / name, "--quiet") == 0
            fork = only(tmp_path / name)
            assert (fork.status, len(fork.turns)) == ("finished", 4)
            assert as_bytes(fork, whole) == as_bytes(failed, whole)
        assert files(study) == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--from-turn", "0"], "a turn from 1 to 9"),
        (["--from-turn", "10"], "it has 8 whole turns"),
        (["--from-turn", "3", "--turns", "1"], "at most 1 turns"),
        (["--from-turn", "3", "--pick", "hypnosis"], "not hypnosis"),
        (["--from-turn", "3", "--techniques", "hypnosis"], "there is no technique 'hypnosis'"),
        (["--from-turn", "3", "--method", "single", "--pick", "reflection"], "nothing is picked"),
        (["--from-turn", "3", "--say", " "], "must have 1 to 4000 characters"),
        (["--from-turn", "3", "--seed", "-1"], "seed"),
        (["--from-turn", "3", "--base-url", "http://127.0.0.1:9/v1"], "cannot be reached"),
        (["--from-turn", "3", "--models", "/nowhere.yaml"], "/nowhere.yaml"),
        (["--from-turn", "3", "--out", "/dev/null/here"], "/dev/null/here"),
        (["nosuch", "--from-turn", "3"], "nosuch"),
    ],
)
def test_a_wrong_input_is_told_in_one_line(
    study: Path, tmp_path: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(study)
    options = options if "--out" in options else [*options, "--out", str(tmp_path / "out")]
    assert run.main(["replay", str(study), *options]) == 2
    errors = capsys.readouterr().err
    assert told in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()
    assert files(study) == before


@pytest.fixture(scope="module")
def study(server: LoopbackServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished session; only read."""
    folder = tmp_path_factory.mktemp("study")
    before = os.environ.get("COUNSELING_SESSIONS_CHECKPOINTS")
    os.environ["COUNSELING_SESSIONS_CHECKPOINTS"] = str(folder.parent / "study.sqlite")
    try:
        session(server, folder)
    finally:
        os.environ.pop("COUNSELING_SESSIONS_CHECKPOINTS")
        if before is not None:
            os.environ["COUNSELING_SESSIONS_CHECKPOINTS"] = before
    return folder


def test_where_several_sessions_fit_one_is_to_be_named(
    server: LoopbackServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session(server, tmp_path / "study")
    run.main(["session", "--base-url", server.base_url, "--out", str(tmp_path / "study"), "--turns", "1", "--quiet"])
    assert replay(tmp_path / "study", 2, tmp_path / "out") == 2
    assert run.main(["replay", "/nowhere", "--from-turn", "2"]) == 2
    assert "/nowhere" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_fork_killed_in_the_middle_is_taken_up_by_session_resume(tmp_path: Path) -> None:
    """The kill comes when the server is asked for turn 7 again; past and edit outlast it."""
    process: list[ForkServerProcess] = []

    def answer(request: Request) -> Answer:
        if process and request.number >= killed_at:
            os.kill(process[0].pid or 0, signal.SIGKILL)
        return sensible_answer(request)

    with LoopbackServer(answer) as server:
        parent = session(server, tmp_path / "study")
        before = files(tmp_path / "study")
        killed_at = len(server.requests) + 3
        words = "What did the morning look like?"
        options = ["--from-turn", "7", "--say", words, "--out", str(tmp_path / "fork")]
        process.append(start(["replay", str(tmp_path / "study"), *options], tmp_path / "shown.txt"))
        process[0].join(100)
        assert process[0].exitcode == -signal.SIGKILL
        process.clear()
        assert not (tmp_path / "fork" / SHARD).exists()
        assert run.main(["session", "--resume", str(tmp_path / "fork"), "--quiet"]) == 0
    fork = only(tmp_path / "fork")
    assert (fork.status, fork.resumed, len(fork.turns)) == ("finished", 1, TURNS)
    assert as_bytes(fork, 6) == as_bytes(parent, 6)
    assert fork.turns[6].counselor
    assert fork.turns[6].counselor.text == words
    assert fork.forked_from == Fork(session_id=parent.session_id, turn=7, edits=("counselor",))
    assert not list((tmp_path / "fork").rglob(f"*{SUFFIX}"))
    assert files(tmp_path / "study") == before


def test_two_futures_side_by_side(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parent = only(study)
    assert replay(study, 7, tmp_path / "what-if", "--quiet", "--router", "rules") == 0
    assert replay(study, 8, tmp_path / "what-if", "--quiet", "--method", "single") == 0
    one, two = kept_in(tmp_path / "what-if").values()
    capsys.readouterr()

    def diff(*arguments: str) -> str:
        assert run.main(["diff", *arguments]) == 0
        return capsys.readouterr().out

    shown = diff(str(study), f"{tmp_path / 'what-if'}/{one.session_id}")
    assert "B is a fork of A at turn 7." in shown
    assert "Plan, opening and turns 1–6 alike" in shown
    lines = shown.splitlines()
    assert max(map(len, lines[2:])) <= 80
    told: Any = json.loads(
        diff(str(study / parent.session_id), str(tmp_path / "what-if" / two.session_id[:12]), "--json")
    )
    assert told["b"]["session_id"] == two.session_id
    assert told["shared"][-1] == "turn 7"
    assert {item["name"] for item in told["settings"]} == {"method", "seed"}
    assert "forks of" in diff(*(f"{tmp_path / 'what-if'}/{record.session_id}" for record in (one, two)))
    first = one.turns[0].client
    assert first
    everything = diff(str(study), f"{tmp_path / 'what-if'}/{one.session_id}", "--all")
    assert " ".join(first.text.split()) in " ".join(everything.split())
    assert run.main(["diff", str(study), str(tmp_path / "what-if")]) == 2
    assert run.main(["diff", str(study), "/nowhere/at/all"]) == 2
    assert "/nowhere/at" in capsys.readouterr().err
