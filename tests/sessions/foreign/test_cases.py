"""Small invented files in the shapes of public data sets, and the right reading of each."""

import json
from collections import Counter
from pathlib import Path

import pytest

from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions import Session
from counseling_sessions.sessions.foreign import Aside, foreign_sessions

FILES = Path(__file__).with_name("files")
EXPECTED = json.loads(Path(__file__).with_name("expected.json").read_text(encoding="utf-8"))


def sessions_in(name: str) -> list[Session]:
    items = list(foreign_sessions(FILES / name))
    assert not [item for item in items if isinstance(item, Problem)]
    return [item for item in items if isinstance(item, Session)]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_message_is_read_as_its_speakers(name: str) -> None:
    read = [[[said.speaker, said.text] for said in session.dialogue] for session in sessions_in(name)]
    assert read == EXPECTED[name]


def test_every_file_is_among_the_cases() -> None:
    assert {file.name for file in FILES.iterdir()} == {*EXPECTED, "mdd5k-label.json"}


def test_labels_beside_conversations_are_no_session_and_no_error() -> None:
    [aside] = foreign_sessions(FILES / "mdd5k-label.json")
    assert isinstance(aside, Aside)
    assert "no session" in aside.message


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("esconv.json", {"emotion_type": "anxiety", "survey_score/seeker/empathy": "3", "problem_type": "job crisis"}),
        ("annomi-simple.csv", {"topic": "walking more", "mi_quality": "high"}),
        ("kokorochat.json", {"topic/main_en": "Work", "review_by_client_en/score": 71}),
        ("psycheval.json", {"theoretical": "cbt", "client_info/static_traits/name": "林远", "session_number": 1}),
        ("eeyore.json", {"profile/age": "40", "source": "invented"}),
        ("own-openai-chat.jsonl", {"briefing/Name": "Ruth Okafor", "briefing/Age": "43"}),
        ("own.parquet", {"attitude": "negative", "method": "single"}),
    ],
)
def test_what_a_file_says_of_a_session_is_kept(name: str, fields: dict[str, object]) -> None:
    metadata = sessions_in(name)[0].metadata
    assert {key: metadata.get(key) for key in fields} == fields


def test_what_says_nothing_is_no_field() -> None:
    assert "review_by_client_en/unwilling_to_continue" not in sessions_in("kokorochat.json")[0].metadata
    assert "profile/name" not in sessions_in("eeyore.json")[0].metadata
    counselor, client = sessions_in("annomi-simple.csv")[0].dialogue
    assert counselor.codes == {"timestamp": ("00:00:04",), "main_therapist_behaviour": ("question",)}
    assert client.codes == {"timestamp": ("00:00:09",), "client_talk_type": ("change",)}


def test_codes_of_messages_are_kept() -> None:
    first, second = sessions_in("esconv.json")
    assert first.dialogue[2].codes == {"annotation/strategy": ("Question",)}
    assert second.dialogue[1].codes == {"annotation/feedback": ("2",)}


def test_sessions_of_one_client_are_known_as_its() -> None:
    for name, client in (("psycheval.json", "41"), ("mdd5k.json", "mdd5k")):
        first, second = sessions_in(name)
        assert first.client_id == second.client_id == client
        assert first.client == second.client
        assert first.id != second.id


def test_what_is_no_speech_is_counted() -> None:
    passed_over = Counter[str]()
    for session in sessions_in("openai-parts.jsonl"):
        passed_over.update(session.passed_over)
    assert passed_over == {"system message": 1, "tool message": 1, "message without text": 1, "part: image_url": 1}
    assert sessions_in("psycheval.json")[0].passed_over == {"reasoning before a message": 1}
    for name in ("own-openai-chat.jsonl", "own-sharegpt.jsonl"):
        [session] = sessions_in(name)
        assert session.passed_over == {"system message": 1, "briefing of the counselor": 1}
        assert [said.turn for said in session.dialogue] == [0, 0, 1]


def test_ids_are_those_of_the_file() -> None:
    assert sessions_in("own-sharegpt.jsonl")[0].id == "1f2fb791-161d-5a0c-917c-48cac22902c1"
    assert sessions_in("own.parquet")[0].id == "ruth-1"
    assert [session.id for session in sessions_in("annomi-simple.csv")] == ["7", "9"]
    assert [session.id for session in sessions_in("psycheval.json")] == ["psycheval-1", "psycheval-2"]


def test_a_turn_begins_with_a_counselors_message_after_a_clients() -> None:
    [session] = sessions_in("kokorochat.json")
    assert [said.turn for said in session.dialogue] == [1, 1, 2]
    assert session.turns == 2
