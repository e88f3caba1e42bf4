"""Reminders: one thing of the client's form that has not come up yet, put at the end of the client's prompt.

For models too small to find in a form what fits: they say what anybody might, and the session loses its subject. A reminder is
a sentence of the client's form. It shares words with the counselor's last message, takes no call, and comes once.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from counseling_sessions.nodes.context import phase_of
from counseling_sessions.profiles.schema import ClientProfile, client_form, counselor_information
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientView
from counseling_sessions.texts.telling import telling_words

_SENTENCE = re.compile(r"(?<=[.!?…])[\"”’')]*\s+")
_MOST_WORDS = 40
"""Words of a thing that a client is reminded of: more would be half the form."""
_CAME_UP = 0.6
"""Share of a thing's words from which on it has come up."""
_TELLS = 2
"""New words of a thing in a reply from which on the reply tells it."""


@dataclass(frozen=True)
class _Thing:
    """A sentence of the form, its telling words, and those of its field's title, by which a counselor may ask for it."""

    text: str
    words: frozenset[str]
    title: frozenset[str]


def reminder(view: ClientView, config: SessionConfig) -> str:
    """The line that reminds the client, for the end of its prompt; empty where nothing is left that fits.

    While the problem is explored anything untold fits, in the order of the form; later only what the counselor touched.
    """
    return _line(_due(view, config))


def reminder_of(view: ClientView, reply: str) -> str:
    """The line that leads to this reply: of the thing that it tells; empty where it tells none. For training."""
    heard = telling_words(" ".join(utterance.text for utterance in view.utterances))
    new = telling_words(reply) - heard
    thing = max(_things(view.profile), key=lambda thing: len(thing.words & new), default=None)
    return _line(thing if thing and len(thing.words & new) >= _TELLS else None)


def form_words(profile: ClientProfile) -> frozenset[str]:
    """The telling words of a client's form but for its first page."""
    return frozenset().union(*(thing.words for thing in _things(profile)))


def _line(thing: _Thing | None) -> str:
    return prompt("client/reply", "reminder", thing=thing.text) if thing else ""


def _due(view: ClientView, config: SessionConfig) -> _Thing | None:
    """What is due now. It goes through each turn so far again, as no reminder comes twice."""
    things = list(_things(view.profile))
    common = Counter(word for thing in things for word in thing.words | thing.title)
    heard: set[str] = set()
    due = None
    for utterance in view.utterances:
        said = telling_words(utterance.text)
        heard |= said
        if utterance.speaker == "client" or not utterance.turn:
            continue
        things = [
            thing for thing in things if thing is not due and len(thing.words & heard) < _CAME_UP * len(thing.words)
        ]
        fits = {id(thing): sum(1 / common[word] for word in (thing.words | thing.title) & said) for thing in things}
        due = max(things, key=lambda thing: fits[id(thing)], default=None)
        if due and not fits[id(due)] and phase_of(utterance.turn, config.max_turns) not in ("opening", "exploring"):
            due = None
    return due


@lru_cache(maxsize=256)
def _things(profile: ClientProfile) -> tuple[_Thing, ...]:
    """The sentences of the form but for what stands on its first page: name, age and what else a counselor sees anyway."""
    first_page = set(counselor_information(profile).splitlines())
    lines = [line.partition(": ") for line in client_form(profile).splitlines() if line not in first_page]
    return tuple(
        _Thing(" ".join(sentence.split()[:_MOST_WORDS]), words, telling_words(title))
        for title, _, text in lines
        for sentence in _SENTENCE.split(text)
        if (words := telling_words(sentence))
    )
