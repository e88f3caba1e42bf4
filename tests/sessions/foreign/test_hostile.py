"""Files that were made to break a reader: nothing is lost silently, and nothing is raised."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.profiles.documents import files_in, records_of
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions import Session
from counseling_sessions.sessions.foreign import HowToRead, foreign_sessions, shape_named

SAID = [{"role": "therapist", "content": "Hello."}, {"role": "client", "content": "Hm."}]
DEEP = "[" * 100_000


def read(folder: Path, *values: Any, how: HowToRead | None = None) -> list[Session | Problem]:
    file = folder / "a.jsonl"
    file.write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    return list(foreign_sessions(file, how or HowToRead()))


@pytest.mark.parametrize(
    "value",
    [
        {"dialogue": DEEP},
        {
            "session_id": "x",
            "messages": [],
            "profile_json": "{}",
            "configuration_json": DEEP,
            "configuration_hash": "x",
        },
        {"query": ["a"], "response": ["b"], "history": [["c", "d"]]},
        {"transcript_id": [1], "interlocutor": "client", "utterance_text": "Hm."},
        {"dialogue": [{"role": True, "content": "Hm."}]},
        {"dialogue": [[[1]]]},
    ],
)
def test_an_odd_record_is_a_problem_or_a_session_and_raises_nothing(value: Any, tmp_path: Path) -> None:
    assert len(read(tmp_path, value, {"dialogue": SAID})) == 2


def test_half_a_pair_is_read_and_what_is_none_is_counted(tmp_path: Path) -> None:
    pairs = [{"doctor": "a", "patient": "b"}, {"doctor": "bye"}, {"foo": "lost"}]
    [session] = read(tmp_path, {"conversation": pairs})
    assert isinstance(session, Session)
    assert [said.text for said in session.dialogue] == ["a", "b", "bye"]
    assert session.passed_over == {"object without a side": 1}


def test_numbers_with_a_point_name_sessions_too(tmp_path: Path) -> None:
    rows = [{"dialogue_id": float(number), "speaker": "client", "text": "x"} for number in (1, 2, 3)]
    assert [item.id for item in read(tmp_path, *rows) if isinstance(item, Session)] == ["1", "2", "3"]


def test_a_shape_that_calls_one_both_sides_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("counselor: [x]\nclient: [X]\n")
    [problem] = read(tmp_path, {"dialogue": SAID}, how=HowToRead(shape_named(str(tmp_path / "mine.yaml"))))
    assert isinstance(problem, Problem)
    assert "both counselor and client" in problem.message


def test_names_and_ids_are_one_line_and_bounded(tmp_path: Path) -> None:
    name = "client\nFAKE read 9 sessions" + "x" * 10_000
    [session] = read(tmp_path, {"id": name, "dialogue": [SAID[0], {"role": name, "content": "Hm."}]})
    assert isinstance(session, Session)
    for text in (session.id, *session.speakers):
        assert "\n" not in text
        assert len(text) <= 200


def test_ten_thousand_equal_ids_are_told_apart(tmp_path: Path) -> None:
    sessions = read(tmp_path, *[{"id": "a", "dialogue": SAID}] * 3, {"id": "a-2", "dialogue": SAID})
    assert [item.id for item in sessions if isinstance(item, Session)] == ["a", "a-2", "a-3", "a-2-2"]


@pytest.mark.parametrize(("encoding", "text"), [("utf-16", b"Therapist: Hello."), ("utf-7", b"Therapist: +2AA-")])
def test_a_wrong_encoding_is_a_problem(encoding: str, text: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(text)
    assert len(list(foreign_sessions(tmp_path / "a.txt", HowToRead(encoding=encoding)))) == 1


def test_a_name_of_a_thousand_digits_is_sorted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("9" * 5000 + ".json", json.dumps({"dialogue": SAID}))
    [place] = files_in(tmp_path / "a.zip")
    assert len(list(records_of(place))) == 1
