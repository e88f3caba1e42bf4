"""Pairs of sessions that differ in their group alone: the same client, attitude and seed."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from counseling_sessions.sessions import Session, SessionKey

Winner = Literal["first", "second", "tie", "cannot_say"]
"""Which session of a pair is better, in the pair's order, whichever is shown first."""


@dataclass(frozen=True, slots=True, order=True)
class PairKey:
    """What the sessions of a pair share; attitude is empty and seed 0 where it is unknown or not part of the pairing."""

    client: str
    attitude: str
    seed: int


@dataclass(frozen=True)
class Pairing:
    """By what sessions are paired, beside the client."""

    attitude: bool = True
    seed: bool = True

    def key(self, key: SessionKey) -> PairKey:
        """What a session is paired by."""
        return PairKey(key.client, (self.attitude and key.attitude) or "", (self.seed and key.seed) or 0)


@dataclass(frozen=True)
class Pair:
    """Two sessions with one client, and their groups, in the order of the groups in the request."""

    id: str
    key: PairKey
    groups: tuple[str, str]
    first: Session
    second: Session


def pairs_of(groups: Mapping[str, Iterable[Session]], pairing: Pairing) -> tuple[list[Pair], int]:
    """All pairs between the groups, sorted by key, and how many sessions have no partner.

    Of several sessions with one key in a group the first by id counts.
    """
    by_key: dict[PairKey, dict[str, Session]] = defaultdict(dict)
    for group, sessions in groups.items():
        for session in sorted(sessions, key=lambda session: session.id):
            by_key[pairing.key(session.key)].setdefault(group, session)
    pairs = [
        Pair(_name(two, by_group), key, two, *(by_group[group] for group in two))
        for key, by_group in sorted(by_key.items(), key=lambda item: item[0])
        for two in combinations(by_group, 2)
    ]
    return pairs, sum(len(by_group) == 1 for by_group in by_key.values())


def _name(groups: tuple[str, str], sessions: Mapping[str, Session]) -> str:
    # Neither the sessions' folder nor their order counts: answers must find their pair again after a run has moved.
    named = "\n".join(sorted(f"{group}\n{sessions[group].id}" for group in groups))
    return hashlib.sha256(named.encode()).hexdigest()[:12]
