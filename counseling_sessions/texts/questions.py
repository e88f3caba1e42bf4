"""What a message asks: nothing, something that a yes or no answers, or something open."""

from typing import Literal

from counseling_sessions.texts.words import sentences, words

Asked = Literal["open", "closed", "nothing"]
_OPEN = frozenset({"what", "how", "where", "when", "who", "which", "tell", "describe"})


def asked(message: str) -> Asked:
    """What the last question of a message asks. `Tell me …` is an open question too."""
    last = next((sentence for sentence in reversed(sentences(message)) if "?" in sentence), "")
    if not last:
        return "open" if words(message)[:2] == ["tell", "me"] else "nothing"
    return "open" if _OPEN & set(words(last)) else "closed"


def asks_last(message: str) -> bool:
    """Whether a message ends with a question."""
    return message.rstrip(" \"'”’)").endswith("?")
