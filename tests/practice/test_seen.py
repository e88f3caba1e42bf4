"""What a client's message shows: on invented messages with labels, and what is denied or said of others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.practice.seen import Showing, resistance_in, seen_in

MESSAGES: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "client_messages.yaml").read_text(encoding="utf-8")
)
KINDS: dict[str, Showing] = {
    "resists": "resistance",
    "torn": "torn",
    "asks_help": "asks_help",
    "feels": "feeling",
    "discloses": "disclosure",
}


def figures(name: str, part: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Precision and recall of what is seen by this name in messages of a part."""
    seen = [KINDS[name] in {one.kind for one in seen_in(item["said"], item["before"])} for item in part]
    shown = [name in item["shows"] for item in part]
    both = sum(one and other for one, other in zip(seen, shown, strict=True))
    return both / sum(seen), both / sum(shown)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("part", MESSAGES)
def test_most_of_it_is_seen_and_most_of_what_is_seen_is_there(name: str, part: str) -> None:
    precision, recall = figures(name, MESSAGES[part])
    # Resistance by the router's eight forms of refusal was 3 of 11 and 3 of 18 in the first part, 3 of 8 and 3 of 18 in the second.
    assert precision >= 0.85
    assert recall >= 0.85


def test_the_labelled_messages_are_many_and_half_of_them_resist() -> None:
    messages = [item for part in MESSAGES.values() for item in part]
    assert len(messages) >= 80
    assert 30 <= sum("resists" in item["shows"] for item in messages) <= 50


@pytest.mark.parametrize(
    ("said", "before", "words"),
    [
        ("Yes, but my boss would laugh.", "You could ask him.", "Yes, but my boss would laugh."),
        ("Sure, though.", "You were in the hall.", ""),  # nothing was proposed
        ("Okay.", "Try it until Friday.", "Okay."),
        ("Okay.", "Your name is Amira.", ""),
        ("Fine.", "How was it with your mother?", "Fine."),
        ("Fine.", "Is your mother well?", ""),  # a closed question takes a short answer
        ("Fine.", "How is your mother? Is she well?", ""),
        ("I walked home. That won't help me, you know.", "", "That won't help me, you know"),
        ("It wasn't pointless, it helped.", "", ""),
    ],
)
def test_resistance_is_quoted_and_some_of_it_depends_on_what_it_answers(said: str, before: str, words: str) -> None:
    assert resistance_in(said, before) == words


def test_what_weighs_most_comes_first_with_the_words_that_show_it() -> None:
    seen = seen_in("I was terrified the whole time. Nobody but Rim knows about it.", "What was it like?")
    assert [(one.kind, one.words, one.feeling) for one in seen[:2]] == [
        ("disclosure", "Nobody but Rim knows about it.", ""),
        ("feeling", "I was terrified the whole time.", "fear"),
    ]
    assert seen_in("I don't want to live like this, I'd rather be dead.")[0].kind == "risk"


@pytest.mark.parametrize(
    "said",
    [
        "I'm not afraid.",
        "I was never really ashamed.",
        "My sister is scared of dogs.",
        "She was furious.",
        "He got angry.",
    ],
)
def test_what_is_denied_or_of_somebody_else_is_no_feeling_of_the_clients(said: str) -> None:
    assert "feeling" not in {one.kind for one in seen_in(said)}


@pytest.mark.parametrize(
    "said",
    [
        "I can't stop crying.",
        "He made me so angry.",
        "My heart was racing.",
        "Scared, mostly.",
        "I've been losing my patience a lot.",
        "I miss Samuel most at the table.",
    ],
)
def test_a_feeling_of_its_own_is_seen_whatever_stands_around_it(said: str) -> None:
    assert "feeling" in {one.kind for one in seen_in(said)}
