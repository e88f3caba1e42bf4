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
from counseling_sessions.nodes.inner.answering import answering, length_of
from counseling_sessions.nodes.inner.appraising import appraise, proposes
from counseling_sessions.nodes.inner.moving import Chance, Client, arrive, corrected, move
from counseling_sessions.nodes.inner.things import MOST_WORDS, asked_for, due, thing_text
from counseling_sessions.profiles.library import builtin_profiles, load_builtin
from counseling_sessions.profiles.manner import Manner
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.prompts import prompt
from counseling_sessions.state import ClientState, ClientView, Utterance
from counseling_sessions.texts.words import sentences
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
        ends_offered(IDA, long[: turn + 1], config(max_turns=20, min_turns=8)) & {"resolved"} for turn in range(1, 21)
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
    assert ends_offered(IDA, [state(0), state(8, trust=2)], settings) == {"left"}
    assert ends_offered(IDA, [state(0), state(8, belief=4, feeling=4)], settings) == {"resolved"}
    assert ends_offered(IDA, [state(0), state(8, belief=4, feeling=6)], settings) == set()
    assert ends_offered(IDA, [state(0), state(7, belief=4, feeling=4)], settings) == set()


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
    assert "resolved" in ends_offered(IDA, (state(0), fitting), config(min_turns=1))
    assert fitting_state(now, config(), "No idea.").length == length_of("No idea.") == "few_words"


@pytest.mark.parametrize("who", ["george-after-thirty-years", "noah-game-over"])
def test_clients_arrive_as_they_are(who: str) -> None:
    come = {attitude: arrive(load_builtin(who), attitude) for attitude in ("positive", "neutral", "negative")}  # type: ignore[arg-type]
    assert come["positive"].trust > come["negative"].trust
    assert come["negative"].readiness == "precontemplation"


@pytest.mark.parametrize(
    "message",
    [
        "It used to be your hands, and now it's the floor you have to weigh up before you dare.",
        "That meeting is one more thing that you must get through.",
        "I hear how hard you need to work at the meeting.",
    ],
)
def test_what_a_client_has_to_do_in_its_life_is_no_proposal(message: str) -> None:
    assert not proposes(message)
    assert not {"pushed", "advised_early"} & set(appraise(view(message)))
    assert next_state(view(message), config()).step is None


def test_an_answer_to_a_proposal_does_not_say_yes_and_no_at_once() -> None:
    pairs = Counter[tuple[str | None, str]]()
    for attitude in ("positive", "neutral", "negative"):
        for resists_by in (["complies"], ["argues", "few_words"], ["silent"]):
            who = IDA.model_copy(update={"manner": Manner(resists_by=resists_by)})
            for seed in range(12):
                for now in session(
                    [HARSH, KIND, "What if you tried it on Friday?"] * 4, who=who, seed=seed, attitude=attitude
                ):
                    pairs[now.step, now.manner] += now.step is not None
    manners = {step: {manner for one, manner in +pairs if one == step} for step, _ in +pairs}
    assert manners["complies"] == {"complies"}
    assert manners["takes"] == manners["bargains"] == {"tells"}
    assert "complies" not in manners["refuses"]
    assert {"argues", "silent"} <= manners["refuses"]


PAT = profile(
    presenting_problem={
        "what": "My low back hurts on the left side, every day. It began with a fall from a ladder. Lifting makes it worse. "
        "Nights are quiet. Rain brings it out."
    },
    automatic_thought="Canarythought, they will all see it.",
)
WHAT = "presenting_problem.what"


def said(*texts: str) -> tuple[Utterance, ...]:
    return tuple(
        Utterance(turn=place // 2, speaker="client" if place % 2 else "counselor", text=text)
        for place, text in enumerate(texts)
    )


@pytest.mark.parametrize(("length", "count"), [("sentence", 1), ("some", 2), ("long", 4)])
def test_a_longer_answer_is_offered_more_sentences_of_a_thing_and_none_all_of_it(length: Any, count: int) -> None:
    shown = thing_text(PAT, WHAT, said("What is it?"), length)
    assert len(sentences(shown)) == count


def test_a_sentence_that_was_told_is_not_offered_and_the_others_still_are() -> None:
    before = said(
        "Hello.", "It's the low back, the left side, and it hurts every day.", "How does your back hurt on the left?"
    )
    assert thing_text(PAT, WHAT, before, "sentence") == "It began with a fall from a ladder."
    assert "ladder" in thing_text(PAT, WHAT, before, "long")
    assert "low back" not in thing_text(PAT, WHAT, before, "long")


def test_a_thing_is_offered_until_each_of_its_sentences_was_told() -> None:
    def offered(*answers: str) -> str:
        spoken = said(
            *(text for answer in answers for text in ("Go on.", answer)), "What is the problem with the ladder?"
        )
        thing = due(PAT, spoken, 1, [], exploring=False)
        return thing_text(PAT, thing.path, spoken, "sentence") if thing and thing.path == WHAT else ""

    answers: list[str] = []
    while (sentence := offered(*answers)) and len(answers) < 9:
        answers.append(sentence)
    assert sorted(answers) == sorted(sentences(PAT.presenting_problem.what))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_things_of_every_level_are_offered_by_sentences(level: Any) -> None:
    who = profile(history="A first fall. A second illness. A third move.", disclosure={"history": level})
    assert thing_text(who, "history", said("Tell me of the move."), "sentence") == "A third move."


def test_a_sentence_longer_than_a_client_can_be_shown_comes_in_parts() -> None:
    who = profile(history=" ".join(f"word{number}x" for number in range(MOST_WORDS + 5)) + ".")
    first = thing_text(who, "history", said("Yes?"), "sentence")
    assert len(first.split()) == MOST_WORDS + 1
    rest = thing_text(who, "history", said("Yes?", first, "And?"), "sentence")
    assert rest.split() == who.history.split()[MOST_WORDS:]  # type: ignore[union-attr]


def test_in_the_last_two_turns_nothing_new_comes_up_that_takes_trust() -> None:
    messages = ("Who else knows about it?", "What happened when you were a child?", "How is it?")

    def items(turn: int, turns: int) -> set[str]:
        offered = set()
        for message in messages:
            for seed in range(20):
                before = [state(one, trust=10, openness=3) for one in range(1, turn)]
                spoken = (*said("Hello.", ANSWER), Utterance(turn=turn, speaker="counselor", text=message))
                now = view("Hm.", utterances=spoken, states=before, attitude="positive")
                offered.add(next_state(now, config(max_turns=turns, seed=seed)).item)
        return offered

    assert {"support", "history"} <= items(18, 20)
    assert items(19, 20) == items(20, 20) == {""}
    assert "support" in items(5, 6)


def note(now: ClientView, inside: ClientState, **options: Any) -> str:
    return str(ask_client(now, config(**options), inside).messages[-1].text)


def test_belief_is_said_only_to_who_may_know_the_thought_or_has_said_it() -> None:
    words = prompt("client/inner", "belief_firm")
    kept = state(1, belief=8, openness=1)
    assert words not in note(view("Hm."), kept)
    assert words not in note(view("Hm."), state(1, belief=8, openness=3))
    assert words in note(view("Hm."), state(1, belief=8, openness=3, item="automatic_thought"))
    assert words in note(view("Hm.", answer="Canarythought, they will all see it."), kept)
    easy = profile(automatic_thought="Everybody notices my hands.", disclosure={"automatic_thought": 1})
    assert words in note(view("Hm.", profile=easy), kept)
    assert words not in note(view("Hm.", profile=profile()), state(1, belief=8, openness=3))


def test_nobody_says_goodbye_content_right_after_the_painful_part() -> None:
    settings = config(max_turns=20, min_turns=2)
    light = {"belief": 4, "feeling": 4}

    def ends(turns_ago: int) -> set[str]:
        items = {8 - turns_ago: "history"}
        return set(
            ends_offered(
                IDA, [state(0), *(state(turn, item=items.get(turn, ""), **light) for turn in range(1, 9))], settings
            )
        )

    assert [ends(turns_ago) for turns_ago in range(4)] == [set(), set(), set(), {"resolved"}]


def test_who_is_ready_to_act_may_say_goodbye_only_when_some_step_was_agreed() -> None:
    settings = config(max_turns=20, min_turns=2)
    ready = {"readiness": "action", "trust": 8}
    for step in ("takes", "bargains", "refuses", "complies", None):
        states = [state(0), state(1, step=step), state(2, **ready)]
        assert ends_offered(IDA, states, settings) == ({"resolved"} if step in ("takes", "bargains") else set())


def test_the_state_of_a_written_reply_that_ends_content_needs_no_step_before() -> None:
    fitting = fitting_state(view("Good. Until then?"), config(), "Yes. Until then.", "resolved")
    assert "resolved" in ends_offered(IDA, (arrive(IDA, "neutral"), fitting), config(min_turns=1))


def test_who_is_asked_for_the_thought_that_it_keeps_passes_it_by_whatever_else_is_asked() -> None:
    message = "What went through your mind in the bakery when the stall stood there, and the nights?"
    who = profile(
        presenting_problem={"what": "The bakery, the stall, the nights and what stood there."},
        automatic_thought="Canarythought, they will all see it.",
        manner={"resists_by": ["silent"]},
    )

    def manners(answer: str = ANSWER, **fields: Any) -> set[str]:
        before = [state(0, **{"trust": 6, **fields})]
        asks = view(message, answer=answer, profile=who, attitude="positive", states=before)
        answers = [
            answering(asks, before[0], before, Client(who, "positive"), Chance(seed, who.id, 1), 20)
            for seed in range(20)
        ]
        return {one.manner for one in answers}

    assert "deflects" in manners() <= {"deflects", "silent"}
    assert "tells" in manners(openness=3) <= {"tells", "silent"}
    assert "tells" in manners(answer="Canarythought, they will all see it.") <= {"tells", "silent"}


def test_who_is_asked_about_what_opens_it_tells_and_not_in_a_few_words() -> None:
    opened = {
        "opens": "Somebody who asks about the roofs, and believes that it hurts.",
        "resists_by": ["silent"],
        "verbosity": "low",
    }
    low = state(0, trust=3)

    def answers(message: str, **manner: Any) -> list[ClientState]:
        who = profile(manner=opened | manner)
        asks = view(message, profile=who, attitude="negative")
        return [answering(asks, low, [low], Client(who, "negative"), Chance(seed, who.id, 1), 20) for seed in range(40)]

    asked = answers("What was a day on the roof like?")
    assert {one.manner for one in asked} == {"tells"}
    assert "few_words" not in {one.length for one in asked}
    for other in (answers("What was a day at the fair like?"), answers("What was a day on the roof like?", opens=None)):
        assert {"tells", "silent"} == {one.manner for one in other}
        assert "few_words" in {one.length for one in other}


def test_a_client_talks_long_only_to_an_open_question_and_with_something_to_tell() -> None:
    lively = {"verbosity": "high", "resists_by": ["drifts"]}
    full = PAT.model_copy(update={"manner": Manner.model_validate(lively)})

    def long(message: str, offered: Sequence[str] = ()) -> list[ClientState]:
        before = [state(0, trust=9, openness=3, item=path) for path in ("", *offered)]
        asks = view(message, profile=full)
        all_answers = [
            answering(asks, before[0], before, Client(full, "positive"), Chance(seed, full.id, 1), 20)
            for seed in range(60)
        ]
        return [one for one in all_answers if one.length == "long"]

    talk = long("What happens with your back then?")
    assert talk
    assert all(one.item for one in talk)
    assert not long("And the ladder was high.")
    assert not long("Is it the ladder?")


def test_the_client_knows_that_the_first_page_was_read_and_no_word_of_what_was_not() -> None:
    system = str(ask_client(view("Hm."), config(), state(1)).messages[0].text)
    line = next(line for line in system.splitlines() if line.startswith("The counselor has read"))
    assert "(name, age, occupation, reason for counseling)" in line
    assert not [word for word in ("history", "support", "automatic thought", "presenting") if word in line.lower()]


def test_an_end_is_spoken_of_only_where_the_note_asks_for_one() -> None:
    asked = note(view("Hm."), state(1, belief=2, feeling=2), min_turns=1)
    assert "[END: resolved]" in asked
    assert "[END" not in note(view("Hm."), state(1), min_turns=1)
    system = str(ask_client(view("Hm."), config(appraisal="llm"), state(1)).messages[0].text)
    assert "Only where the note asks for an [END: …]" in system


def test_what_takes_no_trust_is_offered_when_asked_for_and_not_as_the_next_thing() -> None:
    for message, offered in (("Hm.", False), (f"You wrote: {PAT.reason_for_counseling} Tell me more.", True)):
        thing = due(PAT, (Utterance(turn=1, speaker="counselor", text=message),), 1, [], exploring=True)
        assert (thing is not None) is offered
    who = profile(support="My sister rings on Sundays.")
    kept = due(who, (Utterance(turn=1, speaker="counselor", text="Hm."),), 2, [], exploring=True)
    assert kept
    assert kept.level == 2


@pytest.mark.parametrize(
    ("reply", "less", "readier"),
    [
        ("It goes on as it does.", False, False),
        ("I never thought of it like that.", True, False),
        ("I'll call her on Friday.", False, True),
    ],
)
def test_what_a_client_finds_or_promises_aloud_moves_it(reply: str, less: bool, readier: bool) -> None:
    before = ClientState(turn=1, trust=8, belief=7, feeling=5, readiness="contemplation")
    states = [move(before, (), "Yes.", reply, Client(PAT, "positive"), Chance(seed, "pat", 2)) for seed in range(200)]
    assert any(state.belief < before.belief for state in states) is less
    assert any(state.readiness != before.readiness for state in states) is (readier or less)


@pytest.mark.parametrize(
    ("rules", "read"), [(("understood", "asked_well", "normalized"), ("understood",)), ((), ("pushed",))]
)
def test_a_reading_in_place_of_the_rules_moves_a_client_as_far_as_if_it_had_been_theirs(
    rules: tuple[Any, ...], read: tuple[Any, ...]
) -> None:
    before = ClientState(turn=1, trust=7, belief=7, feeling=6, readiness="contemplation")
    sums = [0.0, 0.0]
    for seed in range(600):
        patient = PAT.model_copy(update={"id": f"pat-{seed}"})
        one = Client(patient, "negative")
        for place, names in enumerate((rules, read)):
            moved = move(before, names, "Yes.", "No.", one, Chance(seed, patient.id, 2))
            moved = corrected(moved.model_copy(update={"reading": read}), "Yes.", one)
            sums[place] += moved.belief - moved.trust
    assert abs(sums[0] - sums[1]) / 600 < 0.08
