"""Planted defects: a real session with one thing broken, to see whether a judge notices. Pure and seeded.

A judge that knows good from bad must rate the broken session lower on the items that the defect names. The control breaks nothing:
where its ratings fall, they fall by chance.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

from pydantic import Field, TypeAdapter

from counseling_sessions.evaluation.aspects import RubricPart, RubricText
from counseling_sessions.evaluation.judging.fitting import as_long, of_form, with_end, with_start
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.sessions import Message, Session
from counseling_sessions.settings import read_yaml
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import sentences

FEWEST_TURNS = 4
"""A session with fewer turns is not broken: there would be too little left to compare."""
REPLACED = 0.5
"""Share of a speaker's messages that a defect of this speaker changes."""
FIELDS_AT_ONCE = 6
"""So many fields of the form a client tells in one message that tells it at once."""
MOST_SAID = 0.5
"""A counselor knows too much who says a sentence of the form of which the client has said no larger share."""
_QUESTION = ("?", "？", "؟")


class Defect(RubricPart):
    """A defect: by scale, the items and subscales that must fall, and the words that plant it, if it needs any.

    `words` are the speaker's, `replies` those of the other who answers. `of_form` has words for fields of the form by path, such as
    `presenting_problem.since`, that need a form with this field; `{said}` in them is a sentence of the field.
    """

    id: RubricText
    title: RubricText
    must_fall: dict[str, tuple[str, ...]]
    words: tuple[RubricText, ...] = ()
    replies: tuple[RubricText, ...] = ()
    of_form: dict[str, tuple[RubricText, ...]] = Field(default_factory=dict)

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
    """The session with this defect, under the id `<id>~<defect>`; None where it is too short, lacks the form, or would not be changed.

    The same session, defect and seed give the same result. Raises `KeyError` for a defect that nothing plants.
    """
    if session.turns < FEWEST_TURNS:
        return None
    draw = Random(f"{seed}/{session.id}/{defect.id}")
    dialogue = _PLANTERS[defect.id](session, defect, draw)
    if dialogue == session.dialogue:
        return None
    return session.model_copy(update={"id": f"{session.id}~{defect.id}", "dialogue": dialogue})


_Dialogue = tuple[Message, ...]


def _shuffled(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """The turns between the first and the last in another order, each in a new place, numbered from the start."""
    dialogue = session.dialogue
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


def _replacing(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """Half of the counselor's messages in other words."""
    chosen = _chosen(session.dialogue, "counselor", draw)
    words = _endless(defect.words, draw)
    return _with(session.dialogue, {place: words(index) for index, place in enumerate(chosen)})


def _parroting(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """From the second third on, the client repeats two earlier messages in turns."""
    dialogue = session.dialogue
    places = [place for place, message in enumerate(dialogue) if message.speaker == "client" and message.text.strip()]
    start = max(2, len(places) // 3)
    said = [dialogue[place].text for place in places[:start]][-2:]
    return _with(dialogue, {place: said[index % len(said)] for index, place in enumerate(places[start:])})


def _agreeing(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """Every counselor's message with a question agrees instead, and keeps its other sentences."""
    words = _endless(defect.words, draw)
    changed: dict[int, str] = {}
    for place, message in enumerate(session.dialogue):
        if message.speaker != "counselor":
            continue
        statements = [sentence for sentence in sentences(message.text) if not _asks(sentence)]
        if len(statements) < len(sentences(message.text)):
            changed[place] = " ".join([words(len(changed)), *statements])
    return _with(session.dialogue, changed)


def _renumbered(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    return tuple(message.model_copy(update={"turn": message.turn + 1}) for message in session.dialogue)


def _telling_all(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """After the opening the client tells the form, and then adds little in as many messages as keep the session's length best."""
    dialogue = session.dialogue
    places = _inner(dialogue, "client", after=1)
    parts = of_form(session, defect.of_form, draw)[:FIELDS_AT_ONCE]
    if not parts or not places:
        return dialogue
    nods = _endless(defect.words, draw)
    texts = [" ".join(parts), *(nods(index) for index in range(len(places) - 1))]
    longer = [len(text) - len(dialogue[place].text) for place, text in zip(places, texts, strict=True)]
    count = min(range(1, len(places) + 1), key=lambda count: abs(sum(longer[:count])))
    return _with(dialogue, dict(list(zip(places, texts, strict=True))[:count]))


def _ending(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """Up to half of the client's messages end in the defect's words, each of them once."""
    return _spliced(session, "client", with_end, draw.sample(defect.words, len(defect.words)), draw)


def _contradicting(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """Up to half of the client's messages end in the contrary of what the form says."""
    denials = of_form(session, defect.of_form, draw)
    return _spliced(session, "client", with_end, draw.sample(denials, len(denials)), draw)


def _knowing(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """Up to half of the counselor's messages begin with what only the form says."""
    quotes = of_form(session, defect.of_form, draw, most_said=MOST_SAID)
    return _spliced(session, "counselor", with_start, draw.sample(quotes, len(quotes)), draw)


def _missing(session: Session, defect: Defect, draw: Random) -> _Dialogue:
    """Some of the client's messages end in something painful, and the counselor's next is the agenda, about as long as before."""
    dialogue = session.dialogue
    slips = draw.sample(defect.words, len(defect.words))
    changed: dict[int, str] = {}
    for place, slip in zip(_chosen(dialogue, "client", draw, len(slips)), slips, strict=False):
        if dialogue[place + 1].speaker != "counselor":
            continue
        agenda = draw.sample(defect.replies, len(defect.replies))
        changed[place] = with_end(dialogue[place].text, slip)
        changed[place + 1] = as_long(agenda, len(dialogue[place + 1].text))
    return _with(dialogue, changed)


_PLANTERS: dict[str, Callable[[Session, Defect, Random], _Dialogue]] = {
    "shuffled": _shuffled,
    "lecturing": _replacing,
    "parroting": _parroting,
    "agreeing": _agreeing,
    "hostile": _replacing,
    "off_topic": _replacing,
    "telling_all": _telling_all,
    "contradicting": _contradicting,
    "textbook": _ending,
    "counseling": _ending,
    "knowing": _knowing,
    "missing": _missing,
    CONTROL: _renumbered,
}


def _inner(dialogue: _Dialogue, speaker: Speaker, after: int = 2) -> list[int]:
    """The places of a speaker's messages but for the first ones and the last, which is the goodbye."""
    return [place for place, message in enumerate(dialogue) if message.speaker == speaker][after:-1]


def _chosen(dialogue: _Dialogue, speaker: Speaker, draw: Random, most: int | None = None) -> list[int]:
    """The places of half of them, or of `most` where that is less, in order."""
    inner = _inner(dialogue, speaker)
    half = max(1, round(REPLACED * len(inner))) if inner else 0
    return sorted(draw.sample(inner, half if most is None else min(half, most)))


def _spliced(
    session: Session, speaker: Speaker, splice: Callable[[str, str], str], words: Sequence[str], draw: Random
) -> _Dialogue:
    """Words in half of a speaker's messages, or in as many as there are words: each is used once."""
    dialogue = session.dialogue
    chosen = zip(_chosen(dialogue, speaker, draw, len(words)), words, strict=False)
    return _with(dialogue, {place: splice(dialogue[place].text, text) for place, text in chosen})


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
