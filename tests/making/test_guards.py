"""What no form of a new client may be: each guard objects to its kind, and to none of seven forms written by hand."""

from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.making import form, guards
from counseling_sessions.making.form import form_request, profile_of_answer
from counseling_sessions.making.guards import GUARDS, Objection, objections
from counseling_sessions.making.likeness import MOST_COPIED, MOST_MEANING_ALIKE, MOST_WORDS_ALIKE, Likeness, has_meaning
from counseling_sessions.making.sampling import Sketch, draw
from counseling_sessions.making.tables import read_tables
from counseling_sessions.models.structured import MalformedAnswer
from counseling_sessions.nodes.prompt_set import prompt_set
from counseling_sessions.profiles.library import builtin_profiles
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.settings import SessionConfig
from tests.making.writers import Form, by_hand

TABLES = read_tables()
SKETCHES = draw(TABLES, 7, 3)
FORMS = by_hand(Path(__file__).with_name("written.yaml"))
CORPUS = Path(__file__).parents[2] / "corpus" / "clients"


def profile(number: int, **fields: Any) -> ClientProfile:
    written: Form = {**FORMS[number - 1], **fields}
    del written["number"]
    return profile_of_answer(TABLES, SKETCHES[number - 1], written, seed=3, source="s")


def said(number: int, others: Likeness | None = None, **fields: Any) -> list[Objection]:
    return objections(TABLES, SKETCHES[number - 1], profile(number, **fields), others or Likeness())


def test_forms_written_by_hand_pass_all_guards() -> None:
    others = Likeness(has_meaning())
    for sketch in SKETCHES:
        assert said(sketch.number, others) == []
        others.add(profile(sketch.number))


def test_the_limits_of_likeness_lie_above_all_pairs_of_written_clients() -> None:
    clients = [*builtin_profiles(), *read_profiles(CORPUS).profiles]
    others, words, phrases, meaning = Likeness(has_meaning()), [], [], []
    for client in clients[len(builtin_profiles()) :]:
        words.append(others.by_words(client).cosine)
        phrases.append(others.by_phrases(client).cosine)
        meaning.append(others.by_meaning(client).cosine)
        others.add(client)
    assert 0.2 < max(words) < MOST_WORDS_ALIKE
    assert 0.02 < max(phrases) < MOST_COPIED
    assert max(meaning) < MOST_MEANING_ALIKE


WRONG = [
    (3, "work", "short", "I wait."),
    (3, "work", "short", "I wait. " * 100),
    (3, "strengths", "person", "Patience, humor and a good back."),
    (3, "daily_life", "person", "The client sleeps badly and walks at night."),
    (3, "history", "label", "I had depressive phases and a lot of trauma back then."),
    (3, "automatic_thought", "label", "That is my all-or-nothing thinking again."),
    (3, "history", "risk", "Some nights I want to kill myself, and I have thought about how."),
    (3, "history", "fact", "I'm 29, and my knees are shot from lifting people all day."),
    (3, "relationships", "fact", "My wife says I am better in a car than at a table."),
    (3, "daily_life", "fact", "My daughter makes the coffee, and I drive her to school."),
    (3, "background", "fact", "from Ghana, now in Ohayo"),
    (3, "family", "fact", "a girlfriend across town; a sister in Dayton"),
    (4, "family", "fact", "lives alone; a sister next door"),
    (7, "relationships", "fact", "I'm single, and we used to walk at eight along the river."),
    (2, "family", "fact", "lives alone; a grown daughter Sevda; her sister Sevda; one grandson"),
    (3, "tried", "full_name", "I read what Brandon Walker says on it, and it did nothing for me."),
    (3, "opens", "copied", "I like an exact question about one ordinary moment, nothing else."),
]


@pytest.mark.parametrize(("number", "field", "kind", "text"), WRONG)
def test_a_guard_objects_to_its_kind(number: int, field: str, kind: str, text: str) -> None:
    assert {one.kind for one in said(number, **{field: text})} == {kind}


def test_the_troubles_have_to_add_up_as_drawn() -> None:
    none: dict[str, int] = dict.fromkeys(FORMS[0]["severity"], 0)
    (objection,) = said(1, severity=none | {"sleep": 3})
    assert objection == Objection("severity", "together 3, which is not moderate")


def test_a_copy_of_a_built_in_client_is_refused_and_so_is_one_of_the_set() -> None:
    model = builtin_profiles()[0]
    words = {"history": model.history, "tried": model.presenting_problem.tried, "what": model.presenting_problem.what}
    words |= {"since": model.presenting_problem.since, "support": model.support}
    assert "copied" in {one.kind for one in said(3, **words)}
    others = Likeness()
    others.add(profile(1).model_copy(update={"id": "other"}))
    assert {one.kind for one in said(1, others)} == {"copied", "alike"}


@pytest.mark.skipif(not has_meaning(), reason="the extra semantic is not installed")
def test_a_client_in_other_words_is_refused_by_its_meaning() -> None:
    others = Likeness(True)
    others.add(profile(3))
    again = {name: f"Well. {text}" for name, text in FORMS[2].items() if isinstance(text, str)}
    near = others.by_meaning(profile(3, **again))
    assert near.name == "Wayne Coleman"
    assert near.cosine > MOST_MEANING_ALIKE > others.by_meaning(profile(1)).cosine


def test_what_is_copied_from_the_instructions_is_refused() -> None:
    system = form_request(TABLES, SKETCHES[2], "English")[0].text
    fields = dict(
        zip(
            ("what", "since", "tried", "history"),
            (system[:500], system[500:1000], system[1000:1500], system[1500:]),
            strict=True,
        )
    )
    cut = {name: f"I say: {text[:500]}" for name, text in fields.items()}
    assert "the instructions" in [one.detail for one in said(3, **cut)]


def test_other_languages_are_looked_at_for_risk_and_likeness_alone() -> None:
    sketch = SKETCHES[2]
    japanese = profile(3, what="私は毎晩眠れません。時計を見て、また朝が来る。", background="オハイオ州")
    assert objections(TABLES, sketch, japanese, Likeness(), english=False) == []
    german = profile(3, what="Ich will mich umbringen, und ich weiß auch schon wie.")
    assert [one.kind for one in objections(TABLES, sketch, german, Likeness(), english=False)] == ["risk"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"work": None}, "functioning.work|work"),
        ({"what": None}, "what"),
        ({"severity": {"sleep": 9}}, "severity"),
        ({"diagnosis": "none"}, "no such fields: diagnosis"),
    ],
)
def test_an_answer_of_another_shape_is_malformed(change: Form, words: str) -> None:
    written = {name: value for name, value in {**FORMS[2], **change}.items() if value is not None and name != "number"}
    with pytest.raises(MalformedAnswer, match=words):
        profile_of_answer(TABLES, SKETCHES[2], written, seed=1, source="s")


def test_the_request_has_every_attribute_and_the_reason_of_a_refusal() -> None:
    sketch = SKETCHES[3]
    words = {name: TABLES.value(name, value).words for name, value in sketch.values.items()}
    words |= {"work": form.occupation(TABLES, sketch), "home": "alone with the children", "culture": "Kenya"}
    system, task = form_request(TABLES, sketch, "Dutch")
    assert "in Dutch" in system.text
    missing = [name for name in words if name not in ("age", "trade") and words[name] not in task.text]
    assert missing == []
    assert sketch.name in task.text
    assert str(sketch.age) in task.text
    again = form_request(TABLES, sketch, "English", [(kind, "THIS") for kind in (*GUARDS, "malformed")])[1].text
    assert again.startswith(form_request(TABLES, sketch, "English")[1].text)
    assert again.count("THIS") == len(GUARDS) + 1


def test_the_request_differs_between_clients_in_the_task_alone() -> None:
    systems = {form_request(TABLES, sketch, "English")[0].text for sketch in SKETCHES}
    assert len(systems) == 1, "a server's prefix cache serves all clients"


def test_guards_have_words_for_the_writer() -> None:
    sketch: Sketch = SKETCHES[0]
    for kind in GUARDS:
        assert form_request(TABLES, sketch, "English", [(kind, "X")])
    assert guards.NOT_OWN_WORDS.isdisjoint(guards.IN_FIRST_PERSON)


def test_no_session_is_made_with_the_prompt_of_forms() -> None:
    assert not [name for name in prompt_set(SessionConfig(risk="llm", strict=True)) if name.startswith("making/")]
