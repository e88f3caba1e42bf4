"""Planted defects: a real session with one thing broken, to see whether a judge notices. Pure and seeded.

A judge that knows good from bad must rate the broken session lower on the items that the defect names. The control breaks nothing:
where its ratings fall, they fall by chance.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

from pydantic import TypeAdapter

from counseling_sessions.evaluation.aspects import RubricPart, RubricText
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.sessions import Message, Session
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import sentences

FEWEST_TURNS = 4
"""A session with fewer turns is not broken: there would be too little left to compare."""
REPLACED = 0.5
"""Share of the counselor's messages that a defect of the counselor replaces."""
_QUESTION = ("?", "？", "؟")


class Defect(RubricPart):
    """A defect: by scale, the items and subscales that must fall, and the words that plant it, if it needs any."""

    id: RubricText
    title: RubricText
    must_fall: dict[str, tuple[str, ...]]
    words: tuple[RubricText, ...] = ()

    def targets(self, scale: Scale) -> dict[str, tuple[str, ...]]:
        """What must fall on a scale: names of its subscales and items, with the items behind each."""
        return {name: items for name in self.must_fall.get(scale.name, ()) if (items := scale.members(name))}


CONTROL = "none"


@cache
def defects() -> tuple[Defect, ...]:
    """All defects; the last one is the control."""
    data = read_yaml(Path(__file__).with_name("planted.yaml"))
    return TypeAdapter(tuple[Defect, ...]).validate_python(data["defects"])


def plant(session: Session, defect: Defect, seed: int = 0) -> Session | None:
    """The session with this defect, under the id `<id>~<defect>`; None where it is too short or would not be changed.

    The same session, defect and seed give the same result. Raises `KeyError` for a defect that nothing plants.
    """
    if session.turns < FEWEST_TURNS:
        return None
    draw = Random(f"{seed}/{session.id}/{defect.id}")
    dialogue = _PLANTERS[defect.id](session.dialogue, defect, draw)
    if dialogue == session.dialogue:
        return None
    return session.model_copy(update={"id": f"{session.id}~{defect.id}", "dialogue": dialogue})


_Dialogue = tuple[Message, ...]


def _shuffled(dialogue: _Dialogue, defect: Defect, draw: Random) -> _Dialogue:
    """The turns between the first and the last in another order, each in a new place, numbered from the start."""
    numbers = sorted({message.turn for message in dialogue})
    inner = numbers[1:-1]
    # Moving every turn of a shuffled ring by one place leaves none where it was.
    ring = draw.sample(inner, len(inner))
    came_from = dict(zip(ring, ring[1:] + ring[:1], strict=True))
    moved: list[Message] = []
    for number in numbers:
        turn = [message for message in dialogue if message.turn == came_from.get(number, number)]
        moved += [message.model_copy(update={"turn": number}) for message in turn]
    return tuple(moved)


def _replacing(dialogue: _Dialogue, defect: Defect, draw: Random) -> _Dialogue:
    """Half of the counselor's messages in other words; the first two, and the goodbye, stay as they are."""
    places = [place for place, message in enumerate(dialogue) if message.speaker == "counselor"]
    inner = places[2:-1]
    chosen = sorted(draw.sample(inner, max(1, round(REPLACED * len(inner))) if inner else 0))
    words = _endless(defect.words, draw)
    return _with(dialogue, {place: words(index) for index, place in enumerate(chosen)})


def _parroting(dialogue: _Dialogue, defect: Defect, draw: Random) -> _Dialogue:
    """From the second third on, the client repeats two earlier messages in turns."""
    places = [place for place, message in enumerate(dialogue) if message.speaker == "client" and message.text.strip()]
    start = max(2, len(places) // 3)
    said = [dialogue[place].text for place in places[:start]][-2:]
    return _with(dialogue, {place: said[index % len(said)] for index, place in enumerate(places[start:])})


def _agreeing(dialogue: _Dialogue, defect: Defect, draw: Random) -> _Dialogue:
    """Every counselor's message with a question agrees instead, and keeps its other sentences."""
    words = _endless(defect.words, draw)
    changed: dict[int, str] = {}
    for place, message in enumerate(dialogue):
        if message.speaker != "counselor":
            continue
        statements = [sentence for sentence in sentences(message.text) if not _asks(sentence)]
        if len(statements) < len(sentences(message.text)):
            changed[place] = " ".join([words(len(changed)), *statements])
    return _with(dialogue, changed)


def _renumbered(dialogue: _Dialogue, defect: Defect, draw: Random) -> _Dialogue:
    return tuple(message.model_copy(update={"turn": message.turn + 1}) for message in dialogue)


_PLANTERS: dict[str, Callable[[_Dialogue, Defect, Random], _Dialogue]] = {
    "shuffled": _shuffled,
    "lecturing": _replacing,
    "parroting": _parroting,
    "agreeing": _agreeing,
    "hostile": _replacing,
    "off_topic": _replacing,
    CONTROL: _renumbered,
}


def _asks(sentence: str) -> bool:
    return sentence.rstrip("\"'”’»)*_ ").endswith(_QUESTION)


def _endless(words: Sequence[str], draw: Random) -> Callable[[int], str]:
    """The words in a drawn order, over and over."""
    order = draw.sample(words, len(words))
    return lambda number: order[number % len(order)]


def _with(dialogue: _Dialogue, changed: dict[int, str]) -> _Dialogue:
    return tuple(
        message.model_copy(update={"text": changed[place]}) if place in changed else message
        for place, message in enumerate(dialogue)
    )
