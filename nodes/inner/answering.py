"""How a client answers from its state: in which manner, how long, with which thing of its form, and what becomes of a proposal."""

from collections.abc import Sequence
from typing import Literal, TypeVar

from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.nodes.inner.appraising import BAD, proposes
from counseling_sessions.nodes.inner.at_risk import risk_item, risk_length, risk_text
from counseling_sessions.nodes.inner.moving import STAGES, Chance, Client, opens
from counseling_sessions.nodes.inner.tables import Length, Lengths, answers, moves
from counseling_sessions.nodes.inner.things import THOUGHT, Thing, asked_for, due, heard_in, thing_of
from counseling_sessions.profiles.manner import Resistance
from counseling_sessions.state import ClientState, ClientView
from counseling_sessions.texts.questions import asked
from counseling_sessions.texts.words import sentences

Step = Literal["takes", "bargains", "complies", "refuses"]
Kind = Literal["tells", "deflects"] | Resistance
T = TypeVar("T")

TELLING: frozenset[Kind] = frozenset({"tells", "drifts", "jokes"})
"""Manners in which something of the form may be told."""
LENGTHS: dict[Length, tuple[int, int]] = {"few_words": (1, 8), "sentence": (9, 24), "some": (25, 60), "long": (61, 130)}
"""Words of an answer of each length, both ends included."""
_LONG_SESSION, _LAST_TURNS = 8, 2
"""Turns from which on a session is long enough for last turns, and how many these are."""


def answering(
    view: ClientView, state: ClientState, before: Sequence[ClientState], client: Client, chance: Chance, turns: int
) -> ClientState:
    """The state with the manner of the answer, its length, the step and the item; `turns` is the session's longest.

    What a client at risk says of it comes before all else.
    """
    if item := risk_item(view, state, before, turns):
        length = risk_length(risk_text(client.profile, item))
        return state.model_copy(update={"manner": "tells", "length": length, "step": None, "item": item})
    message = view.last_of("counselor")
    opened = opens(message, state.heard, client) and not moves().shuts & set(state.heard)
    step = _step(state, client, chance) if proposes(message) else None
    manner = _fitting(step, _manner(view, state, opened, client, chance))
    length = drawn_length(state, manner, message, client, chance, opened=opened)
    item = ""
    if manner in TELLING and length != "few_words":
        thing = _due(view, state, before, client, turns)
        item = thing.path if thing else ""
    if length == "long" and not (item and asked(message) == "open"):
        length = "some"
    return state.model_copy(update={"manner": manner, "length": length, "step": step, "item": item})


def length_of(text: str) -> Length:
    """The length of an answer that was given."""
    count = len(text.split())
    return next((length for length, (_, most) in LENGTHS.items() if count <= most), "long")


def drawn_length(
    state: ClientState, manner: Kind, message: str, client: Client, chance: Chance, *, opened: bool = False
) -> Length:
    """How long the answer is: a draw, by the client's manner, what was asked and how open the client is.

    Who was just `opened` has more than a few words.
    """
    table = answers()
    rows: list[Lengths] = [
        table.factors.verbosity[client.manner.verbosity or "medium"],
        table.factors.asked[asked(message)],
        table.factors.openness[state.openness],
        table.factors.manner[manner],
    ]
    weights = dict(table.lengths)
    if opened and manner == "tells":
        del weights["few_words"]
    for row in rows:
        weights = {length: weight * row[length] for length, weight in weights.items()}
    return _drawn(weights, chance.draw("length"))


def _due(
    view: ClientView, state: ClientState, before: Sequence[ClientState], client: Client, turns: int
) -> Thing | None:
    """The thing that may be told now. In the last turns of a session nothing new begins that takes trust."""
    ending = turns >= _LONG_SESSION and view.turn > turns - _LAST_TURNS
    return due(
        client.profile,
        view.utterances,
        1 if ending else state.openness,
        [one.item for one in before],
        exploring=not ending and view.turn <= max(2, round(turns / 3)),
    )


def _manner(view: ClientView, state: ClientState, opened: bool, client: Client, chance: Chance) -> Kind:
    """Whether the client tells, deflects, or holds back in its own way; who is `opened` does not hold back."""
    message = view.last_of("counselor")
    table = answers().holds_back
    held = table.bad_turn if BAD & set(state.heard) else table.by_trust.get(state.trust, table.anyhow)
    if not opened and chance.draw("holds back") < held:
        # What comes first in the form comes twice as often as what follows it.
        weights = {kind: 0.5**place for place, kind in enumerate(client.manner.resists_by)}
        return _drawn(weights, chance.draw("resists by"))
    if _asks_kept_thought(view, state, message):
        return "deflects"
    wanted = asked_for(client.profile, message) if asked(message) != "nothing" and not opened else None
    return "deflects" if wanted and wanted.level > state.openness else "tells"


def _asks_kept_thought(view: ClientView, state: ClientState, message: str) -> bool:
    """Whether a message asks for the thought that comes by itself, which the client has not told and does not tell yet."""
    thought = thing_of(view.profile, THOUGHT)
    if thought is None or thought.level <= state.openness:
        return False
    asking = " ".join(sentence for sentence in sentences(message) if asked(sentence) != "nothing")
    return "asks_thought" in signs_of(asking) and bool(thought.left(heard_in(view.utterances)))


def _fitting(step: Step | None, manner: Kind) -> Kind:
    """The manner that goes with what becomes of a proposal."""
    if step == "complies":
        return "complies"
    if step in ("takes", "bargains"):
        return "tells"
    return "argues" if step == "refuses" and manner == "complies" else manner


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
