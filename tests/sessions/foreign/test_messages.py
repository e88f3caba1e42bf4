"""The forms in which files have their messages: objects, pairs, labelled lines, columns, cells of JSON, rows."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions import Session
from counseling_sessions.sessions.foreign import Aside, HowToRead, foreign_sessions, shape_named
from counseling_sessions.sessions.foreign.transcripts import labelled

SAID = [("client", "I count stairs."), ("counselor", "All of them?")]


def read(folder: Path, value: Any, name: str = "a.json") -> list[Session | Problem]:
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return list(foreign_sessions(folder / name))


@pytest.mark.parametrize(
    "value",
    [
        {"turns": [{"Speaker": "client", "Utterance": "I count stairs."}, {"Speaker": "counselor", "Utterance": "All of them?"}]},
        {"Chat History": [{"from": "human", "value": "I count stairs."}, {"from": "gpt", "value": "All of them?"}]},
        {"conversation": [{"system": "You are a counselor.", "input": "I count stairs.", "output": "All of them?"}]},
        {"conversations": {"from": ["human", "gpt"], "value": ["I count stairs.", "All of them?"]}},
        {"dialog": json.dumps([{"role": "client", "text": "I count stairs."}, {"role": "counselor", "text": "All of them?"}])},
        {"history": [], "query": "I count stairs.", "response": "All of them?"},
        {"instruction": "I count stairs.", "input": "", "output": "All of them?"},
        {"history": [["I count stairs.", "All of them?"]]},
        {"dialogue": ["Seeker: I count stairs.", "Supporter: All of them?"]},
        {"text": "Patient: I count stairs.\nDoctor: All of them?"},
        {"对话": [{"角色": "来访者", "内容": "I count stairs."}, {"角色": "咨询师", "内容": "All of them?"}]},
        [{"role": "client", "content": "I count stairs."}, {"role": "counselor", "content": "All of them?"}],
        ["来访者：I count stairs.", "咨询师：All of them?"],
        {"client": {"id": 4}, "sessions": [{"dialogue": [{"patient": "I count stairs.", "therapist": "All of them?"}]}]},
        {"messages": [{"role": "user", "content": "I count stairs.", "type": "text"}, {"role": "assistant", "content": "All of them?", "type": "text"}]},
    ],
)  # fmt: skip
def test_every_form_is_read_alike(value: Any, tmp_path: Path) -> None:
    [session] = read(tmp_path, value)
    assert isinstance(session, Session), session
    assert [(said.speaker, said.text) for said in session.dialogue] == SAID


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("T: Two things: the driver, and the stop-\nC: -the stop: dark.", [("T", "Two things: the driver, and the stop-"), ("C", "-the stop: dark.")]),
        ("Session of May\n\n**Therapist:** Hello.\n**Client**: Hm.\n\nNote: I came late.", [("Therapist", "Hello."), ("Client", "Hm.\n\nNote: I came late.")]),
        ("[00:01:02] Counselor 1: Hello.\n[00:01:09] Client: Hm.", [("Counselor 1", "Hello."), ("Client", "Hm.")]),
        ("**Turn 1\n<span style=\"x\">AI Clinician</span>:**\n Hello.\n\n---\n**Turn 1\n<span>Member</span>:**\n Hm.", [("AI Clinician", "Hello.\n\n---"), ("Member", "Hm.")]),
        ("Ana: Hello.\nZoe: Hm.\nAna: Yes?\nZoe: No.", [("Ana", "Hello."), ("Zoe", "Hm."), ("Ana", "Yes?"), ("Zoe", "No.")]),
        ("Interviewer: Why?\nP: It broke.\nInterviewer: And?\nP: Nothing.\nNote: late.", [("Interviewer", "Why?"), ("P", "It broke."), ("Interviewer", "And?"), ("P", "Nothing."), ("Note", "late.")]),
        ("T: Hello.\\nC: Hm.", [("T", "Hello."), ("C", "Hm.")]),
        ("Dear all: this is a letter.\nIt has no labels.", []),
        ("Therapist: Hello.\nAnna: Hi.\nMark: Hello.", [("Therapist", "Hello."), ("Anna", "Hi."), ("Mark", "Hello.")]),
        ("Dr. Miller: Hello.\nAnna Schmidt: Hi.", [("Dr. Miller", "Hello."), ("Anna Schmidt", "Hi.")]),
        ("Frau K.: Hm.\nTherapeut*in: Ja?", [("Frau K.", "Hm."), ("Therapeut*in", "Ja?")]),
        ("SPEAKER_00: A.\nSPEAKER_01: B.", [("SPEAKER 00", "A."), ("SPEAKER 01", "B.")]),
        ("WEBVTT\n\n1\n00:01.0 --> 00:02.0\n<v Therapist>How long?\n\n2\n00:03.0 --> 00:04.0\n<v Client>Weeks.", [("Therapist", "How long?"), ("Client", "Weeks.")]),
        ("No label at all", []),
    ],
)  # fmt: skip
def test_labelled_texts(text: str, said: list[tuple[str, str]]) -> None:
    assert labelled(text) == said


def test_codes_of_several_annotators_stand_beside_each_other(tmp_path: Path) -> None:
    row = {"transcript_id": 3, "utterance_id": 0, "interlocutor": "therapist", "utterance_text": "And then?"}
    rows = [
        row | {"annotator_id": who, "main_therapist_behaviour": code} for who, code in ((1, "question"), (2, "other"))
    ]
    last = row | {"utterance_id": 1, "interlocutor": "client", "annotator_id": 1, "client_talk_type": "neutral"}
    [session] = read(tmp_path, "\n".join(json.dumps(item) for item in (*rows, last)), "full.jsonl")
    assert isinstance(session, Session)
    assert [said.codes for said in session.dialogue] == [
        {"main_therapist_behaviour": ("question", "other")},
        {"client_talk_type": ("neutral",)},
    ]
    assert session.passed_over == {"row of a further annotator": 1}


def test_rows_without_a_session_are_one_under_the_files_name(tmp_path: Path) -> None:
    [session] = read(tmp_path, "ID,Type,Utterance\n1,T,Hello\n2,P,Hi\n", "visit 3.csv")
    assert isinstance(session, Session)
    assert (session.id, [(said.speaker, said.text) for said in session.dialogue]) == (
        "visit 3",
        [("counselor", "Hello"), ("client", "Hi")],
    )


def test_a_letter_is_no_session(tmp_path: Path) -> None:
    [problem] = read(tmp_path, "Dear Ana,\nnothing new.", "letter.txt")
    assert isinstance(problem, Problem)
    assert problem.message == "no line begins with the label of a speaker"


def test_two_sessions_of_one_id_keep_apart(tmp_path: Path) -> None:
    record = json.dumps({"id": "a", "dialogue": [{"role": "client", "content": "Hm."}]})
    assert [item.id for item in read(tmp_path, f"{record}\n{record}", "a.jsonl") if isinstance(item, Session)] == [
        "a",
        "a-2",
    ]


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        ({"dialogue": [{"role": "client", "content": "Hm."}, 7]}, "dialogue.1", "should be an object with a speaker and a text"),
        ({"dialogue": [{"role": "client", "content": "Hm."}, {"role": "client", "content": {}}]}, "dialogue.1.content", "should be text"),
        ({"dialogue": [{"role": "client", "content": "Hm."}, {"role": None, "content": "Hm."}]}, "dialogue.1.role", "name of a speaker"),
        ({"name": "Ana"}, "dialogue", "is missing: no messages under any usual name; the fields are name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_field(value: Any, field: str, message: str, tmp_path: Path) -> None:
    [problem] = read(tmp_path, value)
    assert isinstance(problem, Problem)
    assert (problem.field, message in problem.message) == (field, True), problem


@pytest.mark.parametrize(
    "sign", ["*", "_", " ", "\t", "a", "a ", "1", "(", "[", "<a ", "1:", ":", "：", "- ", "a(", "*a", "Turn 1 "]
)
def test_a_line_of_whatever_sign_is_read_in_linear_time(sign: str) -> None:
    begun = time.process_time()
    labelled("T: x\n" + sign * (300_000 // len(sign)) + "\n" + "x" + sign * (300_000 // len(sign)) + ":\nC: y")
    assert time.process_time() - begun < 5


def test_rows_of_two_clients_are_two_sessions_and_sessions_of_a_client_are_its(tmp_path: Path) -> None:
    rows = ["client_id,session,speaker,text", "P1,1,client,a", "P1,1,therapist,b", "P1,2,client,c", "P2,1,client,d"]
    sessions = read(tmp_path, "\n".join(rows), "a.csv")
    assert [(item.id, item.client_id, len(item.dialogue)) for item in sessions if isinstance(item, Session)] == [
        ("P1-1", "P1", 2),
        ("P1-2", "P1", 1),
        ("P2-1", "P2", 1),
    ]


def test_rows_without_a_session_say_that_they_were_taken_as_one(tmp_path: Path) -> None:
    [session] = read(tmp_path, "number,speaker,text\n1,client,a\n2,therapist,b\n", "a.csv")
    assert isinstance(session, Session)
    assert "all rows of the file are one" in session.assumed[0]


def test_a_shape_sorts_rows_and_names_their_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("s,when,speaker,xyz\n1,10,client,c\n1,9,therapist,b\n1,2,client,a\n")
    (tmp_path / "mine.yaml").write_text("group: s\norder: when\ntext: [xyz]\n")
    [session] = foreign_sessions(tmp_path / "a.csv", HowToRead(shape_named(str(tmp_path / "mine.yaml"))))
    assert isinstance(session, Session)
    assert [said.text for said in session.dialogue] == ["a", "b", "c"]


def test_lines_before_the_first_speaker_are_counted(tmp_path: Path) -> None:
    [session] = read(tmp_path, "Transcribed by Ana\n\nT: Hello.\nC: Hm.\n", "a.txt")
    assert isinstance(session, Session)
    assert session.passed_over == {"line before the first speaker": 1}


def test_a_note_beside_transcripts_is_no_lost_record(tmp_path: Path) -> None:
    (tmp_path / "NOTE.txt").write_text("Where these come from.")
    (tmp_path / "b.txt").write_text("T: Hello.\nC: Hm.")
    aside, session = foreign_sessions(tmp_path)
    assert isinstance(aside, Aside)
    assert isinstance(session, Session)
