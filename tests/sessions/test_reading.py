"""Sessions wherever they lie: run directories, folders of single sessions, chat formats, damaged files."""

import json
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import named_technique, session_of
from counseling_sessions.sessions.writing import ShardWriter, keep
from counseling_sessions.state import Failure
from tests.generation.exports.sessions import session

CHATS: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You are a counselor."},
        {"role": "user", "content": "I keep putting it off."},
        {"role": "assistant", "content": "What gets in the way?"},
    ],
    "conversations": [
        {"from": "human", "value": "I keep putting it off."},
        {"from": "gpt", "value": "What gets in the way?"},
    ],
}


def failed(record: SessionRecord) -> SessionRecord:
    failure = Failure(stage="client", kind="timeout", message="did not answer")
    return record.model_copy(
        update={"session_id": "other", "status": "failed", "failure": failure, "finished_at": "2026-01-01"}
    )


def read(path: Path, **options: bool) -> list[Session]:
    items = list(read_sessions(path, **options))
    assert all(isinstance(item, Session) for item in items), items
    return [item for item in items if isinstance(item, Session)]


def test_a_run_directory_gives_each_finished_session_once(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "w0", shard_bytes=1)  # a shard for each record, packed at once
    record = session()
    again = failed(record).model_copy(update={"session_id": record.session_id})
    for one in (again, record, failed(record)):
        writer.keep(one)
    assert [item.id for item in read(tmp_path)] == [record.session_id]
    assert {item.id: item.failed for item in read(tmp_path, failed=True)} == {record.session_id: False, "other": True}


def test_a_folder_of_single_sessions_is_read(tmp_path: Path) -> None:
    keep(session(), tmp_path)
    keep(failed(session()), tmp_path)
    assert [item.method for item in read(tmp_path)] == ["magnet"]
    assert len(read(tmp_path, failed=True)) == 2


def test_a_session_tells_what_led_to_each_message() -> None:
    record = session()
    item = session_of(record, "here")
    assert [message.text for message in item.dialogue] == [said.text for said in record.dialogue]
    picked = {turn.turn: turn.pick for turn in record.turns}
    for message in item.dialogue:
        pick = picked.get(message.turn) if message.speaker == "counselor" and message.turn else None
        assert message.techniques == (pick.techniques if pick else ())
        assert message.step == (pick.step if pick else None)
    assert item.dialogue[-1].closing
    assert item.turns == len(record.turns)
    assert (item.seed, item.end_reason) == (record.configuration["seed"], record.end_reason)


@pytest.mark.parametrize("field", list(CHATS))
def test_chat_formats_are_read(field: str, tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps({field: CHATS[field]}) + "\n" + json.dumps({field: [{"role": "narrator"}]}))
    first, problem = read_sessions(path)
    assert isinstance(first, Session)
    assert [(message.speaker, message.text) for message in first.dialogue] == [
        ("client", "I keep putting it off."),
        ("counselor", "What gets in the way?"),
    ]
    assert isinstance(problem, Problem)
    assert problem.record == 2


def test_sessions_of_one_client_are_known_as_such() -> None:
    one = session_of(session(), "here")
    assert one.profile
    other = one.model_copy(update={"profile": one.profile.model_copy(update={"id": "another", "attitude": "negative"})})
    assert one.client == other.client
    assert one.model_copy(update={"profile": None}).client == f"session {one.id} of here"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I would choose the Reality Testing technique.", "reality testing"),
        ("**Pros and Cons Analysis**", "pros and cons analysis"),
        ("reality testing, or perhaps decatastrophizing", None),
        ("something else", None),
        (None, None),
    ],
)
def test_a_technique_is_read_from_a_text_that_names_one(text: str | None, name: str | None) -> None:
    assert named_technique(text) == name


def test_a_session_with_a_person_in_it_is_of_no_method() -> None:
    record = session()
    turn = record.turns[0]
    assert turn.counselor
    typed = turn.model_copy(update={"counselor": turn.counselor.model_copy(update={"author": "human"})})
    practised = record.model_copy(update={"turns": (typed, *record.turns[1:])})
    assert session_of(practised, "here").method == "person as counselor"
