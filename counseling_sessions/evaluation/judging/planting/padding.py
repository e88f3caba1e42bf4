"""Words that say nothing, put before what both speakers say: the same for control pairs and for padded copies."""

from functools import cache
from pathlib import Path
from random import Random

from pydantic import TypeAdapter

from counseling_sessions.evaluation.aspects import RubricText
from counseling_sessions.evaluation.session_length import count_words
from counseling_sessions.sessions import Message
from counseling_sessions.settings import read_yaml
from counseling_sessions.state import Speaker
from counseling_sessions.store.reading import sha256_of

LANGUAGE = "English"
"""The language of the padding."""
_FILE = Path(__file__).with_name("padding.yaml")


def add_padding(dialogue: tuple[Message, ...], share: float, draw: Random) -> tuple[Message, ...]:
    """The dialogue with this share of its words more, spread over it, in a drawn order; turns stay as they are."""
    orders = {speaker: draw.sample(words, len(words)) for speaker, words in padding().items()}
    used = dict.fromkeys(orders, 0)
    said = added = 0
    longer: list[Message] = []
    for message in dialogue:
        said += count_words(message.text)
        text, order = message.text, orders[message.speaker]
        while added < share * said:
            words = order[used[message.speaker] % len(order)]
            used[message.speaker] += 1
            added += count_words(words)
            text = f"{words} {text}"
        longer.append(message.model_copy(update={"text": text}))
    return tuple(longer)


@cache
def padding() -> dict[Speaker, tuple[str, ...]]:
    """The empty words of either speaker."""
    return TypeAdapter(dict[Speaker, tuple[RubricText, ...]]).validate_python(read_yaml(_FILE))


def padding_hash() -> str:
    """The hash of the padding's file (SHA-256, 12 digits)."""
    return sha256_of(_FILE)[:12]
