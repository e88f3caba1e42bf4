"""Structured answers: the forms in which JSON is asked for, and how it is read out of what a model says."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from counseling_sessions.models.structured import (
    MODES,
    AnswerSchema,
    MalformedAnswer,
    read_object,
    read_only_object,
    response_format,
    speaks_of_schema,
    taken_by,
)
from counseling_sessions.texts.reasoning import without_reasoning

PICK = AnswerSchema(
    "pick",
    {
        "reason": {"type": "string", "minLength": 5, "maxLength": 160},
        "techniques": {
            "type": "array",
            "items": {"type": "string", "maxLength": 9},
            "minItems": 1,
            "uniqueItems": True,
        },
        "step": {"type": "integer", "minimum": 1, "maximum": 6},
    },
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)
TALK = st.text(st.characters(exclude_characters="{"), max_size=40)


@given(OBJECTS, TALK, TALK, st.booleans())
def test_an_object_is_found_in_any_talk(value: dict[str, Any], before: str, after: str, indented: bool) -> None:
    text = json.dumps(value, indent=2 if indented else None, ensure_ascii=not indented)
    assume(without_reasoning(text) == text)
    assert read_object(before + text + after) == value
    assert read_object(f"{before}```json\n{text}\n```{after}") == value
    assert read_object(f"<think>{text} or {{?</think>{text}") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"note": 1} and then {"score": 6}', {"score": 6}),
        ('{"score": 6} {"score": 6}', {"score": 6}),
        ('draft {"score": 0} final {"score": 6}', {"score": 6}),
        ('Draft: {"score": 0}, then {"score": 6}', {"score": 6}),
        ('{"score": 0} Corrected: {"score": 6}', {"score": 6}),
        ('{"score": 0}\n\n**Final answer:**\n```json\n{"score": 6}\n```', {"score": 6}),
        ('{"score": 0} My revised plan is: {"score": 6}', {"score": 6}),
        ('For example {"score": 0} or, as a draft, {"score": 3}: so {"score": 6}', {"score": 6}),
        ('Options {a, b}. {"score": 6}', {"score": 6}),
        ('{"score": 6} (instead of {a, b})', {"score": 6}),
        ('{score: 0} {"score": 6}', {"score": 6}),
        ("{'score': 0} {\"score\": 6}", {"score": 6}),
        ('{} {"score": 6} {}', {"score": 6}),
        ('{"score": 6}<|im_end|>\n<|im_start|>user\n{"score": 0}', {"score": 6}),
        ('analysisMaybe {"score": 0}.assistantfinal{"score": 6}', {"score": 6}),
        ('{"said": "<think>"}', {"said": "<think>"}),
        ('[{"score": 6}]', {"score": 6}),
        ('<think>{"score": 0}</think>{"score": 6}', {"score": 6}),
        ('{"score": 0}</think>{"score": 6}', {"score": 6}),
        ('[THINK]{"score": 0}[/THINK]{"score": 6}', {"score": 6}),
        (
            '<|channel|>analysis<|message|>{"score": 0}<|end|><|start|>assistant<|channel|>final<|message|>{"score": 6}',
            {"score": 6},
        ),
    ],
)
def test_of_several_objects_the_last_one_counts(text: str, value: dict[str, Any]) -> None:
    assert read_object(text) == value


SCORE = AnswerSchema("score", {"score": {"type": "integer"}})


def score_of(answer: dict[str, Any]) -> int:
    if answer.keys() != {"score"} or type(answer["score"]) is not int:
        raise ValueError("no score")
    return int(answer["score"])


@pytest.mark.parametrize(
    "text",
    [
        '{"score": 6}',
        '{"type": "object", "properties": {"score": {"type": "integer"}}} {"score": 6}',
        f'The schema is {json.dumps(SCORE.document())}. My answer: {{"score": 6}}',
        '{"score": "six"} {"score": 6}',
        '{"score": 6} {"note": "it was hard"}',
        '{"score": 6} {}',
        '{"score": 6, "why": "x"} {"score": 6}',
    ],
)
def test_an_object_that_is_not_what_was_asked_for_never_wins(text: str) -> None:
    assert read_object(text, taken_by(score_of)) == {"score": 6}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"score": 6} final: {"score": "0"}', "not what was asked for"),
        ('{"score": 6} {"score": 0, "why": "x"}', "not what was asked for"),
        ('{"score": 6} {"score": 0}', "differ"),
    ],
)
def test_an_answer_that_a_later_object_contradicts_is_refused(text: str, why: str) -> None:
    with pytest.raises(MalformedAnswer, match=why):
        read_object(text, taken_by(score_of))


def test_of_objects_that_all_miss_something_the_one_that_holds_most_counts() -> None:
    assert read_object('{"a": 1, "b": 2} {"c": 3}', len) == {"a": 1, "b": 2}


def test_more_objects_than_any_answer_has_are_refused() -> None:
    with pytest.raises(MalformedAnswer, match="more than 200"):
        read_object('{"a": 1}' * 201)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"score": 0} {"score": 6}', "several JSON objects that differ"),
        ('I give {"score": 0} and also {"score": 6}', "several JSON objects that differ"),
        ('{"score": 0} {"score": 6} {"score": 0}', "several JSON objects that differ"),
        ('draft {"score": 0}, {"score": 3}, {"score": 6}', "several JSON objects that differ"),
        ('{"score": 6} She worries about her final exam, so another plan: {"score": 0}', "several JSON objects that differ"),
        ('{"score": 6} If that is not the final choice, alternatively: {"score": 0}', "several JSON objects that differ"),
        ('{"score": 6} For comparison, my final runner-up: {"score": 0}', "several JSON objects that differ"),
        ('{"score": 6} Not the final answer: {"score": 0}', "several JSON objects that differ"),
        ('{"score": 6} {6}', "broken JSON"),
        ('{"score": true} {"score": 1}', "several JSON objects that differ"),
        ('draft {"score": 0} final {"score": 6', "broken JSON"),
        ('draft {"score": 0} or {6}', "broken JSON"),
        ('{"score": 0, "score": 6}', "'score' stands twice"),
        ('{"a": {"score": 0, "score": 6}}', "'score' stands twice"),
        ('{"score": NaN}', "NaN is no number"),
        ('{"score": 1e999}', "no number"),
        ('{"score": %s}' % ("9" * 5000), "broken JSON"),
        (r'{"why": "\ud800"}', "half of a character"),
        ('<think>{"score": 6}', "no JSON object"),
    ],
)  # fmt: skip
def test_what_was_meant_is_never_guessed(text: str, why: str) -> None:
    with pytest.raises(MalformedAnswer, match=why):
        read_object(text)


@given(OBJECTS, st.sampled_from(["", " ", "\n", "<think>{}</think>", "{?</think>"]), st.sampled_from(["", " ", "\n"]))
def test_an_object_alone_is_read_whole(value: dict[str, Any], before: str, after: str) -> None:
    text = json.dumps(value)
    assert read_only_object(text) == value
    assume(without_reasoning(text) == text)
    assert read_only_object(before + text + after) == value
    assert read_only_object(f"{before}```json\n{text}\n```{after}") == value


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"a": 1} {"a": 1}', 'So: {"a": 1}', '{"a": 1}.', '[{"a": 1}]', '```{"a": 1}``` ```{"a": 1}```', '{"a": 1, "a": 1}',
     '<think>{"a": 1}', '{"a": NaN}', '"{}"'],
)  # fmt: skip
def test_an_object_with_anything_beside_it_is_not_read(text: str) -> None:
    with pytest.raises(MalformedAnswer):
        read_only_object(text)


HOSTILE = ["{", '{"a":', "{}", '{"a": 1} ', "```", '{"a": "', "<think>{", "[", "\\", '"', "{ "]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("read", [read_object, read_only_object])
def test_reading_is_linear_in_the_answer(piece: str, read: Callable[[str], dict[str, Any]]) -> None:
    started = time.process_time()
    for text in (piece * (100_000 // len(piece)), '{"a": 1}' + piece * (100_000 // len(piece)) + '{"a": 1}'):
        with contextlib.suppress(MalformedAnswer):
            read(text)
    assert time.process_time() - started < 1  # seconds; one copy of the rest for each brace took half a minute


@given(OBJECTS, st.integers(min_value=1))
def test_an_object_that_is_cut_off_is_never_read(value: dict[str, Any], cut: int) -> None:
    text = json.dumps(value)
    with pytest.raises(MalformedAnswer):
        read_object(text[: -(cut % len(text)) or -1])


@given(st.text())
def test_any_text_gives_an_object_or_a_malformed_answer(text: str) -> None:
    with contextlib.suppress(MalformedAnswer):
        assert isinstance(read_object(text), dict)


@given(TALK)
def test_a_text_without_a_brace_has_no_object(text: str) -> None:
    with pytest.raises(MalformedAnswer, match="no JSON object"):
        read_object(text)


def test_json_nested_beyond_all_bounds_is_malformed() -> None:
    with pytest.raises(MalformedAnswer):
        read_object('{"a": ' + "[" * 100_000)


@pytest.mark.parametrize("text", ["", "[1, 2]", "null", '"red"', "Sure! Red."])
def test_other_json_is_no_object(text: str) -> None:
    with pytest.raises(MalformedAnswer):
        read_object(text)


def test_what_is_wrong_is_said_with_its_place() -> None:
    with pytest.raises(MalformedAnswer, match="at character 18"):
        read_object('Here it is: {"a": nothing}')


def test_every_field_is_required_and_no_other_allowed() -> None:
    document = PICK.document()
    assert document["required"] == ["reason", "techniques", "step"]
    assert document["additionalProperties"] is False
    assert document["properties"] == PICK.properties


def test_without_bounds_only_the_bounds_go() -> None:
    assert PICK.document(bounds=False)["properties"] == {
        "reason": {"type": "string"},
        "techniques": {"type": "array", "items": {"type": "string"}},
        "step": {"type": "integer"},
    }
    assert "minLength" in PICK.properties["reason"]


def test_a_field_named_like_a_bound_stays() -> None:
    schema = AnswerSchema("range", {"minimum": {"type": "integer", "minimum": 1}, "color": {"enum": ["red"]}})
    assert schema.document(bounds=False)["properties"] == {"minimum": {"type": "integer"}, "color": {"enum": ["red"]}}


def test_the_modes_from_the_strictest_to_the_weakest() -> None:
    strict, loose, plain, none = (response_format(PICK, mode) for mode in range(len(MODES)))
    assert strict
    assert loose
    assert strict["type"] == loose["type"] == "json_schema"
    assert strict["json_schema"] == {"name": "pick", "schema": PICK.document(), "strict": True}
    assert loose["json_schema"]["schema"] == PICK.document(bounds=False)
    assert (plain, none) == ({"type": "json_object"}, None)


@pytest.mark.parametrize(
    ("message", "about"),
    [
        ("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.", True),
        ("failed to parse grammar", True),
        ("Invalid schema for response_format 'pick': 'uniqueItems' is not permitted.", True),
        ("guided_json: unsupported keyword", True),
        ("This model's maximum context length is 8192 tokens.", False),
        ("The model `gpt-9` does not exist.", False),
    ],
)
def test_a_refusal_is_about_the_schema_or_not(message: str, about: bool) -> None:
    assert speaks_of_schema(message) is about
