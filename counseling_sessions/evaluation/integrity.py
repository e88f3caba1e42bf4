"""Integrity: what is wrong with sessions as texts, without a judge.

`check_session` finds, `Integrity` counts. Every finding can be traced to its message.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from counseling_sessions.evaluation.checks import CHECKS, empty, non_alternation, spoken
from counseling_sessions.evaluation.judged_in import is_judged_kind
from counseling_sessions.evaluation.kinds import KINDS, OF_SESSIONS
from counseling_sessions.evaluation.languages import UNKNOWN
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import counted


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: where (`speaker` None and `turn` 0: in the session), the message as it stands, what was seen."""

    session: str
    turn: int
    speaker: Speaker | None
    kind: str
    text: str
    detail: str


def check_session(session: Session) -> list[Finding]:
    """Everything wrong with a session, message by message, in the order of `KINDS` for each; it never raises.

    An empty message is only that. Time is linear in the text: near repeats are looked for in the last ten messages only.
    """
    findings: list[Finding] = []
    if missing := {"counselor", "client"} - {message.speaker for message in session.dialogue}:
        absent = f"no message of the {' or the '.join(sorted(missing))}"
        findings.append(Finding(session.id, 0, None, "one_sided", "", absent))
    if session.cut_prompts:
        findings.append(Finding(session.id, 0, None, "prompt_cut", "", f"in {counted(session.cut_prompts, 'call')}"))
    for message, said in zip(session.dialogue, spoken(session), strict=True):
        seen = {"empty": empty(said)}
        if not seen["empty"]:
            seen |= {kind: check(said) for kind, check in CHECKS.items()}
        seen["non_alternation"] = non_alternation(said)
        findings += [
            Finding(session.id, message.turn, message.speaker, kind, message.text, detail)
            for kind in KINDS
            if (detail := seen.get(kind))
        ]
    return findings


@dataclass(frozen=True, slots=True)
class KindTotals:
    """How often a kind was found: findings, sessions concerned, and their shares, 0 to 1.

    `of_messages` is None for the kinds that concern a complete session.
    """

    findings: int
    sessions: int
    of_messages: float | None
    of_sessions: float


class Integrity:
    """Counts findings over any number of sessions; of each kind the first `keep` findings stay to be shown (None: all)."""

    def __init__(self, keep: int | None = 100) -> None:
        self.keep = keep
        self.findings: dict[str, list[Finding]] = {kind: [] for kind in KINDS}
        self.sessions = 0
        self.messages = 0
        self._counts: Counter[str] = Counter()
        self._concerned: Counter[str] = Counter()
        self._unjudged: Counter[str] = Counter()
        self._unjudged_messages: Counter[str] = Counter()

    def add(self, session: Session) -> list[Finding]:
        """Check a session, count its findings and return them."""
        findings = check_session(session)
        self.count(session, findings)
        return findings

    def count(self, session: Session, findings: Iterable[Finding], language: str = UNKNOWN) -> None:
        """Count the findings of a session, wherever they were found, but for kinds that are not judged in its language."""
        findings = [finding for finding in findings if is_judged_kind(finding.kind, language)]
        for kind in KINDS:
            if not is_judged_kind(kind, language):
                self._unjudged[kind] += 1
                self._unjudged_messages[kind] += len(session.dialogue)
        self.sessions += 1
        self.messages += len(session.dialogue)
        self._counts.update(finding.kind for finding in findings)
        self._concerned.update({finding.kind for finding in findings})
        for finding in findings:
            kept = self.findings[finding.kind]
            if self.keep is None or len(kept) < self.keep:
                kept.append(finding)

    def totals(self) -> dict[str, KindTotals]:
        """The totals of every kind that some session was searched for, in the order of `KINDS`; shares are of these sessions."""
        return {
            kind: KindTotals(
                findings=self._counts[kind],
                sessions=self._concerned[kind],
                of_messages=None
                if kind in OF_SESSIONS
                else self._counts[kind] / max(self.messages - self._unjudged_messages[kind], 1),
                of_sessions=self._concerned[kind] / max(self.sessions - self._unjudged[kind], 1),
            )
            for kind in KINDS
            if self._unjudged[kind] < max(self.sessions, 1)
        }
