"""Sessions without a client's form, as others' are: what was said before is all that a prompt has.

No prompt of a session of ours is like that: a plain briefing takes the place of form, attitude, plan and notes, none of which is
known. Every other part of those prompts would say of such a session what nobody knows, such as its method or its length.
"""

import hashlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import get_args

from langchain_core.messages import SystemMessage

from counseling_sessions.graph.exchanges import Exchange
from counseling_sessions.nodes.context import dialogue_messages
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions.session import Message, Session
from counseling_sessions.state import Speaker, Utterance
from counseling_sessions.texts.reasoning import without_reasoning
from counseling_sessions.texts.words import normalized

BRIEFING = "training/without_form"
"""The prompt that has a briefing for each side, and what stands before the first words."""


@dataclass(frozen=True)
class FormlessSession:
    """A session of which its dialogue alone is known; `client` is the client's group, 16 hexadecimal digits as for any other.

    Messages of one speaker in a row are one utterance, as a chat template takes them.
    """

    session_id: str
    client: str
    dialogue: tuple[Utterance, ...]


def formless_session(session: Session, session_id: str) -> FormlessSession:
    """A foreign session under an id. Raises `ValueError` if one side says nothing in it."""
    runs = [list(messages) for _, messages in groupby(session.dialogue, lambda message: message.speaker)]
    dialogue = tuple(_utterance(run) for run in runs)
    if missing := set(get_args(Speaker)) - {said.speaker for said in dialogue}:
        raise ValueError(f"the {missing.pop()} says nothing in it")
    return FormlessSession(session_id, _client_of(session), dialogue)


def formless_exchanges(session: FormlessSession, roles: Container[str]) -> Iterator[Exchange]:
    """Every utterance of these sides, each with the briefing and all that was said before."""
    for place, said in enumerate(session.dialogue):
        if said.speaker in roles:
            system = SystemMessage(prompt(BRIEFING, said.speaker))
            before = dialogue_messages(session.dialogue[:place], said.speaker, prompt(BRIEFING, "beginning"), "")
            yield Exchange(said.speaker, said.turn, [system, *before], said.text, None)


def _utterance(run: list[Message]) -> Utterance:
    text = " ".join(without_reasoning(message.text).strip() for message in run)
    return Utterance(turn=run[0].turn, speaker=run[0].speaker, text=text)


def _client_of(session: Session) -> str:
    """The client's group: whom the file names, among the files of its folder; else who says all this, wherever it is said again."""
    if session.client_id:
        who = f"{Path(session.source).resolve().parent.name}\n{session.client_id}"
    else:
        who = "\n".join(f"{message.speaker} {normalized(message.text)}" for message in session.dialogue)
    return hashlib.sha256(who.encode()).hexdigest()[:16]
