"""Reminders: one untold thing of the form a turn, chosen by what the counselor just said, told once."""

from typing import Any

import pytest
from counseling_sessions.nodes.reminders import reminder, reminder_of

from counseling_sessions.nodes.context import phase_of
from counseling_sessions.profiles.library import load_builtin
from counseling_sessions.profiles.schema import ClientProfile, client_form, counselor_information
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientView, Utterance
from tests.scripted import config, profile

FORM = {
    "demographics": {"name": "Ida", "occupation": "baker"},
    "reason_for_counseling": "Mornings frighten me.",
    "presenting_problem": {
        "what": "My hands tremble at the oven. I dropped a tray of rolls.",
        "tried": "I counted to ten and drank camomile tea.",
    },
    "support": "My neighbor Olga brings soup.",
}
IDA = ClientProfile(id="ida", **FORM)
TURNS = 12


def view(*said: str, who: ClientProfile = IDA) -> ClientView:
    """A dialogue in which counselor and client take turns, after an opening exchange."""
    dialogue = [("counselor", 0, "Hello."), ("client", 0, "Hello.")]
    dialogue += [("client" if n % 2 else "counselor", n // 2 + 1, text) for n, text in enumerate(said)]
    utterances = tuple(Utterance(speaker=speaker, turn=turn, text=text) for speaker, turn, text in dialogue)  # type: ignore[arg-type]
    return ClientView(profile=who, attitude="neutral", utterances=utterances)


def reminded(*said: str, who: ClientProfile = IDA, **options: Any) -> str:
    return reminder(view(*said, who=who), settings(**options))


def settings(**options: Any) -> SessionConfig:
    return config(max_turns=TURNS, reminders=True, **options)


@pytest.mark.parametrize(
    ("asked", "thing"),
    [
        ("What happens to your hands?", "My hands tremble at the oven."),
        ("Did you drop anything? You spoke of trays.", "I dropped a tray of rolls."),
        ("Who is there for you, any neighbors?", "My neighbor Olga brings soup."),
        ("What have you tried?", "I counted to ten and drank camomile tea."),
    ],
)
def test_it_is_what_the_counselor_asked_for(asked: str, thing: str) -> None:
    assert thing in reminded(asked)


def test_what_nobody_touched_comes_in_the_order_of_the_form_while_exploring_and_not_later() -> None:
    assert "Mornings frighten me." in reminded("Go on.")
    past = ["Go on.", "I see."] * (TURNS // 2)
    assert phase_of(len(past) // 2 + 1, TURNS) == "working"
    assert reminded(*past, "Go on.") == ""
    assert "Olga" in reminded(*past, "Is there a neighbor?")


def test_nothing_comes_twice_and_nothing_that_was_told() -> None:
    said, seen = [], []
    for _ in range(4):
        said.append("Go on.")
        seen.append(reminded(*said))
        said.append("Hm.")
    assert len(set(seen)) == 4
    assert "tray" not in reminded("What about the tray?", "I dropped a tray of rolls.", "And the tray?")


def test_when_all_is_told_nothing_is_left() -> None:
    everything = " ".join(line.partition(": ")[2] for line in client_form(IDA).splitlines())
    assert reminded("Tell me everything.", everything, "Anything else?") == ""


def test_the_first_page_is_no_secret_and_does_not_come() -> None:
    asked = ["What do you do, as a baker, Ida?"]
    for _ in range(8):
        assert "baker" not in reminded(*asked)
        asked += ["Well.", "What do you do, as a baker, Ida?"]


def test_the_same_dialogue_gives_the_same_reminder() -> None:
    who = load_builtin("amira-exam-panic")
    asked = ("What goes through your mind before an exam?",)
    assert reminded(*asked, who=who) == reminded(*asked, who=who)
    thing = reminded(*asked, who=who).partition(": ")[2]
    assert thing in client_form(who)
    assert thing not in counselor_information(who)


def test_a_foreign_form_of_endless_sentences_is_cut() -> None:
    long = profile(other="and then " * 300 + "the end")
    assert len(reminded("Tell me.", who=long).split()) < 60


def test_for_a_written_reply_it_is_what_the_reply_tells() -> None:
    now = view("Go on.")
    assert "My neighbor Olga brings soup." in reminder_of(now, "On some days Olga comes over with soup.")
    assert reminder_of(now, "I have no idea.") == ""
    told = view("Is anybody there?", "Olga brings me soup, my neighbor.", "How is that?")
    assert reminder_of(told, "Olga, the soup. I said it.") == ""
