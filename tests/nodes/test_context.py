"""The prompts of both sides: the dialogue as messages in turns, and the beginning that a turn's calls share."""

import itertools

import pytest
from langchain_core.messages import BaseMessage

from counseling_sessions.nodes.context import ask_again, client_messages, counselor_messages, technique_task
from counseling_sessions.profiles.schema import counselor_information, counselor_reason
from counseling_sessions.state import ClientView, CounselorView, Finding, Utterance
from tests.scripted import config, profile

ADA = profile()
SAID = tuple(
    Utterance(turn=index // 2, speaker="client" if index % 2 else "counselor", text=f"Sentence {index}.")
    for index in range(6)
)


def counselor_view(said: tuple[Utterance, ...] = SAID) -> CounselorView:
    return CounselorView(
        utterances=said, client_information=counselor_information(ADA), reason_for_counseling=counselor_reason(ADA)
    )


def sides(messages: list[BaseMessage]) -> list[tuple[str, str]]:
    return [(message.type, message.text) for message in messages[1:]]


def test_the_counselor_reads_the_client_as_the_other_and_the_task_as_a_note() -> None:
    messages = sides(counselor_messages(counselor_view(), config(), "Draft it."))
    assert messages[0][0] == "human"
    assert messages[0][1].startswith("What the client has filled in on the first page")
    assert messages[1:] == [
        ("ai", "Sentence 0."),
        ("human", "Sentence 1."),
        ("ai", "Sentence 2."),
        ("human", "Sentence 3."),
        ("ai", "Sentence 4."),
        ("human", "Sentence 5.\n\n(Draft it.)"),
    ]


def test_the_client_reads_the_counselor_as_the_other() -> None:
    view = ClientView(profile=ADA, attitude="neutral", utterances=SAID[:3])
    assert sides(client_messages(view, config(), "")) == [
        ("human", "Sentence 0."),
        ("ai", "Sentence 1."),
        ("human", "Sentence 2."),
    ]
    assert sides(client_messages(view, config(), "Time is up."))[-1] == ("human", "Sentence 2.\n\n(Time is up.)")


def test_without_a_word_said_there_is_one_message_of_what_is_known() -> None:
    [(kind, text)] = sides(counselor_messages(counselor_view(()), config(), "Begin."))
    assert kind == "human"
    assert text.endswith("The client has just come in.\n\n(Begin.)")


@pytest.mark.parametrize("said", [SAID[:1], SAID[:2], SAID[1:], SAID[:2] + SAID[1:2]])
def test_messages_alternate_and_end_with_the_others(said: tuple[Utterance, ...]) -> None:
    kinds = [kind for kind, _ in sides(counselor_messages(counselor_view(said), config(), "Go on."))]
    assert kinds[0] == kinds[-1] == "human"
    assert all(one != other for one, other in itertools.pairwise(kinds))


def test_a_turns_calls_differ_in_the_note_alone_and_a_later_turn_keeps_the_beginning() -> None:
    def flat(said: tuple[Utterance, ...], task: str) -> str:
        return "\n".join(m.text for m in counselor_messages(counselor_view(said), config(), task))

    one, other = flat(SAID, technique_task("reflection")), flat(SAID, technique_task("solutions"))
    shared = one.split("(Draft")[0]
    assert other.startswith(shared)
    assert shared.startswith(flat(SAID[:4], "")[:-1])


def test_the_separate_layout_has_its_instruction_first_and_the_dialogue_in_one_message() -> None:
    system, dialogue = counselor_messages(counselor_view(), config(prompt_layout="separate"), "Draft it.")
    assert system.text.startswith("Draft it.\n\n")
    assert "Counselor: Sentence 4.\nClient: Sentence 5." in dialogue.text


def test_what_was_refused_is_said_in_a_note_after_the_last_words() -> None:
    messages = counselor_messages(counselor_view(), config(), "Draft it.")
    again = ask_again(messages, [Finding(kind="empty", detail="...")])
    assert again[:-1] == messages[:-1]
    assert again[-1].text.startswith(f"{messages[-1].text}\n\n(Your last answer could not be used: ")
