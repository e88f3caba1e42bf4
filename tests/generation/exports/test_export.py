"""An export as a whole: all formats, what is left out, folders that are taken, crashes, the card."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.generation.exports import FORMATS, ExportError, ExportReport, Splits, export
from counseling_sessions.generation.exports.files import MARK, STAGING
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import Candidate, Failure, Finding, Utterance
from tests.generation.exports.sessions import client, of, session, stream

FAILURE = Failure(stage="merge", kind="timeout", message="too late")
LINES = [name for name in FORMATS if name not in ("parquet", "magnet")]


def failed() -> SessionRecord:
    return of(client(99), status="failed", failure=FAILURE, closing=None)


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def front_matter(folder: Path) -> Any:
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_its_files_and_a_card(name: str, tmp_path: Path) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / "deep" / "out"
    report = export(stream(of(client(1)), failed(), of(client(2))), name, out, licence="cc-by-4.0")
    assert (report.sessions, report.clients, report.failed) == (2, 2, {"merge: timeout": 1})
    assert report.examples == report.splits["train"].examples > 0
    matter = front_matter(out)
    assert matter["license"] == "cc-by-4.0"
    assert matter["language"] == ["en"]
    [files] = matter["configs"][0]["data_files"]
    assert files["split"] == "train"
    assert list(out.glob(files["path"]))
    card = (out / "README.md").read_text()
    for wanted in (
        MARK,
        "no clinician has checked",
        "Not for care",
        "merge: timeout (1)",
        "| merge | scripted |",
        "magnet",
    ):
        assert wanted in card
    assert not list(out.glob(".*"))
    assert "$" not in card


@pytest.mark.parametrize("name", LINES)
def test_examples_are_counted_as_written(name: str, tmp_path: Path) -> None:
    report = export(stream(*(of(client(n)) for n in range(3))), name, tmp_path)
    assert len(lines(tmp_path / "train.jsonl")) == report.examples


def test_jsonl_is_the_record_as_it_is_but_for_the_address_of_its_model(tmp_path: Path) -> None:
    export(stream(session()), "jsonl", tmp_path)
    text = (tmp_path / "train.jsonl").read_text(encoding="utf-8")
    assert text.count('"endpoint": ""') > 5
    original = text.replace('"endpoint": ""', '"endpoint": "http://127.0.0.1:1/v1"')
    original = original.replace('"base_url": null', '"base_url": "http://127.0.0.1:1/v1"')
    assert SessionRecord.model_validate_json(original) == session()


def test_a_record_without_addresses_is_exported_byte_for_byte(tmp_path: Path) -> None:
    record = session().model_dump(mode="json")
    for settings in record["configuration"]["models"].values():
        settings["base_url"] = None
    text = json.dumps(record, ensure_ascii=False).replace(
        '"endpoint": "http://127.0.0.1:1/v1"', '"endpoint": "embedded"'
    )
    export(stream(SessionRecord.model_validate_json(text)), "jsonl", tmp_path)
    assert (tmp_path / "train.jsonl").read_text(encoding="utf-8") == f"{text}\n"


@pytest.mark.parametrize("name", FORMATS)
def test_no_export_names_a_server_or_a_key(name: str, tmp_path: Path) -> None:
    export(stream(_naming_servers()), name, tmp_path)
    files = {path.name: path for path in tmp_path.rglob("*") if path.is_file()}
    texts = [path.read_text(encoding="utf-8") for path in files.values() if path.suffix != ".parquet"]
    if name == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        texts.append(json.dumps(parquet.read_table(files["train.parquet"]).to_pylist(), default=str))
    for text in texts:
        for word in ("gpu-7", "gpu-8", "LAB_KEY", "10.0.0.9", "guided_decoding"):
            assert word not in text
    assert any("a-model" in text or "scripted" in text for text in texts) or name in (
        "sharegpt",
        "openai-chat",
        "magnet",
    )


def _naming_servers() -> SessionRecord:
    """A session whose configuration, calls, drafts and picks tell of servers and key variables."""
    reach = {
        "model": "a-model",
        "base_url": "http://gpu-7.lab.example/v1",
        "replicas": ["http://gpu-8.lab.example/v1"],
        "api_key_env": "LAB_KEY",
        "extra_body": {"guided_decoding": True},
    }
    record = session(fan_out="all")
    words = "http://10.0.0.9/v1 answers 500: no room"
    turn = record.turns[1]
    assert turn.pick
    assert turn.counselor
    assert turn.counselor.call
    call = turn.counselor.call.model_copy(update={"endpoint": "http://10.0.0.9/v1", "errors": (words,)})
    changed = turn.model_copy(
        update={
            "pick": turn.pick.model_copy(update={"fallback": "LAB_KEY holds characters no key has"}),
            "candidates": (*turn.candidates, Candidate(turn=2, technique="empathy", error=words, call=call)),
            "counselor": turn.counselor.model_copy(update={"call": call}),
        }
    )
    configuration = record.configuration | {"models": {"default": reach}}
    assert record.plan
    revised = record.plan.model_copy(update={"turn": 2, "reason": "it is another thing", "call": call})
    changes = {"turns": (record.turns[0], changed), "revisions": (revised,), "configuration": configuration}
    return record.model_copy(update=changes)


def test_no_client_is_in_two_splits_and_the_card_tells_the_sizes(tmp_path: Path) -> None:
    attitudes = ("positive", "neutral", "negative")
    records = [of(client(n), attitude=a, session_id=f"{n}-{a}") for n in range(30) for a in attitudes]
    report = export(stream(*records), "jsonl", tmp_path, splits=Splits(train=0.6, validation=0.2, test=0.2))
    clients = {name: {row["profile_id"] for row in lines(tmp_path / f"{name}.jsonl")} for name in report.splits}
    assert sum(map(len, clients.values())) == len(set().union(*clients.values())) == report.clients == 30
    for name, split in report.splits.items():
        assert split.sessions == 3 * split.clients == 3 * len(clients[name])
        assert (
            f"| {name} | {split.clients} | {split.sessions} | {split.examples} |"
            in (tmp_path / "README.md").read_text()
        )
    assert [item["split"] for item in front_matter(tmp_path)["configs"][0]["data_files"]] == [
        "train",
        "validation",
        "test",
    ]


def test_integrity_figures_count_what_is_wrong(tmp_path: Path) -> None:
    turns = session().turns
    said = turns[0].counselor
    assert said
    worse = (
        turns[0],
        turns[1].model_copy(
            update={
                "counselor": Utterance(turn=2, speaker="counselor", text=said.text.upper(), call=said.call),
                "client": Utterance(turn=2, speaker="counselor", text="Counselor: …"),
            }
        ),
    )
    call = said.call.model_copy(update={"findings": (Finding(kind="repeat"),) * 2}) if said.call else None
    closing = Utterance(turn=3, speaker="counselor", text="…!", closing=True, call=call)
    report = export(stream(of(client(1), turns=worse, closing=closing)), "jsonl", tmp_path)
    assert list(report.integrity.values()) == [1, 1, 1, 2, 0]
    assert report.findings == {"repeat": 2}
    assert "| repeat | 2 |" in (tmp_path / "README.md").read_text()
    unclosed = export(stream(of(client(1), closing=None)), "jsonl", tmp_path, overwrite=True)
    assert list(unclosed.integrity.values()) == [0, 0, 0, 0, 1]


def test_nothing_to_export_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ExportError, match=r"no finished session to export \(1 failed\)"):
        export(stream(failed()), "jsonl", out)
    with pytest.raises(ExportError, match="none of the 1 sessions gives an example for preference"):
        export(stream(session("single")), "preference", out)
    with pytest.raises(ExportError, match=r"nothing falls into .*: 1 clients are few"):
        export(stream(session()), "jsonl", out, splits=Splits())
    with pytest.raises(ExportError, match="no format 'csv'; the formats are parquet, jsonl"):
        export(stream(session()), "csv", out)
    assert not out.exists()


def test_an_export_is_replaced_only_when_asked(tmp_path: Path) -> None:
    export(stream(session()), "jsonl", tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match="holds an export already"):
        export(stream(session()), "magnet", tmp_path)
    export(stream(session()), "magnet", tmp_path, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "index.jsonl",
        "notes.txt",
        "session_1.json",
    ]


def test_files_without_a_card_are_not_mixed_with_an_export(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text("{}\n")
    with pytest.raises(ExportError, match="holds an export already"):
        export(stream(session()), "jsonl", tmp_path)


def test_a_foreign_readme_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My thesis\n")
    with pytest.raises(ExportError, match="not the card of an export"):
        export(stream(session()), "jsonl", tmp_path, overwrite=True)
    assert (tmp_path / "README.md").read_text() == "# My thesis\n"


@pytest.mark.parametrize("name", FORMATS)
def test_what_goes_wrong_on_the_way_leaves_the_old_export_as_it_was(name: str, tmp_path: Path) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    export(stream(session()), "jsonl", tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Iterator[SessionRecord]:
        yield session()
        raise RuntimeError("a damaged shard")

    with pytest.raises(RuntimeError, match="a damaged shard"):
        export(broken, name, tmp_path, overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_crash_in_the_middle_leaves_no_file_by_its_name(tmp_path: Path) -> None:
    def looked_at() -> Iterator[SessionRecord]:
        yield session()
        assert [path.name for path in tmp_path.iterdir()] == [STAGING]
        yield session()

    (tmp_path / STAGING).mkdir()
    (tmp_path / STAGING / "train.jsonl").write_text("left by a crash")
    export(looked_at, "jsonl", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "train.jsonl"]
    assert len(lines(tmp_path / "train.jsonl")) == 2


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*unused: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("counseling_sessions.generation.exports.writers.JsonLines.add", full)
    with pytest.raises(ExportError, match="the disk is full; nothing was exported"):
        export(stream(session()), "jsonl", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="is a file; an export is a folder"):
        export(stream(session()), "jsonl", tmp_path / "file")
    with pytest.raises(ExportError, match="cannot be written: Not a directory"):
        export(stream(session()), "jsonl", tmp_path / "file" / "out")


def test_records_go_by_as_a_stream(tmp_path: Path) -> None:
    """Before a record is drawn, the one before it is let go."""
    import weakref

    alive: list[weakref.ref[SessionRecord]] = []

    def made() -> Iterator[SessionRecord]:
        for number in range(20):
            assert sum(reference() is not None for reference in alive) <= 2
            record = of(client(number))
            alive.append(weakref.ref(record))
            yield record
            del record

    report: ExportReport = export(made, "jsonl", tmp_path)
    assert report.sessions == 20


def test_what_a_person_typed_is_exported_for_its_owner_alone(tmp_path: Path) -> None:
    record = session()
    turn = record.turns[0]
    assert turn.client
    typed = turn.model_copy(update={"client": turn.client.model_copy(update={"author": "human"})})
    practised = record.model_copy(update={"turns": (typed, *record.turns[1:])})
    export(stream(record), "jsonl", tmp_path / "plain")
    assert (tmp_path / "plain" / "train.jsonl").stat().st_mode & 0o044
    export(stream(record, practised), "jsonl", tmp_path / "out")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}
