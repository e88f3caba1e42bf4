"""Where the protocol stands, read from the dialogue and its entries: what has been done, and what comes next.

The order is ours, after public descriptions of safety planning; no clinician has checked it: notice, ask directly, take the answer
seriously, understand how near it is, see what protects and who is near, agree on safety, hand over to a person, close. It ends early
with a clear no to the question. Help that is refused is offered once more in other words; then the counselor says what it does by
itself. A question is answered, and is no refusal. Who leaves before it is known to be far is asked one question more. Who is hurt goes
straight to the emergency number.
"""

from collections.abc import Sequence

from counseling_sessions.integrity.protocol import Agreement, steps_in
from counseling_sessions.nodes.progress import has_signs
from counseling_sessions.nodes.protocol.reading import (
    ANSWER,
    Nearness,
    Noticed,
    Sign,
    agreement_of,
    asks_back,
    is_for_life,
    is_from_others,
    is_hurt,
    leaves_open,
    nearness,
    raises,
    sign_of,
)
from counseling_sessions.nodes.protocol.routine import is_due
from counseling_sessions.profiles.risk_part import RiskKind
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView, EndReason, FlowView, RiskEntry, RiskStep, Utterance

ORDER: tuple[tuple[RiskStep, ...], ...] = (
    ("acknowledge", "ask"),
    ("acknowledge", "level"),
    ("protective",),
    ("safety",),
    ("handover",),
    ("agreement",),
    ("close",),
)
"""What each message of the protocol has to do; one is left out where its last step is done already, or not needed."""
WITHOUT: tuple[RiskStep, ...] = ("handover", "close")
"""The last message to a client who leaves, does not agree, or is hurt: what the counselor does by itself, and where help is."""
EXPLAINS = 2
"""How often a question of the client's is answered, and the counselor's own asked again."""
LEAVING: frozenset[EndReason | None] = frozenset({"left", "resolved"})
"""The ends by which a client goes."""
_OWN_MESSAGE: frozenset[RiskStep] = frozenset({"level", "safety", "handover", "agreement", "stay", "close"})
"""The steps that have a message of their own, however much of it sounded in another one: their answers are read."""
_KINDS: dict[str, RiskKind] = {"danger": "danger_from_others", "harm_to_others": "danger_to_others"}
"""The kind of a risk by the category of its sign; every other one is `thoughts`."""


def is_to_notice(view: CounselorView | FlowView, config: SessionConfig) -> bool:
    """Whether the client's last message has to be looked at first: a sign is there, or may be, or the routine question is due."""
    if config.risk in (None, "off") or config.chatbot or not view.utterances or view.utterances[-1].speaker != "client":
        return False
    if view.risk and view.risk[-1].turn == view.turn:
        return False
    if config.risk == "llm" or so_far(view) or sign_of(view).wording in ("explicit", "unclear"):
        return True
    return is_due(view, config)


def goes_on(view: Noticed) -> bool:
    """Whether the protocol decides what the counselor says in the turn in progress."""
    return bool(view.risk) and view.risk[-1].turn == view.turn and bool(view.risk[-1].steps)


def so_far(view: Noticed) -> tuple[RiskEntry, ...]:
    """The entries of the protocol that is in progress, without that of this turn; none where none is, or after a clear no."""
    entries = [entry for entry in view.risk if entry.turn < view.turn and entry.steps]
    return _since_start(entries) if entries and entries[-1].turn == view.turn - 1 else ()


def is_denied(entry: RiskEntry) -> bool:
    """Whether this turn's message takes a clear no, after which the plan goes on."""
    return entry.steps == ("acknowledge",)


def steps_for(view: Noticed, sign: Sign, config: SessionConfig) -> tuple[tuple[RiskStep, ...], tuple[RiskStep, ...]]:
    """What the counselor's message of this turn has to do, and what the messages before have done.

    After a clear no it takes that, or has nothing to do where the client is ending: the session closes as it would have.
    """
    entries = so_far(view)
    done = steps_done(view.utterances, entries)
    if is_emergency(view):
        return WITHOUT, done
    if _clears(sign, entries, done):
        return (() if view.end_reason else ("acknowledge",)), done
    return _led_steps(view, sign, config, done), done


def _led_steps(view: Noticed, sign: Sign, config: SessionConfig, done: tuple[RiskStep, ...]) -> tuple[RiskStep, ...]:
    entries, answer = so_far(view), view.last_of("client")
    agreement = _agreement(view, entries, sign, config)
    agrees = agreement == "agrees"
    near = nearness(view, entries, sign)
    if view.end_reason in LEAVING and not agrees:
        is_held = any("stay" in entry.steps for entry in entries)
        if near != "far" and not is_held:
            return ("stay",)
        if is_held or view.end_reason == "left":
            return WITHOUT
    if entries and entries[-1].source == "routine" and sign.wording != "explicit" and leaves_open(answer):
        return ("acknowledge", "ask")
    if again := _asked_again(entries, agreement, sign, near, answer):
        return again
    # What is near leaves no time for what protects.
    skipped = {*done, *(("protective",) if near == "near" else ()), *(("agreement",) if agrees else ())}
    steps = next(steps for steps in ORDER if steps[-1] not in skipped)
    return WITHOUT if steps == ("close",) and not agrees else steps


def _clears(sign: Sign, entries: Sequence[RiskEntry], done: Sequence[RiskStep]) -> bool:
    """Whether the message is a clear no to the direct question, where nothing was said beyond doubt."""
    is_asked = "ask" in done and "level" not in done
    return is_asked and sign.wording == "denied" and not any(entry.wording == "explicit" for entry in entries)


def _agreement(view: Noticed, entries: Sequence[RiskEntry], sign: Sign, config: SessionConfig) -> Agreement | None:
    """What the client answers to an offer of help; None where none was made. Words of an intent or a threat never agree."""
    if not entries or {"handover", "agreement"}.isdisjoint(entries[-1].steps):
        return None
    answer = view.last_of("client")
    if raises(answer, sign, entries[-1].steps):
        return "unclear"
    return agreement_of(answer, has_signs=has_signs(config), from_others=is_from_others(entries))


def _asked_again(
    entries: Sequence[RiskEntry], agreement: Agreement | None, sign: Sign, near: Nearness, answer: str
) -> tuple[RiskStep, ...]:
    """The last question once more: after a question of the client's, or where nobody knows yet how near it is; empty for none."""
    if not entries:
        return ()
    last = entries[-1].steps[-1:]
    times = sum(entry.steps[-1:] == last for entry in entries)
    if last == ("level",):
        return last if near == "open" and times == 1 else ()
    asks = agreement in ("asks", "bargains")
    if last == ("ask",) and entries[-1].source != "routine":
        asks = sign.wording == "unclear" and sign.category.startswith(ANSWER) and asks_back(answer)
    return last if asks and times <= EXPLAINS else ()


def is_emergency(view: Noticed) -> bool:
    """Whether the client's last message asks for nothing but the emergency number."""
    before = so_far(view)
    return is_hurt(view.last_of("client"), before[-1].steps if before else ())


def has_sign(view: Noticed) -> bool:
    """Whether the client said something of its own accord before this turn, as more than an answer to a question."""
    said = (entry for entry in so_far(view) if entry.source != "routine" and entry.wording in ("explicit", "unclear"))
    return any(not entry.category.startswith(ANSWER) for entry in said)


def is_asked_again(view: Noticed) -> bool:
    """Whether this turn's message asks again what the message before has asked."""
    entries = _in_force(view)
    return len(entries) > 1 and entries[-1].steps[-1:] == entries[-2].steps[-1:]


def is_raised(view: Noticed) -> bool:
    """Whether the client's last message has made it near, after the answer to that question."""
    *before, last = _in_force(view)
    if not before or {"protective", "safety", "handover", "agreement"}.isdisjoint(before[-1].steps):
        return False
    return raises(view.last_of("client"), Sign(last.wording, last.category), before[-1].steps)


def steps_done(utterances: Sequence[Utterance], entries: Sequence[RiskEntry]) -> tuple[RiskStep, ...]:
    """The steps that the counselor's messages have taken since the first sign, each once, in the order of the protocol."""
    if not entries:
        return ()
    since = [said.text for said in utterances if said.speaker == "counselor" and said.turn >= entries[0].turn]
    taken = {step for text in since for step in steps_in(text)} - _OWN_MESSAGE
    # What the protocol itself has said counts: in a language without signs nothing else can be read.
    taken |= {step for entry in entries for step in entry.steps}
    return tuple(step for steps in ORDER for step in steps[-1:] if step in taken)


def kind_of(view: Noticed) -> RiskKind:
    """Which kind of risk the protocol that leads is about: that of its first sign, before one that was only asked about."""
    entries = _in_force(view)
    categories = [entry.category for entry in sorted(entries, key=lambda entry: entry.source == "routine")]
    return _KINDS.get(next(filter(None, categories), "").removeprefix(ANSWER), "thoughts")


def acts_alone(view: Noticed) -> bool:
    """Whether the counselor calls somebody also without an agreement: it is near, or nobody knows after words beyond doubt.

    Whom somebody hurts decides alone, as long as it does not say that its life is in danger.
    """
    entries = _in_force(view)
    if kind_of(view) == "danger_from_others":
        said = (one.text for one in view.utterances if one.speaker == "client" and one.turn >= entries[0].turn - 1)
        return any(map(is_for_life, said))
    near = nearness(view, entries, Sign(entries[-1].wording, entries[-1].category) if entries else Sign("none"))
    return near == "near" or (near == "open" and any(entry.wording == "explicit" for entry in entries))


def _in_force(view: Noticed) -> tuple[RiskEntry, ...]:
    """The entries of the protocol that leads, with that of this turn."""
    return _since_start((*so_far(view), *(entry for entry in view.risk[-1:] if entry.turn == view.turn)))


def _since_start(entries: Sequence[RiskEntry]) -> tuple[RiskEntry, ...]:
    """The entries from the last start on: a clear no ends what was before, and each question of the routine starts anew."""
    start = 0
    for place, entry in enumerate(entries):
        if is_denied(entry):
            start = place + 1
        elif entry.source == "routine":
            start = place
    return tuple(entries[start:])
