"""Sessions to be judged, judges driven by a function, and a server that rates, which the tests of judging share."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.run import Judgements, Score, judge_sessions
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions import Message, Session, read_sessions
from counseling_sessions.training.corpus import CORPUS
from tests.loopback import LoopbackServer, Request
from tests.scripted import profile

Scores = Callable[[str, str], Any]
"""From an item's id and the whole prompt to its score."""

SAID = (
    ("How was the market this morning?", "Loud. I had not slept, and I counted the change twice."),
    ("What went through your mind as you counted?", "That they would all see how slow I am."),
    ("You expected people to notice. Did somebody say so?", "No. One woman asked for more apples."),
    ("So she came back to you. What do you make of that?", "Perhaps she did not mind. I am not sure."),
    ("What would tell you more?", "I could ask my sister how long it takes her."),
    ("That is a small test you thought of yourself. When will you do it?", "On Friday, before the stall opens."),
)


def session(name: str = "one", **changes: Any) -> Session:
    """Six turns after an opening, with a client who has an intake form."""
    dialogue = [
        Message(turn=0, speaker="counselor", text="Good morning, where shall we start?"),
        Message(turn=0, speaker="client", text="With the nights, I suppose."),
    ]
    for turn, (asked, answered) in enumerate(SAID, 1):
        dialogue.append(Message(turn=turn, speaker="counselor", text=asked))
        dialogue.append(Message(turn=turn, speaker="client", text=f"{answered} ({name})"))
    values = {"id": name, "source": "test", "dialogue": tuple(dialogue), "profile": profile(), "attitude": "neutral"}
    return Session(**{**values, "method": "magnet", "seed": 1, **changes})


@cache
def corpus_sessions() -> tuple[Session, ...]:
    """Sessions of the corpus, with messages of several sentences."""
    return tuple(one for one in read_sessions(CORPUS / "test.jsonl") if isinstance(one, Session))


def small_scale(**changes: Any) -> Scale:
    """Two items in one subscale, the second of them reverse-keyed, from 0 to 4."""
    values: dict[str, Any] = {
        "name": "small-style",
        "title": "Small ratings",
        "note": "For tests.",
        "low": 0,
        "high": 4,
        "question": "Rate both.",
        "anchors": {0: "none", 4: "all"},
        "items": [
            {"id": "warmth", "title": "Warmth", "definition": "How warm it is."},
            {"id": "haste", "title": "Haste", "definition": "How hurried it is.", "reverse": True},
        ],
        "subscales": {"manner": ["warmth", "haste"]},
        "hash": "0123456789ab",
    }
    return Scale.model_validate(values | changes)


def judge(server: LoopbackServer | None = None, **options: Any) -> Judge:
    """A judge at the server, or one whom a scripted model plays."""
    url = server.base_url if server else "http://127.0.0.1:1/v1"
    values = {"name": "j", "model": "m", "base_url": url, "samples": 1, "max_requests": 1, "timeout": 5, "attempts": 2}
    return Judge(**{**values, **options})


def keys_of(prompt: str) -> list[str]:
    """The items or aspects that a prompt asks for."""
    named = re.search(r"with these keys, all of them: ([^.]*)\.", prompt)
    return re.findall(r'"(\w+)"', named[1]) if named else []


def rating(prompt: str, score: Scores = lambda item, prompt: 2, **changes: Any) -> str:
    """A well-formed answer to a question about a scale."""
    marks = {
        item: {"evidence": [1, 2], "reason": f"Because of {item}.", "score": score(item, prompt)} | changes
        for item in keys_of(prompt)
    }
    return json.dumps(marks)


def rater(score: Scores = lambda item, prompt: 2) -> Callable[[Request], str]:
    """A server's answer function that rates every item by a function."""
    return lambda request: rating(request.prompt, score)


SMALL = small_scale()


async def judged(
    models: Models, cache: JudgeCache, *judges: Judge, sessions: Any = None, scales: Any = (SMALL,), **options: Any
) -> Judgements:
    return await judge_sessions(sessions or [session()], scales, judges, models, cache, **options)


def why(rows: tuple[Score, ...]) -> dict[str, str | None]:
    return {row.item: row.unscored and row.unscored.kind for row in rows}
