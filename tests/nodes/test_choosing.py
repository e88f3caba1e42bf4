"""Choosing: what an answer is worth, when another one is asked for, and what the trace tells of those passed over."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from counseling_sessions.models.errors import ModelError
from counseling_sessions.nodes.attempts import Usable
from counseling_sessions.nodes.choosing import ENOUGH, worth_after
from counseling_sessions.nodes.client import client
from counseling_sessions.nodes.inner import form_words
from counseling_sessions.nodes.single import single
from counseling_sessions.nodes.speaking import SpeechRequest, speak
from counseling_sessions.nodes.specialist import specialist
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.state import Call, ClientView, CounselorView, Utterance
from tests.scripted import Asked, config, said, scripted_models

SAID = (
    Utterance(turn=0, speaker="counselor", text="What brings you here?"),
    Utterance(turn=0, speaker="client", text="I stop at the door of the bakery."),
)
IDA = ClientProfile(
    id="ida",
    demographics={"name": "Ida", "occupation": "baker"},
    reason_for_counseling="Mornings frighten me.",
    presenting_problem={"what": "My hands tremble at the oven."},
    support="My sister buys the bread.",
)
STALE = "I stop at the door, and at the door I stop."
SOME = "I stop there and my hands shake."
NEW = "My hands shake, so my sister buys the bread for me."
META = "As an AI, I cannot say."


async def spoken(answers: Sequence[str | AIMessage | Exception], **options: Any) -> tuple[str, Call, list[Asked]]:
    left = iter(answers)
    models, asked = scripted_models(lambda request: next(left))
    worth = worth_after(SAID)
    request = SpeechRequest("client", 1, "s-1", config(**options), [HumanMessage("Say.")], "client", [], [], worth)
    answer = await speak(models, request)
    assert isinstance(answer, Usable)
    return answer.value, answer.call, asked


def test_new_words_count_and_those_of_the_form_count_most() -> None:
    worth = worth_after(SAID, form=frozenset({"sister"}))
    assert worth("I stop at the bakery.") == 0
    assert worth("I stop there, my neck hurts.") == 2 * 0.5
    assert worth("My sister stops there.") == 1.0
    assert worth("One neck, two knees, three elbows, four ankles, five fingers, six heels, seven hips.") == 3.0


def test_a_word_that_comes_again_within_the_message_takes_away() -> None:
    worth = worth_after(SAID)
    assert worth("The door is a door.") == -1.0
    assert worth("The doors and the bakery's door, at the door.") == -2.0


async def test_the_first_answer_that_is_worth_enough_is_kept_and_no_other_asked_for() -> None:
    text, call, asked = await spoken([STALE, NEW, SOME], choices=3)
    assert text == NEW
    assert (len(asked), call.attempts, call.passed_over, call.requests) == (2, 1, 1, 2)
    assert call.findings == ()
    # Nothing was wrong with the first one, so nothing is remarked and the heat stays; only the seed differs.
    assert asked[0].prompt == asked[1].prompt
    assert asked[0].options["temperature"] == asked[1].options["temperature"]
    assert asked[0].options["seed"] != asked[1].options["seed"]


async def test_where_none_is_worth_enough_the_best_is_kept_with_its_own_trace() -> None:
    half = "I stop, my hands."
    assert worth_after(SAID)(STALE) < worth_after(SAID)(half) < ENOUGH
    text, call, asked = await spoken([STALE, said(half, finish_reason="stop"), f"{STALE} Stop."], choices=3)
    assert text == half
    assert (len(asked), call.attempts, call.passed_over) == (3, 1, 2)
    assert call.seed == asked[1].options["seed"]


async def test_a_refused_answer_is_no_choice_and_counts_as_an_attempt() -> None:
    text, call, asked = await spoken([META, STALE, NEW], choices=2)
    assert text == NEW
    assert (len(asked), call.attempts, call.passed_over) == (3, 2, 1)
    assert [finding.kind for finding in call.findings] == ["meta_talk"]
    assert "As an AI" in asked[1].prompt
    assert "As an AI" not in asked[2].prompt
    heats = [request.options["temperature"] for request in asked]
    assert heats[0] < heats[1] == heats[2]


async def test_what_passed_is_kept_where_further_answers_are_refused_or_cannot_be_had() -> None:
    assert (await spoken([STALE, META, META], choices=3, guard_attempts=2))[0] == STALE
    text, call, _ = await spoken([STALE, ModelError("refused", "gone")], choices=3)
    assert (text, call.attempts, call.passed_over) == (STALE, 1, 0)


@pytest.mark.parametrize(("choices", "expected"), [(1, STALE), (2, NEW)])
async def test_a_reply_is_chosen_and_by_default_the_first_is_taken(choices: int, expected: str) -> None:
    left = iter([STALE, NEW])
    models, asked = scripted_models(lambda request: next(left))
    asks = Utterance(turn=1, speaker="counselor", text="What happens there?")
    view = ClientView(profile=IDA, attitude="neutral", utterances=(*SAID, asks))
    made = await client(models, view, config(choices=choices))
    assert made["utterances"][0]["text"] == expected
    assert len(asked) == choices


@pytest.mark.parametrize(("choices", "expected"), [(1, STALE), (2, NEW)])
async def test_a_draft_is_chosen_and_by_default_the_first_is_taken(choices: int, expected: str) -> None:
    left = iter([STALE, NEW])
    models, asked = scripted_models(lambda request: next(left))
    made = await specialist(models, CounselorView(utterances=SAID), config(choices=choices), "reflection")
    assert made["candidates"][0]["text"] == expected
    assert len(asked) == choices


@pytest.mark.parametrize(("ended", "expected"), [(None, NEW), ("resolved", STALE)])
async def test_a_counselors_message_is_chosen_but_its_closing_words_are_not(ended: Any, expected: str) -> None:
    left = iter([STALE, NEW])
    models, _ = scripted_models(lambda request: next(left))
    view = CounselorView(utterances=SAID, end_reason=ended)
    made = await single(models, view, config(method="single", choices=2))
    assert made["utterances"][0]["text"] == expected


def test_a_clients_own_words_are_those_of_its_form_but_not_of_its_first_page() -> None:
    assert form_words(IDA, 2) == {"morning", "frighten", "hand", "tremble", "oven", "sister", "bread", "buy"}
