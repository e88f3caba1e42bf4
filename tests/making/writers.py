"""Model servers' answers for new clients: forms that every guard lets pass, and how to spoil them."""

import json
import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

from counseling_sessions.making.form import TEXTS
from counseling_sessions.profiles.library import builtin_profiles
from counseling_sessions.profiles.schema import texts_of
from counseling_sessions.texts.words import words
from tests.loopback import Answer, Request, sensible_answer

_LEVELS = {
    "3 and 7": [1, 1, 1, 1, 0, 0, 0, 1],
    "8 and 14": [2, 1, 2, 1, 1, 1, 1, 1],
    "15 and 20": [3, 2, 2, 2, 2, 2, 2, 2],
}
_TROUBLES = ("low_mood", "loss_of_interest", "worry", "sleep", "energy", "concentration", "self_blame", "daily_tasks")
_COUNTRY = re.compile(r"Grew up in: (.*)")
LABELS = {"diagnosed", "mindfulness"}
OWN = ("reason_for_counseling", "history", "support", "strengths")
Form = dict[str, Any]


@cache
def vocabulary() -> list[str]:
    """Long words of the built-in clients: of a few a text is made that means something else than one of others."""
    text = " ".join(text for profile in builtin_profiles() for path, text in texts_of(profile) if path in OWN)
    return sorted({word for word in words(text) if len(word) > 6 and word.isascii()} - LABELS)


def form_for(task: str) -> Form:
    """A form that fits the facts of a request, in words that no other client has."""
    name = re.search(r"Name: (.*)", task)
    assert name
    rng = random.Random(name[1])
    few = rng.sample(vocabulary(), 9)
    country = _COUNTRY.search(task)
    assert country

    def phrase() -> str:
        return f"I {' '.join(rng.choices(few, k=8))}."

    children = "no children" if "no children" in task else "a son and a daughter"
    level = next(numbers for words, numbers in _LEVELS.items() if words in task)
    return {
        **{field: phrase() for field in TEXTS},
        "family": f"lives alone or with parents, {children}",
        "background": f"from {country[1]}",
        "severity": dict(zip(_TROUBLES, level, strict=True)),
    }


def writer(spoil: Callable[[Form, str], Form] = lambda form, _: form) -> Callable[[Request], Answer | str]:
    """A server that writes forms and plays sessions; `spoil` changes each form, and sees the request's task."""

    def answer(request: Request) -> Answer | str:
        task = request.messages[-1][1]
        return json.dumps(spoil(form_for(task), task)) if _COUNTRY.search(task) else sensible_answer(request)

    return answer


def by_hand(path: Any) -> list[Form]:
    """The forms of a file, each with the number of its client."""
    forms: list[Form] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return forms
