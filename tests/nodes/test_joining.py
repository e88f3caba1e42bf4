"""From drafts to one message: joined without a call, and when a model is asked after all; what a merge is told of the pick."""

import pytest

from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.nodes.router import AGENDAS, router
from counseling_sessions.prompts import prompt
from counseling_sessions.state import Candidate, CounselorView, Pick, Utterance
from tests.scripted import Sensible, config, said, scripted_models

SAYS = "I walk to the bakery and turn around at the door."
REFLECTION = "You get to the door of the bakery, and there you turn around."
NORMALIZING = "Turning around feels safe, so anyone would do it again."
QUESTION = "What goes through your mind at the door?"


def view(techniques: tuple[str, ...] = ("questioning", "reflection"), **drafts: str) -> CounselorView:
    pick = Pick(turn=1, phase="opening", techniques=techniques, source="rules")
    return CounselorView(
        utterances=(
            Utterance(turn=0, speaker="counselor", text="Good morning."),
            Utterance(turn=0, speaker="client", text=SAYS),
        ),
        picks=(pick,),
        candidates=tuple(Candidate(turn=1, technique=name, text=text) for name, text in drafts.items()),
    )


@pytest.mark.parametrize(
    ("techniques", "drafts", "joined"),
    [
        (
            ("questioning", "reflection"),
            {"questioning": QUESTION, "reflection": REFLECTION},
            f"{REFLECTION} {QUESTION}",
        ),
        (
            ("normalizing", "reflection"),
            {"reflection": REFLECTION, "normalizing": NORMALIZING},
            f"{NORMALIZING} {REFLECTION}",
        ),
        (("questioning", "reflection"), {"reflection": REFLECTION, "questioning": ""}, REFLECTION),
    ],
)
async def test_questions_come_last_and_the_rest_in_the_order_of_the_pick(
    techniques: tuple[str, ...], drafts: dict[str, str], joined: str
) -> None:
    models, asked = scripted_models(Sensible())
    made = await router(models, view(techniques, **drafts), config(merge="join"))
    [utterance] = made["utterances"]
    assert (utterance["text"], utterance["call"], utterance["author"]) == (joined, None, "model")
    assert asked == []


@pytest.mark.parametrize(
    ("tried", "language", "question"), [(0, "English", 0), (1, "English", 1), (4, "English", 1), (0, "German", None)]
)
async def test_a_joined_agenda_asks_what_the_hour_is_for_in_place_of_the_drafts_question(
    tried: int, language: str, question: int | None
) -> None:
    models, asked = scripted_models(Sensible())
    drafted = view(reflection=REFLECTION, questioning=QUESTION)
    [pick] = drafted.picks
    picks = (pick.model_copy(update={"act": "agenda"}),) * (tried + 1)
    drafted = drafted.model_copy(update={"picks": picks})
    [utterance] = (await router(models, drafted, config(merge="join", language=language)))["utterances"]
    asks = QUESTION if question is None else prompt("counselor/agenda", AGENDAS[question])
    assert utterance["text"] == f"{REFLECTION} {asks}"
    assert asked == []


async def test_drafts_that_are_too_long_together_are_merged_by_a_model() -> None:
    models, asked = scripted_models(lambda request: said("You turn around there. What would be behind the door?"))
    long = {
        name: "".join(f"{name} {number} is there. " for number in range(150)).strip()
        for name in ("reflection", "questioning")
    }
    assert all(len(text) < UTTERANCE_LIMIT < sum(map(len, long.values())) for text in long.values())
    made = await router(models, view(**long), config(merge="join"))
    assert made["utterances"][0]["call"]["role"] == "merge"
    assert len(asked) == 1


async def test_what_the_guards_would_refuse_is_merged_by_a_model() -> None:
    models, asked = scripted_models(lambda request: said("You turn around there. What would be behind the door?"))
    made = await router(models, view(reflection=REFLECTION, questioning=REFLECTION), config(merge="join"))
    [utterance] = made["utterances"]
    assert len(asked) == 1
    assert utterance["call"]["role"] == "merge"


async def test_the_closing_words_are_asked_for_all_the_same() -> None:
    models, asked = scripted_models(lambda request: said("You know now what stops you at the door. Goodbye."))
    closed = view().model_copy(update={"end_reason": "turn_limit"})
    [utterance] = (await router(models, closed, config(merge="join")))["utterances"]
    assert (utterance["closing"], len(asked)) == (True, 1)


@pytest.mark.parametrize(
    ("source", "fan_out", "told"),
    [
        ("llm", "selected", True),
        ("human", "selected", True),
        ("rules", "selected", False),
        ("rules", "all", True),
        ("every", "all", False),
    ],
)
async def test_a_merge_is_told_of_a_pick_that_says_more_than_the_drafts(source: str, fan_out: str, told: bool) -> None:
    models, asked = scripted_models(lambda request: said("You turn around there. What would be behind the door?"))
    drafted = view(reflection=REFLECTION, questioning=QUESTION)
    [pick] = drafted.picks
    drafted = drafted.model_copy(update={"picks": (pick.model_copy(update={"source": source}),)})
    await router(models, drafted, config(fan_out=fan_out))
    [request] = asked
    assert ("Asked for now: questioning, reflection." in request.prompt) == told
    assert REFLECTION in request.prompt
