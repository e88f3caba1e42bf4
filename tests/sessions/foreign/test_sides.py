"""Who is the client: by names, by labels that go together, by the custom of chats, and where nothing says it not at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions import Session
from counseling_sessions.sessions.foreign import HowToRead, foreign_sessions, shape_named
from counseling_sessions.sessions.foreign.parts import parts_given
from counseling_sessions.settings import read_yaml

CHAT = [
    {"role": "user", "content": "How was your week?"},
    {"role": "assistant", "content": "Long. I gave the dog away."},
    {"role": "user", "content": "What made you do that?"},
    {"role": "assistant", "content": "The flat."},
    {"role": "user", "content": "And how is it without?"},
    {"role": "assistant", "content": "Quiet."},
    {"role": "user", "content": "What do you miss? What would help?"},
    {"role": "user", "content": "Shall we look at that?"},
    {"role": "user", "content": "Or at the mornings?"},
]


def read(folder: Path, value: Any, *, client_is: str | None = None, shape: str | None = None) -> Session | Problem:
    file = folder / "a.json"
    file.write_text(json.dumps(value), encoding="utf-8")
    [item] = foreign_sessions(file, HowToRead(shape_named(shape) if shape else None, client_is))
    return item


def speakers(item: Session | Problem) -> str:
    assert isinstance(item, Session), item
    return "".join("K" if said.speaker == "counselor" else "C" for said in item.dialogue)


def said(*names: str) -> dict[str, Any]:
    return {"dialogue": [{"speaker": name, "text": f"Word {place}."} for place, name in enumerate(names)]}


@pytest.mark.parametrize(
    "names",
    [
        ("Therapist", "Client"),
        ("Supporter", "Help-Seeker"),
        ("listener", "speaker"),
        ("AI Clinician", "Synthetic member"),
        ("心理咨询师", "来访者"),
        ("カウンセラー", "相談者"),
        ("Beraterin", "Klientin"),
        ("Psicóloga", "Paciente"),
        ("Thérapeute", "Patiente"),
        ("T", "C"),
        ("Dr", "Pt"),
        ("assistant", "user"),
        ("gpt", "human"),
        ("Therapist", "Ana"),
        ("Ruth", "patient"),
        ("counselor", "user"),
        ("assistant", "client"),
    ],
)
def test_names_and_labels_say_the_side(names: tuple[str, str], tmp_path: Path) -> None:
    counselor, client = names
    assert speakers(read(tmp_path, said(client, counselor, client))) == "CKC"


def test_a_c_is_the_client_beside_a_t_and_the_counselor_beside_a_p() -> None:
    from counseling_sessions.sessions.foreign.transcripts import labelled

    assert labelled("T: One.\nC: Two.") == [("T", "One."), ("C", "Two.")]


@pytest.mark.parametrize("names", [("A", "B"), ("Ana", "Zoe"), ("C", "X"), ("1", "2")])
def test_where_nothing_says_it_it_is_asked_for(names: tuple[str, str], tmp_path: Path) -> None:
    item = read(tmp_path, said(*names, *names))
    assert isinstance(item, Problem)
    assert "--client-is" in item.message
    assert speakers(read(tmp_path, said(*names, *names), client_is=names[1])) == "KCKC"


def test_a_name_that_nobody_has_is_refused(tmp_path: Path) -> None:
    assert speakers(read(tmp_path, said("A", "B", "D"), client_is="B,D")) == "KCC"
    item = read(tmp_path, said("A", "B"), client_is="assistant")
    assert isinstance(item, Problem)
    assert "nobody has that name; there are a, b" in item.message


def test_a_chats_assistant_is_the_counselor_by_custom_and_it_is_said(tmp_path: Path) -> None:
    item = read(tmp_path, {"messages": CHAT[:2]})
    assert speakers(item) == "CK"
    assert isinstance(item, Session)
    [note] = item.assumed
    assert "the assistant is taken as the counselor" in note
    assert "--client-is assistant" in note


@pytest.mark.parametrize(
    "value",
    [
        CHAT,  # the user asks all the questions
        [{"role": "system", "content": "Play a person who looks for help. The user is a counselor."}, *CHAT[:2]],
        [{"role": "system", "content": "你将扮演来访者。"}, *CHAT[:2]],
    ],
)
def test_a_chat_that_speaks_against_the_custom_is_asked_about(value: Any, tmp_path: Path) -> None:
    item = read(tmp_path, {"messages": value})
    assert isinstance(item, Problem)
    assert "--client-is assistant or --client-is user" in item.message
    assert speakers(read(tmp_path, {"messages": value}, client_is="assistant")).startswith("KC")


def test_a_system_message_of_a_counselor_does_not_speak_against_it(tmp_path: Path) -> None:
    system = {"role": "system", "content": "You are a counselor. The user is seeking help."}
    assert speakers(read(tmp_path, {"messages": [system, *CHAT[:2]]})) == "CK"


MESSAGES = read_yaml(Path(__file__).with_name("system_messages.yaml"))


@pytest.mark.parametrize(
    ("group", "part", "seen", "unseen"),
    [
        ("first", "client", 14, 0),
        ("first", "counselor", 13, 0),
        ("first", "nobody", 0, 9),
        ("second", "client", 9, 3),  # 5 before words were added for it
        ("second", "counselor", 9, 0),
        ("second", "nobody", 0, 5),
        ("third", "client", 9, 3),  # 6 before
        ("third", "counselor", 6, 2),  # 3 before
        ("third", "nobody", 0, 4),
    ],
)
def test_a_system_message_says_in_many_words_whose_part_it_gives_and_is_never_taken_for_the_other(
    group: str, part: str, seen: int, unseen: int
) -> None:
    answers = [parts_given(message) for message in MESSAGES[group][part]]
    assert (answers.count({part}), answers.count(set())) == (seen, unseen)  # type: ignore[arg-type]
    assert len(answers) == seen + unseen


def test_a_system_message_that_gives_both_parts_is_asked_about(tmp_path: Path) -> None:
    system = {"role": "system", "content": "You are a counselor. In the second half you play the client."}
    item = read(tmp_path, {"messages": [system, *CHAT[:2]]})
    assert isinstance(item, Problem)
    assert "the client's part, and the counselor's" in item.message


def about_oneself(client: str, counselor: str) -> list[dict[str, str]]:
    told = ("I lie awake, and I hear my neighbours.", "My mother says I worry.", "I never told her about my debts.")
    asked = ("That is a long night.", "What a word for it.", "So she does not know.")
    pairs = zip(told, asked, strict=True)
    return [
        {"role": role, "content": text} for mine, yours in pairs for role, text in ((client, mine), (counselor, yours))
    ]


def test_an_assistant_that_alone_speaks_of_itself_is_asked_about(tmp_path: Path) -> None:
    item = read(tmp_path, {"messages": about_oneself("assistant", "user")})
    assert isinstance(item, Problem)
    assert "nearly all words about oneself would be the counselor's" in item.message
    assert speakers(read(tmp_path, {"messages": about_oneself("user", "assistant")})) == "CKCKCK"


def test_peers_by_name_may_speak_of_themselves(tmp_path: Path) -> None:
    item = read(tmp_path, {"messages": about_oneself("supporter", "seeker")})
    assert isinstance(item, Session)
    assert not item.assumed


def test_we_in_chinese_is_not_oneself(tmp_path: Path) -> None:
    said = [
        ("user", "晚上睡不着。"),
        ("assistant", "我们慢慢来。我们先看夜里。"),
        ("user", "我怕。"),
        ("assistant", "我们谈谈它，我们不急。"),
    ]
    chat = {"messages": [{"role": role, "content": text} for role, text in said] * 2}
    assert isinstance(read(tmp_path, chat), Session)


def test_named_sides_that_look_swapped_are_read_and_warned_of(tmp_path: Path) -> None:
    names = {"user": "client", "assistant": "counselor"}
    swapped = {"messages": [{"role": names[item["role"]], "content": item["content"]} for item in CHAT]}
    item = read(tmp_path, swapped)
    assert isinstance(item, Session)
    assert len(item.assumed) == 1
    assert "nearly all questions would be the client's" in item.assumed[0]


def test_a_shape_of_ones_own_says_the_sides_and_the_keys(tmp_path: Path) -> None:
    shape = tmp_path / "mine.yaml"
    shape.write_text(
        "has: [rounds]\nmessages: [rounds]\nspeaker: [who_is_it]\ntext: [line]\ncounselor: [Ana]\nclient: [Zoe]\n",
        encoding="utf-8",
    )
    rounds = {"rounds": [{"who_is_it": "Zoe", "line": "Hm."}, {"who_is_it": "Ana", "line": "Yes?"}]}
    assert speakers(read(tmp_path, rounds, shape=str(shape))) == "CK"


@pytest.mark.parametrize(
    "text",
    [
        "Therapist: Hello.\nAnna: Hi.\nMark: Hello.",
        "Therapist: Hello.\nAnna: Hi.\nTherapist: And you?\nMark: Hello.\nAnna: Hm.\nMark: Well\nyes.",
        "Speaker 1: Hello.\nSpeaker 2: Hi.",
    ],
)
def test_a_third_voice_is_asked_about_and_swallowed_by_nobody(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text)
    [item] = foreign_sessions(tmp_path / "a.txt")
    assert isinstance(item, Problem)
    assert "nothing says who is the client of" in item.message


def test_who_is_no_side_is_left_out_by_a_shape(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("counselor: [Dr. Ana]\nclient: [Zoe, Mark]\naside: [Observer]\n")
    (tmp_path / "a.txt").write_text("Dr. Ana: Hello.\nZoe: Hi.\nObserver: Late.\nMark: Hm.")
    [item] = foreign_sessions(tmp_path / "a.txt", HowToRead(shape_named(str(tmp_path / "mine.yaml"))))
    assert speakers(item) == "KCC"
    assert isinstance(item, Session)
    assert item.passed_over == {"observer message": 1}


def test_two_clients_by_number_are_clients(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Client 1: Hi.\nTherapist: Hello.\nClient 2: Hm.")
    [item] = foreign_sessions(tmp_path / "a.txt")
    assert speakers(item) == "CKC"
