"""Picking by rules: which techniques a turn needs, from the state of the dialogue alone and without a call.

The order of work is the paper's: explore and understand, then normalize, then offer solutions together with
psycho-education. What the client just said and what was used lately move a technique up or down.
"""

from counseling_sessions.nodes.context import phase_of
from counseling_sessions.nodes.techniques import Technique, technique
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView, Pick

PICKED = 2
"""How many techniques the rules pick: one to lead and one to go with it."""
RESISTANCE = ("won't", "not going to", "pointless", "whatever", "doesn't help", "didn't help", "tried that", "no point")
BACK_TO_LISTENING = frozenset({"reflection", "empathy", "questioning", "normalizing"})
COMPANION = "questioning"
"""What goes along where nothing else has to."""
PARTNERS = {"solutions": "psychoeducation", "psychoeducation": "solutions"}


def pick_by_rules(view: CounselorView, config: SessionConfig, fallback: str | None = None) -> Pick:
    """This turn's pick by rules; `fallback` says why a model that was asked did not decide."""
    phase = phase_of(view.turn, config.max_turns)
    said = view.last_of("client").replace("’", "'")
    resists = any(word in said.casefold() for word in RESISTANCE)
    offered = [technique(name) for name in config.techniques]
    fitting = [item for item in offered if phase in item.phases] or offered
    if resists:
        fitting = [item for item in fitting if item.name in BACK_TO_LISTENING] or fitting
    ranked = sorted(fitting, key=lambda item: -_score(item, said, view, config))
    names = {item.name for item in fitting}
    first = ranked[0].name
    chosen = [first, *(names & {PARTNERS.get(first)})]
    # One of a pair never goes along without the other, and there is no room for both. A skilled counselor asks in most turns
    # (in five of six of the corpus while exploring, in every other one later), whatever else a message does.
    alone = [item.name for item in ranked[1:] if item.name not in chosen and PARTNERS.get(item.name) not in names]
    chosen += sorted(alone, key=lambda name: name != COMPANION)[: PICKED - len(chosen)]
    why = "what the client just said" if ranked[0].called_for(said) else "this phase"
    fits = f"{phase}: {chosen[0]} fits {why}"
    return Pick(
        turn=view.turn,
        phase=phase,
        techniques=tuple(chosen),
        step=step_by_pace(view, config),
        reason="the client pushes back: listen first" if resists else fits,
        source="rules",
        fallback=fallback,
    )


def step_by_pace(view: CounselorView, config: SessionConfig) -> int | None:
    """The plan's step that the pace of the session has come to, 1-based; None without a plan."""
    if view.plan is None:
        return None
    count = len(view.plan.steps)
    return min(count, 1 + (view.turn - 1) * count // max(config.max_turns, 1))


def lately_used(view: CounselorView, turns: int = 3) -> list[str]:
    """The techniques of the last turns, newest first."""
    return [name for pick in reversed(view.picks[-turns:]) for name in pick.techniques]


def _score(item: Technique, said: str, view: CounselorView, config: SessionConfig) -> float:
    """Higher is more fitting: cues in what was said count for it, recent use against it, order breaks ties."""
    recent = reversed(view.picks[-4:])
    tired = sum(1.6 / age for age, pick in enumerate(recent, 1) if item.name in pick.techniques)
    working = phase_of(view.turn, config.max_turns) == "working"
    unused = 0.4 if working and not any(item.name in pick.techniques for pick in view.picks) else 0.0
    cues = min(item.called_for(said), 2)
    return cues + unused - tired - item.held_back - 0.01 * config.techniques.index(item.name)
