"""The strict rules: what each one sees in messages like those of small models, and what it must pass by."""

import pytest

from counseling_sessions.integrity import strict
from counseling_sessions.integrity.facts import Facts, facts_of
from counseling_sessions.integrity.rules import Rule
from counseling_sessions.integrity.spoken import Past, Spoken
from counseling_sessions.state import Speaker

FORM = """Name: Abdoulaye Ndiaye
Occupation: staff nurse on a surgical ward
Relationship: married to Coumba, who is still in Thiès
Family: lives in a shared house; wife and daughter Awa, four, in Senegal; parents and sister Khady in Dakar
Support: Coumba and Awa call every evening."""
FACTS = facts_of(FORM)
SINGLE = facts_of(
    "Name: Noah Whitfield\nOccupation: none at the moment, finished school\nRelationship: single\nFamily: no children"
)

SEEN: list[tuple[Rule, Speaker, str]] = [
    (strict.mixed_up, "counselor", "Your sister Awa calls every evening."),
    (strict.mixed_up, "client", "My brother Khady lives in Dakar."),
    (strict.mixed_up, "counselor", "And what does your husband say?"),
    (strict.mixed_up, "client", "Abdoulaye feels small at work."),
    (strict.mixed_up, "client", "I say only what Abdoulaye Ndiaye can say."),
    (strict.mixed_up, "counselor", "What happens when Abdoulaye is angry?"),
    (strict.mixed_up, "counselor", "What happens when Abdoulaye looks at your thought?"),
    (strict.mixed_up, "client", "When Abdoulaye stays in the room, I see the list."),
    (strict.mixed_up, "counselor", "Thank you, Coumba. What happened then?"),
    (strict.mixed_up, "counselor", "Hello Sarah, good to meet you."),
    (strict.mixed_up, "counselor", "Awa, what would you like to change?"),
    (strict.wrong_person, "counselor", "My wife is in Senegal, and it is hard."),
    (strict.wrong_person, "counselor", "I feel so anxious at the handover."),
    (strict.wrong_person, "counselor", "I have been losing my patience with the others."),
    (strict.wrong_person, "counselor", "That is hard. I can’t sleep either."),
    (strict.wrong_person, "client", "I understand how you feel."),
    (strict.wrong_person, "client", "How does that make you feel?"),
    (strict.wrong_person, "client", "I trust the counselor."),
    (strict.wrong_person, "client", "Thank you for sharing that. Let’s explore it together."),
    (strict.runs_down, "counselor", "Yes. You are a failure."),
    (strict.runs_down, "counselor", "You're right to be worthless."),
    (strict.runs_down, "counselor", "It is your fault that they laugh."),
    (strict.contradicts, "client", "I have no children."),
    (strict.contradicts, "client", "I'm not married, so I don't know."),
    (strict.contradicts, "client", "I am unemployed since March."),
    (strict.contradicts, "client", "I'm an only child."),
    (strict.contradicts, "client", "My mother died when I was small."),
    (strict.rating, "client", "It is a 15 out of 10."),
    (strict.rating, "client", "Two out of ten, I would say."),
    (strict.rating, "client", "About a 40/10."),
    (strict.impossible, "counselor", "Next week we will look at your list."),
    (strict.impossible, "counselor", "Call me when the handover is over."),
    (strict.impossible, "counselor", "I will come with you to the ward."),
    (strict.impossible, "counselor", "I can prescribe something for the nights."),
    (strict.impossible, "counselor", "Send me a text when you have done it."),
    (strict.echo, "counselor", "The quiet voice is at nine out of ten when the matron looks at me."),
    (strict.echo, "counselor", "Your voice is quiet at nine out of ten when the matron looks at you, and it is loud."),
    (strict.contradicts, "client", "I'm a doctor at the hospital."),
    (strict.contradicts, "counselor", "You are a teacher, and it is hard."),
]
PASSED: list[tuple[Rule, Speaker, str]] = [
    (strict.mixed_up, "counselor", "Your daughter Awa calls every evening, and your wife Coumba too."),
    (strict.mixed_up, "client", 'They say "Abdoulaye is quiet", and they laugh.'),
    (strict.mixed_up, "counselor", "Tell me, Abdoulaye, is it always like that? What would your wife say?"),
    (strict.mixed_up, "counselor", "Thank you, Abdoulaye. Hello again."),
    (strict.mixed_up, "counselor", "Good afternoon, Ms. Ndiaye."),
    (strict.mixed_up, "client", "My sister’s husband is a nurse too."),
    (strict.wrong_person, "counselor", "I feel that the ward matters to you. I am sorry."),
    (strict.wrong_person, "counselor", "So the rule says, my wife must not worry."),
    (strict.wrong_person, "counselor", 'You could say: "I feel anxious. My boss is loud."'),
    (strict.wrong_person, "client", "My wife is in Senegal. I feel anxious."),
    (strict.wrong_person, "client", "Do you understand how I feel? Thank you for asking."),
    (strict.wrong_person, "client", 'She said: "I understand how you feel." I laughed.'),
    (strict.runs_down, "counselor", "You called yourself a failure. It is not your fault."),
    (strict.runs_down, "counselor", 'The thought is: "You are a failure."'),
    (strict.runs_down, "client", "You are a failure, I tell myself."),
    (strict.contradicts, "client", "I have no children here to look after."),
    (strict.contradicts, "client", "My daughter calls every evening. I'm married."),
    (strict.contradicts, "client", 'He said: "I have no job."'),
    (strict.contradicts, "client", "My mother lives in Dakar. My grandmother died."),
    (strict.rating, "client", "It is an 8 out of 10 today."),
    (strict.rating, "client", "Eleven out of ten!"),
    (strict.rating, "client", "I slept 3 hours, and 20 of 30 beds were full."),
    (strict.impossible, "counselor", "You call the matron on Monday. What could stop you?"),
    (strict.impossible, "counselor", "I'll go through it with you here. Tell me how it went."),
    (strict.impossible, "counselor", "You could ask your doctor to prescribe it. They call me strict."),
    (strict.echo, "counselor", "At nine, then. What does the matron see when she looks at you?"),
    (strict.echo, "counselor", "The matron looks."),
    (strict.contradicts, "client", "I'm a nurse. My brother is a doctor."),
    (strict.contradicts, "counselor", "You are a nurse, and it is hard."),
    (strict.echo, "counselor", "You are watched. That alone makes many voices small, and yours has to work all night."),
]
BEFORE = "It is a nine. My voice is quiet at nine out of ten when the matron looks at me, and the ward is loud."


def spoken(text: str, speaker: Speaker, facts: Facts | None = FACTS) -> Spoken:
    own, others = ([BEFORE], ["How bad is it, from 0 to 10?"]) if speaker == "client" else ([], [BEFORE])
    return Spoken(text, speaker, Past(own), Past(others), facts=facts)


@pytest.mark.parametrize(("rule", "speaker", "text"), SEEN)
def test_a_rule_sees_what_is_wrong(rule: Rule, speaker: Speaker, text: str) -> None:
    assert rule(spoken(text, speaker))


@pytest.mark.parametrize(("rule", "speaker", "text"), PASSED)
def test_a_rule_passes_by_what_people_say(rule: Rule, speaker: Speaker, text: str) -> None:
    assert rule(spoken(text, speaker)) is None


def test_every_rule_has_three_messages_of_each_kind_at_least() -> None:
    for cases in (SEEN, PASSED):
        for rule in (*strict.OF_SENTENCES, strict.rating):
            assert len([case for case in cases if case[0] is rule]) >= 3


def test_a_form_says_who_is_who_and_what_is_so() -> None:
    assert FACTS.names == ("abdoulaye", "ndiaye")
    assert FACTS.kin == {"coumba": {"partner"}, "awa": {"daughter"}, "khady": {"sister"}}
    assert FACTS.so == {"children", "siblings", "marriage", "mother", "father", "work"}
    assert (SINGLE.so, SINGLE.not_so) == (frozenset(), {"children", "marriage", "work"})
    assert FACTS.no_partners >= {"husband", "boyfriend"}
    assert not SINGLE.no_partners
    assert "mother" not in facts_of(f"{FORM}\nHistory: My mother died in May.").so


def test_what_the_client_has_said_counts_as_the_form_does() -> None:
    said = Past(["My sister Elif calls. I have two sons."])
    assert strict.mixed_up(Spoken("Your brother Elif calls.", "counselor", others_past=said, facts=SINGLE))
    assert not strict.mixed_up(Spoken("Your sister Elif calls.", "counselor", others_past=said, facts=SINGLE))
    assert strict.contradicts(Spoken("I don't have any children.", "client", past=said, facts=Facts()))
    assert strict.contradicts(Spoken("My son is loud.", "client", facts=SINGLE))
    assert not strict.contradicts(Spoken("My son is loud.", "client", facts=Facts()))


@pytest.mark.parametrize(
    ("before", "asked", "text", "jumps"),
    [
        ("It is a nine out of ten.", "And now, from 0 to 10?", "A three, maybe.", True),
        ("It is a nine out of ten.", "And now, from 0 to 10?", "Maybe a six.", False),
        ("It is a nine out of ten.", "And what helps?", "Three things.", False),
        ("It is a nine out of ten.", "And now, from 0 to 10?", "3 hours ago it was 9/10.", False),
        ("It was bad.", "And now, from 0 to 10?", "A three, maybe.", False),
        ("It is a nine out of ten, and mornings are 5/10.", "And now, from 0 to 10?", "A three, maybe.", False),
    ],
)
def test_a_rating_jumps_from_one_message_to_the_next(before: str, asked: str, text: str, jumps: bool) -> None:
    message = Spoken(text, "client", Past([before]), Past(["How bad is it?", asked]), facts=FACTS)
    assert bool(strict.rating(message)) is jumps


def test_a_rating_may_change_where_something_was_said_between() -> None:
    past = Past(["It is a nine out of ten.", "I said it aloud. It was easier."])
    assert strict.rating(Spoken("Two out of ten now.", "client", past, facts=FACTS)) is None


def test_a_client_echoes_too() -> None:
    asked = Past(
        ["You could write down what you say to yourself when you see your voice, and you could give it a number."]
    )
    again = "I will write down what I say to myself when I see my voice, and I'll give it a number."
    assert strict.echo(Spoken(again, "client", others_past=asked, facts=FACTS))
    answer = "I could write down one line a night, by the kettle. A number is for patients."
    assert strict.echo(Spoken(answer, "client", others_past=asked, facts=FACTS)) is None


def test_closing_words_may_look_back() -> None:
    text = "The quiet voice is at nine out of ten when the matron looks at me."
    said = Past([BEFORE])
    assert strict.echo(Spoken(text, "counselor", others_past=said, facts=FACTS))
    assert strict.echo(Spoken(text, "counselor", others_past=said, facts=FACTS, closing=True)) is None
