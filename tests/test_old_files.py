"""Files of earlier versions are read, gone on with and exported as before: `tests/old/README.md` says what they are.

Nothing of the program is used here but its command line and the files that it reads and writes.
"""

import gzip
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import run
from tests.loopback import LoopbackServer
from tests.old.outputs import COMMANDS, inside, made_by_commands

OLD = Path(__file__).parent / "old"
EXPORTS = OLD / "exports"
KEPT = {str(path.relative_to(EXPORTS)).removesuffix(".gz"): path for path in EXPORTS.rglob("*") if path.is_file()}
"""What the commands wrote, by the names of the files."""
VOLATILE = {"at", "packages", "python"}
"""Fields of `made` in a report's JSON that say when, and with which versions, it was made."""
VOLATILE_LINES = re.compile(
    r"^(\| made at \||\| versions \|).*$|(?<=with the prompts of hash )[0-9a-f]{16}|(?<=The analysis used )[^;]+",
    re.MULTILINE,
)
"""The same in Markdown, and the hash of the prompts of today."""
CLOSE = 1e-9
"""How far figures may be apart, as a part of them: libraries of numbers differ in the last digits."""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """A copy of the old files, to be in."""
    folder = tmp_path / "old"
    shutil.copytree(OLD, folder, ignore=shutil.ignore_patterns("exports", "*.py", "README.md", "__pycache__"))
    with inside(folder):
        yield folder


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_writes_what_it_wrote(old: Path, name: str) -> None:
    written = made_by_commands(old, [name])
    assert set(written) == kept_of(name)
    for file, content in written.items():
        before = KEPT[file].read_bytes()
        before = gzip.decompress(before) if KEPT[file].suffix == ".gz" else before
        if Path(file).name == "data.json":
            assert json.loads(content) | {"prompts": ""} == json.loads(before) | {"prompts": ""}
        elif Path(file).suffix == ".json" and "/" not in file:
            assert_alike(json.loads(content), json.loads(before), file)
        elif Path(file).suffix == ".md":
            assert VOLATILE_LINES.sub("…", content.decode()) == VOLATILE_LINES.sub("…", before.decode())
        else:
            assert content == before, file


def test_every_kept_file_is_some_commands() -> None:
    assert set(KEPT) == {file for name in COMMANDS for file in kept_of(name)}


def kept_of(name: str) -> set[str]:
    """The kept files that a command wrote."""
    places = [word.removeprefix("made/") for word in COMMANDS[name] if word.startswith("made/")] or [f"{name}.json"]
    return {file for file in KEPT if any(file == place or file.startswith(f"{place}/") for place in places)}


def assert_alike(now: Any, before: Any, where: str) -> None:
    """JSON is the same, with its keys in the same order; figures but for their last digits."""
    if isinstance(now, dict) and isinstance(before, dict):
        assert list(now) == list(before), where
        for key in now.keys() - (VOLATILE if where.endswith(": made") else set()):
            assert_alike(now[key], before[key], f"{where}: {key}")
    elif isinstance(now, list) and isinstance(before, list):
        assert len(now) == len(before), where
        for number, (one, other) in enumerate(zip(now, before, strict=True)):
            assert_alike(one, other, f"{where}: {number}")
    elif isinstance(now, float) and isinstance(before, float):
        assert now == pytest.approx(before, rel=CLOSE, nan_ok=True), where
    else:
        assert (type(now), now) == (type(before), before), where


@pytest.mark.parametrize(
    ("place", "status", "turns"),
    [("single", "unfinished", 1), ("single", "failed", 1), ("fork-stopped", "unfinished", 2)],
)
def test_a_session_that_was_cut_off_goes_on(
    old: Path, place: str, status: str, turns: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (session_id,) = [row["session_id"] for row in printed(capsys, "trace", place, "--list") if row["status"] == status]
    journal = old / place / f"{session_id}.journal.jsonl"
    before = said_in(journal)
    assert sum(said["speaker"] == "client" and said["turn"] > 0 for said in before) == turns
    with LoopbackServer() as server:
        moved(journal, server)
        record = printed(capsys, "session", "--resume", str(journal), "--other-prompts")
    assert (record["session_id"], record["status"], record["resumed"]) == (session_id, "finished", 1)
    assert len(record["turns"]) == 3
    dialogue = dialogue_of(record)
    finished = [said for said in before if said["turn"] <= turns]
    assert dialogue[: len(finished)] == [(said["speaker"], said["text"]) for said in finished]
    assert [speaker for speaker, _ in dialogue] == ["counselor", "client"] * (len(dialogue) // 2) + ["counselor"]
    assert not journal.exists()
    assert status_of(capsys, place, session_id) == "finished"


def test_a_session_is_read_as_its_transcript_has_it(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = exported(old, "single", capsys)
    assert len(records) == 2
    for session_id, record in records.items():
        transcript = (old / "single" / f"{session_id}.md").read_text(encoding="utf-8")
        places = [transcript.find(text) for _, text in dialogue_of(record)]
        assert len(places) == len(record["opening"]) + 2 * 3 + 1
        assert places == sorted(places)
        assert places[0] > 0


def test_a_practice_session_that_was_left_goes_on(
    old: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (journal,) = (old / "practice").glob("*.journal.jsonl")
    session_id, before = journal.name.partition(".")[0], said_in(journal)
    monkeypatch.setattr("sys.stdin", io.StringIO("/end\nGoodbye, Sol.\n"))
    with LoopbackServer() as server:
        moved(journal, server)
        assert run.main(["practice", "--resume", "practice", "--other-prompts"]) == 0
    assert before[-1]["text"] in " ".join(capsys.readouterr().out.split())
    assert not journal.exists()
    assert status_of(capsys, "practice", session_id) == "finished"
    assert (old / "practice" / f"{session_id}.review.txt").is_file()


def test_a_batch_that_was_killed_goes_on(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journals = {path.name.partition(".")[0]: said_in(path) for path in (old / "batch-stopped" / "journals").iterdir()}
    done = [
        row["session_id"] for row in printed(capsys, "trace", "batch-stopped", "--list") if row["status"] == "finished"
    ]
    assert (len(journals), len(done)) == (2, 2)
    before = [printed(capsys, "trace", "batch-stopped", session_id) for session_id in done]
    with LoopbackServer() as server:
        assert (
            run.main(
                ["generate", "--out", "batch-stopped", "--other-prompts", "--quiet", "--base-url", server.base_url]
            )
            == 0
        )
        prompts = [request.prompt for request in server.requests]
    assert not any("Ada Brandt" in prompt for prompt in prompts)
    capsys.readouterr()
    state = printed(capsys, "status", "batch-stopped")
    assert (state["finished"], state["left"], state["begun"], state["unlisted"], state["damaged"]) == (4, 0, 0, 0, [])
    assert [printed(capsys, "trace", "batch-stopped", session_id) for session_id in done] == before
    records = exported(old, "batch-stopped", capsys)
    for session_id, said in journals.items():
        record = records[session_id]
        first = [(item["speaker"], item["text"]) for item in said if item["turn"] <= 1]
        assert len(first) == 4
        assert (record["resumed"], len(record["turns"])) == (1, 2)
        assert dialogue_of(record)[:4] == first


def test_a_finished_batch_is_extended_and_its_failed_session_taken_up(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = exported(old, "batch", capsys)
    with LoopbackServer() as server:
        where = ["generate", "--out", "batch", "--other-prompts", "--quiet", "--base-url", server.base_url]
        assert run.main(where) == 1
        assert not server.accepted
        assert run.main([*where, "--retry-failed"]) == 0
        assert run.main([*where, "--methods", "magnet,single-plan,magnet-no-plan,single", "--extend"]) == 0
    capsys.readouterr()
    state = printed(capsys, "status", "batch")
    assert (state["finished"], state["failed"], state["left"], state["damaged"]) == (12, 0, 0, [])
    after = exported(old, "batch", capsys)
    assert {session_id: after[session_id] for session_id in before} == before
    (failed,) = [record for name, record in after.items() if name not in before and record["resumed"]]
    assert (failed["configuration"]["method"], len(failed["turns"])) == ("magnet-no-plan", 2)


def test_parts_are_merged_as_they_were(old: Path) -> None:
    assert run.main(["merge", "part-1-of-2", "part-2-of-2", "--out", "again"]) == 0
    for path in (path for path in (old / "merged").rglob("*") if path.is_file()):
        again = (old / "again" / path.relative_to(old / "merged")).read_bytes()
        if path.name == "run.json":  # reminders are no setting any more; who reads the counselor is one
            before, now = json.loads(path.read_bytes()), json.loads(again)
            assert before["configuration"].pop("reminders") is False
            assert now["configuration"].pop("appraisal") == "llm"
            assert now == before
        else:
            assert again == path.read_bytes(), path


def test_a_session_of_a_batch_has_another_future(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parent = printed(capsys, "trace", "batch", "1")["session_id"]
    with LoopbackServer() as server:
        words = [
            "replay",
            "batch",
            parent,
            "--from-turn",
            "2",
            "--say",
            "What would Friday be like?",
            "--out",
            "what-if",
            "--other-prompts",
        ]
        record = printed(capsys, *words, "--base-url", server.base_url)
    before = exported(old, "batch", capsys)[parent]
    assert dialogue_of(record)[:4] == dialogue_of(before)[:4]
    assert dialogue_of(record)[4] == ("counselor", "What would Friday be like?")
    assert record["status"] == "finished"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert run.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def exported(old: Path, place: str, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """The records of a place's finished sessions, by their ids."""
    assert run.main(["export", place, "--format", "jsonl", "--out", "exported", "--overwrite"]) == 0
    capsys.readouterr()
    rows = map(json.loads, (old / "exported" / "train.jsonl").read_text(encoding="utf-8").splitlines())
    return {row["session_id"]: row for row in rows}


def status_of(capsys: pytest.CaptureFixture[str], place: str, session_id: str) -> str:
    rows = printed(capsys, "trace", place, "--list")
    (status,) = [row["status"] for row in rows if row["session_id"] == session_id]
    return str(status)


def said_in(journal: Path) -> list[dict[str, Any]]:
    """The utterances of a journal, a fork's past among them; a line that a crash has cut holds none."""
    updates: list[dict[str, Any]] = []
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            item = json.loads(line)
        except ValueError:
            continue
        updates += [*((item.get("past") or {}).get("updates") or ()), item]
    return [said for item in updates for said in (item.get("update") or {}).get("utterances") or ()]


def dialogue_of(record: dict[str, Any]) -> list[tuple[str, str]]:
    """All that is said in a record, in order."""
    said = [*record["opening"]]
    for turn in record["turns"]:
        said += [turn["counselor"], turn["client"]]
    said.append(record["closing"])
    return [(item["speaker"], item["text"]) for item in said if item]


def moved(journal: Path, server: LoopbackServer) -> None:
    """Have a journal name the server of today: the one that it was written with is gone."""
    text = journal.read_text(encoding="utf-8")
    changed = re.sub(r"http://127\.0\.0\.1:\d+/v1", server.base_url, text)
    assert changed != text
    journal.write_text(changed, encoding="utf-8")
