"""What a judge is shown: sessions and intake forms as data, one line a message, between marked lines.

Nothing in a session can begin a line, name a speaker or close its frame: every message becomes one line (`profiles.schema.clean`), and
the frame's mark is a hash of its content, which the content cannot contain.
"""

import hashlib
from typing import TYPE_CHECKING

from counseling_sessions.profiles.schema import ClientProfile, clean, client_form
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions import Session

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from langchain_core.messages import BaseMessage

MESSAGE_LIMIT = 4000
"""Characters of one message that reach a judge; longer ones are cut at a word."""
SILENCE = "(says nothing)"


def transcript(session: Session, label: str = "") -> str:
    """The session's messages, a line each: `[turn] Speaker: words`, the turn's number with the label before it."""
    return "\n".join(
        f"[{label}{message.turn}] {message.speaker.capitalize()}: {clean(message.text, MESSAGE_LIMIT) or SILENCE}"
        for message in session.dialogue
    )


def session_part(session: Session) -> str:
    """A session as the beginning of a judge's message; the same for every scale, so that prefix caches pay."""
    return f"{prompt('judge/material', 'transcript')}\n{framed('transcript', transcript(session))}"


def form_part(profile: ClientProfile) -> str:
    """The intake form as its client knows it."""
    return f"{prompt('judge/material', 'form')}\n{framed('form', client_form(profile))}"


def pair_part(shown_first: Session, shown_second: Session) -> str:
    """Two sessions as A and B, in the order in which they are shown."""
    parts = []
    for section, label, session in (("first", "A", shown_first), ("second", "B", shown_second)):
        lines = framed(f"session {label}", transcript(session, label))
        parts.append(f"{prompt('judge/material', section)}\n{lines}")
    return "\n\n".join(parts)


def messages_of(language: str, *parts: str) -> "tuple[BaseMessage, ...]":
    """The messages to a judge: its role, then all parts in one message (some chat templates refuse two in a row)."""
    from langchain_core.messages import HumanMessage, SystemMessage

    return SystemMessage(prompt("judge/system", language=language)), HumanMessage("\n\n".join(parts))


def turns_of(session: Session) -> frozenset[int]:
    """The numbers of the session's turns."""
    return frozenset(message.turn for message in session.dialogue)


def framed(kind: str, lines: str) -> str:
    """Lines between marks that they cannot contain."""
    mark = hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return prompt("judge/material", kind=kind, mark=mark, lines=lines)
