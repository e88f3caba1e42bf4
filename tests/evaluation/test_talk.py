"""Talk: lengths, questions, echo, backchannels, reflections and proposals, of one session and pooled over many."""

import pytest

from counseling_sessions.evaluation.measure import measure
from counseling_sessions.evaluation.readings import Measuring
from counseling_sessions.evaluation.report.talk import talk_section
from counseling_sessions.evaluation.talk import SessionTalk, Side, Spread, Talk, talk_of
from counseling_sessions.sessions import Session, read_sessions
from tests.evaluation.made import clean, session
from tests.reference import RELEASED, needs_reference

NINE = "Since the spring I lie awake and count invoices."


def asks(text: str) -> int:
    return talk_of(session(text, "Well.")).said[0].asks


def proposes(text: str) -> bool:
    return talk_of(session(text, "Well.")).said[0].proposes


def pooled(*sessions: Session) -> Talk:
    talk = Talk()
    for one in sessions:
        talk.add(talk_of(one))
    return talk


def test_lengths_are_pooled_over_messages() -> None:
    talk = pooled(
        session("How are you?", "Tired."), session("Since when?", NINE, "Tell me more of it.", "Not so well, no.")
    )
    assert talk.side("client") == Side(3, Spread(4, 1.6, 8.0), 1 / 3, 2 / 3)
    assert talk.side("counselor") == Side(3, Spread(3, 2.2, 4.6), 2 / 3, 1.0)
    assert talk.sessions == 2
    assert pooled().side("client") == Side(0, None, None, None)


def test_a_session_has_the_same_figures_by_itself() -> None:
    figures = talk_of(session("How are you?", "Tired.", "Since when?", NINE)).figures()
    assert figures == {
        "client_short": 0.5,
        "client_brief": 0.5,
        "backchannels": 0.0,
        "stacked_questions": 0.0,
        "echo": 0.0,
        "reflections": 0.0,
        "proposals": 0.0,
        "early_proposals": 0.0,
        "pressed_proposals": 0.0,
    }
    assert talk_of(session()).figures() == {}


@pytest.mark.parametrize(
    ("said", "listens"),
    [
        (("I lie awake.", "Mm-hmm."), [False, True]),
        (("I lie awake.", "Yeah, okay."), [False, True]),
        (("Do you sleep?", "Yes."), [False, False]),  # an answer
        (("I lie awake.", "Right?"), [False, False]),
        (("I lie awake.", "Okay, since when"), [False, False]),
    ],
)
def test_a_message_that_only_listens_is_a_backchannel(said: tuple[str, ...], listens: list[bool]) -> None:
    assert [one.listens for one in talk_of(session(*said)).said] == listens


def test_lengths_without_backchannels_leave_these_messages_out() -> None:
    talk = pooled(session("I see.", NINE, "Mm-hmm.", "Yes."))
    assert (talk.side("counselor").messages, talk.side("counselor", backchannels=False).messages) == (2, 0)
    assert talk.side("client", backchannels=False) == Side(1, Spread(9, 9, 9), 0.0, 0.0)
    assert talk.shares()["counselor_backchannels"] == 1.0


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("I hear you.", 0),
        ("When did you wake?", 1),
        ("When did you wake? And what would your sister say?", 2),
        ("When did you wake? At what time did you wake?", 1),  # the same again
        ("You wake at four. Right? What goes through your mind?", 1),
        ("What was it? How?", 1),
        ("Was it your sister? Was it the invoice? Was it the flat?", 3),
    ],
)
def test_questions_of_a_message_are_counted_by_what_they_ask(text: str, things: int) -> None:
    assert asks(text) == things


def test_echo_is_the_share_of_telling_words_that_the_message_before_has() -> None:
    echoes = [
        said.echo
        for said in talk_of(session("I count invoices at night.", "Invoices, nights and the flat.", "Yes.")).said
    ]
    assert echoes == [None, 2 / 3, None]
    assert talk_of(session("Invoices.", "And the flat.", "Invoices?")).said[2].echo == 0.0  # not the message before


@pytest.mark.parametrize(
    ("text", "reflects"),
    [
        ("You felt left out of that table.", True),
        ("It sounds like the nights are long.", True),
        ("Does it sound like that to you?", False),
        ("What happened on Sunday?", False),
    ],
)
def test_a_reflection_says_back_and_does_not_ask(text: str, reflects: bool) -> None:
    first, second = talk_of(session(text, text)).said
    assert (first.reflects, second.reflects) == (reflects, False)  # the client reflects nothing


@pytest.mark.parametrize(
    "text",
    [
        "You could write to Mark on Thursday.",
        "On Thursday you could write to Mark.",
        "One small step is to write. Maybe try to write one line.",
        "Would you be willing to try that tonight?",
        "What if you told her tomorrow?",
        "I'd suggest a walk.",
        "How about writing it down?",
        "You’d better rest.",
    ],
)
def test_a_proposal_is_found_by_its_form(text: str) -> None:
    assert proposes(text)


@pytest.mark.parametrize(
    "text",
    [
        "What do you have to decide?",
        "People repair what they can reach, and you could reach your vowels.",
        "You could tell me about him today.",
        "Why don't you start by telling me about yourself?",
        "If you could have what you wanted, what would it be?",
        "Would you like to try to help me understand what that means?",
        "What about belonging?",
        "You could.",
    ],
)
def test_what_only_sounds_like_a_proposal_is_none(text: str) -> None:
    assert not proposes(text)


def read(*said: str) -> SessionTalk:
    return talk_of(session(*said))


def test_a_proposal_is_early_in_the_first_third_or_before_a_reflection() -> None:
    late = ("Hello.", "Hello.", "You felt alone.", "Yes.", "You could write.", "Well.")
    assert read(*late).early == 0
    assert read(*late[:2], "Tell me.", *late[3:]).early == 1
    assert read("You could write.", *late[1:]).early == 1


def test_pressing_on_is_a_proposal_after_the_refusal_of_one() -> None:
    assert read("You could write.", "No, not him.", "You could call.", "Well.").pressed == 1
    assert read("You could write.", "Maybe.", "You could call.", "Well.").pressed == 0
    assert read("How are you?", "No, not him.", "You could call.", "Well.").pressed == 0
    assert read("You could write.", "No, not him.", "What stops you?", "Well.").pressed == 0


def test_the_table_has_a_column_a_group_and_is_there_if_asked_for() -> None:
    groups = {"one": [clean()], "two": [session("How are you?", "Tired.")]}
    section = talk_section(measure(groups, Measuring(("talk",))))
    assert section
    [table] = section.blocks
    assert table.columns == ("", "one (n=1)", "two (n=1)")
    rows = {row[0]: [cell.text for cell in row[1:]] for row in table.rows}
    assert rows["words a client message"][1] == "1 (1–1)"
    assert rows["client messages of at most 3 words"] == ["14.3 %", "100.0 %"]
    measured = measure(groups, Measuring(("integrity",)))
    assert talk_section(measured) is None
    assert "echo" not in measured.groups["one"].figures


@needs_reference
def test_the_released_sessions_talk_as_is_known_of_them() -> None:
    talk = pooled(*(made for made in read_sessions(RELEASED) if isinstance(made, Session)))
    counselor, client = talk.side("counselor").words, talk.side("client").words
    assert counselor
    assert client
    assert (counselor.median, counselor.low, counselor.high) == (78, 51, 109)
    assert (client.median, client.low, client.high) == (75, 42, 110)
    assert talk.shares()["questions"] == pytest.approx(0.90, abs=0.005)
