"""Every export of ours is read back to the same sessions, as far as its format has them."""

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counseling_sessions.generation.exports import export
from counseling_sessions.generation.formats import FormatName
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.sessions.foreign import Aside
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import session_of
from tests.generation.exports.sessions import client, of, session, stream

SESSIONS = ("jsonl", "parquet", "magnet", "openai-chat", "sharegpt")
EXAMPLES = ("specialists", "preference")
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(
    str.strip
)


def read(folder: Path) -> list[Session]:
    items = list(read_sessions(folder))
    assert not [item for item in items if isinstance(item, Problem) and not isinstance(item, Aside)]
    return [item for item in items if isinstance(item, Session)]


def said(session: Session) -> list[tuple[int, str, str]]:
    return [(message.turn, message.speaker, message.text) for message in session.dialogue]


def with_texts(record: SessionRecord, texts: list[str]) -> SessionRecord:
    """The record with other words in its turns."""
    turns = [
        turn.model_copy(
            update={
                side: utterance.model_copy(update={"text": texts[(2 * place + number) % len(texts)].strip()})
                for number, side in enumerate(("counselor", "client"))
                if (utterance := getattr(turn, side))
            }
        )
        for place, turn in enumerate(record.turns)
    ]
    return record.model_copy(update={"turns": tuple(turns)})


def test_every_format_is_among_those_tested() -> None:
    assert {*SESSIONS, *EXAMPLES} == set(get_args(FormatName))


@pytest.mark.parametrize("format", SESSIONS)
def test_texts_speakers_and_turns_come_back(format: Any, tmp_path: Path) -> None:
    records = [of(client(number), session(method)) for number, method in enumerate(("magnet", "single", "magnet"))]
    export(stream(*records), format, tmp_path)
    assert sorted(map(said, read(tmp_path))) == sorted(said(session_of(record, "")) for record in records)


@pytest.mark.parametrize("format", SESSIONS)
@settings(max_examples=15, deadline=None)
@given(texts=st.lists(WORDS, min_size=1, max_size=4))
def test_whatever_is_said_comes_back(format: Any, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    record = with_texts(session(), texts)
    folder = tmp_path_factory.mktemp("export")
    export(stream(record), format, folder)
    [back] = read(folder)
    assert said(back) == said(session_of(record, ""))


def test_a_row_of_parquet_is_the_session_of_its_record_but_for_its_prompts(tmp_path: Path) -> None:
    record = session()
    export(stream(record), "parquet", tmp_path)
    [back] = read(tmp_path)
    apart = {"source", "prompts", "cut_prompts"}
    assert back.model_dump(exclude=apart) == session_of(record, "").model_dump(exclude=apart)
    assert back.key.client == session_of(record, "").key.client


@pytest.mark.parametrize("format", ["jsonl", "parquet", "sharegpt", "magnet"])
def test_ids_come_back(format: Any, tmp_path: Path) -> None:
    records = [of(client(number)) for number in range(3)]
    export(stream(*records), format, tmp_path)
    assert {session.id for session in read(tmp_path)} == {record.session_id for record in records}


@pytest.mark.parametrize("format", EXAMPLES)
def test_examples_are_no_sessions_and_it_is_said(format: Any, tmp_path: Path) -> None:
    export(stream(session()), format, tmp_path)
    items = list(read_sessions(tmp_path))
    assert items
    assert all(isinstance(item, Aside) and "no session" in item.message for item in items)
