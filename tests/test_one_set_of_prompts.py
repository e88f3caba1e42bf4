"""One run, one set of prompts: a prompt file that is edited between two starts is noticed, by every way to go on."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import run
from counseling_sessions.generation.batch import read_batch, units
from counseling_sessions.generation.processes import ProcessWorker, WorkerSpec
from counseling_sessions.generation.run import Asked, open_run
from counseling_sessions.graph.provenance import provenance
from counseling_sessions.nodes.prompt_set import prompt_set, prompts_digest
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.prompt_sets import digest_of, sets_of, sets_of_calls
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig
from tests.edited import MARK, checkout, edit, edited_prompts, start_again
from tests.loopback import Latency, LoopbackServer, Request, sensible_answer
from tests.scripted import config

DIGEST = re.compile(r"[0-9a-f]{16}")


@pytest.fixture
def prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the prompts that this process uses."""
    with edited_prompts(tmp_path / "prompts", monkeypatch) as folder:
        yield folder


def changed(folder: Path, *names: str) -> None:
    """Edit prompts, and let what comes be another process."""
    for name in names:
        edit(folder, name)
    start_again()


def generate(out: Path, *options: str, url: str = "") -> int:
    where = ["--base-url", url, "--model", "loopback"] if url else []
    return run.main(["generate", "--out", str(out), "--quiet", "--turns", "2", *where, *options])


def half_done(out: Path, forms: str, url: str) -> SessionRecord:
    """A batch of four sessions, two of them finished; one of these."""
    assert generate(out, "--profiles", forms, "--preview", "2", url=url) == 0
    return next(RunFolder(out).records())


def digests(record: SessionRecord) -> list[str]:
    """The digests of a session's calls, in the order of their first use."""
    return list(dict.fromkeys(call.prompts for _, call in record.calls))


def failing_from(turn: int) -> Any:
    """An answer function that says nothing from this turn on, and the switch that mends it."""
    state = {"ill": True}

    def answer(request: Request) -> Any:
        spoken = sum(role == "assistant" for role, _ in request.messages)
        return "" if state["ill"] and spoken >= turn else sensible_answer(request)

    return answer, lambda: state.update(ill=False)


def test_every_call_of_a_session_knows_its_prompts(tmp_path: Path, prompts: Path, forms: str) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        record = half_done(out, forms, server.base_url)
    assert digests(record) == [prompts_digest(SessionConfig.model_validate(record.configuration))]
    assert DIGEST.fullmatch(digests(record)[0])
    assert sets_of(record) == {digests(record)[0]: sets_of(record)[digests(record)[0]]}
    assert record.provenance.other_prompts == {}
    assert "other_prompts" not in record.provenance.model_dump_json()


def test_a_batch_is_refused_with_what_differs_before_anything_is_sent(
    tmp_path: Path, prompts: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        half_done(out, forms, server.base_url)
        before, sent = (out / "run.json").read_bytes(), len(server.requests)
        changed(prompts, "client/system", "counselor/closing")
        (prompts / "counselor" / "pause.md").write_text("Wait.", encoding="utf-8")
        (prompts / "counselor" / "step.md").rename(prompts / "counselor" / "stride.md")
        start_again()
        models = tmp_path / "models.yaml"  # which of the server's models serves would have to be asked
        models.write_text(f"default: {{base_url: {server.base_url}}}\n", encoding="utf-8")
        for options in (["--models", str(models)], ["--extend", "--seeds", "2"], ["--retry-failed"]):
            assert generate(out, *options) == 2
            said = capsys.readouterr().err
            assert "changed: client/system, counselor/closing" in said
            assert "gone: counselor/step" in said
            assert "added: counselor/pause, counselor/stride" in said
            assert "--other-prompts" in said
        assert len(server.requests) == sent
    assert (out / "run.json").read_bytes() == before


def test_a_batch_goes_on_with_other_prompts_when_asked_to_and_says_so_everywhere(
    tmp_path: Path, prompts: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        first = half_done(out, forms, server.base_url)
        changed(prompts, "client/system")
        assert generate(out, "--other-prompts", url=server.base_url) == 0
        said = capsys.readouterr().err
        assert "made with 2 sets of prompt files" in said
        start_again()
        assert generate(out, "--extend", "--seeds", "2", url=server.base_url) == 0  # these are on record now
    records = list(RunFolder(out).records())
    used = [digests(record) for record in records]
    (old,), (new,) = digests(first), next(names for names in used if names != digests(first))
    assert sorted(used) == sorted([[old]] * 2 + [[new]] * 6)
    batch = read_batch(out)
    assert batch
    assert list(batch.provenance.other_prompts) == [new]
    assert batch.provenance.prompt_hashes == first.provenance.prompt_hashes
    for record in records:
        (digest,) = digests(record)
        assert digest_of(record.configuration["techniques"], record.provenance.prompt_hashes) == digest
    capsys.readouterr()
    assert run.main(["status", str(out)]) == 0
    assert "2 sets of prompt files" in capsys.readouterr().out

    report = tmp_path / "report"
    assert run.main(["evaluate", str(out), "--quiet", "--json", f"{report}.json", "--markdown", f"{report}.md"]) == 0
    counts = f"magnet: 6 sessions with {new}, 2 sessions with {old}"
    assert f"not all made with the same prompts (client/system). {counts}." in Path(f"{report}.md").read_text()
    mixed = json.loads(Path(f"{report}.json").read_text())["mixed_prompts"]
    assert mixed == {"changed": ["client/system"], "groups": {"magnet": {new: 6, old: 2}}}

    capsys.readouterr()
    assert run.main(["export", str(out), "--format", "sharegpt", "--out", str(tmp_path / "data")]) == 0
    assert "not all made with the same prompts: 2 sets" in capsys.readouterr().err
    card = (tmp_path / "data" / "README.md").read_text(encoding="utf-8")
    assert f"client/system changed. Digests of the prompt files, and sessions: `{new}`: 6, `{old}`: 2." in card


def test_nothing_is_said_of_prompts_that_are_the_same_or_configured_otherwise(
    tmp_path: Path, prompts: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other, report = tmp_path / "one", tmp_path / "other", tmp_path / "report.md"
    with LoopbackServer() as server:
        assert generate(one, "--profiles", forms, "--turns", "1", url=server.base_url) == 0
        more = ["--techniques", "reflection,questioning,empathy", "--few-shot", "1"]
        assert generate(other, "--profiles", forms, *more, url=server.base_url) == 0
    assert (
        len({digest for out in (one, other) for record in RunFolder(out).records() for digest in digests(record)}) == 2
    )
    words = ["evaluate", str(one), str(other), "--quiet", "--markdown", str(report), "--json", str(tmp_path / "r.json")]
    assert run.main(words) == 0
    assert "prompts" not in report.read_text(encoding="utf-8").replace("other-prompts", "")
    assert "mixed_prompts" not in json.loads((tmp_path / "r.json").read_text())
    assert run.main(["export", str(one), "--format", "sharegpt", "--out", str(tmp_path / "data")]) == 0
    assert "same prompts" not in (tmp_path / "data" / "README.md").read_text() + capsys.readouterr().err


def test_two_runs_with_other_prompts_are_told_apart_by_their_groups(tmp_path: Path, prompts: Path, forms: str) -> None:
    one, other, report = tmp_path / "one", tmp_path / "other", tmp_path / "report.md"
    with LoopbackServer() as server:
        half_done(one, forms, server.base_url)
        changed(prompts, "plan")
        half_done(other, forms, server.base_url)
    words = ["evaluate", str(one), str(other), "--by", "source", "--quiet", "--markdown", str(report)]
    assert run.main(words) == 0
    (old,), (new,) = (digests(next(RunFolder(out).records())) for out in (one, other))
    assert f"(plan). one: 2 sessions with {old}; other: 2 sessions with {new}." in report.read_text(encoding="utf-8")


def test_prompts_that_no_session_of_the_batch_uses_may_change(tmp_path: Path, prompts: Path, forms: str) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        half_done(out, forms, server.base_url)
        changed(prompts, "judge/system", "practice/risk", "client/examples", "techniques/empathy")
        (prompts / "techniques" / "breathing.md").write_text(
            "---\nphases: [working]\n---\n## card\nbreathes.\n\n## task\nBreathe.\n", encoding="utf-8"
        )
        start_again()
        assert generate(out, url=server.base_url) == 0
        changed(prompts, "techniques/reflection")
        assert generate(out, "--extend", "--seeds", "2", url=server.base_url) == 2


@pytest.mark.parametrize("earlier", [False, True])
def test_the_rules_of_a_technique_are_part_of_its_file(
    tmp_path: Path, prompts: Path, forms: str, earlier: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier version did not record them, so nothing can be said."""
    out, file = tmp_path / "run", prompts / "techniques" / "reflection.md"
    with LoopbackServer() as server:
        half_done(out, forms, server.base_url)
        begun = json.loads((out / "run.json").read_text(encoding="utf-8"))
        hashes = begun["provenance"]["prompt_hashes"]
        if earlier:
            begun["provenance"]["prompt_hashes"] = {name: hashes[name] for name in hashes if "front matter" not in name}
            (out / "run.json").write_text(json.dumps(begun), encoding="utf-8")
        file.write_text(file.read_text(encoding="utf-8").replace("cues:", "cues:\n  - heron", 1), encoding="utf-8")
        start_again()
        assert generate(out, url=server.base_url) == (0 if earlier else 2)
    assert ("changed: techniques/reflection: front matter" in capsys.readouterr().err) is not earlier
    batch = read_batch(out)
    assert batch
    assert batch.provenance.other_prompts == {}


def test_the_corpus_that_examples_come_from_is_one_of_the_files(
    tmp_path: Path, prompts: Path, forms: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, corpus = tmp_path / "run", tmp_path / "corpus"
    with LoopbackServer() as server:
        assert generate(out, "--profiles", forms, "--few-shot", "1", "--preview", "1", url=server.base_url) == 0
        corpus.mkdir()
        text = (Path(__file__).parents[1] / "corpus" / "train.jsonl").read_text(encoding="utf-8")
        (corpus / "train.jsonl").write_text(text[: text.index("\n") + 1], encoding="utf-8")
        monkeypatch.setattr("counseling_sessions.nodes.examples.CORPUS", corpus)
        start_again()
        assert generate(out, url=server.base_url) == 2
    assert "changed: corpus/train" in capsys.readouterr().err


def test_a_session_that_a_batch_takes_up_again_says_where_its_prompts_changed(
    tmp_path: Path, prompts: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    answer, mend = failing_from(2)
    kept = (prompts / "client" / "system.md").read_bytes()
    with LoopbackServer(answer) as server:
        assert generate(out, "--profiles", forms, url=server.base_url) == 1
        old = prompts_digest(SessionConfig())
        began = next(RunFolder(out).records(failed=True)).provenance.prompt_hashes
        mend()
        changed(prompts, "client/system")
        assert generate(out, "--retry-failed", url=server.base_url) == 2
        assert "changed: client/system" in capsys.readouterr().err
        assert generate(out, "--retry-failed", "--other-prompts", url=server.base_url) == 0
    new = prompts_digest(SessionConfig())
    for record in RunFolder(out).records():
        assert digests(record) == [old, new]
        assert record.provenance.prompt_hashes == began
        assert list(record.provenance.other_prompts) == [new]
        assert record.provenance.other_prompts[new] == prompt_set(SessionConfig())
        drafts = [turn.candidates[0].call for turn in record.turns]
        assert [call.prompts for call in drafts if call] == [old, new]
    capsys.readouterr()
    assert run.main(["trace", str(out), "1", "--full"]) == 0
    shown = capsys.readouterr().out
    assert "its prompts changed: " in shown
    assert f"· prompts {old}" in " ".join(shown.split())
    assert f"· prompts {new}" in " ".join(shown.split())
    (prompts / "client" / "system.md").write_bytes(kept)
    start_again()  # as it began, but not as it went on
    assert run.main(["trace", str(out), "1", "--prompts"]) == 0
    assert "the prompts cannot be shown" in " ".join(capsys.readouterr().out.split())
    report = tmp_path / "report.md"
    assert run.main(["evaluate", str(out), "--quiet", "--markdown", str(report)]) == 0
    assert f"magnet: 4 sessions with {old} and {new}." in report.read_text(encoding="utf-8")


def test_a_trace_says_nothing_of_prompts_that_stayed_the_same(
    tmp_path: Path, prompts: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    with LoopbackServer() as server:
        record = half_done(out, forms, server.base_url)
    capsys.readouterr()
    assert run.main(["trace", str(out), "1", "--full"]) == 0
    assert digests(record)[0] not in capsys.readouterr().out


def session(out: Path, url: str, *options: str) -> int:
    where = ["--base-url", url, "--model", "loopback", "--turns", "2"]
    return run.main(["session", "--out", str(out), "--quiet", *where, *options])


def test_a_single_session_is_taken_up_with_other_prompts_only_when_asked(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "one"
    answer, mend = failing_from(2)
    with LoopbackServer(answer) as server:
        assert session(out, server.base_url) == 1
        old = prompts_digest(SessionConfig())
        mend()
        changed(prompts, "counselor/system")
        sent, words = len(server.requests), ["session", "--resume", str(out), "--base-url", server.base_url, "--quiet"]
        (journal,) = RunFolder(out).unfinished()
        before = journal.read_bytes()
        assert run.main(words) == 2
        said = capsys.readouterr().err
        assert "changed: counselor/system" in said
        assert "--other-prompts" in said
        assert (len(server.requests), journal.read_bytes()) == (sent, before)
        assert run.main([*words, "--other-prompts"]) == 0
        assert any(MARK in request.prompt for request in server.requests[sent:])
    (record,) = RunFolder(out).records()
    assert digests(record) == [old, prompts_digest(SessionConfig())]
    assert list(record.provenance.other_prompts) == digests(record)[1:]


def test_a_session_goes_on_with_prompts_that_are_on_its_record_already(tmp_path: Path, prompts: Path) -> None:
    out, kept = tmp_path / "one", (prompts / "counselor" / "system.md").read_bytes()
    answer, mend = failing_from(2)
    with LoopbackServer(answer) as server:
        words = ["session", "--resume", str(out), "--base-url", server.base_url, "--quiet"]
        assert session(out, server.base_url) == 1
        changed(prompts, "counselor/system")
        assert run.main([*words, "--other-prompts"]) == 1
        assert run.main(words) == 1
        (prompts / "counselor" / "system.md").write_bytes(kept)
        start_again()
        mend()
        assert run.main(words) == 0
    (record,) = RunFolder(out).records()
    assert digests(record) == [prompts_digest(SessionConfig())]
    assert len(record.provenance.other_prompts) == 1


def test_a_practice_session_is_taken_up_with_other_prompts_only_when_asked(
    tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "practice"

    def typed(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    with LoopbackServer() as server:
        where = ["--base-url", server.base_url, "--model", "loopback"]
        typed("How were the nights since we met?", "/quit")
        assert run.main(["practice", "--out", str(out), *where]) == 0
        changed(prompts, "client/system")
        sent, words = len(server.requests), ["practice", "--resume", str(out), "--base-url", server.base_url]
        typed("What would help?", "/quit")
        assert run.main(words) == 2
        assert "changed: client/system" in capsys.readouterr().err
        assert len(server.requests) == sent
        typed("What would help tonight?", "/end", "Goodbye, then.")
        assert run.main([*words, "--other-prompts"]) == 0
    (record,) = RunFolder(out).records()
    assert len(digests(record)) == 2
    assert list(record.provenance.other_prompts) == digests(record)[1:]


def test_a_fork_of_a_session_with_other_prompts_is_made_only_when_asked(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, fork = tmp_path / "one", tmp_path / "fork"
    with LoopbackServer() as server:
        assert session(out, server.base_url, "--turns", "3") == 0
        (parent,) = RunFolder(out).records()
        changed(prompts, "client/system")
        sent = len(server.requests)
        words = ["replay", str(out), "--from-turn", "2", "--base-url", server.base_url, "--out", str(fork), "--quiet"]
        assert run.main(words) == 2
        said = capsys.readouterr().err
        assert "changed: client/system" in said
        assert "--other-prompts" in said
        assert len(server.requests) == sent
        assert not fork.exists()
        assert run.main([*words, "--other-prompts"]) == 0
    (record,) = RunFolder(fork).records()
    assert digests(record) == [*digests(parent), prompts_digest(SessionConfig())]
    assert list(record.provenance.other_prompts) == digests(parent)
    assert record.provenance.prompt_hashes == prompt_set(SessionConfig())
    report = tmp_path / "report.md"
    assert run.main(["evaluate", str(fork), "--quiet", "--markdown", str(report)]) == 0
    assert f"1 session with {' and '.join(digests(record))}." in report.read_text(encoding="utf-8")


def test_a_fork_with_another_configuration_is_not_taken_for_one_with_other_prompts(
    tmp_path: Path, prompts: Path
) -> None:
    out, fork, report = tmp_path / "one", tmp_path / "fork", tmp_path / "report.md"
    with LoopbackServer() as server:
        assert session(out, server.base_url, "--turns", "3") == 0
        words = ["replay", str(out), "--from-turn", "2", "--base-url", server.base_url, "--out", str(fork), "--quiet"]
        assert run.main([*words, "--few-shot", "1"]) == 0
    (record,) = RunFolder(fork).records()
    assert len(digests(record)) == 2
    assert run.main(["evaluate", str(fork), "--quiet", "--markdown", str(report)]) == 0
    assert "same prompts" not in report.read_text(encoding="utf-8")


def test_a_fork_whose_past_no_model_made_has_nothing_to_mix(tmp_path: Path, prompts: Path) -> None:
    out, fork = tmp_path / "one", tmp_path / "fork"
    with LoopbackServer() as server:
        assert session(out, server.base_url, "--method", "single") == 0
        changed(prompts, "client/system")
        words = ["replay", str(out), "--from-turn", "1", "--base-url", server.base_url, "--out", str(fork), "--quiet"]
        assert run.main(words) == 0
    (record,) = RunFolder(fork).records()
    assert len(digests(record)) == 1


def test_calls_of_an_earlier_version_in_a_forks_past_keep_their_prompts(tmp_path: Path, prompts: Path) -> None:
    out, fork = tmp_path / "one", tmp_path / "fork"
    with LoopbackServer() as server:
        assert session(out, server.base_url, "--turns", "3") == 0
        (parent,) = RunFolder(out).records()
        old = tmp_path / "old.jsonl"
        without = re.sub(r',"prompts":"[0-9a-f]{16}"', "", parent.model_dump_json())
        assert without != parent.model_dump_json()
        old.write_text(f"{without}\n", encoding="utf-8")
        changed(prompts, "client/system")
        words = ["replay", str(old), "--from-turn", "2", "--base-url", server.base_url, "--out", str(fork), "--quiet"]
        assert run.main(words) == 2
        assert run.main([*words, "--other-prompts"]) == 0
    (record,) = RunFolder(fork).records()
    assert digests(record) == [*digests(parent), prompts_digest(SessionConfig())]


def test_parts_with_different_prompts_are_merged_only_when_asked(
    tmp_path: Path, prompts: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with LoopbackServer() as server:
        assert generate(tmp_path / "run", "--profiles", forms, "--shard", "1/2", url=server.base_url) == 0
        changed(prompts, "plan")
        assert generate(tmp_path / "run", "--profiles", forms, "--shard", "2/2", url=server.base_url) == 0
    words = ["merge", *(str(tmp_path / f"run-{number}-of-2") for number in (1, 2)), "--out", str(tmp_path / "all")]
    assert run.main(words) == 2
    assert "changed: plan" in capsys.readouterr().err
    assert not (tmp_path / "all").exists()
    assert run.main([*words, "--other-prompts"]) == 0
    batch = read_batch(tmp_path / "all")
    assert batch
    assert list(batch.provenance.other_prompts) == [prompts_digest(SessionConfig())]


def test_a_run_without_prompts_on_record_is_told_by_its_sessions_else_takes_those_of_today(
    tmp_path: Path, prompts: Path, forms: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"

    def forgotten() -> None:
        begun = json.loads((out / "run.json").read_text(encoding="utf-8"))
        begun["provenance"]["prompt_hashes"] = {}
        (out / "run.json").write_text(json.dumps(begun), encoding="utf-8")

    with LoopbackServer() as server:
        half_done(out, forms, server.base_url)
        forgotten()
        changed(prompts, "plan")
        assert generate(out, url=server.base_url) == 2
        assert "changed: plan" in capsys.readouterr().err
    empty = open_run(tmp_path / "empty", Asked(config(), source="amira-exam-panic"))
    out = empty.folder
    forgotten()
    changed(prompts, "plan")
    again = open_run(out, Asked(config()))
    assert again.batch.provenance.prompt_hashes == prompt_set(config())
    assert again.batch.provenance.other_prompts == {}
    assert read_batch(out) == again.batch


def test_prompts_edited_while_a_batch_runs_are_the_next_ones(tmp_path: Path, prompts: Path, forms: str) -> None:
    out, names = (
        tmp_path / "run",
        [path.relative_to(prompts).with_suffix("").as_posix() for path in prompts.rglob("*.md")],
    )

    def answer(request: Request) -> Any:
        if request.number == 0:
            for name in names:
                edit(prompts, name)
        return sensible_answer(request)

    with LoopbackServer(answer) as server:
        assert generate(out, "--profiles", forms, "--few-shot", "1", url=server.base_url) == 0
        assert server.accepted > 20
        assert not [request for request in server.requests if MARK in request.prompt]
    assert len({digest for record in RunFolder(out).records() for digest in digests(record)}) == 1


def test_a_worker_with_other_prompts_than_its_driver_answers_with_the_reason(tmp_path: Path, prompts: Path) -> None:
    batch = open_run(tmp_path / "run", Asked(config(), source="amira-exam-panic"))
    spec = WorkerSpec(batch.folder, batch.batch, "w0", 4, True, 6, prompt_set(config()))
    spec.make()
    changed(prompts, "client/system")
    with pytest.raises(RunError, match="worker w0 cannot join.*\n.*changed: client/system"):
        spec.make()


async def test_a_worker_process_that_could_not_begin_gives_the_reason_to_the_unit_after_it(tmp_path: Path) -> None:
    batch = open_run(tmp_path / "run", Asked(config(), source="amira-exam-panic"))
    other = prompt_set(config()) | {"plan": "0" * 12}
    worker = ProcessWorker(WorkerSpec(batch.folder, batch.batch, "w0", 4, True, 6, other))
    await asyncio.to_thread(worker._process.join, 60)
    await asyncio.sleep(0.5)
    assert worker.capacity() == 1
    with pytest.raises(RunError, match=r"changed: plan"):
        await worker.run(next(units(batch.batch, batch.profiles)))
    await worker.close()


async def test_a_ray_actor_with_other_prompts_gives_every_unit_the_reason(tmp_path: Path, prompts: Path) -> None:
    from counseling_sessions.generation.ray_workers import _Actor

    batch = open_run(tmp_path / "run", Asked(config(), source="amira-exam-panic"))
    spec = WorkerSpec(batch.folder, batch.batch, "w0", 4, True, 6, prompt_set(config()))
    changed(prompts, "client/system")
    actor = _Actor(spec)
    result, _, capacity = await actor.run(next(units(batch.batch, batch.profiles)))
    assert isinstance(result, RunError)
    assert "changed: client/system" in str(result)
    assert capacity == 1  # else nobody would hand it a unit, and hear
    await actor.stop(False)


@pytest.mark.slow
@pytest.mark.timeout(250)
def test_a_worker_process_that_starts_after_an_edit_stops_the_batch_which_can_go_on(tmp_path: Path, forms: str) -> None:
    place, out = checkout(tmp_path / "program"), tmp_path / "run"
    with LoopbackServer(latency=Latency(base=0.05)) as server:
        where = ["--base-url", server.base_url, "--model", "loopback"]
        words = [sys.executable, "run.py", "generate", "--out", str(out), "--profiles", forms, "--turns", "5", *where]
        words += ["--seeds", "3", "--workers", "2", "--concurrency", "4", "--quiet"]
        how: dict[str, Any] = {"cwd": place, "env": os.environ | {"PYTHONPATH": str(place)}, "text": True}
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        try:
            until = time.monotonic() + 100
            while server.accepted < 20 and process.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            edit(place / "prompts", "client/system")
            os.kill(worker_of(process.pid), signal.SIGKILL)
            _, errors = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode == 2, errors
        assert "cannot join" in errors
        assert "changed: client/system" in errors
        assert not [request for request in server.requests if MARK in request.prompt]
        words += ["--other-prompts", "--workers", "1"]
        ended = subprocess.run(words, capture_output=True, timeout=200, check=False, **how)
        assert ended.returncode == 0, ended.stderr
        assert [request for request in server.requests if MARK in request.prompt]
    records = list(RunFolder(out).records())
    assert len(records) == 12
    assert len({digest for record in records for digest in digests(record)}) == 2
    assert any(len(digests(record)) == 2 for record in records)


def worker_of(process: int) -> int:
    """A worker process of a batch's process."""
    found = subprocess.run(
        ["pgrep", "-P", str(process), "-f", "spawn_main"], capture_output=True, text=True, check=True
    )
    return int(found.stdout.split()[0])


def test_a_record_whose_techniques_are_no_list_has_prompts_all_the_same(tmp_path: Path, prompts: Path) -> None:
    made = provenance(SessionConfig())
    for techniques in (5, None, "reflection", {"reflection": 1}, [["reflection"], 7]):
        (hashes,) = sets_of_calls({"techniques": techniques}, made, ()).values()
        assert hashes["plan"] == made.prompt_hashes["plan"]
        assert "techniques/reflection" not in hashes
