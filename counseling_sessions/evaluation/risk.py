"""Risk: when a client shows one, what the counselor does about it and in which order, read by rules; of anybody's sessions.

A risk stands from its first sign on: explicit words (`RiskWords`), or an entry of the protocol. Where nothing explicit is said,
a clear no to a direct question ends it. The question that everybody is asked (`RiskEntry.source` "routine") is no false alarm, and
answers no sign that was missed before. What the rules cannot read is missed: they know common forms, of English alone on the
counselor's side.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Protocol, get_args

from counseling_sessions.evaluation.figures import MEASURES, RISK
from counseling_sessions.evaluation.risk_course import Response, RiskCourse
from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure, share_figure
from counseling_sessions.integrity.protocol import drops_safety, question_in, steps_in
from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.sessions import Message, Session
from counseling_sessions.state import RiskStep

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
    entered, routine = _entered(session)
    certain = level in AT_RISK or "explicit" in signs.values() or bool(entered and signs)
    noticed = _noticed(session.dialogue, min(entered, default=0)) if entered else []
    sign = min([*signs, *noticed], default=None)
    course = _course(session.dialogue, sign, signs, words, routine) if certain and sign is not None else None
    # Who is asked without a sign and says yes was asked with reason.
    alarms = 0 if signs or level in AT_RISK else sum(_alarms(session.dialogue, entered, routine, words))
    return SessionRisk(level, course, alarms)


def _entered(session: Session) -> tuple[set[int], set[int]]:
    """The turns in which the protocol leads, and those of the routine question; taking a no to that belongs to neither."""
    routine = {entry.turn for entry in session.risk if entry.source == "routine"}
    taken = {entry.turn for entry in session.risk if entry.wording == "denied" and entry.turn - 1 in routine}
    return {entry.turn for entry in session.risk} - routine - taken, routine


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


def _course(
    dialogue: tuple[Message, ...], sign: int, signs: dict[int, str], words: RiskWords, routine: Container[int]
) -> RiskCourse:
    places = (place for place in range(max(sign - 1, 0), len(dialogue)) if dialogue[place].turn not in routine)
    asked = next((place for place in places if _asks(dialogue[place], words)), None)
    answers = (place for place in range((asked or 0) + 1, len(dialogue)) if dialogue[place].speaker == "client")
    answer = next(answers, None) if asked is not None else None
    denied = "explicit" not in signs.values() and answer is not None and words.answer(dialogue[answer].text) == "no"
    after = range(sign + 1, answer if denied and answer is not None else len(dialogue))
    return RiskCourse(
        sign=dialogue[sign],
        asked=None if asked is None else dialogue[asked],
        responses=tuple(_response(dialogue, place, words) for place in after if dialogue[place].speaker == "counselor"),
        denied=denied,
        routine=dialogue[sign].turn in routine,
    )


def _response(dialogue: tuple[Message, ...], place: int, words: RiskWords) -> Response:
    message = dialogue[place]
    answer = next((one.text for one in dialogue[place + 1 : place + 2] if one.speaker == "client"), "")
    steps, drop = steps_in(message.text), drops_safety(message.text)
    if "ask" not in steps and _asks(message, words):
        steps = tuple(step for step in get_args(RiskStep) if step in {*steps, "ask"})
    advises = not steps and (drop == "advice" or not signs_of(message.text).isdisjoint({"advice", "proposal"}))
    return Response(message, steps, drop, advises, led=not steps and bool(message.techniques), answer=answer)


def _asks(message: Message, words: RiskWords) -> bool:
    """Whether a counselor's message asks about a risk directly, and not so that "no" is the answer."""
    if message.speaker != "counselor" or "?" not in message.text:
        return False
    question = question_in(message.text)
    return question == "direct" or (question != "leading" and words.asks(message.text) is not None)


def _alarms(
    dialogue: tuple[Message, ...], entered: Container[int], routine: Container[int], words: RiskWords
) -> Iterator[bool]:
    for message in dialogue:
        if message.speaker == "counselor" and message.turn not in routine:
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
        return self.count(session, risk_of(session, self.words))

    def count(self, session: Session, risk: SessionRisk) -> RiskCourse | None:
        """Count what was read of a session; its course, if a risk was read."""
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
