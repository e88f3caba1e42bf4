"""Foreign sessions: both shapes of MAGneT's files, CACTUS dialogues, our own records, and files that are none of these."""

import json
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.generation.exports import export
from counseling_sessions.profiles.problems import Problem, ProfileError
from counseling_sessions.sessions import Session, read_sessions
from tests.generation.exports.sessions import session, stream
from tests.reference import RELEASED, needs_reference

FORM = """Name:
Ines Almeida
Age:
31
Gender:
female
Occupation: Tram driver
Marital Status: Single

2. Presenting Problem
I count every stair, and go back when I lose count.

3. Reason for Seeking Counseling
I was late for three shifts in a row.
"""
SAID = [
    {"role": "counselor", "message": "Good day, Ines. Where shall we begin?"},
    {"role": "client", "message": "With the stairs."},
    {"role": "counselor", "message": "What happens when you lose count?"},
    {"role": "client", "message": "Client:"},
    {"role": "counselor", "message": ""},
    {"role": "client", "message": "I go back down."},
]


def released(**changes: Any) -> dict[str, Any]:
    first = "Counselor: Good day, Ines. Where shall we begin?\nClient: With the stairs."
    about = {
        "client_information": "Name: Ines Almeida",
        "reason_counseling": "I was late.",
        "dialogue_history_init": first,
    }
    data = {
        "AI_client": {"intake_form": FORM, "attitude": "negative", "dialogue_history": None},
        "AI_counselor": {"CBT": about, "Response": {"cbt_plan": None}},
        "cbt_technique": "I would choose the Reality Testing technique.",
        "cbt_plan": "\n**Session 1:** count on purpose",
        "dialogue": SAID,
    }
    return {name: value for name, value in (data | changes).items() if value is not ...}


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def read(path: Path) -> Session:
    [session] = read_sessions(path)
    assert isinstance(session, Session), session
    return session


def shapes() -> dict[str, Any]:
    as_history = released(dialogue=..., history=SAID)
    inner = released(dialogue=...)
    return {
        "dialogue": released(),
        "history": as_history,
        "nested dialogue": {"example": released()},
        "nested history": {"example": as_history},
        "history beside the example": {"example": inner, "history": SAID},
        "empty history in the example": {"example": inner | {"history": None}, "dialogue": SAID},
    }


@pytest.mark.parametrize("shape", shapes())
def test_every_shape_is_read_alike(shape: str, tmp_path: Path) -> None:
    session = read(write(tmp_path / "session_7.json", shapes()[shape]))
    assert session.id == "session_7"
    assert [(m.speaker, m.text) for m in session.dialogue] == [(m["role"], m["message"]) for m in SAID]
    assert [m.turn for m in session.dialogue] == [0, 0, 1, 1, 2, 2]
    assert session.attitude == "negative"
    assert session.cbt_technique == "I would choose the Reality Testing technique."
    assert session.cbt_plan == "**Session 1:** count on purpose"
    assert session.profile
    assert session.profile.demographics.name == "Ines Almeida"
    assert session.profile.opening


def test_the_wording_of_a_greeting_does_not_decide_how_many_turns_there_are(tmp_path: Path) -> None:
    greeted = [{"role": "counselor", "message": "Good to see you, Ines. What brings you in?"}, *SAID[1:]]
    first, second = (
        read(write(tmp_path / f"{name}.json", released(dialogue=said))) for name, said in (("a", SAID), ("b", greeted))
    )
    assert first.dialogue[0].text != second.dialogue[0].text
    assert first.turns == second.turns == 2


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 2):
        write(tmp_path / f"session_{number}.json", released())
    ids = [item.id for item in read_sessions(tmp_path) if isinstance(item, Session)]
    assert ids == ["session_2", "session_9", "session_10"]


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        (
            released(dialogue=...),
            "dialogue",
            "no messages under dialogue, history; the fields are AI_client",
        ),
        (released(dialogue=[]), "dialogue", "holds no message"),
        (released(dialogue=7), "dialogue", "should be a list of messages"),
        (released(dialogue=[*SAID, "bye"]), "dialogue.6", "without the label of a speaker"),
        (
            released(dialogue=[{"role": "Zoe", "message": "Hi."}, {"role": "Ana", "message": "Hi."}]),
            "dialogue",
            "nothing says who is the client of 'zoe' and 'ana'; name it with --client-is",
        ),
        (released(dialogue=[*SAID, {"role": "client"}]), "dialogue.6.message", "is missing"),
        (released(dialogue=..., history="no labels"), "history", "no line begins with the label"),
        (3, "", "holds int"),
        ([3], "", "should be a list of messages or a text of labelled lines"),
        ({"session_id": "x", "profile_id": "y", "turns": []}, "", "not a session record"),
    ],
)
def test_a_bad_file_is_named_and_the_rest_is_read(value: Any, field: str, message: str, tmp_path: Path) -> None:
    write(tmp_path / "session_1.json", released())
    bad = write(tmp_path / "session_2.json", value)
    (tmp_path / "session_3.json").write_text('{"AI_client": ')
    write(tmp_path / "session_4.json", released())
    first, problem, broken, last = read_sessions(tmp_path)
    assert isinstance(first, Session)
    assert isinstance(last, Session)
    assert isinstance(problem, Problem)
    assert isinstance(broken, Problem)
    assert (problem.file, problem.field) == (str(bad), field)
    assert message in problem.message
    assert "broken JSON" in broken.message


def test_a_form_that_cannot_be_read_costs_the_profile_only(tmp_path: Path) -> None:
    session = read(write(tmp_path / "a.json", released(AI_client={"intake_form": "", "attitude": "Neutral"})))
    assert session.profile is None
    assert session.profile_problem
    assert "AI_client.intake_form" in session.profile_problem
    assert session.attitude == "neutral"
    assert [m.turn for m in session.dialogue] == [1, 1, 2, 2, 3, 3]


def test_a_cactus_dialogue_is_read(tmp_path: Path) -> None:
    said = "Counselor: Good day, Ines.\nClient: Hello. My note says:\nlate again.\nCounselor: Late for what?"
    value = {"intake_form": FORM, "attitude": "positive", "cbt_technique": "Reality Testing", "dialogue": said}
    session = read(write(tmp_path / "cactus.json", [value]))
    assert [m.text for m in session.dialogue] == [
        "Good day, Ines.",
        "Hello. My note says:\nlate again.",
        "Late for what?",
    ]
    assert session.profile
    assert (session.profile.demographics.age, session.attitude, session.cbt_technique) == (
        31,
        "positive",
        "Reality Testing",
    )


def test_our_own_records_are_read(tmp_path: Path) -> None:
    record = session()
    export(stream(record, session("single")), "jsonl", tmp_path)
    (tmp_path / "train.jsonl").open("a").write("{\n")
    first, second, problem = read_sessions(tmp_path / "train.jsonl")
    assert isinstance(first, Session)
    assert isinstance(second, Session)
    assert (first.id, first.method, second.method) == (record.session_id, "magnet", "single")
    assert [(m.turn, m.text) for m in first.dialogue] == [(u.turn, u.text) for u in record.dialogue]
    assert first.profile == record.profile
    assert isinstance(problem, Problem)
    assert problem.record == 3


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="nothing to read here; looked for"):
        list(read_sessions(tmp_path))
    with pytest.raises(ProfileError, match="there is no file or folder"):
        list(read_sessions(tmp_path / "gone"))


@needs_reference
def test_the_released_sessions_are_all_read() -> None:
    items = list(read_sessions(RELEASED))
    assert len(items) == 60
    for item in items:
        assert isinstance(item, Session), item
        assert item.profile, item.profile_problem
        assert len(item.dialogue) == 42
        assert item.dialogue[-1].turn == 20
