"""Picking by rules: which techniques a turn needs, from the state of the dialogue alone and without a call.

The order of work is the paper's: explore and understand, then normalize, then offer solutions together with
psycho-education. What the client just said and what was used lately move a technique up or down; asking does not wear out.
After something painful, one technique listens alone.
"""

from typing import Any

from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.nodes.progress import Progress, progress_of
from counseling_sessions.nodes.techniques import Technique, technique
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView, Pick

PICKED = 2
"""How many techniques the rules pick: one to lead and one to go with it."""
BACK_TO_LISTENING = frozenset({"reflection", "empathy", "questioning", "normalizing"})
COMPANION = "questioning"
"""What goes along where nothing else has to."""
LISTENS = ("empathy", "reflection")
"""What can listen alone, the fittest first."""
GATHERS = "reflection"
"""What leads a message that gathers what was found."""
PARTNERS = {"solutions": "psychoeducation", "psychoeducation": "solutions"}


def pick_by_rules(view: CounselorView, config: SessionConfig, fallback: str | None = None) -> Pick:
    """This turn's pick by rules; `fallback` says why a model that was asked did not decide."""
    now = progress_of(view, config)
    said = view.last_of("client")
    alone = next((name for name in LISTENS if name in config.techniques), None) if now.listens else None
    techniques, reason = _chosen(view, config, now, said)
    if alone:
        techniques, reason = (alone,), "something painful was said: listen, and ask nothing"
    return Pick(
        **placed(now),
        techniques=techniques,
        reason=reason,
        asks=False if alone else True if COMPANION in techniques or now.act == "agenda" else None,
        source="rules",
        fallback=fallback,
    )


def placed(now: Progress) -> dict[str, Any]:
    """Where a turn stands, as fields of its pick."""
    names = ("turn", "phase", "step", "act", "focus")
    return {name: getattr(now, name) for name in names} | {"progress": now.reason}


def _chosen(view: CounselorView, config: SessionConfig, now: Progress, said: str) -> tuple[tuple[str, ...], str]:
    """The techniques of a turn that does not listen alone, and why."""
    resists = "refusal" in signs_of(said)
    said = said.replace("’", "'")
    offered = [technique(name) for name in config.techniques]
    fitting = [item for item in offered if now.phase in item.phases] or offered
    has_question = now.act == "agenda"
    if has_question:
        fitting = [item for item in fitting if item.name != COMPANION] or fitting
    if resists:
        fitting = [item for item in fitting if item.name in BACK_TO_LISTENING] or fitting
    ranked = sorted(fitting, key=lambda item: -_score(item, said, view, config, now))
    if now.act == "summary":
        ranked.sort(key=lambda item: item.name != GATHERS)
    names = {item.name for item in fitting}
    first = ranked[0].name
    chosen = [first, *(names & {PARTNERS.get(first)})]
    # One of a pair never goes along without the other, and there is no room for both. A skilled counselor asks in most turns
    # (in five of six of the corpus while exploring, in every other one later), whatever else a message does.
    alone = [item.name for item in ranked[1:] if item.name not in chosen and PARTNERS.get(item.name) not in names]
    chosen += sorted(alone, key=lambda name: name != COMPANION)[: max(0, PICKED - has_question - len(chosen))]
    why = "what the client just said" if ranked[0].called_for(said) else "this phase"
    return tuple(chosen), "the client pushes back: listen first" if resists else f"{first} fits {why}"


def _score(item: Technique, said: str, view: CounselorView, config: SessionConfig, now: Progress) -> float:
    """Higher is more fitting: cues in what was said count for it, recent use against it, order breaks ties."""
    recent = () if item.name == COMPANION else reversed(view.picks[-4:])
    tired = sum(1.6 / age for age, pick in enumerate(recent, 1) if item.name in pick.techniques)
    unused = 0.4 if now.phase == "working" and not any(item.name in pick.techniques for pick in view.picks) else 0.0
    cues = min(item.called_for(said), 2)
    return cues + unused - tired - item.held_back - 0.01 * config.techniques.index(item.name)
