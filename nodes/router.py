"""The router, entered twice a turn: it picks the techniques, then merges their candidates into the counselor's utterance.
At the end of a session it writes the closing utterance."""

from typing import Any

from counseling_sessions.integrity.lengths import LENGTHS
from counseling_sessions.integrity.spoken import Past, Spoken
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.attempts import Unusable, Usable
from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.nodes.facing import listener_of
from counseling_sessions.nodes.guards import check, facts_for
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.notes import where
from counseling_sessions.nodes.pick_request import ask_pick
from counseling_sessions.nodes.picking import pick_by_rules, placed
from counseling_sessions.nodes.progress import has_signs, progress_of
from counseling_sessions.nodes.speaking import SpeechRequest, counselor_request, decide, speak
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Candidate, CounselorView, Failure, Pick, Utterance, replace, update

AGENDAS = ("first", "second", "third")
"""The questions of joined messages that agree on what the hour is for (`prompts/counselor/agenda.md`), one after another."""


async def router(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Pick, merge or close, whichever comes next; nothing where a fork has set the turn's utterance."""
    if view.end_reason:
        return await say(models, view, ask_closing(view, config, "merge"))
    if is_said(view):
        return {}
    if view.pick is None:
        if progress_of(view, config).over:
            return await complete(models, view, config, "merge")
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
    alone = len(_drafts(view)) == 1 and not pick.act  # a special job takes more than one specialist's part
    if (config.merge == "join" or alone) and (joined := _joined(view, pick, config)):
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
    return said_in(view, await speak(models, request))


def said_in(view: CounselorView, answer: Usable[str] | Unusable) -> dict[str, Any]:
    """The update by which the counselor says an answer; it closes a session that has its end."""
    if isinstance(answer, Unusable):
        return update(failure=answer.failure)
    closing = view.end_reason is not None
    said = Utterance(turn=view.turn, speaker="counselor", text=answer.value, closing=closing, call=answer.call)
    return update(utterances=[said])


async def complete(models: Models, view: CounselorView, config: SessionConfig, role: str) -> dict[str, Any]:
    """End a session whose closing has done its work: the closing utterance, and why it is said."""
    ended = view.model_copy(update={"end_reason": "completed"})
    change = await say(models, ended, ask_closing(ended, config, role))
    return change if "failure" in change else change | update(end_reason=ended.end_reason)


def ask_closing(view: CounselorView, config: SessionConfig, role: str) -> SpeechRequest:
    """The request for the closing utterance: what the session came to, the step agreed, goodbye."""
    task = prompt("counselor/closing", view.end_reason or "turn_limit", words=LENGTHS["closing"].aim)
    return counselor_request(view, config, role, task)


def ask_merge(view: CounselorView, config: SessionConfig) -> SpeechRequest | None:
    """The request for one utterance out of the turn's drafts; None without a pick or a draft."""
    pick, drafts = view.pick, _drafts(view)
    if pick is None or not drafts:
        return None
    notes = "\n".join(f"- {draft.technique}: {clean(draft.text)}" for draft in drafts)
    task = prompt("counselor/merge", "drafts", candidates=notes)
    return counselor_request(view, config, "merge", task, where(view, config), asks=pick.asks)


def _drafts(view: CounselorView) -> list[Candidate]:
    return [candidate for candidate in view.candidates if candidate.turn == view.turn and candidate.text]


def _joined(view: CounselorView, pick: Pick, config: SessionConfig) -> str:
    """The drafts one after another in the order of the pick, questions last, or left out of a message that asks nothing.

    Where the message has to agree on what the hour is for, a fixed question takes the place of theirs, as nobody merges them.
    Empty where nothing is left, or that is too long, or the guards object.
    """
    places = {name: place for place, name in enumerate(pick.techniques)}
    ordered = sorted(_drafts(view), key=lambda one: (one.text.endswith("?"), places.get(one.technique, len(places))))
    texts = [draft.text for draft in ordered]
    if pick.act == "agenda" and has_signs(config):
        earlier = sum(one.act == "agenda" for one in view.picks[:-1])
        texts = [text for text in texts if not text.endswith("?")]
        texts.append(prompt("counselor/agenda", AGENDAS[earlier % len(AGENDAS)]))
    text = " ".join(text for text in texts if pick.asks is not False or len(texts) == 1 or not text.endswith("?"))
    past, others_past = Past(view.said_by("counselor")), Past(view.said_by("client"))
    facts, listener = facts_for(view, config), listener_of(view)
    draft = Spoken(text, "counselor", past, others_past, asks=pick.asks, facts=facts, listener=listener)
    return "" if len(text) > UTTERANCE_LIMIT or check(draft) else text


async def choose(models: Models, view: CounselorView, config: SessionConfig) -> Pick | Failure:
    """This turn's pick by the policy in force; by rules too where a model's answer cannot be used."""
    policy = policy_of(config)
    if policy == "every":
        now = progress_of(view, config)
        return Pick(
            **placed(now),
            techniques=config.techniques,
            reason="every technique, no pick",
            asks=False if now.listens else None,
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
