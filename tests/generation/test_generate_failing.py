"""Batches whose sessions fail, are cut off or are damaged: what is said of them, and how they go on."""

import os
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter
from tests.generation.batches import check_whole, generate, turn_of
from tests.loopback import LoopbackServer, Request, sensible_answer


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
        return "" if ill and turn_of(request) >= 3 else sensible_answer(request)

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


def test_two_journals_in_each_others_place_are_both_begun_anew(tmp_path: Path, forms: str) -> None:
    out, ill = tmp_path / "run", True

    def answer(request: Request) -> Any:
        return "" if ill and turn_of(request) >= 3 else sensible_answer(request)

    with LoopbackServer(answer) as server:
        journals = cut_journals(out, server.base_url, forms)
        swapped(*journals[:2])
        ill = False
        assert generate(out, "--retry-failed") == 0
    records = list(RunFolder(out).records())
    assert sorted(record.resumed for record in records) == [0, 0, 1, 1]
    assert {len(record.turns) for record in records} == {3}


def test_sessions_that_were_cut_off_go_on_where_the_server_is_now(tmp_path: Path, forms: str) -> None:
    out = tmp_path / "run"
    with LoopbackServer(lambda request: "" if turn_of(request) >= 3 else sensible_answer(request)) as server:
        cut_journals(out, server.base_url, forms)
    with LoopbackServer() as server:
        assert generate(out, "--retry-failed", "--base-url", server.base_url) == 0
        assert {record.configuration["models"]["default"]["base_url"] for record in RunFolder(out).records()} == {
            server.base_url
        }
    check_whole(out, 4, 3)


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


def test_a_failed_session_goes_on_after_its_last_finishedturn_of(tmp_path: Path, forms: str) -> None:
    out = tmp_path / "run"
    broken = True

    def answer(request: Request) -> Any:
        if broken and "client" in request.prompt and request.prompt.count("Sentence") >= 0 and turn_of(request) >= 3:
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


def test_trying_again_is_suggested_where_it_can_help(
    tmp_path: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, ill = tmp_path / "run", True
    again = f"take them up again with: python run.py generate --out {out} --retry-failed"
    with LoopbackServer(lambda request: "" if ill and turn_of(request) >= 1 else sensible_answer(request)) as server:
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


def fail_to_keep(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> None:
    """The first records cannot be written, so many times."""
    keep, spells = ShardWriter.keep, [times]

    def fails(writer: ShardWriter, record: SessionRecord) -> Entry:
        if spells[0]:
            spells[0] -= 1
            raise error
        return keep(writer, record)

    monkeypatch.setattr(ShardWriter, "keep", fails)


def test_threads_that_cannot_be_had_cost_no_session(
    tmp_path: Path, forms: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_to_keep(monkeypatch, RuntimeError("can't start new thread"), 2)
    out = tmp_path / "run"
    with LoopbackServer() as server:
        assert generate(out, "--profiles", forms, "--turns", "1", url=server.base_url) == 0
    check_whole(out, 4, 1)
    errors = capsys.readouterr().err
    assert "the machine has run out of threads (2 times): fewer sessions ran at once for a while" in errors


def test_a_session_without_a_record_is_no_finished_batch_and_is_run_again(
    tmp_path: Path, forms: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_to_keep(monkeypatch, ValueError("what nobody foresaw"), 1)
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
