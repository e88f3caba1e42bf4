"""How a client answers from its state: in which manner, how long, with which thing of its form, and what becomes of a proposal."""

from collections.abc import Sequence
from typing import Literal, TypeVar

from counseling_sessions.nodes.inner.appraising import BAD, asked, proposes
from counseling_sessions.nodes.inner.moving import STAGES, Chance, Client
from counseling_sessions.nodes.inner.tables import Length, Lengths, answers
from counseling_sessions.nodes.inner.things import asked_for, due
from counseling_sessions.profiles.manner import Resistance
from counseling_sessions.state import ClientState, ClientView

Step = Literal["takes", "bargains", "complies", "refuses"]
Kind = Literal["tells", "deflects"] | Resistance
T = TypeVar("T")

TELLING: frozenset[Kind] = frozenset({"tells", "drifts", "jokes"})
"""Manners in which something of the form may be told."""
LENGTHS: dict[Length, tuple[int, int]] = {"few_words": (1, 8), "sentence": (9, 24), "some": (25, 60), "long": (61, 130)}
"""Words of an answer of each length, both ends included."""


def answering(
    view: ClientView, state: ClientState, before: Sequence[ClientState], client: Client, chance: Chance, turns: int
) -> ClientState:
    """The state with the manner of the answer, its length, the step and the item; `turns` is the session's longest."""
    message = view.last_of("counselor")
    manner = _manner(state, message, client, chance)
    length = drawn_length(state, manner, message, client, chance)
    step = _step(state, client, chance) if proposes(message) else None
    item = ""
    if manner in TELLING and length != "few_words":
        exploring = view.turn <= max(2, round(turns / 3))
        offered = [one.item for one in before]
        thing = due(client.profile, view.utterances, state.openness, offered, exploring=exploring)
        item = thing.path if thing else ""
    return state.model_copy(update={"manner": manner, "length": length, "step": step, "item": item})


def length_of(text: str) -> Length:
    """The length of an answer that was given."""
    count = len(text.split())
    return next((length for length, (_, most) in LENGTHS.items() if count <= most), "long")


def drawn_length(state: ClientState, manner: Kind, message: str, client: Client, chance: Chance) -> Length:
    """How long the answer is: a draw, by the client's manner, what was asked and how open the client is."""
    table = answers()
    rows: list[Lengths] = [
        table.factors.verbosity[client.manner.verbosity or "medium"],
        table.factors.asked[asked(message)],
        table.factors.openness[state.openness],
        table.factors.manner[manner],
    ]
    weights = dict(table.lengths)
    for row in rows:
        weights = {length: weight * row[length] for length, weight in weights.items()}
    return _drawn(weights, chance.draw("length"))


def _manner(state: ClientState, message: str, client: Client, chance: Chance) -> Kind:
    """Whether the client tells, deflects, or holds back in its own way."""
    table = answers().holds_back
    held = table.bad_turn if BAD & set(state.heard) else table.by_trust.get(state.trust, table.anyhow)
    if chance.draw("holds back") < held:
        # What comes first in the form comes twice as often as what follows it.
        weights = {kind: 0.5**place for place, kind in enumerate(client.manner.resists_by)}
        return _drawn(weights, chance.draw("resists by"))
    wanted = asked_for(client.profile, message) if asked(message) != "nothing" else None
    return "deflects" if wanted and wanted.level > state.openness else "tells"


def _step(state: ClientState, client: Client, chance: Chance) -> Step:
    """What becomes of a proposal, by trust and readiness."""
    willing = state.trust / 10 + STAGES.index(state.readiness) / 6 + (chance.draw("step") - 0.5) / 3
    if willing < 0.45:
        return "complies" if "complies" in client.manner.resists_by else "refuses"
    if willing < 0.65:
        return "complies" if chance.draw("complies") < 0.3 else "bargains"
    return "bargains" if willing < 0.9 else "takes"


def _drawn(weights: dict[T, float], draw: float) -> T:
    """One of the keys, as likely as its weight."""
    left = draw * sum(weights.values())
    for key, weight in weights.items():
        left -= weight
        if left < 0:
            return key
    return next(key for key in reversed(weights) if weights[key])
