"""Pairs of sessions that differ in the method alone: the same client, attitude and seed."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from counseling_sessions.sessions import Session

Key = tuple[str, str, int]
"""What the sessions of a pair share: client, attitude (empty where none is known) and seed (0 where none is known)."""


@dataclass(frozen=True)
class Pair:
    """Two sessions with one client. `first` and `second` are in the order of the methods asked for, not of any showing."""

    id: str
    first: Session
    second: Session

    @property
    def key(self) -> Key:
        return key_of(self.first)

    @property
    def methods(self) -> tuple[str, str]:
        return self.first.method or "", self.second.method or ""


def key_of(session: Session) -> Key:
    """What a session is paired by."""
    return session.client, session.attitude or "", session.seed or 0


def pairs_of(sessions: Iterable[Session], methods: list[str]) -> tuple[list[Pair], int]:
    """All pairs between the methods, sorted by key, and how many of the methods' sessions have no partner at all.

    A session without a method's name takes part in none; of several sessions with one key and method the first by id counts.
    """
    found: dict[Key, dict[str, Session]] = defaultdict(dict)
    for session in sorted(sessions, key=lambda session: session.id):
        if session.method in methods:
            found[key_of(session)].setdefault(str(session.method), session)
    pairs, alone = [], 0
    for _, by_method in sorted(found.items()):
        alone += len(by_method) == 1
        for first, second in combinations([method for method in methods if method in by_method], 2):
            pairs.append(_pair(by_method[first], by_method[second]))
    return pairs, alone


def _pair(first: Session, second: Session) -> Pair:
    # Not where the sessions lie: answers must find their pair again after a run has been moved.
    # Nor which of them is named first.
    named = "\n".join(sorted([f"{first.method}\n{first.id}", f"{second.method}\n{second.id}"]))
    return Pair(hashlib.sha256(named.encode()).hexdigest()[:12], first, second)
