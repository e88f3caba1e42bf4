"""Where a session has come to: its phase, the plan's step in work and what was agreed, read from the dialogue alone.

All of it is one pass over the turns. A pick on record counts as what it says, whoever made it; between picks, and without any,
rules decide by what the client's answers come to (`nodes.answers`):

- The opening ends when a focus is agreed: the client says what should be different when asked, or says it and assents later.
- Exploring ends after two turns, when the troubling thought and two of situation, feeling and consequence have been said.
- A step advances when the client's answers gave it substance. It stays when not, and is left after two refusals.
- Working ends when its last step is done, or when something was tried, found, agreed or declined and no step is left.
- Closing has two turns in a session of eight or more, else one; then the session is over, though not before `min_turns`.

The clock forces nothing but those last turns. A client who wants to leave brings the closing at once. In a language that has no
list of signs, the phase follows the session's length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, get_args

from counseling_sessions.nodes.answers import SUBSTANCE, TOPICS, Answer, answer_of
from counseling_sessions.nodes.context import phase_of
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Act, Phase, Pick, Plan, Utterance

MOST_REVISIONS = 2
"""How often a session's plan is revised at most."""
AGENDA_EVERY = 3
"""Turns from one attempt at an agenda to the next."""
LEAST = 2
"""Turns that exploring and working have at least."""
NEEDED = 3
"""How many of `TOPICS` end exploring, the thought among them."""
REFUSALS = 2
"""Refusals after which the plan is revised, or a step left."""
ROOM = 3
"""Turns before the closing that a revised plan needs at least."""
PHASES: tuple[Phase, ...] = get_args(Phase)
_COUNTLESS = 99
"""Steps of a plan that is no longer in force."""


class Course(Protocol):
    """What progress is read from: a view of the state with the dialogue, the plan in force and the picks."""

    @property
    def utterances(self) -> tuple[Utterance, ...]: ...
    @property
    def plan(self) -> Plan | None: ...
    @property
    def picks(self) -> tuple[Pick, ...]: ...
    @property
    def turn(self) -> int: ...


@dataclass(frozen=True)
class Progress:
    """Where a turn stands. `since` and `step_since` are the turns in which the phase and the step began.

    `before` is the phase of the turn before. `focus` is what the client wants to be different, in the client's words, once agreed.
    `listens`: the client has said something painful, and the message is for that alone. `leaves`: the client wants to go. `worked`:
    there was a turn of work. `over`: the closing has done its work. `revise` says why the plan has to be revised before this turn;
    `revisions` counts how often it was.
    """

    turn: int
    phase: Phase = "opening"
    since: int = 1
    before: Phase = "opening"
    step: int | None = None
    step_since: int = 1
    focus: str = ""
    act: Act | None = None
    listens: bool = False
    leaves: bool = False
    worked: bool = False
    over: bool = False
    revise: str = ""
    revisions: int = 0
    reason: str = ""


def progress_of(view: Course, config: SessionConfig) -> Progress:
    """Where the turn in progress stands. A pick on record for it counts."""
    return standing(view, config)[1]


def standing(view: Course, config: SessionConfig) -> tuple[Progress, Progress]:
    """Where the turn before stood, and where the turn in progress stands."""
    plans = (view.plan,) if view.plan else ()
    *_, before, now = (Progress(turn=0), *course(view.utterances, view.picks, plans, config, view.turn))
    return before, now


def course(
    utterances: Sequence[Utterance], picks: Sequence[Pick], plans: Sequence[Plan], config: SessionConfig, turns: int
) -> Iterator[Progress]:
    """Where each turn stands, from the first to the one with the number `turns`.

    `plans` are in the order in which they came into force; those before the first of them may be missing.
    """
    said: dict[int, dict[str, str]] = {}
    for utterance in utterances:
        if not utterance.closing:
            said.setdefault(utterance.turn, {})[utterance.speaker] = utterance.text
    picked = {pick.turn: pick for pick in picks}
    reading = _Reading(config, plans)
    for turn in range(1, turns + 1):
        before = said.get(turn - 1, {})
        reading.take(before.get("counselor", ""), before.get("client", ""))
        yield reading.at(turn, picked.get(turn))


def has_signs(config: SessionConfig) -> bool:
    """Whether there are signs in the session's language, by which rules can read it."""
    return has_signs_in(config.language)


def has_signs_in(language: str) -> bool:
    """Whether there are signs in a language, named in English."""
    return "english" in language.casefold()


def closing_turns(config: SessionConfig) -> int:
    """Turns that the closing has at least."""
    return 2 if config.max_turns >= 8 else 1


def must_close(turn: int, config: SessionConfig) -> bool:
    """Whether only the closing's turns are left."""
    return turn > max(1, config.max_turns - closing_turns(config))


def turns_left(turn: int, config: SessionConfig) -> int:
    """Turns from this one on before only the closing's are left; 0 or less where they are."""
    return config.max_turns - closing_turns(config) - turn + 1


def may_revise(turn: int, config: SessionConfig) -> bool:
    """Whether there is room for a plan that is revised before this turn."""
    return turns_left(turn, config) >= ROOM


def may_close(turn: int, config: SessionConfig) -> bool:
    """Whether a closing that begins in this turn can end in time: no session is over before `min_turns`."""
    return turn > config.min_turns - closing_turns(config)


class _Reading:
    """Reads a session turn by turn: `take` what was said in one, then ask where the next one stands (`at`)."""

    def __init__(self, config: SessionConfig, plans: Sequence[Plan]) -> None:
        self._config, self._plans = config, plans
        self._by_length = not has_signs(config)
        self._now = Progress(turn=0)
        self._answer = Answer()
        self._topics: set[str] = set()
        self._outcome = self._wish = self._revise = ""
        self._outcomes = self._agenda = self._substance = self._refusals = 0
        self._summarized = False

    def take(self, counselor: str, client: str) -> None:
        """What both said in the turn that `at` was asked about last; before, the opening exchange."""
        now = self._now
        self._answer = answer = Answer() if self._by_length else answer_of(counselor, client, now.act == "agenda")
        self._topics |= answer.topics
        if now.turn and not now.focus:
            focus = answer.focus or (self._wish if answer.assents else "")
            self._now = replace(now, focus=focus)
        self._wish = answer.wish or self._wish
        if now.phase not in ("exploring", "working"):
            return
        self._substance += answer.substance
        self._refusals += answer.refuses
        if answer.contradiction and not self._revise:
            self._revise = f'the client said in turn {now.turn}: "{answer.contradiction}"'
        if now.phase == "working" and answer.outcome:
            self._outcome, self._outcomes = f"{answer.outcome} in turn {now.turn}", self._outcomes + 1

    def at(self, turn: int, pick: Pick | None) -> Progress:
        """Where a turn stands after all that was taken; its pick, if there is one, has the last word."""
        before, plan = self._now, next((plan for plan in reversed(self._plans) if plan.turn <= turn), None)
        steps = len(plan.steps) if plan else _COUNTLESS if self._plans else 0
        phase, reason = self._phase(turn, steps)
        now = replace(before, turn=turn, phase=phase, reason=reason, before=before.phase, revise="", over=False)
        now = replace(now, leaves=self._answer.leaves)
        now = self._over(now) if before.phase == phase == "closing" else self._revised(now, plan)
        if steps:
            now = self._stepped(now, steps)
        now = self._acted(now)
        if pick:
            now = self._picked(now, pick, before)
        if now.phase != before.phase:
            now = replace(now, since=turn)
        self._agenda = turn if now.act == "agenda" else self._agenda
        self._summarized = now.phase == "closing" and (self._summarized or now.act == "summary")
        self._revise = pick.revise if pick else ""
        self._now = replace(now, worked=now.worked or now.phase == "working")
        return self._now

    def _phase(self, turn: int, steps: int) -> tuple[Phase, str]:
        """The phase of a turn by rules, and why. A turn goes on by one phase at most, unless the client or the time ends it."""
        now, config = self._now, self._config
        if must_close(turn, config):
            return "closing", f"turn {turn} of at most {config.max_turns}: time to close"
        if self._by_length:
            return max(now.phase, phase_of(turn, config.max_turns), key=PHASES.index), "by the session's length"
        if turn > 1 and self._answer.leaves and now.phase != "closing":
            return "closing", f"the client wanted to leave in turn {turn - 1}"
        return self._by_answers(turn, steps)

    def _by_answers(self, turn: int, steps: int) -> tuple[Phase, str]:
        """The phase that follows from what the client's answers came to."""
        now = self._now
        if now.phase == "opening":
            agreed = f'focus agreed in turn {turn - 1}: "{now.focus}"'
            waiting = "no focus agreed yet" if turn > 1 else "the session begins"
            return ("exploring", agreed) if now.focus else ("opening", waiting)
        if now.phase == "exploring":
            present, missing = (
                ", ".join(one for one in TOPICS if (one in self._topics) is there) for there in (True, False)
            )
            is_known = "thought" in self._topics and len(self._topics) >= NEEDED
            if is_known and turn - now.since >= LEAST:
                return "working", f"told: {present}"
            return "exploring", f"not told yet: {missing}" if missing else "all is told, for one turn more"
        if now.phase == "working":
            return self._working(turn, steps)
        return "closing", f"closing since turn {now.since}"

    def _working(self, turn: int, steps: int) -> tuple[Phase, str]:
        """Whether the work is done: nothing comes after its last step, or without a plan after two outcomes."""
        now = self._now
        if turn - now.since >= LEAST and may_close(turn, self._config):
            is_last = now.step == steps
            if is_last and self._substance >= SUBSTANCE:
                return "closing", f"the last step is done, turn {turn - 1}"
            if (is_last and self._outcomes) or (not steps and self._outcomes > 1):
                return "closing", self._outcome
        return "working", f"step {now.step} since turn {now.step_since}" if steps else f"working since turn {now.since}"

    def _over(self, now: Progress) -> Progress:
        """A closing that has had its turns is over, unless the client has just said something painful."""
        done = now.turn - now.since >= closing_turns(self._config) and now.turn > self._config.min_turns
        if done and not self._answer.hurts:
            return replace(now, over=True, reason=f"the closing began in turn {now.since} and has had its turns")
        return now

    def _revised(self, now: Progress, plan: Plan | None) -> Progress:
        """A plan that no longer fits: it has to be revised before this turn, or has been."""
        refused = f"step {now.step} was refused {self._refusals} times" if self._refusals >= REFUSALS else ""
        is_late = now.phase == "closing" or not may_revise(now.turn, self._config)
        why = "" if is_late or now.revisions >= MOST_REVISIONS else self._revise or refused
        if plan and plan.turn != now.turn:  # a plan in force that was not revised for this turn
            return replace(now, revise=why)
        if now.turn > 1 and (plan or (why and self._plans)):
            self._new_step()
            return replace(now, step=1, step_since=now.turn, revisions=now.revisions + 1)
        return now

    def _stepped(self, now: Progress, count: int) -> Progress:
        """The plan's step: it advances when it has substance, and is left after refusals."""
        if now.step is None:
            return replace(now, step=1)
        ends = "done" if self._substance >= SUBSTANCE else "left" if self._refusals >= REFUSALS else ""
        if not ends or now.step >= count or now.phase in ("opening", "closing"):
            return now
        self._new_step()
        reason = f"step {now.step} {ends}" if now.phase == self._now.phase else f"{now.reason}; step {now.step} {ends}"
        return replace(now, step=now.step + 1, step_since=now.turn, reason=reason)

    def _acted(self, now: Progress) -> Progress:
        """What the message has to do besides. Pain comes first, though not twice in a row."""
        if self._answer.hurts and now.turn > 1 and not now.listens:
            return replace(now, act=None, listens=True)
        act: Act | None = None
        if now.phase == "opening" and now.turn > 1 and (not self._agenda or now.turn - self._agenda >= AGENDA_EVERY):
            act = "agenda"
        elif now.phase == "closing" and not self._summarized:
            act = "summary"
        return replace(now, act=act, listens=False)

    def _picked(self, now: Progress, pick: Pick, before: Progress) -> Progress:
        """What a pick says of its turn, in place of the rules."""
        if pick.step and pick.step != now.step:
            self._new_step()
            stays = pick.step == before.step
            now = replace(now, step=pick.step, step_since=before.step_since if stays else now.turn)
        now = replace(now, phase=pick.phase, focus=pick.focus or now.focus, reason=pick.progress or now.reason)
        return replace(now, act=pick.act, listens=pick.asks is False, over=False, revise="")

    def _new_step(self) -> None:
        self._substance = self._refusals = 0
