"""A client at risk: when something of it falls, what is said to which question, and what the guards let pass."""

import pytest

from counseling_sessions.integrity import rules
from counseling_sessions.integrity.spoken import Spoken
from counseling_sessions.nodes.attempts import Unusable, Usable
from counseling_sessions.nodes.client import ask_client, client
from counseling_sessions.nodes.inner import ends_offered, next_state
from counseling_sessions.nodes.inner.at_risk import risk_text
from counseling_sessions.nodes.mending import repair
from counseling_sessions.nodes.speaking import speak
from counseling_sessions.profiles.library import load_risk, risk_ids
from counseling_sessions.profiles.risk_part import RiskLevel, RiskPart
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.prompts import prompt
from counseling_sessions.state import ClientState, ClientView, Utterance
from tests.scripted import config, scripted_models

SMALL_TALK = "What happened on Tuesday?"
NEAR = "How low does it get, on the worst nights?"
DIRECT = "Thank you for saying that. Are you thinking about killing yourself?"
LEVEL = "Do you think you might act on these thoughts?"
WHO = "Is anyone with you at home today?"
HOLDS = "What has kept you going until now?"
HAND_OVER = "Shall we call the crisis line together now?"
ONCE_MORE = (
    "What makes it hard to let somebody know? The smallest step would be a short call. Could you agree to that much?"
)
HOME = "Do you feel safe at home?"
OTHERS = "Have you had thoughts of hurting him?"
SETTINGS = config(max_turns=20, min_turns=1)


def talk(who: ClientProfile, *messages: str, says: bool = True) -> tuple[ClientView, list[ClientState]]:
    """The view of a client who is said these messages and says what it may, or other things, and its states."""
    said = [Utterance(turn=0, speaker="client", text="Good day. I slept badly and I missed the train.")]
    states: list[ClientState] = []
    for turn, message in enumerate(messages, 1):
        said.append(Utterance(turn=turn, speaker="counselor", text=message))
        view = ClientView(profile=who, attitude="neutral", utterances=tuple(said), client_states=tuple(states))
        states.append(next_state(view, SETTINGS))
        text = risk_text(who, states[-1].item) if says else ""
        said.append(Utterance(turn=turn, speaker="client", text=text or f"The kettle was broken on day {turn}."))
    return view, states


def items(who: ClientProfile, *messages: str, says: bool = True) -> list[str]:
    """What of the risk the client says to each of these messages."""
    return [
        state.item.removeprefix("risk.") if state.item.startswith("risk.") else ""
        for state in talk(who, *messages, says=says)[1]
    ]


def note(who: ClientProfile, *messages: str) -> str:
    """The end of the prompt of the last of these messages."""
    view, states = talk(who, *messages)
    before = view.model_copy(update={"client_states": tuple(states[:-1])})
    return str(ask_client(before, SETTINGS, states[-1]).messages[-1].text)


def showing(how: str) -> list[ClientProfile]:
    return [who for who in map(load_risk, risk_ids()) if who.risk and who.risk.shows == how]


@pytest.mark.parametrize("who", showing("asked"), ids=lambda who: who.id)
def test_who_shows_when_asked_says_nothing_until_a_question_comes_near(who: ClientProfile) -> None:
    near = "How are things at home?" if who.risk and who.risk.kind == "danger_from_others" else NEAR
    assert items(who, *[SMALL_TALK] * 20) == [""] * 20
    assert items(who, SMALL_TALK, near, SMALL_TALK, near) == ["", "sign", "", ""]


@pytest.mark.parametrize("who", showing("trust"), ids=lambda who: who.id)
def test_who_shows_by_trust_lets_the_sign_fall_once_it_trusts_and_never_at_the_door(who: ClientProfile) -> None:
    assert who.risk
    view, _ = talk(who, SMALL_TALK, SMALL_TALK, SMALL_TALK)
    fallen = {}
    for trust in (3, 6):
        state = ClientState(turn=2, trust=trust, belief=7, feeling=6, readiness="contemplation")
        fallen[trust] = next_state(view.model_copy(update={"client_states": (state,)}), SETTINGS).item
    assert fallen == {3: fallen[3], 6: "risk.sign"}
    assert not fallen[3].startswith("risk.")
    assert items(who, SMALL_TALK, SMALL_TALK)[:2] == ["", ""]


@pytest.mark.parametrize("who", showing("end"), ids=lambda who: who.id)
def test_who_shows_at_the_end_waits_for_the_last_third_or_for_the_words_of_an_end(who: ClientProfile) -> None:
    fell = items(who, *[SMALL_TALK] * 20)
    assert fell == [""] * 14 + ["sign"] + [""] * 5
    assert items(who, SMALL_TALK, SMALL_TALK, SMALL_TALK, "Before we finish, what was it like today?")[3:] == ["sign"]


@pytest.mark.parametrize("name", risk_ids())
def test_each_thing_is_said_only_to_its_question_and_only_after_the_direct_one(name: str) -> None:
    who = load_risk(name)
    assert who.risk
    direct = {"thoughts": DIRECT, "danger_from_others": HOME, "danger_to_others": OTHERS}[who.risk.kind]
    before = [LEVEL, WHO, HOLDS, HAND_OVER] if who.risk.shows == "asked" else [WHO, HOLDS]
    after = [LEVEL, HOLDS, WHO, HAND_OVER]
    said = items(who, *before, direct, *after, ONCE_MORE)
    assert said[: len(before)] == [""] * len(before)
    assert said[len(before) :][:4] == ["thoughts", "now", "protective", "near"]
    assert said[-2:] == (["refuses", "agrees"] if who.risk.refuses else ["agrees", "agrees"])


@pytest.mark.parametrize("name", ["maricel-the-handover", "osvaldo-the-last-page"])
def test_who_refuses_help_does_so_at_the_first_offer_to_call_somebody(name: str) -> None:
    together = "Can we agree that you won't be alone tonight?"
    assert items(load_risk(name), DIRECT, together, HAND_OVER, HAND_OVER) == ["thoughts", "near", "refuses", "agrees"]
    refuses = load_risk(name).risk
    assert refuses
    assert prompt("client/risk", "refuses", thing=refuses.refuses) in note(load_risk(name), DIRECT, HAND_OVER)


def test_of_several_things_asked_in_one_message_one_is_said() -> None:
    who = load_risk("gareth-the-numbers")
    together = f"{LEVEL} {WHO} {HAND_OVER}"
    assert items(who, f"{DIRECT} {together}", together, together, together) == ["thoughts", "now", "near", "protective"]


def test_who_has_answered_and_is_asked_directly_and_further_says_the_further_thing() -> None:
    further = f"Are you thinking about killing yourself now? Do you think you might act on it? {HAND_OVER}"
    assert items(load_risk("gareth-the-numbers"), further, further, DIRECT) == ["thoughts", "now", "thoughts"]
    assert items(load_risk("gareth-the-numbers"), further, LEVEL, further) == ["thoughts", "now", "agrees"]


def test_who_is_asked_directly_takes_up_no_proposal_of_the_turn_before() -> None:
    who = load_risk("gareth-the-numbers")
    view, states = talk(who, SMALL_TALK, DIRECT)
    took = states[0].model_copy(update={"step": "takes"})
    assert next_state(view.model_copy(update={"client_states": (took,)}), SETTINGS).step is None


def test_who_is_in_another_kind_of_danger_may_only_deny_that_it_would_harm_itself() -> None:
    view, states = talk(load_risk("callum-half-past-five"), HOME)
    assert ask_client(view.model_copy(update={"client_states": ()}), SETTINGS, states[-1]).risk == "none"


def test_who_is_asked_about_another_kind_of_risk_says_a_plain_no_and_may() -> None:
    who = load_risk("teodora-the-spare-room")
    assert items(who, DIRECT, OTHERS, HOME) == ["not_this", "not_this", "thoughts"]
    assert prompt("client/risk", "not_this") in note(who, DIRECT)
    assert items(load_risk("gareth-the-numbers"), OTHERS, HOME) == ["not_this", "thoughts"]


def test_the_note_gives_the_words_and_how_far_they_go() -> None:
    who = load_risk("halina-last-bell")
    assert who.risk
    assert prompt("client/risk", "thoughts", thing=who.risk.thoughts) in note(who, DIRECT)
    assert prompt("client/risk", "again", thing=who.risk.thoughts) in note(who, DIRECT, DIRECT)
    keeps = prompt("client/risk", "keeps")
    assert keeps in note(who, DIRECT, SMALL_TALK)
    assert keeps not in note(who, SMALL_TALK)
    none = load_risk("bram-the-phone")
    assert none.risk
    assert prompt("client/risk", "none", thing=none.risk.thoughts) in note(none, DIRECT)


@pytest.mark.parametrize("name", risk_ids())
def test_a_prompt_holds_the_words_of_this_turn_and_no_others(name: str) -> None:
    who = load_risk(name)
    assert who.risk
    direct = {"thoughts": DIRECT, "danger_from_others": HOME, "danger_to_others": OTHERS}[who.risk.kind]
    view, states = talk(who, SMALL_TALK, direct, LEVEL, HOLDS, WHO, HAND_OVER, SMALL_TALK, says=False)
    texts = {f"risk.{part}": getattr(who.risk, part) or "" for part in RiskPart.model_fields}
    for turn, state in enumerate(states, 1):
        said = tuple(
            one for one in view.utterances if one.turn < turn or (one.turn, one.speaker) == (turn, "counselor")
        )
        now = view.model_copy(update={"utterances": said, "client_states": tuple(states[: turn - 1])})
        prompts = "\n".join(str(message.text) for message in ask_client(now, SETTINGS, state).messages)
        shown = [path for path, text in texts.items() if len(text) > 20 and text in prompts]
        assert shown == ([state.item] if state.item in texts else [])
    assert [state.item for state in states[1:6]] == [
        f"risk.{part}"
        for part in ("thoughts", "now", "protective", "near", "refuses" if who.risk.refuses else "agrees")
    ]


def test_nobody_goes_content_while_a_risk_is_open() -> None:
    def offered(name: str, *happened: str) -> bool:
        light = {"trust": 8, "belief": 0, "feeling": 0, "readiness": "action"}
        states = [
            ClientState(turn=0, trust=4, belief=7, feeling=6, readiness="contemplation"),
            *(ClientState(turn=turn, item=item, **light) for turn, item in enumerate((*happened, "", "", ""), 1)),
        ]
        return "resolved" in ends_offered(load_risk(name), states, SETTINGS)

    assert not offered("gareth-the-numbers", "risk.sign")
    assert offered("gareth-the-numbers")
    assert offered("gareth-the-numbers", "risk.sign", "risk.thoughts", "risk.agrees")
    assert offered("bram-the-phone", "risk.sign", "risk.thoughts")


ALLOWED: list[tuple[RiskLevel | None, str, bool]] = [
    (None, "I'm not suicidal.", False),
    ("none", "I'm not suicidal, and I don't want to die.", True),
    ("none", "Sometimes I want to die.", False),
    ("passive", "Sometimes I wish I were dead. I wouldn't kill myself.", True),
    ("passive", "I think of killing myself.", False),
    ("active", "I think of killing myself. I'm not going to kill myself.", True),
    ("active", "I'm going to kill myself.", False),
    ("active", "I have decided to end my life.", False),
    ("immediate", "I think I'm going to kill myself.", True),
]


@pytest.mark.parametrize(("level", "text", "fine"), ALLOWED)
def test_a_client_speaks_of_harming_itself_up_to_its_level(level: RiskLevel | None, text: str, fine: bool) -> None:
    assert (rules.risk(Spoken(text, "client", risk=level)) is None) is fine
    kept = repair(Spoken(f"{text} It rained.", "client", risk=level))
    assert (text in kept) is fine


@pytest.mark.parametrize("name", risk_ids())
async def test_every_text_of_a_form_passes_the_guards_when_it_is_asked_for_and_the_risk_only_then(name: str) -> None:
    who = load_risk(name)
    assert who.risk
    direct = {"thoughts": DIRECT, "danger_from_others": HOME, "danger_to_others": OTHERS}[who.risk.kind]
    further = [[], [LEVEL], [HOLDS], [WHO], [HAND_OVER], *([[HAND_OVER, ONCE_MORE]] if who.risk.refuses else [])]
    for messages in ([direct, *asked] for asked in further):
        view, states = talk(who, *messages)
        before = view.model_copy(update={"client_states": tuple(states[:-1])})
        said = risk_text(who, states[-1].item)
        models, _ = scripted_models(lambda asked, said=said: said)
        answer = await speak(models, ask_client(before, config(strict=True), states[-1]))
        assert isinstance(answer, Usable)
        assert answer.value == said
        assert not answer.call.findings
    view, states = talk(who, SMALL_TALK)
    models, _ = scripted_models(lambda asked: "Some nights I want to die.")
    assert isinstance(await speak(models, ask_client(view, SETTINGS, states[-1])), Unusable)


async def answered(who: ClientProfile, reply: str, *messages: str) -> tuple[str, list[str]]:
    """What a client says whose model replies like this to the last of the messages, and the kinds of what was found."""
    view, states = talk(who, *messages)
    said = tuple(one for one in view.utterances if (one.turn, one.speaker) != (len(messages), "client"))
    now = view.model_copy(update={"utterances": said, "client_states": tuple(states[:-1])})
    models, _ = scripted_models(lambda asked: reply)
    change = await client(models, now, SETTINGS)
    (utterance,) = change["utterances"]
    return utterance["text"], [finding["kind"] for finding in utterance["call"]["findings"]]


@pytest.mark.parametrize(
    ("name", "reply", "held"),
    [
        (
            "gareth-the-numbers",
            "Yes, this month, doing the sums, I've thought of killing myself. I don't want that.",
            True,
        ),
        ("gareth-the-numbers", "I never thought of killing myself, it was the sums this month.", False),
        ("gareth-the-numbers", "I was at a trade fair.", False),
        ("bram-the-phone", "No, I don't want to die. I want the rota to be over, and that phone gone.", True),
        ("bram-the-phone", "Yes, I want to die. The rota and the phone are too much.", False),
    ],
)
async def test_an_answer_that_passes_its_part_by_or_turns_it_round_gives_way_to_the_form_s_words(
    name: str, reply: str, held: bool
) -> None:
    who = load_risk(name)
    assert who.risk
    text, kinds = await answered(who, reply, DIRECT)
    assert text == (reply if held else who.risk.thoughts)
    assert ("strayed" in kinds) is not held


async def test_a_sign_that_the_model_passes_by_follows_its_answer() -> None:
    who = load_risk("halina-last-bell")
    assert who.risk
    text, kinds = await answered(who, "It is worst on Sundays.", SMALL_TALK, NEAR)
    assert text == f"It is worst on Sundays. {who.risk.sign}"
    assert kinds == ["strayed"]
    assert (await answered(who, "The soup was good.", SMALL_TALK)) == ("The soup was good.", [])
