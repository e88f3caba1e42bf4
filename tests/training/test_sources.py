"""Sessions to train on, wherever they lie: run directories, folders, and files of others; what cannot be used is named."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.writing import ShardWriter, keep
from counseling_sessions.training.roles import COUNSELOR
from counseling_sessions.training.sources import Source, read_sources
from tests.generation.exports.sessions import client, of
from tests.training.prepared import lines, made, text_of, written

FORM = """Name: Ines Almeida
Age: 31
Occupation: Tram driver

2. Presenting Problem
I count every stair, and go back when I lose count.

3. Reason for Seeking Counseling
I was late for three shifts in a row.
"""
SAID = (
    *("Good day, Ines. Where shall we begin?", "With the stairs."),
    *("What happens when you lose count?", "I go back down, and I miss my tram."),
    *("And what would happen if you went on?", "Something bad. I can't say what."),
    "Then we look at that next time. Take care, Ines.",
)


def released(said: Sequence[str] = SAID, **changes: Any) -> dict[str, Any]:
    """A session as MAGneT's authors released theirs: counselor and client in turns, the form as a text."""
    messages = [{"role": ("client" if place % 2 else "counselor"), "message": text} for place, text in enumerate(said)]
    about = {"dialogue_history_init": f"Counselor: {SAID[0]}\nClient: {SAID[1]}", "reason_counseling": "I was late."}
    return {
        "AI_client": {"intake_form": FORM, "attitude": "negative"},
        "AI_counselor": {"CBT": about, "Response": {"cbt_plan": None}},
        "cbt_technique": "Reality Testing",
        "dialogue": messages,
    } | changes


def ids(path: Path) -> list[str]:
    return [item.session.session_id for item in read_sources(path) if isinstance(item, Source)]


def test_a_run_directory_gives_its_finished_sessions_once(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "w0")
    for record in (of(client(1), status="failed"), of(client(2)), of(client(1)), of(client(3), status="failed")):
        writer.keep(record)
    assert ids(tmp_path) == [of(client(number)).session_id for number in (2, 1)]


def test_a_broken_line_of_a_run_directory_is_named_and_left_out_or_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    writer = ShardWriter(run, "w0")
    for number in (1, 2):
        writer.keep(of(client(number)))
    [shard] = (run / "shards").glob("*.jsonl")
    broken = shard.read_text().replace('"status":"finished"', '"status":"finishes"', 1)
    shard.write_text(broken)
    with pytest.raises(RunError, match=r"session \S+: shard w0-00001: changed"):
        made(run, tmp_path / "out")
    assert len(made(run, tmp_path / "out", skip_invalid=True).skipped) == 1


def test_a_folder_of_single_sessions_gives_the_finished_ones_once(tmp_path: Path) -> None:
    for record in (of(client(1), status="failed"), of(client(2)), of(client(1)), of(client(3), status="failed")):
        keep(record, tmp_path)
    assert sorted(ids(tmp_path)) == sorted(of(client(number)).session_id for number in (1, 2))


def test_a_broken_record_is_named_and_refused_or_left_out_and_counted(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", of(client(1)))
    with source.open("a") as file:
        file.write('{"session_id": "x", "turns": 3}\n')
        file.write(of(client(2)).model_dump_json() + "\n")
    with pytest.raises(ProfileError, match=r"a\.jsonl, record 2: not a session record"):
        made(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    report = made(source, tmp_path / "out", skip_invalid=True)
    assert report.sessions == {"train": 2}
    [told] = report.skipped
    assert "a.jsonl, record 2" in told
    assert "Left out: 1 records" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("speaker", ["counselor", "client"])
def test_what_a_person_has_typed_is_not_trained_on(speaker: str, tmp_path: Path) -> None:
    record = of(client(1))
    typed = [
        turn.model_copy(update={speaker: getattr(turn, speaker).model_copy(update={"author": "human"})})
        for turn in record.turns
        if getattr(turn, speaker)
    ]
    practised = record.model_copy(update={"turns": tuple(typed)})
    source = written(tmp_path / "a.jsonl", practised, of(client(2)))
    with pytest.raises(ProfileError, match="a person took part in it"):
        made(source, tmp_path / "out")
    report = made(source, tmp_path / "out", skip_invalid=True)
    assert sum(report.sessions.values()) == len(report.skipped) == 1


def test_failed_sessions_are_no_examples(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", of(client(1), status="failed"), of(client(2)))
    assert made(source, tmp_path / "out").sessions == {"train": 1}


def test_released_sessions_give_examples_of_counselor_and_client(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in (1, 2):
        (tmp_path / "in" / f"session_{number}.json").write_text(json.dumps(released()))
    report = made(tmp_path / "in", tmp_path / "out", "all,counselor")
    assert report.examples == {"train": {COUNSELOR: 6, "client": 4}}
    assert report.clients["train"] == 1
    rows = [row for row in lines(tmp_path / "out") if "session_1" in row["session_id"]]
    said = [(row["role"], row["completion"][0]["content"]) for row in rows]
    speakers = [COUNSELOR, "client", COUNSELOR, "client", COUNSELOR]
    assert said == list(zip(speakers, SAID[2:], strict=True))  # the opening is the form's
    for row in rows:
        assert SAID[0] in text_of(row)
        knows_form, tells_attitude = "count every stair" in text_of(row), "did not really want to come" in text_of(row)
        assert (knows_form, tells_attitude) == ((True, True) if row["role"] == "client" else (False, False))


def test_a_models_reasoning_in_an_imported_session_is_not_trained_on(tmp_path: Path) -> None:
    said = [f"<think>zzthought {number}</think>{text}<|im_end|>" for number, text in enumerate(SAID)]
    (tmp_path / "session_1.json").write_text(json.dumps(released(said=said)))
    made(tmp_path / "session_1.json", tmp_path / "out", "all,counselor")
    rows = lines(tmp_path / "out")
    assert {row["completion"][0]["content"] for row in rows} <= set(SAID)
    assert "zzthought" not in json.dumps(rows)


@pytest.mark.parametrize(
    ("session", "problem"),
    [
        (released(AI_client={"intake_form": FORM}), "no attitude"),
        (released(said=[*SAID[:3], " ", *SAID[4:]]), "the client says nothing in turn 1"),
        (released(said=[*SAID[:3], "<think>Hm.</think>", *SAID[4:]]), "the client says nothing in turn 1"),
        (released(said=SAID[:2]), "it has no whole turn"),
        (
            released(
                dialogue=[
                    {"role": who, "message": text}
                    for who, text in zip(
                        ["counselor", "client", "counselor", "client", "client", "counselor", "client"],
                        [*SAID, *SAID],
                        strict=False,
                    )
                ]
            ),
            "in turn 1 counselor and client do not take turns",
        ),
    ],
)
def test_a_released_session_that_is_no_dialogue_is_named(session: dict[str, Any], problem: str, tmp_path: Path) -> None:
    (tmp_path / "session_7.json").write_text(json.dumps(session))
    with pytest.raises(ProfileError, match=rf"session_7.*{problem}"):
        made(tmp_path / "session_7.json", tmp_path / "out")
