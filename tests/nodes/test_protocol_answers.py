"""Answers that must not be misread: how near it is, and whether help is agreed to. Each stands where a client of flesh would say it."""

import pytest

from counseling_sessions.profiles.risk_part import RiskKind
from tests.nodes.test_protocol_flow import FAR, NEAR, SIGN, Talk

OTHERS, FROM = "danger_to_others", "danger_from_others"
AT_LEVEL: dict[str, dict[RiskKind, tuple[str, ...]]] = {
    "safety": {
        "thoughts": (
            "Yes but you can't tell my parents.",
            "Not today, tomorrow.",
            "No, not yet.",
            "No, next week.",
            "It is only a thought, but tonight I'll do it.",
            "Tonight.",
            "Soon.",
            "When I get home.",
            "I've decided.",
            "My mind is made up.",
            "Once the children are asleep.",
            "I don't want to live any more, tonight.",
            "Maybe tomorrow.",
            "No. I'll do it on Friday.",
            "It is only a matter of time.",
            "idk",
            "dunno",
            "It depends.",
            "I don't know.",
            "I don't know what I might do.",
            "I can't say that I won't.",
            "I might.",
            "Probably.",
            "I have everything ready.",
            "I said goodbye to them all.",
            "It's getting stronger.",
            "I want to.",
        ),
        OTHERS: (
            "No. But if he says one more word.",
            "When I see him tonight.",
            "Yes.",
            "I can't promise anything.",
            "No, but if he comes near her again I will.",
        ),
        FROM: ("He's outside.", "She is waiting in the car.", "Yes.", "I'm scared to go home.", "He knows I'm here."),
    },
    "level_again": {
        "thoughts": (
            "I don't want to say.",
            "Not if you help me.",
            "I don't care what happens any more.",
            "No, not now.",
            "Not today.",
            "It is what it is.",
            "I don't think so.",
            "Nobody can know that.",
            "Not while my mother lives.",
            "No, as long as you help me.",
            "What do you think?",
            "No, I'm too much of a coward.",
        ),
        OTHERS: ("He deserves it.", "Not at the moment.", "No, but he should watch out."),
        FROM: ("He isn't the worst.", "It's not like that every day.", "No, not when he is sober."),
    },
    "protective": {
        "thoughts": (
            "No.",
            "No. I just don't know what to do about my job.",
            "They come and go, and I would not act on them.",
            "I'm not going to do anything.",
            "No, never.",
            "I have no intention of that.",
        ),
        OTHERS: ("No, I don't mean to.", "I'm not going to hurt anybody."),
        FROM: ("No, he is away this week.", "I'm not afraid to go home today."),
    },
}


@pytest.mark.parametrize(
    ("kind", "answer", "then"),
    [(kind, answer, then) for then, kinds in AT_LEVEL.items() for kind, answers in kinds.items() for answer in answers],
)
async def test_how_near_it_is_by_the_answer(kind: RiskKind, answer: str, then: str) -> None:
    talk = Talk()
    for said in (SIGN[kind], "Yes."):
        await talk.hears(said)
    assert (await talk.hears(answer)).split()[-1] == then


async def test_what_is_not_understood_is_asked_about_once_more_and_no_more() -> None:
    talk = Talk()
    for said in (SIGN["thoughts"], "Yes.", "I don't want to say."):
        await talk.hears(said)
    assert await talk.hears("It is what it is.") == "protective"


async def offered(kind: RiskKind, near: bool = False) -> Talk:
    """A talk in which help has just been offered."""
    talk = Talk()
    answers = (SIGN[kind], "Yes.", NEAR[kind]) if near else (SIGN[kind], "Yes.", FAR[kind], "My work.")
    for said in (*answers, "Anna, from next door."):
        await talk.hears(said)
    assert talk.risk[-1].steps == ("handover",)
    return talk


TO_AN_OFFER: dict[str, dict[RiskKind, tuple[str, ...]]] = {
    "close / risk": {
        "thoughts": (
            "Yes.",
            "Yes, please call.",
            "All right. Call them.",
            "OK.",
            "You can ring him.",
            "Please do.",
            "Yes, please. I don't want to die.",
            "I'd go to the doctor with you.",
            "Not the doctor, but you can call Anna.",
            "Only Anna.",
            "No, don't leave me alone, call them.",
            "I'd rather you called my sister.",
            "No, call my brother.",
            "Can I call Anna instead?",
        ),
        OTHERS: ("Yes.", "Only Feri."),
        FROM: ("Yes.", "No, but you can call my sister."),
    },
    "raised agreement": {
        "thoughts": (
            "If you call anybody I'll do it right away.",
            "It's better if I die.",
            "I want this to end.",
            "Yes, and after that I'm going to kill myself anyway.",
            "Please, I just want to sleep.",
            "Tonight I'm going to kill myself.",
            "Yes. I'll do it tonight anyway.",
            "Call who you like, I won't be here.",
            "If anyone comes, I'll do it before.",
            "Okay, and then I end it.",
            "It is too late for that, I've decided.",
            "Yes. Tell my mother I'm sorry.",
            "Call her. It's too late anyway.",
        ),
        OTHERS: ("I'll go and settle it with him.", "Fine. Tonight I'm going to hurt him.", "Yes, after I hurt him."),
        FROM: ("He will kill me if he finds out.", "He said he'd kill us both."),
    },
    "unsure agreement": {
        "thoughts": (
            "Good for you.",
            "Maybe.",
            "Yes, but later.",
            "ok but not the doctor",
            "That's good coffee.",
            "Yes, whatever.",
            "Only Tuesday.",
        ),
        OTHERS: ("Good for you.",),
        FROM: ("No, call my husband.", "Yes, tomorrow."),
    },
    "refused agreement": {
        "thoughts": ("No.", "Not the doctor.", "I don't want you to call.", "Leave it."),
        OTHERS: ("No.",),
        FROM: ("No.",),
    },
    "explained again": {
        "thoughts": (
            "What would they do with me?",
            "Will I be locked up?",
            "Who hears of it?",
            "Would they come here?",
            "And then what?",
        ),
        OTHERS: ("Will they call the police?",),
        FROM: ("What would they tell me?",),
    },
    "no_secrecy again": {
        "thoughts": (
            "Only if you tell nobody.",
            "Yes, if you promise not to tell my mother.",
            "As long as nobody knows.",
            "You can't tell anyone.",
            "Yes, but keep it between us.",
        ),
        OTHERS: ("Only if it stays a secret.",),
        FROM: ("But you mustn't tell anybody.",),
    },
}


@pytest.mark.parametrize(
    ("kind", "answer", "then"),
    [
        (kind, answer, then)
        for then, kinds in TO_AN_OFFER.items()
        for kind, answers in kinds.items()
        for answer in answers
    ],
)
async def test_what_an_offer_is_answered(kind: RiskKind, answer: str, then: str) -> None:
    talk = await offered(kind)
    assert await talk.hears(answer) == then


@pytest.mark.parametrize(
    ("kind", "first", "second", "then"),
    [
        ("thoughts", "No, not today.", "Tonight I'm going to kill myself.", "unagreed without_near / risk"),
        ("danger_from_others", "Not today.", "He will kill me if he finds out.", "unagreed without_near / risk"),
        ("danger_from_others", "Not today.", "I'm scared to go home.", "unagreed without_far / risk"),
        ("thoughts", "I'll do it if you call.", "No.", "unagreed without_near / risk"),
    ],
)
async def test_an_intent_or_a_threat_makes_it_near_for_good(kind: RiskKind, first: str, second: str, then: str) -> None:
    talk = await offered(kind)
    await talk.hears(first)
    assert await talk.hears(second) == then


async def test_questions_are_answered_twice_and_are_no_refusal() -> None:
    talk = await offered("thoughts")
    heard = [await talk.hears(said) for said in ("What would they do?", "Will I be locked up?", "And then?", "Yes.")]
    assert heard == ["explained again", "explained again", "unsure agreement", "close / risk"]


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        ("What happens if I say yes?", "explained asked_again"),
        ("Only if you tell nobody.", "no_secrecy asked_again"),
        ("Yes, but you can't tell my parents.", "no_secrecy level"),
        ("Years ago, when I was a teenager, not now.", "acknowledge level_past"),
        ("idk", "acknowledge_odd level"),
        ("Stop asking me that.", "acknowledge_anger level"),
        ("No.", "acknowledge_no level"),
    ],
)
async def test_what_the_direct_question_is_answered(answer: str, then: str) -> None:
    talk = Talk()
    await talk.hears("I want to die.")
    assert await talk.hears(answer) == then


DENIALS = (
    *("No, thank God.", "Of course not.", "No, as I said.", "No, I meant the job.", "God, no."),
    *("Certainly not.", "No, not at all.", "No, I was speaking of the flat.", "Absolutely not.", "Thank God, no."),
)


@pytest.mark.parametrize("answer", [*DENIALS, "No, my husband is a sweetheart."])
async def test_a_plain_no_is_one(answer: str) -> None:
    talk = Talk()
    await talk.hears("They would all be better off without me.")
    assert await talk.hears(answer) == "denied"


@pytest.mark.parametrize(
    "answer",
    ["No, not really.", "No, but sometimes.", "No, it's fine, forget it.", "No, not today.", "No, why should I live."],
)
async def test_half_a_no_is_none(answer: str) -> None:
    talk = Talk()
    await talk.hears("They would all be better off without me.")
    assert await talk.hears(answer) != "denied"


@pytest.mark.parametrize(
    "answers",
    [
        ("I want to die, please call an ambulance.",),
        ("I already hurt myself this morning.",),
        ("I want to die.", "Yes. I have hurt myself today."),
        ("My husband hits me.", "Yes, and I need a doctor now, I'm bleeding."),
        ("I want to die.", "Yes.", "Please call an ambulance."),
        ("I want to die.", "Yes.", "I've already done something to myself."),
        ("I want to die.", "Yes.", "I've already done it."),
        ("I'm going to hurt him.", "Yes.", "I've already hurt him."),
    ],
)
async def test_who_is_hurt_hears_of_the_emergency_number_at_once(answers: tuple[str, ...]) -> None:
    talk = Talk()
    assert [await talk.hears(said) for said in answers][-1] == "emergency / risk"


@pytest.mark.parametrize(
    "answer", ["I've already done it, the landlord knows.", "I had to call an ambulance for my mother."]
)
async def test_who_tells_of_something_else_is_not_taken_for_hurt(answer: str) -> None:
    assert "emergency" not in await Talk().hears(answer)


async def test_a_call_that_was_made_is_not_taken_for_harm() -> None:
    talk = await offered("thoughts")
    assert "emergency" not in await talk.hears("I've already done it.")


async def test_who_is_not_safe_to_leave_is_near() -> None:
    talk = Talk()
    for said in (SIGN["thoughts"], "Yes.", "I don't want to say. / left"):
        await talk.hears(said)
    assert talk.risk[-1].steps == ("stay",)
    assert await talk.hears("No.") == "stayed safety"


@pytest.mark.parametrize("question", ["Do you feel safe right now?", "Are you able to keep yourself safe tonight?"])
@pytest.mark.parametrize(
    ("answer", "then"),
    [
        ("No.", "safety"),
        ("No, I'm not safe.", "safety"),
        ("Yes.", "protective"),
        ("Yes, I am safe.", "protective"),
        ("I suppose.", "level_again"),
    ],
)
async def test_of_a_question_about_safety_the_no_is_near(question: str, answer: str, then: str) -> None:
    """A model asks how near it is in its own words, also by the opposite."""
    talk = Talk()
    await talk.hears(SIGN["thoughts"])
    await talk.hears("Yes.")
    talk.said[-1] = talk.said[-1].model_copy(update={"text": question})
    assert await talk.hears(answer) == then
