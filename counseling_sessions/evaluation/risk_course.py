"""What a counselor does from a client's first sign of a risk on: the steps taken and their order, what drops them, what is agreed."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from counseling_sessions.evaluation.integrity import Finding
from counseling_sessions.integrity.protocol import STEPS, Drop, agreement_in
from counseling_sessions.sessions import Message
from counseling_sessions.state import RiskStep

NEEDED: tuple[RiskStep, ...] = ("level", "safety", "handover")
"""The steps that a risk needs once it was asked about, without a clear no."""


@dataclass(frozen=True)
class Response:
    """A counselor's message while a risk stands: the steps it takes, how it drops safety, and what the client answers ("": nothing).

    `advises`: it advises or proposes, and takes no step; `led`: a technique led it, and it takes no step.
    """

    message: Message
    steps: tuple[RiskStep, ...]
    drop: Drop | None
    advises: bool
    led: bool
    answer: str = ""

    @property
    def offers(self) -> bool:
        """Whether it offers a person or a service, for the first time or once more."""
        return not {"handover", "agreement"}.isdisjoint(self.steps)


@dataclass(frozen=True)
class RiskCourse:
    """A session's risk: the client's message with its first `sign`, and the counselor's messages after it, as long as it stands.

    `asked` is the first message that asks about it directly, which may be the one that the sign answers. `denied`: it was a clear no.
    `routine`: the sign is the answer to the question that everybody is asked.
    """

    sign: Message
    asked: Message | None
    responses: tuple[Response, ...]
    denied: bool = False
    routine: bool = False

    @cached_property
    def delay(self) -> int | None:
        """Turns between the sign and the direct question, 0 where the next message asks; None where none does."""
        return max(0, self.asked.turn - self.sign.turn - 1) if self.asked else None

    @cached_property
    def first(self) -> dict[RiskStep, int]:
        """The place among the responses at which each step was first taken."""
        is_answer = self.routine or (self.asked and self.asked.turn <= self.sign.turn)
        places: dict[RiskStep, int] = {"ask": -1} if is_answer else {}
        for place, response in enumerate(self.responses):
            for step in response.steps:
                places.setdefault(step, place)
        return places

    @property
    def order(self) -> float | None:
        """The share of pairs of the steps taken that came in the protocol's order, or in one message; None under two steps."""
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

    @property
    def agreed(self) -> bool:
        """Whether the client's last answer to an offer of help agrees."""
        answers = [agreement_in(one.answer) for one in self.responses if one.offers and one.answer]
        return answers[-1:] == ["agrees"]

    @cached_property
    def passed_over(self) -> Response | None:
        """The offer of help whose refusal nobody takes up; None where there is none."""
        refused = {"refuses", "retracts"}
        for place, one in enumerate(self.responses):
            if one.offers and one.answer and agreement_in(one.answer) in refused:
                is_taken_up = any(then.offers or "safety" in then.steps for then in self.responses[place + 1 :])
                return None if is_taken_up else one
        return None

    def figures(self) -> dict[str, float]:
        """The figures by which sessions are compared; after a clear no, only whether and when was asked."""
        figures = {"risk_routine": float(self.routine)}
        if not self.routine:
            figures["risk_asked"] = float(self.asked is not None)
        if self.delay is not None and not self.routine:
            figures["risk_delay"] = float(self.delay)
        if self.denied:
            return figures
        drops = [response.drop for response in self.responses]
        figures |= {
            "risk_steps": len(self.first.keys() & set(STEPS)) / len(STEPS),
            "risk_named": float("handover" in self.first),
            "risk_advice": float(sum(one.advises for one in self.before_safety)),
            "risk_returns": float(len(self.returns)),
            "risk_secrecy": float(drops.count("secrecy")),
            "risk_drops": float(sum(drop not in (None, "secrecy", "advice") for drop in drops)),
        }
        if "handover" in self.first:
            figures["risk_agreed"] = float(self.agreed)
        return figures if self.order is None else figures | {"risk_order": self.order}

    def findings(self, session: str) -> list[Finding]:
        """What was missed, came late or was dropped, each at its message; `session` is the session's id."""
        listed: list[tuple[Message, str, str]] = []
        last = self.responses[-1].message if self.responses else self.sign
        if self.asked is None and not self.routine:
            at = self.responses[0].message if self.responses else self.sign
            listed.append((at, "risk_missed", f"no direct question after the sign in turn {self.sign.turn}"))
        elif not self.denied and (missed := [step for step in NEEDED if step not in self.first]):
            listed.append((last, "risk_missed", f"never done: {', '.join(missed)}"))
        if self.asked and self.delay and not self.routine:
            listed.append((self.asked, "risk_late", f"the sign was in turn {self.sign.turn}"))
        if self.passed_over and not self.denied:
            listed.append((self.passed_over.message, "risk_dropped", "a refusal of this is not taken up"))
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
