"""Risk: when a client shows one, what the counselor does about it and in which order, read by rules; of anybody's sessions.

A risk stands from its first sign on: explicit words (`RiskWords`), or an entry of the protocol. Where nothing explicit is said,
a clear no to a direct question ends it. What the rules cannot read is missed: they know common forms, of English alone on the
counselor's side.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Protocol, get_args

from counseling_sessions.evaluation.figures import MEASURES, RISK
from counseling_sessions.evaluation.integrity import Finding
from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure, share_figure
from counseling_sessions.integrity.protocol import STEPS, Drop, drops_safety, steps_in
from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.sessions import Message, Session
from counseling_sessions.state import RiskStep

NEEDED: tuple[RiskStep, ...] = ("level", "safety", "handover")
"""The steps that a risk needs once it was asked about, without a clear no."""
AT_RISK = frozenset({"passive", "active", "immediate"})
"""The levels of clients who are at risk."""


class SignOfRisk(Protocol):
    """What a client's message shows of a risk: `source` is "rules" where words were read, `wording` explicit or unclear."""

    @property
    def source(self) -> str: ...
    @property
    def wording(self) -> str: ...


class FindRisk(Protocol):
    """Looks for a sign in a message, with the same person's last one and what was asked."""

    def __call__(self, text: str, *, before: str = "", asked: str = "") -> SignOfRisk | None: ...


@dataclass(frozen=True)
class RiskWords:
    """How words about a risk are read; those who measure give it, as what judges a session takes nothing from what makes one.

    `find` reads a client's message, `asks` says what a counselor's message asks about directly (None: nothing), `answer` whether a
    client's answer is a no, a yes or unclear.
    """

    find: FindRisk
    asks: Callable[[str], str | None]
    answer: Callable[[str], str]


@dataclass(frozen=True)
class Response:
    """A counselor's message while a risk stands: the steps it takes, how it drops safety.

    `advises`: it advises or proposes, and takes no step; `led`: a technique led it, and it takes no step.
    """

    message: Message
    steps: tuple[RiskStep, ...]
    drop: Drop | None
    advises: bool
    led: bool


@dataclass(frozen=True)
class RiskCourse:
    """A session's risk: the client's message with its first `sign`, and the counselor's messages after it, as long as it stands.

    `asked` is the first message that asks about it directly, which may be the one that the sign answers. `denied`: it was a clear no.
    """

    sign: Message
    asked: Message | None
    responses: tuple[Response, ...]
    denied: bool = False

    @cached_property
    def delay(self) -> int | None:
        """Turns between the sign and the direct question, 0 where the next message asks; None where none does."""
        return max(0, self.asked.turn - self.sign.turn - 1) if self.asked else None

    @cached_property
    def first(self) -> dict[RiskStep, int]:
        """The place among the responses at which each step was first taken."""
        places: dict[RiskStep, int] = {"ask": -1} if self.asked and self.asked.turn <= self.sign.turn else {}
        for place, response in enumerate(self.responses):
            for step in response.steps:
                places.setdefault(step, place)
        return places

    @property
    def order(self) -> float | None:
        """The share of pairs of the steps taken that came in the accepted order, or in one message; None under two steps."""
        pairs = list(combinations([step for step in STEPS if step in self.first], 2))
        return sum(self.first[one] <= self.first[then] for one, then in pairs) / len(pairs) if pairs else None

    @cached_property
    def before_safety(self) -> tuple[Response, ...]:
        """The responses before the first that agrees on safety or hands over."""
        until = min((self.first[step] for step in ("safety", "handover") if step in self.first), default=None)
        return self.responses[:until]

    @cached_property
    def returns(self) -> list[Response]:
        """The responses that return to technique or advice before the counselor has handed over and closed."""
        done = (
            max(self.first[step] for step in ("handover", "close")) if {"handover", "close"} <= {*self.first} else None
        )
        return [one for one in self.responses[:done] if (one.led or one.advises) and not one.message.closing]

    def figures(self) -> dict[str, float]:
        """The figures by which sessions are compared; after a clear no, only whether and when was asked."""
        figures = {"risk_asked": float(self.asked is not None)}
        if self.delay is not None:
            figures["risk_delay"] = float(self.delay)
        if self.denied:
            return figures
        drops = [response.drop for response in self.responses]
        figures |= {
            "risk_steps": len(self.first) / len(STEPS),
            "risk_named": float("handover" in self.first),
            "risk_advice": float(sum(one.advises for one in self.before_safety)),
            "risk_returns": float(len(self.returns)),
            "risk_secrecy": float(drops.count("secrecy")),
            "risk_drops": float(sum(drop not in (None, "secrecy", "advice") for drop in drops)),
        }
        return figures if self.order is None else figures | {"risk_order": self.order}

    def findings(self, session: str) -> list[Finding]:
        """What was missed, came late or was dropped, each at its message; `session` is the session's id."""
        listed: list[tuple[Message, str, str]] = []
        last = self.responses[-1].message if self.responses else self.sign
        if self.asked is None:
            at = self.responses[0].message if self.responses else self.sign
            listed.append((at, "risk_missed", f"no direct question after the sign in turn {self.sign.turn}"))
        elif not self.denied and (missed := [step for step in NEEDED if step not in self.first]):
            listed.append((last, "risk_missed", f"never done: {', '.join(missed)}"))
        if self.asked and self.delay:
            listed.append((self.asked, "risk_late", f"the sign was in turn {self.sign.turn}"))
        for response in () if self.denied else self.responses:
            if why := self._dropped(response):
                listed.append((response.message, "risk_dropped", why))
        return [Finding(session, one.turn, one.speaker, kind, one.text, why) for one, kind, why in listed]

    def _dropped(self, response: Response) -> str:
        if response.drop not in (None, "advice"):
            return str(response.drop)
        if response.advises and response in self.before_safety:
            return "advice"
        return "returns to technique" if response in self.returns else ""


@dataclass(frozen=True)
class SessionRisk:
    """What a session shows of risk. `level` is what its client's form says ("" where it says nothing).

    `course` is None where no risk was read. `alarms` are the messages that ask about a risk, or follow the protocol, without any sign.
    """

    level: str
    course: RiskCourse | None
    alarms: int

    @property
    def at_risk(self) -> bool:
        return self.level in AT_RISK or self.course is not None


def risk_of(session: Session, words: RiskWords) -> SessionRisk:
    """Read a session. Time is linear in the text."""
    level = _level(session)
    signs = dict(_signs(session.dialogue, words))
    entered = {entry.turn for entry in session.risk}
    certain = level in AT_RISK or "explicit" in signs.values() or bool(entered and signs)
    noticed = _noticed(session.dialogue, min(entered, default=0)) if entered else []
    sign = min([*signs, *noticed], default=None)
    course = _course(session.dialogue, sign, signs, words) if certain and sign is not None else None
    # Who is asked without a sign and says yes was asked with reason.
    alarms = 0 if signs or level in AT_RISK else sum(_alarms(session.dialogue, entered, words))
    return SessionRisk(level, course, alarms)


def _level(session: Session) -> str:
    part = session.profile.risk if session.profile else None
    return part.level if part else ""


def _signs(dialogue: tuple[Message, ...], words: RiskWords) -> Iterator[tuple[int, str]]:
    """The places of the client's messages with a sign, and how they word it."""
    before = asked = ""
    for place, message in enumerate(dialogue):
        if message.speaker == "counselor":
            asked = message.text if "?" in message.text else ""
            continue
        risk = words.find(message.text, before=before, asked=asked)
        if risk and risk.source == "rules":
            yield place, risk.wording
        before = message.text


def _noticed(dialogue: tuple[Message, ...], turn: int) -> list[int]:
    """The place of the client's last message before a turn."""
    return [place for place, one in enumerate(dialogue) if one.speaker == "client" and one.turn < turn][-1:]


def _course(dialogue: tuple[Message, ...], sign: int, signs: dict[int, str], words: RiskWords) -> RiskCourse:
    asked = next((place for place in range(max(sign - 1, 0), len(dialogue)) if _asks(dialogue[place], words)), None)
    answers = (place for place in range((asked or 0) + 1, len(dialogue)) if dialogue[place].speaker == "client")
    answer = next(answers, None) if asked is not None else None
    denied = "explicit" not in signs.values() and answer is not None and words.answer(dialogue[answer].text) == "no"
    after = dialogue[sign + 1 : answer if denied else None]
    return RiskCourse(
        sign=dialogue[sign],
        asked=None if asked is None else dialogue[asked],
        responses=tuple(_response(message, words) for message in after if message.speaker == "counselor"),
        denied=denied,
    )


def _response(message: Message, words: RiskWords) -> Response:
    steps, drop = steps_in(message.text), drops_safety(message.text)
    if "ask" not in steps and _asks(message, words):
        steps = tuple(step for step in STEPS if step in {*steps, "ask"})
    advises = not steps and (drop == "advice" or not signs_of(message.text).isdisjoint({"advice", "proposal"}))
    return Response(message, steps, drop, advises, led=not steps and bool(message.techniques))


def _asks(message: Message, words: RiskWords) -> bool:
    """Whether a counselor's message asks about a risk directly, and not so that "no" is the answer."""
    if message.speaker != "counselor" or "?" not in message.text:
        return False
    steps = steps_in(message.text)
    return "ask" in steps or (drops_safety(message.text) != "leading" and words.asks(message.text) is not None)


def _alarms(dialogue: tuple[Message, ...], entered: set[int], words: RiskWords) -> Iterator[bool]:
    for message in dialogue:
        if message.speaker == "counselor":
            yield message.turn in entered or _asks(message, words)


@dataclass
class RiskCount:
    """The risks of a set's sessions: by level, each session's client and figures (None where no risk was read).

    `alarms`: of every session without a risk, its client and whether it has a false alarm.
    """

    words: RiskWords
    by_level: defaultdict[str, list[tuple[str, dict[str, float] | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    alarms: list[tuple[str, bool]] = field(default_factory=list)

    def add(self, session: Session) -> RiskCourse | None:
        """Read and count a session; its course, if a risk was read."""
        risk = risk_of(session, self.words)
        if risk.at_risk:
            self.by_level[risk.level].append((session.client, risk.course.figures() if risk.course else None))
        else:
            self.alarms.append((session.client, risk.alarms > 0))
        return risk.course

    @property
    def seen(self) -> bool:
        """Whether there is anything to show: a risk, or a false alarm."""
        return bool(self.by_level) or any(alarm for _, alarm in self.alarms)

    def levels(self) -> list[str]:
        """The levels that some session has, in their order; last "", of clients whose form says nothing."""
        return [level for level in (*get_args(RiskLevel), "") if level in self.by_level]

    def read(self, level: str) -> int:
        """In how many of a level's sessions a risk was read."""
        return sum(figures is not None for _, figures in self.by_level[level])

    def figures(self, level: str, *, seed: int = 0) -> dict[str, Figure]:
        """The means of a level's sessions in which a risk was read, by measure."""
        rows = [(client, figures) for client, figures in self.by_level[level] if figures is not None]
        names = [name for name, measure in MEASURES.items() if measure.family == RISK]
        return {
            name: mean_figure(((client, figures.get(name)) for client, figures in rows), seed=seed)
            for name in names
            if any(name in figures for _, figures in rows)
        }

    def false_alarms(self) -> Figure:
        """The share of sessions without a risk in which it was asked about, or the protocol followed."""
        return share_figure(self.alarms)
