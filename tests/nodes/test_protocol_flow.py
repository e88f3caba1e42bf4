"""The protocol as a client hears it, message by message in its fixed words: for each kind of risk, whatever the client answers."""

from typing import Any, get_args

import pytest

from counseling_sessions.integrity.protocol import agreement_in
from counseling_sessions.nodes.protocol import goes_on, is_to_notice, notice, protocol
from counseling_sessions.nodes.protocol.routine import is_due
from counseling_sessions.nodes.protocol.speaking import ACKNOWLEDGES
from counseling_sessions.profiles.library import load_risk, risk_ids
from counseling_sessions.profiles.risk_part import RiskKind
from counseling_sessions.prompts import prompt
from counseling_sessions.state import CounselorView, EndReason, RiskEntry, Utterance
from tests.scripted import Sensible, config, scripted_models

SETTINGS = config(max_turns=20, min_turns=1, risk="rules", strict=True)
KINDS: tuple[RiskKind, ...] = get_args(RiskKind)
FOR_KIND = (
    *("ask", "level", "protective", "safety", "handover", "agreement", "without_near", "without_far", "stay"),
    *("asked_again", "level_again", "again", "agreement_again", "explained"),
)
WITHOUT_KIND = (
    *("acknowledge_no", "acknowledge_odd", "acknowledge_anger", "denied", "denied_routine", "level_past", "refused"),
    *("unsure", "retracted", "raised", "no_secrecy", "unagreed", "leaving", "goodbye", "emergency", "stayed", "close"),
)
SECTIONS = {
    **dict.fromkeys(ACKNOWLEDGES, "acknowledge"),
    **{one: one for one in WITHOUT_KIND},
    **{f"routine_{kind}": f"routine_{kind}" for kind in KINDS[:2]},
    **{f"{step}_{kind}": step for step in FOR_KIND for kind in KINDS},
}
"""The sections of the fixed words, and what they are called here."""


class Talk:
    """A dialogue that the nodes `notice` and `protocol` lead; the plan has a message that is no matter here."""

    def __init__(self, turn: int = 1, session_id: str = "made") -> None:
        self.session_id = session_id
        self.end: EndReason | None = None
        self.said: list[Utterance] = []
        self.risk: list[RiskEntry] = []
        self.says("What happened on the stairs?", turn)

    def says(self, text: str, turn: int) -> None:
        self.said.append(Utterance(turn=turn, speaker="counselor", text=text))

    @property
    def view(self) -> CounselorView:
        said, risk = tuple(self.said), tuple(self.risk)
        return CounselorView(session_id=self.session_id, utterances=said, risk=risk, end_reason=self.end)

    async def hears(self, answer: str) -> str:
        """What the counselor does next: its sections, or the plan's turn; how the session ends behind a stroke."""
        text, _, end = answer.partition(" / ")
        self.said.append(Utterance(turn=self.said[-1].turn, speaker="client", text=text))
        self.end = end or None  # type: ignore[assignment]
        models, asked = scripted_models(Sensible())
        if is_to_notice(self.view, SETTINGS):
            self.take(await notice(models, self.view, SETTINGS))
        if not goes_on(self.view):
            self.says("And then?", self.view.turn)
            return f"plan / {self.end}" if self.end else "plan"
        self.take(await protocol(models, self.view, SETTINGS))
        assert not asked
        assert self.said[-1].closing or self.end is None
        return " ".join(self.heard()) + (f" / {self.end}" if self.said[-1].closing else "")

    def take(self, change: dict[str, Any]) -> None:
        self.said += map(Utterance.model_validate, change.pop("utterances", ()))
        self.risk += map(RiskEntry.model_validate, change.pop("risk", ()))
        self.end = change.pop("end_reason", self.end)
        assert not change

    def heard(self) -> list[str]:
        """The sections of the last message, in its order: it has nothing else."""
        text = self.said[-1].text
        places = {text.index(words): name for name in SECTIONS if (words := prompt("protocol/fixed", name)) in text}
        names = [name for _, name in sorted(places.items())]
        assert " ".join(prompt("protocol/fixed", name) for name in names) == text
        return [SECTIONS[name] for name in names]


SIGN: dict[RiskKind, str] = {
    "thoughts": "I want to die.",
    "danger_from_others": "My husband hits me.",
    "danger_to_others": "I'm going to hurt him.",
}
FAR: dict[RiskKind, str] = {
    "thoughts": "They come and go, and I would not act on them.",
    "danger_from_others": "No, he is away this week.",
    "danger_to_others": "No, I don't mean to.",
}
NEAR: dict[RiskKind, str] = {
    "thoughts": "I don't know whether I can keep myself safe.",
    "danger_from_others": "I'm scared to go home.",
    "danger_to_others": "I can't promise that I stop myself.",
}
_BEGINS = (("{sign}", "acknowledge ask"), ("Yes.", "acknowledge level"))
_FAR = (*_BEGINS, ("{far}", "protective"), ("My work.", "safety"), ("Anna, from next door.", "handover"))
_NEAR = (*_BEGINS, ("{near}", "safety"), ("Anna, from next door.", "handover"))
FLOWS: dict[str, tuple[tuple[str, str], ...]] = {
    "agrees": (*_FAR, ("Yes, please call.", "close / risk")),
    "agrees, near": (*_NEAR, ("All right. Call them.", "close / risk")),
    "agrees when asked once more": (
        *_FAR,
        ("I don't want that.", "refused agreement"),
        ("All right, that much.", "close / risk"),
    ),
    "agrees and goes": (*_FAR, ("Yes, please call. / left", "close / risk")),
    "refuses twice": (
        *_FAR,
        ("I don't want that.", "refused agreement"),
        ("No. Leave it.", "unagreed without_far / risk"),
    ),
    "refuses twice, near": (
        *_NEAR,
        ("Not the doctor.", "refused agreement"),
        ("I would rather not.", "unagreed without_{close} / risk"),
    ),
    "says neither yes nor no": (
        *_FAR,
        ("It is late.", "unsure agreement"),
        ("I'll think about it.", "unagreed without_far / risk"),
    ),
    "retracts": (
        *_FAR,
        ("I shouldn't have said anything, it was only talk.", "retracted agreement"),
        ("Forget what I said.", "unagreed without_far / risk"),
    ),
    "retracts at once": (
        ("{sign}", "acknowledge ask"),
        ("It was only talk, forget it.", "retracted level"),
    ),
    "leaves before it is known how near": (
        ("{sign}", "acknowledge ask"),
        ("I have to go. / left", "stay"),
        ("All right, one minute.", "stayed level"),
        ("I really go now. / left", "leaving without_{close} goodbye / left"),
    ),
    "leaves near": (
        *_BEGINS,
        ("{near} / left", "stay"),
        ("No, my bus is here. / left", "leaving without_{close} goodbye / left"),
    ),
    "leaves near, and stays": (
        *_BEGINS,
        ("{near} / resolved", "stay"),
        ("All right.", "stayed safety"),
        ("Anna. / resolved", "leaving without_{close} goodbye / resolved"),
    ),
    "leaves far": (*_BEGINS, ("{far} / left", "leaving without_far goodbye / left")),
    "is content, far": (*_BEGINS, ("{far} / resolved", "protective")),
    "cannot deny what was beyond doubt": (("{sign}", "acknowledge ask"), ("No.", "acknowledge_no level")),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FLOWS)
async def test_a_flow(name: str, kind: RiskKind) -> None:
    talk, texts = Talk(), {"sign": SIGN[kind], "far": FAR[kind], "near": NEAR[kind]}
    # Whom somebody hurts decides alone, as long as it does not fear for its life.
    close = "far" if kind == "danger_from_others" else "near"
    flow = [(answer.format(**texts), then.format(close=close)) for answer, then in FLOWS[name]]
    assert [(answer, await talk.hears(answer)) for answer, _ in flow] == flow
    of_kind = {
        section
        for section in SECTIONS
        if section.startswith(tuple(f"{step}_" for step in FOR_KIND)) and not section.endswith(f"_{kind}")
    }
    said = " ".join(one.text for one in talk.said if one.speaker == "counselor")
    words = [prompt("protocol/fixed", section) for section in SECTIONS]
    assert not [one for one in of_kind if (text := prompt("protocol/fixed", one)) in said and words.count(text) == 1]


UNCLEAR = "They would all be better off without me."
FROM_A_ROUTINE: dict[str, tuple[int, tuple[tuple[str, str], ...]]] = {
    "denies an unclear sign": (4, ((UNCLEAR, "acknowledge ask"), ("No.", "denied"), ("The shop.", "plan"))),
    "denies it and goes": (4, ((UNCLEAR, "acknowledge ask"), ("No. / left", "plan / left"))),
    "routine, no": (
        12,
        (
            ("Fine.", "routine_thoughts"),
            ("No.", "routine_danger_from_others"),
            ("No, nobody.", "denied_routine"),
            ("The shop.", "plan"),
            ("The till. / resolved", "plan / resolved"),
        ),
    ),
    "not before its time": (11, (("Fine.", "plan"), ("The shop.", "routine_thoughts"))),
    "never at the door": (1, (("That is all. / left", "plan / left"),)),
    "routine before an end": (
        5,
        (("That was good. / resolved", "routine_thoughts"), ("No. / resolved", "plan / resolved")),
    ),
    "routine before an end, and a no that explains": (
        5,
        (
            ("That was good. / resolved", "routine_thoughts"),
            ("No, I'm fine, thank you. Goodbye! / resolved", "plan / resolved"),
        ),
    ),
    "routine before an end, and less than a no": (
        5,
        (("That was good. / resolved", "routine_thoughts"), ("No, but I wonder. / resolved", "stay")),
    ),
    "routine, yes": (
        12,
        (
            ("Fine.", "routine_thoughts"),
            ("Yes, at night.", "acknowledge level"),
            (FAR["thoughts"], "protective"),
        ),
    ),
    "routine, yes to the second": (
        12,
        (
            ("Fine.", "routine_thoughts"),
            ("No.", "routine_danger_from_others"),
            ("Yes, he does.", "acknowledge level"),
            (NEAR["danger_from_others"], "safety"),
        ),
    ),
    "routine, half a no": (
        12,
        (
            ("Fine.", "routine_thoughts"),
            ("No, not really.", "acknowledge_odd ask"),
            ("No.", "denied_routine"),
            ("The shop.", "plan"),
        ),
    ),
    "routine, a question": (12, (("Fine.", "routine_thoughts"), ("Why do you ask?", "explained asked_again"))),
    "routine, and leaves": (
        5,
        (
            ("Enough. / left", "routine_thoughts"),
            ("Sometimes. / left", "stay"),
            ("Bye. / left", "leaving without_near goodbye / left"),
        ),
    ),
    "asked already": (12, ((UNCLEAR, "acknowledge ask"), ("No.", "denied"), ("The shop.", "plan"), ("Now.", "plan"))),
}


@pytest.mark.parametrize("name", FROM_A_ROUTINE)
async def test_a_flow_without_a_sign_beyond_doubt(name: str) -> None:
    turn, flow = FROM_A_ROUTINE[name]
    talk = Talk(turn)
    assert [(answer, await talk.hears(answer)) for answer, _ in flow] == list(flow)


async def test_closing_brings_the_routine_question_forward() -> None:
    talk = Talk()
    talk.said = [one for turn in range(1, 8) for one in _turn(turn)]
    assert await talk.hears("Let us stop here.") == "routine_thoughts"


def _turn(turn: int) -> tuple[Utterance, ...]:
    asked = Utterance(turn=turn, speaker="counselor", text=f"What happened on day {turn}?")
    return (asked, Utterance(turn=turn, speaker="client", text="The till.")) if turn < 7 else (asked,)


@pytest.mark.parametrize("name", risk_ids())
async def test_how_near_it_is_follows_from_each_clients_own_words(name: str) -> None:
    risk = load_risk(name).risk
    assert risk
    talk = Talk()
    assert [await talk.hears(said) for said in (SIGN[risk.kind], "Yes.")] == ["acknowledge ask", "acknowledge level"]
    # Who only says that it is afraid of the next time is asked once more.
    then = "level_again" if name == "dinesh-the-hallway" else "protective"
    assert await talk.hears(risk.now) == ("safety" if risk.level == "immediate" else then)


@pytest.mark.parametrize("name", risk_ids())
async def test_who_tells_only_when_asked_tells_at_the_routine_question(name: str) -> None:
    risk = load_risk(name).risk
    assert risk
    talk = Talk(12)
    await talk.hears("Fine.")
    if risk.kind == "danger_from_others":
        assert await talk.hears("No.") == "routine_danger_from_others"
    then = "routine_danger_from_others" if risk.level == "none" else "acknowledge level"
    assert await talk.hears(risk.thoughts) == then


async def test_no_acknowledgement_comes_twice_in_a_session() -> None:
    assert len(ACKNOWLEDGES) >= 5
    begins = set()
    for number in range(12):
        talk, said = Talk(session_id=f"s{number}"), []
        for answer in (UNCLEAR, "No.", "The shop.", UNCLEAR, "Yes.", "No, not now."):
            await talk.hears(answer)
            said += [section for section in ACKNOWLEDGES if prompt("protocol/fixed", section) in talk.said[-1].text]
        assert len(said) == len(set(said)) == 3
        begins.add(said[0])
    assert len(begins) > 2


async def test_who_was_asked_by_the_plan_is_not_asked_as_a_routine() -> None:
    talk = Talk(6)
    talk.says("Are you having thoughts of suicide?", 7)
    talk.said.insert(1, Utterance(turn=6, speaker="client", text="Fine."))
    assert await talk.hears("No.") == "plan"
    assert [await talk.hears(said) for said in ("The shop.", "The till.", "Rain.", "Wind.", "Snow.", "Sun.")] == [
        "plan"
    ] * 6


def test_who_was_led_once_is_not_asked_as_a_routine_in_words_that_nothing_reads_either() -> None:
    talk = Talk(13)
    assert is_due(talk.view, SETTINGS)
    talk.risk = [RiskEntry(turn=4, wording="unclear", steps=("acknowledge", "ask"))]
    assert not is_due(talk.view, SETTINGS)


async def test_a_yes_to_a_question_of_the_plan_leads_by_what_was_asked() -> None:
    talk = Talk()
    talk.says("Is somebody hurting you?", 1)
    assert await talk.hears("Yes.") == "acknowledge ask"
    assert prompt("protocol/fixed", "ask_danger_from_others") in talk.said[-1].text


async def test_an_answer_to_an_offer_of_help_is_no_sign() -> None:
    talk = Talk()
    for answer in ("My husband hits me.", "Yes.", NEAR["danger_from_others"], "Anna.", "Yes."):
        await talk.hears(answer)
    assert talk.risk[-1].steps == ("close",)
    assert (talk.risk[-1].wording, talk.risk[-1].category) == ("none", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_direct_question_says_before_the_answer_what_is_shared(kind: RiskKind) -> None:
    limits = "What you say stays between us, unless somebody"
    for section in (f"ask_{kind}", *(["routine_thoughts"] if kind == "thoughts" else [])):
        said = prompt("protocol/fixed", section)
        assert said.casefold().index(limits.casefold()) < said.index("?")
        assert "stays between you, unless somebody" in prompt("protocol/steps", section)
    assert "law" not in prompt("protocol/fixed", f"safety_{kind}")


LIMITED = ("ask_", "routine_", "explained_", "without_far_")


@pytest.mark.parametrize("section", [section for section in SECTIONS if section.startswith(LIMITED)])
def test_the_limits_are_the_same_everywhere(section: str) -> None:
    assert "the law asks for it, above all where a child is at risk" in prompt("protocol/fixed", section)
    assert "above all where a child is at risk" in prompt("protocol/steps", section)


def test_only_who_leaves_hears_a_goodbye() -> None:
    assert [section for section in SECTIONS if "goodbye" in prompt("protocol/fixed", section).casefold()] == ["goodbye"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_message_asks_one_thing_at_most(section: str) -> None:
    asks = section.startswith(("routine", "stay_", *FOR_KIND[:6], *FOR_KIND[9:13])) or section in (
        "denied",
        "level_past",
    )
    assert prompt("protocol/fixed", section).count("?") == int(asks)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("Yes, do that.", "agrees"),
        ("I don't mind. You can ring Anna.", "agrees"),
        ("I could sleep at hers.", "agrees"),
        ("Fine. But not my mother.", "agrees"),
        ("I don't want to, but all right.", "refuses"),
        ("I'm fine, really.", "refuses"),
        ("Okay, forget it.", "refuses"),
        ("I'd rather you didn't.", "refuses"),
        ("I didn't mean it like that.", "retracts"),
        ("I take it back. I'm all right.", "retracts"),
        ("I don't know.", "unclear"),
        ("My husband will be so angry.", "unclear"),
        ("Would they come here?", "asks"),
        ("Only if you tell nobody.", "bargains"),
    ],
)
def test_what_an_answer_to_an_offer_of_help_says(answer: str, says: str) -> None:
    assert agreement_in(answer) == says


@pytest.mark.parametrize(
    ("answer", "then"),
    [("Ja, bitte.", ("close",)), ("Nein.", ("agreement",)), ("Ich weiß nicht.", ("agreement",))],
)
async def test_in_another_language_a_yes_of_the_lists_is_read(answer: str, then: tuple[str, ...]) -> None:
    talk = Talk()
    talk.said = [
        Utterance(turn=turn, speaker=who, text=f"{who} {turn}")  # type: ignore[arg-type]
        for turn in (1, 2)
        for who in ("counselor", "client")
    ]
    talk.said[-1] = Utterance(turn=2, speaker="client", text=answer)
    steps = ("ask", "level", "protective", "safety", "handover")
    talk.risk = [RiskEntry(turn=turn, wording="explicit", steps=steps) for turn in (1, 2)]
    models, _ = scripted_models(Sensible())
    change = await notice(models, talk.view, SETTINGS.model_copy(update={"language": "German"}))
    assert tuple(change["risk"][0]["steps"]) == then
