"""How a client arrives, and how what it hears moves it: pure, by the numbers in `moves.yaml`."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.nodes.inner.appraising import BAD, GOOD
from counseling_sessions.nodes.inner.tables import Move, Weight, moves
from counseling_sessions.profiles.disclosure import manner_of
from counseling_sessions.profiles.manner import Manner
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.state import Appraisal, ClientState, Readiness
from counseling_sessions.texts.questions import asked
from counseling_sessions.texts.telling import telling_words
from counseling_sessions.texts.words import words

STAGES: tuple[Readiness, ...] = get_args(Readiness)
PAINFUL = 3
"""The level of the painful part."""
_SAME = 2
"""Words that a message shares with what a form says of this, from which on the form means it."""


@dataclass(frozen=True)
class Chance:
    """Draws of a session: each from 0 to 1, and always the same for a seed, a client, a turn and a purpose."""

    seed: int
    client: str
    turn: int

    def draw(self, purpose: str) -> float:
        digest = hashlib.blake2b(f"{self.seed}/{self.client}/{self.turn}/{purpose}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True)
class Client:
    """What does not change about a client within a session."""

    profile: ClientProfile
    attitude: Attitude

    @property
    def manner(self) -> Manner:
        return manner_of(self.profile, self.attitude)

    @property
    def walks_out(self) -> bool:
        """Whether trust can fall so low that the client leaves."""
        return bool(moves().traits.walks_out & set(self.manner.resists_by[:1]))

    @property
    def weight(self) -> Weight:
        return self.profile.severity.level if self.profile.severity else "unknown"


def arrive(profile: ClientProfile, attitude: Attitude) -> ClientState:
    """How it is for the client before anything was said (turn 0)."""
    table, client = moves().arrival, Client(profile, attitude)
    belief = table.belief + table.belief_by_insight[client.manner.insight or "medium"]
    if client.weight != "unknown":
        belief += table.belief_by_severity[client.weight]
    # Clients differ: two who come alike do not trust alike.
    trust = table.trust[attitude] + round(2 * Chance(0, profile.id, 0).draw("trust")) - 1
    return ClientState(
        turn=0,
        trust=_degree(trust),
        belief=_degree(belief),
        feeling=table.feeling_by_severity[client.weight],
        readiness=table.readiness[attitude],
    )


def move(
    state: ClientState, heard: Iterable[Appraisal], message: str, reply: str, client: Client, chance: Chance
) -> ClientState:
    """The state after a message that was `heard` like this: trust, belief, feeling, readiness and openness are new.

    `reply` is what the client said before it.
    """
    heard = tuple(heard)
    parts = [_part(name, state, message, client) for name in heard]
    parts += [part for sign, part in moves().says.items() if sign in signs_of(reply)]
    if state.step:
        parts.append(moves().steps[state.step])
    moved = _apply(state, _sum(parts), client, chance, _lowest(heard, client))
    return moved.model_copy(
        update={"turn": chance.turn, "heard": heard, "reading": None, "openness": _openness(state, moved.trust, heard)}
    )


def corrected(state: ClientState, message: str, client: Client) -> ClientState:
    """The state as it is once the client's own reading of the message counts in place of the rules'."""
    if state.reading is None or set(state.reading) == set(state.heard):
        return state
    # Each side is scaled before they are compared: what is taken back counts as much as it did.
    read, ruled = (
        _scaled(state, _sum(_part(name, state, message, client) for name in names), client)
        for names in (state.reading, state.heard)
    )
    change = Move(**{name: getattr(read, name) - getattr(ruled, name) for name in Move.model_fields})
    moved = _add(state, change, Chance(0, client.profile.id, state.turn), _lowest(state.reading, client))
    return moved.model_copy(update={"openness": 1}) if moves().shuts & set(state.reading) else moved


def told_pain(state: ClientState, client: Client, chance: Chance) -> ClientState:
    """The state of a client who is telling the painful part."""
    return _apply(state, moves().painful, client, chance)


def opens(message: str, heard: Iterable[Appraisal], client: Client) -> bool:
    """Whether a message that was `heard` like this is what opens this client by its form.

    One shared word is enough where the form also names what the message does: "asks about the roofs", and it asks about a roof.
    """
    said = client.manner.opens or ""
    shared = len(telling_words(said) & telling_words(message))
    does: set[Appraisal] = {name for name in heard if name in GOOD}
    if asked(message) != "nothing":
        does.add("asked_well")
    names = shared and any(set(words(said)) & moves().moves[name].words for name in does)
    return shared >= _SAME or bool(names)


def _part(name: Appraisal, state: ClientState, message: str, client: Client) -> Move:
    """What an appraisal moves in this client."""
    row = moves().moves[name]
    manner = client.manner
    said = (manner.opens if name in GOOD else manner.closes) or ""
    means_it = set(words(said)) & row.words or len(telling_words(said) & telling_words(message)) >= _SAME
    count = moves().traits.named if means_it else 1.0
    return Move(**{part: getattr(row, part) * count for part in Move.model_fields})


def _lowest(heard: Iterable[Appraisal], client: Client) -> int:
    """The trust below which a message that was `heard` like this brings nobody."""
    stays_at = 0 if client.walks_out else moves().traits.stays_at[client.attitude]
    return max(stays_at, min((moves().moves[name].lowest for name in heard if name in BAD), default=0))


def _apply(state: ClientState, change: Move, client: Client, chance: Chance, lowest: int = 0) -> ClientState:
    """The state after a change, scaled by what the client is like; trust does not fall below `lowest`."""
    return _add(state, _scaled(state, change, client), chance, lowest)


def _scaled(state: ClientState, change: Move, client: Client) -> Move:
    """How far a change moves this client from this state."""
    traits = moves().traits
    scale = (
        traits.gains[client.attitude] * min(1.0, (11 - state.trust) / 6)
        if change.trust > 0
        else traits.losses[client.attitude]
    )
    relief = traits.relief[client.weight]
    insight, stage = traits.insight[client.manner.insight or "medium"], traits.stage[state.readiness]
    belief = change.belief * (insight * stage * relief if change.belief < 0 else 1.0)
    if change.belief < 0 and state.trust < moves().belief_from_trust:
        belief = 0.0
    feeling = change.feeling * (relief if change.feeling < 0 else 1.0)
    return Move(trust=change.trust * scale, belief=belief, feeling=feeling, readiness=change.readiness)


def _add(state: ClientState, change: Move, chance: Chance, lowest: int) -> ClientState:
    """The state after a change that was scaled: degrees are whole numbers."""
    trust = max(_rounded(state.trust + change.trust, chance.draw("trust")), min(state.trust, lowest))
    stages = _rounded(STAGES.index(state.readiness) + change.readiness, chance.draw("readiness"))
    return state.model_copy(
        update={
            "trust": _degree(trust),
            "belief": _degree(_rounded(state.belief + change.belief, chance.draw("belief"))),
            "feeling": _degree(_rounded(state.feeling + change.feeling, chance.draw("feeling"))),
            "readiness": STAGES[min(max(stages, 0), len(STAGES) - 1)],
        }
    )


def _openness(before: ClientState, trust: int, heard: tuple[Appraisal, ...]) -> int:
    """The level that is open: one further at a time, closed again only well below, and shut at once by some things."""
    table, level = moves(), before.openness
    if table.shuts & set(heard):
        return 1
    if level < PAINFUL and trust >= table.opens_at[level + 1]:
        return level + 1
    return level - 1 if level > 1 and trust < table.closes_below[level] else level


def _sum(parts: Iterable[Move]) -> Move:
    listed = tuple(parts)
    return Move(**{name: sum(getattr(part, name) for part in listed) for name in Move.model_fields})


def _rounded(value: float, draw: float) -> int:
    """The whole number above or below, by a draw: right on average."""
    low = math.floor(value)
    return low + (draw < value - low)


def _degree(value: int) -> int:
    return min(max(value, 0), 10)
