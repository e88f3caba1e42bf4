"""What stays of a session once its text has been read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.sessions import Session, SessionKey
from counseling_sessions.sessions.prompt_sets import PromptHashes


@dataclass(frozen=True, slots=True)
class SessionHead:
    """A session without what was said: what identifies it, what made it, and the SHA-256 of its dialogue (32 bytes)."""

    key: SessionKey
    models: tuple[str, ...]
    prompts: Mapping[str, PromptHashes]
    digest: bytes

    @property
    def method(self) -> str | None:
        return self.key.method

    @property
    def client(self) -> str:
        return self.key.client

    @property
    def attitude(self) -> Attitude | None:
        return self.key.attitude

    @property
    def seed(self) -> int | None:
        return self.key.seed


def head_of(session: Session) -> SessionHead:
    """The head of a session."""
    return SessionHead(session.key, session.models, session.prompts, digest_of(session))


def digest_of(session: Session) -> bytes:
    """A hash of all that is said in a session, its id included: the same for the same dialogue, wherever it lies."""
    said = [session.id, *(f"{message.speaker}: {message.text}" for message in session.dialogue)]
    return hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).digest()
