"""The review: what a person's messages were like, what they passed by or pressed, how the client took it, and its form."""

from itertools import pairwise
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from counseling_sessions.graph.practice import Practice
from counseling_sessions.graph.session import SessionTask
from counseling_sessions.nodes.person import PersonAnswer
from counseling_sessions.practice.cues import Questions
from counseling_sessions.practice.review import Review, review_of
from counseling_sessions.practice.review_text import review_lines
from counseling_sessions.profiles.readers import find_profile
from counseling_sessions.profiles.schema import ClientProfile, counselor_information, counselor_reason
from tests.scripted import Sensible, config, profile, scripted_models


async def reviewed(
    folder: Path, *texts: str, who: ClientProfile | None = None, close: bool = True, language: str = "English"
) -> Review:
    """The review of a session with these messages, the person's first; the last one says goodbye."""
    models, _ = scripted_models(Sensible(client=texts[1::2]))
    task = SessionTask(
        profile=who or profile(), attitude="neutral", config=config(max_turns=20, appraisal="rules", language=language)
    )
    practice = Practice.begin(task, "counselor", folder, models, InMemorySaver())
    await practice.start()
    for place, text in enumerate(texts[::2], 1):
        ends = "turn_limit" if close and place == (len(texts) + 1) // 2 else None
        await practice.answer(PersonAnswer(text=text, ends=ends))
    assert practice.failure is None
    return review_of(practice.record())


SESSION = (
    "How was the market?", "I cried on the way home. The list is what breaks me.",
    "You should get up earlier.", "Yes, but I have the children in the morning.",
    "Just go to bed at nine, you should try that.", "I don't see how that will help.",
    "Where do you put the stall? And how many boxes are there?", "By the fountain, with twenty boxes.",
    "Goodbye then.",
)  # fmt: skip


async def test_the_review_counts_what_the_person_said(tmp_path: Path) -> None:
    review = await reviewed(tmp_path, *SESSION)
    assert (review.messages, review.words, review.client_words) == (5, 33, 34)
    assert review.share == pytest.approx(33 / 67)
    assert review.longest == 4
    assert review.questions == Questions(open=1, closed=2)
    assert [[label.name for label in one.labels] for one in review.own[:2]] == [["question"], ["advice"]]
    assert [one.phase is None for one in review.own] == [False] * 4 + [True]


async def test_what_was_passed_by_stands_beside_the_reply(tmp_path: Path) -> None:
    (missed,) = (await reviewed(tmp_path, *SESSION)).missed
    assert (missed.turn, missed.kind, missed.words) == (1, "sadness", "cried")
    assert missed.sentence == "I cried on the way home."
    assert missed.reply == "You should get up earlier."


async def test_what_is_taken_up_or_denied_is_not_missed(tmp_path: Path) -> None:
    said = (
        "How was it?",
        "I was so ashamed.",
        "You wanted to hide, in your shame.",
        "I wasn't sad, though.",
        "Goodbye.",
    )
    assert (await reviewed(tmp_path, *said)).missed == ()


async def test_early_pressed_and_stacked_messages_are_named(tmp_path: Path) -> None:
    review = await reviewed(tmp_path, *SESSION)
    assert [(one.turn, one.sentence) for one in review.early] == [
        (2, "You should get up earlier."),
        (3, "Just go to bed at nine, you should try that."),
    ]
    assert [(one.turn, one.before, one.refusal) for one in review.pressed] == [
        (3, "You should get up earlier.", "Yes, but I have the children in the morning.")
    ]
    assert [(one.turn, len(one.questions)) for one in review.stacked] == [(4, 2)]


async def test_advice_that_is_welcome_is_not_pressed(tmp_path: Path) -> None:
    said = (
        "You should get up earlier.", "I'll try that on Friday, with the blue clock.", "You should put it in the hall.", "I will.",
        "Goodbye.",
    )  # fmt: skip
    assert (await reviewed(tmp_path, *said)).pressed == ()


async def test_advice_that_was_asked_for_or_comes_late_is_not_early(tmp_path: Path) -> None:
    asked = (
        "How was it?",
        "It was loud. What should I do when it starts?",
        "You could count the tiles.",
        "Fine, I can.",
    )
    assert (await reviewed(tmp_path, *asked, "Goodbye.")).early == ()
    late = (
        "What would you like to be different?", "I want to sleep before market days again.",
        "What goes through your mind then?", "Last Friday I thought they will laugh, and I was scared.",
        "What do you do then?", "So I stayed at home, and I felt ashamed.",
        "How is that for you?", "I think that I'm the only one.",
        "You should tell your sister.", "Perhaps on Sunday.", "Goodbye.",
    )  # fmt: skip
    review = await reviewed(tmp_path / "late", *late)
    assert review.own[4].phase == "working"
    assert [label.name for label in review.own[4].labels] == ["advice"]
    assert review.early == ()


async def test_the_clients_course_begins_with_its_arrival_and_says_what_moved_it(tmp_path: Path) -> None:
    review = await reviewed(tmp_path, *SESSION)
    assert [point.turn for point in review.course] == [0, 1, 2, 3, 4]
    assert review.moved == "closed"
    (fell,) = [one for one in review.turnings if one.change < 0]
    assert {"pushed", "advised_early"} & set(fell.heard)
    assert fell.said in SESSION[2::2]
    trust = [point.trust for point in review.course]
    assert fell.change == min(after - before for before, after in pairwise(trust))


async def test_a_client_that_is_understood_opens(tmp_path: Path) -> None:
    texts = []
    for word in ("list", "stall", "tomatoes", "kitchen", "radio", "ladder", "bicycle", "window"):
        texts += [f"So it is the {word} by the fountain that troubles you. What is that like?", f"The {word} by the fountain troubles me at night."]  # fmt: skip
    review = await reviewed(tmp_path, *texts, close=False)
    assert review.moved == "opened"
    assert any(one.change > 0 and "understood" in one.heard for one in review.turnings)


async def test_the_form_shows_what_the_counselor_did_not_see(tmp_path: Path) -> None:
    amira = find_profile("amira-exam-panic", None)
    said = (
        "What did you try?", "I recite to the mirror until one in the morning and breathe with an app, which helps at home.",
        "Goodbye.",
    )  # fmt: skip
    review = await reviewed(tmp_path, *said, who=amira)
    form = {one.path: one for one in review.form}
    known = f"{counselor_information(amira)} {counselor_reason(amira)}"
    assert not any(one.text in known for one in review.form)
    assert form["automatic_thought"].text.startswith("If I go blank in front of them")
    assert (form["automatic_thought"].level, form["automatic_thought"].turn) == (3, None)
    assert (form["presenting_problem.tried"].level, form["presenting_problem.tried"].turn) == (1, 1)
    assert "Being told to breathe" in form["manner.closes"].text


async def test_the_review_can_be_kept_as_json_and_read_again(tmp_path: Path) -> None:
    review = await reviewed(tmp_path, *SESSION)
    assert Review.model_validate_json(review.model_dump_json()) == review


async def test_the_lines_have_all_of_it_and_no_grade(tmp_path: Path) -> None:
    lines = review_lines(await reviewed(tmp_path, *SESSION))
    text = "\n".join(lines)
    assert "49% of the words were yours" in lines[0]
    for part in (
        "1 open, 2 closed.", "turn 1, sadness: “I cried on the way home.”", "you said: “You should get up earlier.”",
        "turn 4: Where do you put the stall?", "before you had agreed on what the hour is for", "Trust fell over the session.",
        "it felt pushed", "“Yes, but I have the children in the morning.” – and you: “Just go to bed",
        "What you could not see of Ada Test's form:", "I lie awake and go through the stall again and again.",
    ):  # fmt: skip
        assert part in text
    assert not any(word in text.lower() for word in ("score", "grade", "wrong", "poor"))
    curve = next(line for line in lines if line.startswith("  trust"))
    assert len(set(curve) & set("▁▂▃▄▅▆▇█")) > 1


async def test_in_another_language_nothing_is_read_and_the_review_says_so(tmp_path: Path) -> None:
    review = await reviewed(tmp_path, *SESSION, language="German")
    assert (review.is_read, review.words, review.questions) == (False, 33, Questions())
    assert not any(one.labels for one in review.own)
    assert review.missed == review.stacked == review.early == review.pressed == ()
    lines = review_lines(review)
    assert any("The rules read English alone." in line for line in lines)
    assert not any("passed over, as far as cues" in line or line.startswith("Questions") for line in lines)


async def test_a_review_without_a_word_is_short(tmp_path: Path) -> None:
    assert review_lines(await reviewed(tmp_path, close=False)) == [
        "You have said nothing yet; there is nothing to look back on."
    ]


async def test_of_many_moments_a_few_are_shown(tmp_path: Path) -> None:
    told = (
        "I am so lonely in that kitchen.", "Sundays make me sad.", "The phone scares me, I'm afraid of every ring.",
        "I felt ashamed at the till.", "I'm furious with my own hands.",
    )  # fmt: skip
    texts = [text for number, one in enumerate(told) for text in (f"Is it {number} o'clock?", one)]
    review = await reviewed(tmp_path, *texts, "Is it Monday?", "Yes.", close=False)
    assert [one.kind for one in review.missed] == ["loneliness", "sadness", "fear", "shame", "anger"]
    lines = review_lines(review)
    assert sum(line.startswith("    you said: ") for line in lines) == 3
    assert "  and 2 more" in lines
