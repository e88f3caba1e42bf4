"""The router, entered twice a turn: it picks the techniques, then merges their candidates into the counselor's utterance.
At the end of a session it writes the closing utterance."""

from functools import partial
from typing import Any

from counseling_sessions.integrity.spoken import Past, Spoken
from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.nodes.attempts import Unusable, Usable
from counseling_sessions.nodes.context import UTTERANCE_LIMIT, counselor_messages, phase_hint, phase_of, step_line
from counseling_sessions.nodes.guards import check
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.picking import lately_used, pick_by_rules, step_by_pace
from counseling_sessions.nodes.speaking import DecisionRequest, SpeechRequest, counselor_request, decide, speak
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Candidate, CounselorView, Failure, Pick, Utterance, replace, update

MOST_PICKED = 3


async def router(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Pick, merge or close, whichever comes next; nothing where a fork has set the turn's utterance."""
    if view.end_reason:
        return await say(models, view, ask_closing(view, config, "merge"))
    if is_said(view):
        return {}
    if view.pick is None:
        chosen = await choose(models, view, config)
        if isinstance(chosen, Failure):
            return update(failure=chosen)
        return update(picks=[chosen], candidates=replace([]))
    return await _merge(models, view, config, view.pick)


async def _merge(models: Models, view: CounselorView, config: SessionConfig, pick: Pick) -> dict[str, Any]:
    drawn = [candidate for candidate in view.candidates if candidate.turn == view.turn]
    if not drawn:
        return {}  # the pick was made elsewhere (a fork): the specialists come first
    if refused := next((candidate for candidate in drawn if candidate.refused), None):
        message, kind = refused.error or "refused", refused.kind or "refused"
        return update(failure=Failure(stage=refused.technique, kind=kind, message=message, turn=view.turn))
    if config.merge == "join" and (joined := _joined(view, pick)):
        return update(utterances=[Utterance(turn=view.turn, speaker="counselor", text=joined)])
    if request := ask_merge(view, config):
        return await say(models, view, request)
    reasons = "; ".join(f"{candidate.technique}: {candidate.error}" for candidate in drawn)
    message = f"no candidate to merge ({reasons})"
    return update(failure=Failure(stage="merge", kind="no_candidate", message=message, turn=view.turn))


def is_said(view: CounselorView) -> bool:
    """Whether a person who forked the session has set the turn's utterance: the client is next."""
    return bool(view.utterances) and view.utterances[-1].speaker == "counselor"


async def say(models: Models, view: CounselorView, request: SpeechRequest) -> dict[str, Any]:
    """Write the counselor's utterance. Every method's last node comes here."""
    answer = await speak(models, request)
    if isinstance(answer, Unusable):
        return update(failure=answer.failure)
    closing = view.end_reason is not None
    said = Utterance(turn=view.turn, speaker="counselor", text=answer.value, closing=closing, call=answer.call)
    return update(utterances=[said])


def ask_closing(view: CounselorView, config: SessionConfig, role: str) -> SpeechRequest:
    """The request for the closing utterance: what the session came to, the step agreed, goodbye."""
    return counselor_request(view, config, role, prompt("counselor/closing", view.end_reason or "turn_limit"))


def ask_merge(view: CounselorView, config: SessionConfig) -> SpeechRequest | None:
    """The request for one utterance out of the turn's drafts; None without a pick or a draft."""
    pick, drafts = view.pick, _drafts(view)
    if pick is None or not drafts:
        return None
    variables: dict[str, object] = {
        "phase": phase_hint(view, config),
        "step": step_line(view, pick.step),
        "candidates": "\n".join(f"- {draft.technique}: {clean(draft.text)}" for draft in drafts),
    }
    # The reason of a pick by rules is the same in every session, and says no more than the drafts.
    reasoned = pick.source in ("llm", "human") or (pick.source == "rules" and config.fan_out == "all")
    if reasoned:
        variables |= {"techniques": ", ".join(pick.techniques), "reason": clean(pick.reason, 200)}
    task = prompt("counselor/merge", "picked" if reasoned else "every", **variables)
    return counselor_request(view, config, "merge", task)


def _drafts(view: CounselorView) -> list[Candidate]:
    return [candidate for candidate in view.candidates if candidate.turn == view.turn and candidate.text]


def _joined(view: CounselorView, pick: Pick) -> str:
    """The drafts one after another in the order of the pick, questions last; empty where that is too long or the guards object."""
    places = {name: place for place, name in enumerate(pick.techniques)}
    ordered = sorted(_drafts(view), key=lambda one: (one.text.endswith("?"), places.get(one.technique, len(places))))
    text = " ".join(draft.text for draft in ordered)
    draft = Spoken(text, "counselor", Past(view.said_by("counselor")), Past(view.said_by("client")))
    return "" if len(text) > UTTERANCE_LIMIT or check(draft) else text


def ask_pick(view: CounselorView, config: SessionConfig) -> DecisionRequest[Pick]:
    """The request for this turn's pick."""
    task = prompt(
        "counselor/pick",
        phase=phase_hint(view, config),
        techniques=", ".join(config.techniques),
        lately=", ".join(lately_used(view)) or "nothing yet",
        step_field=prompt("counselor/pick", "step_field", count=len(view.plan.steps)) if view.plan else "",
    )
    messages, read = counselor_messages(view, config, task, "router"), partial(_read, view=view, config=config)
    return DecisionRequest("router", view.turn, view.session_id, config, messages, _schema(view, config), read)


async def choose(models: Models, view: CounselorView, config: SessionConfig) -> Pick | Failure:
    """This turn's pick by the policy in force; by rules too where a model's answer cannot be used."""
    policy = policy_of(config)
    if policy == "every":
        return Pick(
            turn=view.turn,
            phase=phase_of(view.turn, config.max_turns),
            techniques=config.techniques,
            step=step_by_pace(view, config),
            reason="every technique, no pick",
            source="every",
        )
    if policy == "rules":
        return pick_by_rules(view, config)
    answer = await decide(models, ask_pick(view, config))
    if isinstance(answer, Usable):
        return answer.value.model_copy(update={"call": answer.call})
    if answer.permanent:
        return answer.failure  # it would be refused every turn, and all picks be the rules'
    chosen = pick_by_rules(view, config, fallback=answer.failure.message)
    return chosen.model_copy(update={"call": answer.failure.call})


def policy_of(config: SessionConfig) -> str:
    """The router policy in force: the ablations without a router have no pick, whatever is configured."""
    return config.router if METHODS[config.method].pick else "every"


def _schema(view: CounselorView, config: SessionConfig) -> AnswerSchema:
    properties: dict[str, Any] = {
        # The reason comes first: a model that has said why picks better than one that has to justify its pick.
        "reason": {"type": "string", "minLength": 5, "maxLength": 160},
        "techniques": {
            "type": "array",
            "items": {"type": "string", "enum": list(config.techniques)},
            "minItems": 1,
            "maxItems": min(MOST_PICKED, len(config.techniques)),
        },
    }
    if view.plan:
        properties["step"] = {"type": "integer", "minimum": 1, "maximum": len(view.plan.steps)}
    return AnswerSchema("pick", properties)


def _read(answer: dict[str, object], view: CounselorView, config: SessionConfig) -> Pick:
    named = answer.get("techniques")
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list) or not names:
        raise ValueError("techniques must be a list of names")
    wanted = list(dict.fromkeys(str(name).strip().casefold() for name in names))
    if unknown := [name for name in wanted if name not in config.techniques]:
        raise ValueError(f"{', '.join(unknown)!r}: not among the techniques")
    step = None
    if view.plan:
        step = answer.get("step")
        if isinstance(step, bool) or not isinstance(step, int) or not 1 <= step <= len(view.plan.steps):
            raise ValueError(f"step must be a number from 1 to {len(view.plan.steps)}")
    return Pick(
        turn=view.turn,
        phase=phase_of(view.turn, config.max_turns),
        techniques=tuple(wanted[:MOST_PICKED]),
        step=step,
        reason=" ".join(str(answer.get("reason") or "").split())[:300],
        source="llm",
    )
