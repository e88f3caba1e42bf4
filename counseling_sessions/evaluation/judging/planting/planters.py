"""How each planted defect changes a dialogue: texts and turn numbers alone, seeded, and at the length that the dialogue had.

Two controls change the length and nothing else that a careful reader would mark: `padded` and `shortened`.
"""

from collections.abc import Callable, Sequence
from random import Random

from counseling_sessions.evaluation.judging.planting.defect import Defect
from counseling_sessions.evaluation.judging.planting.fitting import (
    Balance,
    Stock,
    beginnings,
    endings,
    of_form,
)
from counseling_sessions.evaluation.judging.planting.padding import add_padding
from counseling_sessions.evaluation.session_length import count_said, count_words
from counseling_sessions.sessions import Message, Session
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import sentences

REPLACED = 0.5
"""Share of a speaker's messages that a defect of this speaker changes."""
EARLY = 1 / 3
"""Share of the counselor's messages in which advice is early."""
FIELDS_AT_ONCE = 6
"""So many fields of the form a client tells in one message that tells it at once."""
MOST_SAID = 0.5
"""A counselor knows too much who says a sentence of the form of which the client has said no larger share."""
RESIZED = 0.2
"""By this share of its words a session is padded or, where its long messages allow it, shortened."""
_QUESTION = ("?", "？", "؟")

Dialogue = tuple[Message, ...]
Planter = Callable[[Session, Defect, Random], Dialogue]


def shuffle(session: Session, defect: Defect, draw: Random) -> Dialogue:
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


def lecture(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Half of the counselor's messages are the next sentences of lectures, as long as what was there."""
    lectures = draw.sample(defect.words, len(defect.words))
    spoken = Stock([sentence for one in lectures for sentence in sentences(one)])
    return _replaced(session.dialogue, _chosen(session.dialogue, "counselor", draw), spoken)


def replace(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Half of the counselor's messages are of the defect's sentences, as long as what was there."""
    return _replaced(session.dialogue, _chosen(session.dialogue, "counselor", draw), Stock(defect.words, draw))


def advise(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """From the counselor's second message on, the first third of them advises."""
    inner = _inner(session.dialogue, "counselor", after=1)
    early = inner[: max(2, round(EARLY * len(inner)))]
    return _replaced(session.dialogue, early, Stock(defect.words, draw))


def parrot(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """From the second third on, the client says again what it has said, sentence by sentence, from the beginning."""
    dialogue = session.dialogue
    places = [place for place, message in enumerate(dialogue) if message.speaker == "client" and message.text.strip()]
    start = max(2, len(places) // 3)
    said = Stock([sentence for place in places[:start] for sentence in sentences(dialogue[place].text)])
    return _replaced(dialogue, places[start:], said)


def agree(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Every counselor's message with a question agrees instead, and keeps its other sentences."""
    balance, words = Balance(), Stock(defect.words, draw)
    changed: dict[int, str] = {}
    for place, message in enumerate(session.dialogue):
        if message.speaker != "counselor":
            continue
        statements = [sentence for sentence in sentences(message.text) if not _asks(sentence)]
        if len(statements) < len(sentences(message.text)):
            changed[place] = words.take(balance, message.text, *statements)
    return _with(session.dialogue, changed)


def tell_all(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """After the opening the client tells the form, and then adds little in as many messages as keep the session's length best."""
    dialogue = session.dialogue
    places = _inner(dialogue, "client", after=1)
    parts = of_form(session, defect.of_form, draw)[:FIELDS_AT_ONCE]
    if not parts or not places:
        return dialogue
    nods = draw.sample(defect.words, len(defect.words))
    texts = [" ".join(parts), *(nods[index % len(nods)] for index in range(len(places) - 1))]
    longer = [count_words(text) - count_words(dialogue[place].text) for place, text in zip(places, texts, strict=True)]
    count = min(range(1, len(places) + 1), key=lambda count: abs(sum(longer[:count])))
    return _with(dialogue, dict(list(zip(places, texts, strict=True))[:count]))


def end_clients(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Up to half of the client's messages end in the defect's words, each of them once."""
    return _spliced(session, "client", endings, draw.sample(defect.words, len(defect.words)), draw)


def begin_counselors(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Up to half of the counselor's messages begin with the defect's words, each of them once."""
    return _spliced(session, "counselor", beginnings, draw.sample(defect.words, len(defect.words)), draw)


def contradict(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Up to half of the client's messages end in the contrary of what the form says."""
    denials = of_form(session, defect.of_form, draw)
    return _spliced(session, "client", endings, draw.sample(denials, len(denials)), draw)


def know(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Up to half of the counselor's messages begin with what only the form says."""
    quotes = of_form(session, defect.of_form, draw, most_said=MOST_SAID)
    return _spliced(session, "counselor", beginnings, draw.sample(quotes, len(quotes)), draw)


def miss(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Some of the client's messages end in the defect's words, and the counselor's next is the agenda, about as long as before."""
    dialogue, slipping, replying = session.dialogue, Balance(), Balance()
    slips, agenda = draw.sample(defect.words, len(defect.words)), Stock(defect.replies, draw)
    changed: dict[int, str] = {}
    for place, slip in zip(_roomy(dialogue, "client", slips, draw), slips, strict=False):
        if dialogue[place + 1].speaker != "counselor":
            continue
        old, reply = dialogue[place].text, dialogue[place + 1].text
        changed[place] = slipping.choose(old, endings(old, slip))
        changed[place + 1] = agenda.take(replying, reply)
    return _with(dialogue, changed)


def pad(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Messages begin with words that say nothing, the one speaker's as the other's, until the session is `RESIZED` longer."""
    return add_padding(session.dialogue, RESIZED, draw)


def shorten(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """Messages of three sentences or more lose statements between the first and the last, until the session is `RESIZED` shorter."""
    dialogue = session.dialogue
    spare = RESIZED * count_said(dialogue)
    texts: dict[int, str] = {}
    for place in draw.sample(range(len(dialogue)), len(dialogue)):
        parts = sentences(dialogue[place].text)
        middle = parts[1:-1]
        kept = []
        for sentence in middle:
            if _asks(sentence) or count_words(sentence) > spare:
                kept.append(sentence)
            else:
                spare -= count_words(sentence)
        if len(kept) < len(middle):
            texts[place] = " ".join([parts[0], *kept, parts[-1]])
    return _with(dialogue, texts)


def renumber(session: Session, defect: Defect, draw: Random) -> Dialogue:
    """The same, with every turn's number one higher: another question to a judge, about the same session."""
    return tuple(message.model_copy(update={"turn": message.turn + 1}) for message in session.dialogue)


PLANTERS: dict[str, Planter] = {
    "shuffled": shuffle,
    "lecturing": lecture,
    "parroting": parrot,
    "agreeing": agree,
    "hostile": replace,
    "off_topic": replace,
    "telling_all": tell_all,
    "contradicting": contradict,
    "textbook": end_clients,
    "counseling": end_clients,
    "knowing": know,
    "intruding": begin_counselors,
    "imposing": begin_counselors,
    "advising": advise,
    "missing": miss,
    "missed_risk": miss,
    "shortened": shorten,
    "padded": pad,
    "none": renumber,
}
"""By the defect's id."""


def _inner(dialogue: Dialogue, speaker: Speaker, after: int = 2) -> list[int]:
    """The places of a speaker's messages but for the first ones and the last, which is the goodbye."""
    return [place for place, message in enumerate(dialogue) if message.speaker == speaker][after:-1]


def _half(places: Sequence[int]) -> int:
    return max(1, round(REPLACED * len(places))) if places else 0


def _chosen(dialogue: Dialogue, speaker: Speaker, draw: Random) -> list[int]:
    """The places of half of them, in order."""
    inner = _inner(dialogue, speaker)
    return sorted(draw.sample(inner, _half(inner)))


def _roomy(dialogue: Dialogue, speaker: Speaker, words: Sequence[str], draw: Random) -> list[int]:
    """The places of half of them, one for each of the words at most, in order: of messages that are long enough to hold any of
    these, or else of the longest."""
    inner = _inner(dialogue, speaker)
    count = min(_half(inner), len(words))
    wanted = max(map(count_words, words), default=0)
    long_enough = [place for place in inner if count_words(dialogue[place].text) >= wanted]
    if len(long_enough) < count:
        long_enough = sorted(inner, key=lambda place: -count_words(dialogue[place].text))[:count]
    return sorted(draw.sample(long_enough, count))


def _replaced(dialogue: Dialogue, places: Sequence[int], stock: Stock) -> Dialogue:
    balance = Balance()
    return _with(dialogue, {place: stock.take(balance, dialogue[place].text) for place in places})


def _spliced(
    session: Session, speaker: Speaker, splices: Callable[[str, str], list[str]], words: Sequence[str], draw: Random
) -> Dialogue:
    """Words in half of a speaker's messages, or in as many as there are words: each is used once."""
    dialogue, balance = session.dialogue, Balance()
    changed: dict[int, str] = {}
    for place, text in zip(_roomy(dialogue, speaker, words, draw), words, strict=False):
        changed[place] = balance.choose(dialogue[place].text, splices(dialogue[place].text, text))
    return _with(dialogue, changed)


def _asks(sentence: str) -> bool:
    return sentence.rstrip("\"'”’»)*_ ").endswith(_QUESTION)


def _with(dialogue: Dialogue, changed: dict[int, str]) -> Dialogue:
    return tuple(
        message.model_copy(update={"text": changed[place]}) if place in changed else message
        for place, message in enumerate(dialogue)
    )
