"""The router: the hub that is entered twice a turn. First it picks the techniques; when their candidates are in, it merges
them into the counselor's utterance. When the session has ended, it writes the closing utterance instead."""

from typing import Any

from counseling_sessions.integrity.spoken import Past, Spoken
from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.nodes.choosing import worth_after
from counseling_sessions.nodes.context import UTTERANCE_LIMIT, counselor_messages, phase_hint, phase_of, step_line
from counseling_sessions.nodes.guards import check
from counseling_sessions.nodes.picking import lately_used, pick_by_rules, step_by_pace
from counseling_sessions.nodes.speaking import Attempts, NotSaid, decide, speak
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Candidate, CounselorView, Failure, Pick, Utterance, replace, update

MOST_PICKED = 3


async def router(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Pick, merge or close, whichever the session is at; nothing where a fork has put the turn's pick or utterance in place."""
    if view.end_reason:
        return await close(models, view, config, role="merge")
    if is_said(view):
        return {}
    if view.pick is None:
        return await _pick(models, view, config)
    if not any(candidate.turn == view.turn for candidate in view.candidates):
        return {}  # the pick was made elsewhere (a fork): the specialists come first
    return await _merge(models, view, config, view.pick)


def is_said(view: CounselorView) -> bool:
    """Whether the turn's utterance is there already, put in place by a person who forked a session: the client is next."""
    return bool(view.utterances) and view.utterances[-1].speaker == "counselor"


async def say(models: Models, view: CounselorView, config: SessionConfig, role: str, task: str) -> dict[str, Any]:
    """Write the counselor's utterance. Every method's last node comes here, and so has the same context."""
    attempts = Attempts(models, config, role, view.turn, view.session_id)
    messages = counselor_messages(view, config, task, role)
    # Closing words look back: what they say is not new.
    worth = worth_after(view.utterances) if config.choices > 1 and not view.end_reason else None
    try:
        text = await speak(attempts, messages, "counselor", view.said_by("counselor"), view.said_by("client"), worth)
    except NotSaid as error:
        return update(failure=error.failure)
    utterance = Utterance(
        turn=view.turn, speaker="counselor", text=text, closing=view.end_reason is not None, call=attempts.call()
    )
    return update(utterances=[utterance])


async def close(models: Models, view: CounselorView, config: SessionConfig, role: str) -> dict[str, Any]:
    """Write the closing utterance: what was found, the step agreed, goodbye."""
    return await say(models, view, config, role, prompt("counselor/closing", view.end_reason or "turn_limit"))


async def _merge(models: Models, view: CounselorView, config: SessionConfig, pick: Pick) -> dict[str, Any]:
    drawn = [candidate for candidate in view.candidates if candidate.turn == view.turn]
    if refused := next((candidate for candidate in drawn if candidate.refused), None):
        message = refused.error or "refused"
        return update(failure=Failure(stage=refused.technique, kind="refused", message=message, turn=view.turn))
    drafts = [candidate for candidate in drawn if candidate.text]
    if not drafts:
        return update(failure=_nothing_drafted(view.turn, drawn))
    if config.merge == "join" and (joined := _joined(drafts, view, pick)):
        return update(utterances=[Utterance(turn=view.turn, speaker="counselor", text=joined)])
    variables: dict[str, object] = {
        "phase": phase_hint(view, config),
        "step": step_line(view, pick.step),
        "candidates": "\n".join(f"- {draft.technique}: {clean(draft.text)}" for draft in drafts),
    }
    # What rules give as a reason is the same for every session, and tells the merge no more than the drafts do.
    told = pick.source in ("llm", "human") or (pick.source == "rules" and config.fan_out == "all")
    section = "picked" if told else "every"
    if section == "picked":
        variables |= {"techniques": ", ".join(pick.techniques), "reason": clean(pick.reason, 200)}
    return await say(models, view, config, "merge", prompt("counselor/merge", section, **variables))


def _joined(drafts: list[Candidate], view: CounselorView, pick: Pick) -> str:
    """The drafts one after another in the order of the pick, questions last; empty where that is too long or the guards object."""
    places = {name: place for place, name in enumerate(pick.techniques)}
    ordered = sorted(drafts, key=lambda draft: (draft.text.endswith("?"), places.get(draft.technique, len(places))))
    text = " ".join(draft.text for draft in ordered)
    if len(text) > UTTERANCE_LIMIT or check(
        Spoken(text, "counselor", Past(view.said_by("counselor")), Past(view.said_by("client")))
    ):
        return ""
    return text


async def _pick(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    policy = policy_of(config)
    if policy == "every":
        pick = Pick(
            turn=view.turn,
            phase=phase_of(view.turn, config.max_turns),
            techniques=config.techniques,
            step=step_by_pace(view, config),
            reason="every technique, no pick",
            source="every",
        )
    elif policy == "rules":
        pick = pick_by_rules(view, config)
    else:
        attempts = Attempts(models, config, "router", view.turn, view.session_id)
        messages = counselor_messages(view, config, _pick_task(view, config), "router")
        try:
            pick = await decide(attempts, messages, _schema(view, config), lambda answer: _read(answer, view, config))
        except NotSaid as error:
            if attempts.failed and attempts.failed.permanent:
                return update(failure=error.failure)  # it would be refused every turn, and all picks be the rules'
            pick = pick_by_rules(view, config, fallback=error.failure.message)
        pick = pick.model_copy(update={"call": attempts.call()})
    return update(picks=[pick], candidates=replace([]))


def policy_of(config: SessionConfig) -> str:
    """The router policy in force: the ablations without a router have no pick, whatever is configured."""
    return "every" if "no-router" in config.method else config.router


def _pick_task(view: CounselorView, config: SessionConfig) -> str:
    step_field = prompt("counselor/pick", "step_field", count=len(view.plan.steps)) if view.plan else ""
    return prompt(
        "counselor/pick",
        phase=phase_hint(view, config),
        techniques=", ".join(config.techniques),
        lately=", ".join(lately_used(view)) or "nothing yet",
        step_field=step_field,
    )


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


def _nothing_drafted(turn: int, lost: list[Candidate]) -> Failure:
    reasons = "; ".join(f"{candidate.technique}: {candidate.error}" for candidate in lost) or "no technique ran"
    return Failure(stage="merge", kind="no_candidate", message=f"no candidate to merge ({reasons})", turn=turn)
