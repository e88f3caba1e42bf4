"""Judges of pairs that go by something simple, as answers of a loopback server, and a study on which they can be told apart."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter
from tests.evaluation.judged import keys_of
from tests.generation.exports.sessions import client, of, session
from tests.loopback import Request

Say = Callable[[str, str, str], str]
"""From an aspect and the words of both sessions as shown to the answer."""

GOOD = "I hear how heavy this is."
"""What a counselor says in good sessions; judges that see quality count it."""
IDLE = "And so we go on, as one does."
ASPECTS = """
name: four-aspects
title: Four aspects
items:
  - {id: empathy, title: Empathy, definition: How warm it is., look_for: Warm words.}
  - {id: coherence, title: Coherence, definition: How well it hangs together., look_for: Threads.}
  - {id: safety, title: Safety, definition: How safe it is., look_for: Care.}
  - {id: honesty, title: Honesty, definition: How honest it is., look_for: Plain words.}
"""


def answering(say: Say) -> Callable[[Request], str]:
    """The server's answer function of a judge."""

    def answer(request: Request) -> str:
        shown = [" ".join(re.findall(rf"^\[{label}\d+\] \w+: (.*)$", request.prompt, re.M)) for label in "AB"]
        marks = {"evidence_a": [1], "evidence_b": [1], "reason": "r"}
        return json.dumps({aspect: marks | {"answer": say(aspect, *shown)} for aspect in keys_of(request.prompt)})

    return answer


def more(one: float, other: float) -> str:
    return "A" if one > other else "B" if other > one else "tie"


def left(aspect: str, one: str, other: str) -> str:
    return "A"


def right(aspect: str, one: str, other: str) -> str:
    return "B"


def tying(aspect: str, one: str, other: str) -> str:
    return "tie"


def longest(aspect: str, one: str, other: str) -> str:
    return more(len(one.split()), len(other.split()))


def random(aspect: str, one: str, other: str) -> str:
    return Random(f"{aspect}{one}{other}").choice("AB")


def in_turn() -> Say:
    """Names A and B in turn, whatever is shown."""
    turn = itertools.cycle("AB")
    return lambda aspect, one, other: next(turn)


def honest(noise: float) -> Say:
    """Sees which session is better, and on a share of the questions answers by chance."""

    def say(aspect: str, one: str, other: str) -> str:
        draw = Random(f"{aspect}{one}{other}")
        return draw.choice(["A", "B", "tie"]) if draw.random() < noise else more(one.count(GOOD), other.count(GOOD))

    return say


def write_study(folder: Path, *, clients: int = 8, sessions: int = 9) -> Path:
    """A run with so many sessions of two methods each; the clients come in turn, always with the same seed.

    Magnet is better in three sessions of four, and longer in half of them, whichever is better.
    """
    writer = ShardWriter(folder, "w0")
    for number in range(sessions):
        better, longer = number % 4 != 0, number % 8 < 4
        for method in ("magnet", "single-plan"):
            ours = method == "magnet"
            words = f"{GOOD} " * (1 + (better == ours)) + f"{IDLE} " * (2 + 3 * (longer == ours) + number % 3)
            record = of(client(number % clients), session(method), session_id=f"{method}-{number:02}")
            writer.keep(record.model_copy(update={"turns": saying(record, words)}))
    (folder / "run.json").write_text("{}", encoding="utf-8")
    return folder


def saying(record: SessionRecord, words: str) -> tuple[object, ...]:
    """The turns, the first of which ends in these words of the counselor."""
    first, *others = record.turns
    assert first.counselor
    said = first.counselor.model_copy(update={"text": f"{first.counselor.text} {words.strip()}"})
    return first.model_copy(update={"counselor": said}), *others
