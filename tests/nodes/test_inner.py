"""The client's inner state: what moves it, what it lets the client tell, and when it lets the client end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.graph.fork import fork_head, fork_task, run_fork
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.nodes.client import ask_client, client
from counseling_sessions.nodes.inner import ends_offered, fitting_state, leaves, next_state, states_so_far
from counseling_sessions.nodes.inner.answering import length_of
from counseling_sessions.nodes.inner.appraising import appraise
from counseling_sessions.nodes.inner.moving import arrive
from counseling_sessions.nodes.inner.things import asked_for
from counseling_sessions.profiles.library import builtin_profiles, load_builtin
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.state import ClientState, ClientView, Utterance
from tests.scripted import Asked, Sensible, config, profile, scripted_models

IDA = profile(
    history="Canaryhistory happened when I was nine.",
    automatic_thought="Canarythought, they will all see it.",
    support="My neighbor Olga brings soup.",
)
ANSWER = "I froze at the meeting on Monday and felt so ashamed of my hands afterwards."


def view(message: str, answer: str = ANSWER, states: Sequence[ClientState] = (), **options: Any) -> ClientView:
    said = (
        Utterance(turn=0, speaker="counselor", text="Hello."),
        Utterance(turn=0, speaker="client", text=answer),
        Utterance(turn=1, speaker="counselor", text=message),
    )
    return ClientView(**{"profile": IDA, "attitude": "neutral", "utterances": said, "client_states": states, **options})


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("It sounds like the meeting on Monday left your hands shaking.", {"understood"}),
        ("What happened in the meeting then?", {"asked_well"}),
        ("Anyone in your place would feel ashamed after such a meeting.", {"normalized"}),
        ("Would you like to say more about Monday, or not at all?", {"gave_choice"}),
        ("You should just go to the next meeting.", {"pushed", "advised_early"}),
        ("You are angry about that meeting.", {"misnamed_feeling"}),
        ("Your hands in the meeting " + "and so on " * 30, {"lectured"}),
        ("The weather has been cold.", {"ignored"}),
    ],
)
def test_what_a_message_is_to_the_client(message: str, heard: set[str]) -> None:
    assert heard <= set(appraise(view(message)))


def test_a_feeling_that_the_client_named_is_not_misnamed_and_a_guess_may_be_wrong() -> None:
    assert "misnamed_feeling" not in appraise(view("You were embarrassed in that meeting."))
    assert "misnamed_feeling" not in appraise(view("You might be angry about that meeting."))


def test_advice_is_pushing_after_a_refusal_and_early_before_understanding() -> None:
    again = appraise(
        view("What if you tried it on Friday?", "I won't do that, I tried that already and it never helped me.")
    )
    assert {"pushed", "advised_early"} <= set(again)
    understood = [state(turn, heard=("understood",)) for turn in (1, 2)]
    assert "advised_early" not in appraise(view("What if you tried it on Friday?", states=understood))


def state(turn: int, **fields: Any) -> ClientState:
    return ClientState(**{"turn": turn, "trust": 5, "belief": 7, "feeling": 6, "readiness": "contemplation", **fields})


def session(
    messages: Sequence[str], replies: Sequence[str] = (), who: ClientProfile = IDA, **options: Any
) -> list[ClientState]:
    """The states of a client who is said these messages, from its arrival on."""
    attitude = options.pop("attitude", "neutral")
    said, states, settings = (
        [Utterance(turn=0, speaker="client", text=ANSWER)],
        [],
        config(**{"max_turns": 20, **options}),
    )
    for turn, message in enumerate(messages, 1):
        said.append(Utterance(turn=turn, speaker="counselor", text=message))
        now = ClientView(profile=who, attitude=attitude, utterances=tuple(said), client_states=tuple(states))
        states.append(next_state(now, settings))
        said.append(Utterance(turn=turn, speaker="client", text=replies[turn - 1] if replies else f"{ANSWER} {turn}"))
    return [arrive(who, attitude), *states]


KIND = "It sounds like the meeting on Monday left you ashamed of your hands. What happened then?"
HARSH = "You should just go there. Why don't you try it? Will you? Why not?"


def test_a_client_who_is_understood_trusts_more_and_opens_and_one_who_is_pushed_shuts_at_once() -> None:
    kind = session([KIND] * 14)
    assert kind[0].openness == 1
    assert kind[-1].trust > kind[0].trust + 2
    assert kind[-1].openness == 3
    mixed = session([*[KIND] * 14, HARSH])
    assert (mixed[-2].openness, mixed[-1].openness) == (3, 1)
    assert mixed[-1].trust < mixed[-2].trust


def test_nobody_is_convinced_by_length() -> None:
    long = session(["I see."] * 20)
    assert long[-1].belief >= long[0].belief - 1
    assert not any(
        ends_offered(long[: turn + 1], config(max_turns=20, min_turns=8)) & {"resolved"} for turn in range(1, 21)
    )


def test_what_the_form_says_that_opens_or_closes_counts_double() -> None:
    named = profile(manner={"closes": "Being pushed and hurried.", "resists_by": ["argues"]})
    plain = profile(manner={"resists_by": ["argues"]})
    message = ["You should go to the meeting on Monday, ashamed or not, with your hands."]
    trust = [sum(session(message, who=who, seed=seed)[-1].trust for seed in range(40)) for who in (named, plain)]
    assert trust[0] < trust[1] - 20


def test_the_same_seed_gives_the_same_session_and_another_one_other_lengths() -> None:
    one, again, other = (session([KIND] * 12, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert [state.length for state in one] != [state.length for state in other]


def test_the_lengths_of_answers_spread_as_those_of_people() -> None:
    lengths = Counter(
        now.length for who in builtin_profiles() for now in session([KIND, "I see.", "And then?"] * 4, who=who)[1:]
    )
    shares = {length: count / lengths.total() for length, count in lengths.items()}
    assert 0.2 < shares["few_words"] < 0.5
    assert 0.01 < shares["long"] < 0.15


def test_the_models_own_reading_corrects_the_next_state() -> None:
    first = session(["I see."])[-1]
    trusts = {}
    for reading in (None, (), ("understood",), ("pushed",)):
        after = []
        for seed in range(30):
            read = first.model_copy(update={"reading": reading, "trust": 5})
            said = (
                *view("I see.").utterances,
                Utterance(turn=1, speaker="client", text="Hm."),
                Utterance(turn=2, speaker="counselor", text="I see."),
            )
            after.append(next_state(view("I see.", states=(read,), utterances=said), config(max_turns=9, seed=seed)))
        trusts[reading] = sum(one.trust for one in after)
        assert reading != ("pushed",) or {one.openness for one in after} == {1}
    assert trusts[("pushed",)] < trusts[()] <= trusts[("understood",)]


def test_who_is_asked_for_more_than_it_tells_yet_deflects() -> None:
    asked = asked_for(IDA, "What thought goes through your mind then?")
    assert asked
    assert asked.path == "automatic_thought"
    calm = [
        next_state(view("What thought goes through your mind then?", attitude="positive"), config(seed=seed))
        for seed in range(20)
    ]
    assert Counter(now.manner for now in calm).most_common(1)[0][0] == "deflects"
    assert all(now.item != "automatic_thought" for now in calm)


def test_a_client_leaves_after_two_turns_of_very_low_trust_and_not_before_it_may() -> None:
    settings = config(max_turns=20, min_turns=8)
    low = [state(turn, trust=1) for turn in range(6, 9)]
    assert leaves(low, settings)
    assert not leaves(low[:2], settings)
    assert not leaves([state(7, trust=3), state(8, trust=1)], settings)
    assert ends_offered([state(0), state(8, trust=2)], settings) == {"left"}
    assert ends_offered([state(0), state(8, belief=4, feeling=4)], settings) == {"resolved"}
    assert ends_offered([state(0), state(8, belief=4, feeling=6)], settings) == set()
    assert ends_offered([state(0), state(7, belief=4, feeling=4)], settings) == set()


@pytest.mark.parametrize(
    ("trust", "marker", "end"),
    [(1, "", "left"), (2, " [END: resolved]", None), (5, " [END: resolved]", None), (5, " [END: left]", None)],
)
async def test_an_end_that_was_not_offered_does_not_count_and_who_has_had_enough_goes_without_a_marker(
    trust: int, marker: str, end: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, _ = scripted_models(lambda asked: f"I am done with this.{marker}")
    monkeypatch.setattr("counseling_sessions.nodes.client.next_state", lambda view, config: state(1, trust=trust))
    monkeypatch.setattr(
        "counseling_sessions.nodes.client.states_so_far",
        lambda view, config: (state(0, trust=trust).model_copy(update={"turn": 1}),),
    )
    made = await client(models, view("Hm."), config(max_turns=9, min_turns=1))
    assert made.get("end_reason") == end
    assert made["utterances"][0]["text"] == "I am done with this."


async def test_a_client_who_stays_closed_is_never_sent_the_painful_part_and_one_who_is_understood_is_later() -> None:
    def counselor(text: str) -> list[Asked]:
        asked: list[Asked] = []
        states: list[ClientState] = []
        said = [Utterance(turn=0, speaker="client", text=ANSWER)]
        settings = config(max_turns=20)
        for turn in range(1, 21):
            said.append(Utterance(turn=turn, speaker="counselor", text=text))
            now = ClientView(profile=IDA, attitude="neutral", utterances=tuple(said), client_states=tuple(states))
            states.append(next_state(now, settings))
            asked.append(Asked("client", list(ask_client(now, settings, states[-1]).messages), {}))
            said.append(Utterance(turn=turn, speaker="client", text=f"{ANSWER} {turn}"))
        return asked

    closed = counselor(HARSH + " What thought goes through your mind?")
    assert len(closed) == 20
    assert not [one for one in closed if "Canaryhistory" in one.prompt or "Canarythought" in one.prompt]
    opened = counselor(KIND + " What thought goes through your mind?")
    assert "Canarythought" not in opened[0].prompt
    assert [one for one in opened if "Canarythought" in one.prompt]


async def test_the_state_is_on_record_each_turn_and_again_in_a_fork(tmp_path: Path) -> None:
    models, _ = scripted_models(Sensible())
    task = SessionTask(profile=IDA, attitude="negative", config=config(max_turns=4))
    record = await run_session(task, tmp_path / "parent", models)
    states = [turn.client_state for turn in record.turns]
    assert [one.turn for one in states if one] == [1, 2, 3, 4]
    fork = await run_fork(fork_head(fork_task(record, 3)), tmp_path / "fork", models)
    assert [turn.client_state for turn in fork.turns][:2] == states[:2]
    assert all(turn.client_state for turn in fork.turns)


def test_a_state_on_record_counts_and_rules_fill_in_what_is_missing() -> None:
    said = (
        *view("I see.").utterances,
        Utterance(turn=1, speaker="client", text="Hm."),
        Utterance(turn=2, speaker="counselor", text="I see."),
    )
    kept = state(1, trust=9)
    assert states_so_far(view("I see.", utterances=said, states=(kept, state(2, trust=0))), config())[1] == kept
    without = states_so_far(view("I see.", utterances=said), config())
    assert [one.turn for one in without] == [0, 1]


def test_the_state_of_a_written_reply_has_its_length_what_it_tells_and_its_end() -> None:
    now = view("Who is there for you?")
    fitting = fitting_state(
        now, config(), "Olga, my neighbor. She brings me soup on some evenings, and she stays a while then.", "resolved"
    )
    assert (fitting.length, fitting.item, fitting.manner) == ("sentence", "support", "tells")
    assert "resolved" in ends_offered((state(0), fitting), config(min_turns=1))
    assert fitting_state(now, config(), "No idea.").length == length_of("No idea.") == "few_words"


@pytest.mark.parametrize("who", ["george-after-thirty-years", "noah-game-over"])
def test_clients_arrive_as_they_are(who: str) -> None:
    come = {attitude: arrive(load_builtin(who), attitude) for attitude in ("positive", "neutral", "negative")}  # type: ignore[arg-type]
    assert come["positive"].trust > come["negative"].trust
    assert come["negative"].readiness == "precontemplation"
