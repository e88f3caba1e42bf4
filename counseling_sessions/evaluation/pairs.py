"""Pairs of sessions that differ in their group alone: the same client, attitude and seed."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, NamedTuple

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


class Pairs(NamedTuple):
    """The pairs between groups, sorted by key, and what became of the other sessions.

    `alone` sessions have a key that no other group has. `repetitions` counts pairs of further sessions with one key in both groups, and
    `surplus` further sessions that no other group has as many of. `copies` are sessions that were read twice, and count once.
    """

    pairs: list[Pair]
    alone: int = 0
    repetitions: int = 0
    surplus: int = 0
    copies: int = 0


def pairs_of(groups: Mapping[str, Iterable[Session]], pairing: Pairing) -> Pairs:
    """All pairs between the groups.

    Where a key comes several times in a group, sorted by id and words, the k-th session of one group goes with the k-th of another.
    """
    by_key: dict[PairKey, dict[str, list[Session]]] = defaultdict(lambda: defaultdict(list))
    copies = 0
    for group, sessions in groups.items():
        for session in sorted(sessions, key=_order):
            listed = by_key[pairing.key(session.key)][group]
            if listed and _order(listed[-1]) == _order(session):
                copies += 1
            else:
                listed.append(session)
    pairs: list[Pair] = []
    alone = repetitions = surplus = 0
    for key, by_group in sorted(by_key.items(), key=lambda item: item[0]):
        for turn in range(max(map(len, by_group.values()))):
            reached = {group: listed[turn] for group, listed in by_group.items() if turn < len(listed)}
            made = [
                Pair(_name(two, reached), key, two, *(reached[group] for group in two))
                for two in combinations(reached, 2)
            ]
            pairs += made
            repetitions += len(made) if turn else 0
            alone += len(by_group) == 1
            surplus += len(reached) == 1 < len(by_group)
    return Pairs(_distinct(pairs), alone, repetitions, surplus, copies)


def _order(session: Session) -> tuple[str, str]:
    return session.id, name_of(f"{message.speaker}: {message.text}" for message in session.dialogue)


def _name(groups: tuple[str, str], sessions: Mapping[str, Session]) -> str:
    # Neither the sessions' folder nor their order counts: answers must find their pair again after a run has moved.
    return name_of(sorted(f"{group}\n{sessions[group].id}" for group in groups))


def _distinct(pairs: list[Pair]) -> list[Pair]:
    """The pairs, those whose names are the same named by their words too: answers are put together by a pair's name."""
    shared = Counter(pair.id for pair in pairs)
    named = []
    for pair in pairs:
        if shared[pair.id] > 1:
            sides = zip(pair.groups, (pair.first, pair.second), strict=True)
            said = sorted(f"{group}\n{_order(session)[1]}" for group, session in sides)
            named.append(replace(pair, id=name_of([pair.id, str(pair.key), *said])))
        else:
            named.append(pair)
    return named


def name_of(lines: Iterable[str]) -> str:
    """A name made of these lines: 12 hexadecimal digits of their SHA-256."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:12]
