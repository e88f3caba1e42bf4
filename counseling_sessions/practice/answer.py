"""MAGneT's answer at a point of a practice session."""

from dataclasses import dataclass

from counseling_sessions.state import Candidate, Failure, Pick, Plan


@dataclass(frozen=True)
class Answer:
    """What MAGneT would say, or its `failure`. `plan` is the one it works by, made at the first question."""

    plan: Plan | None = None
    pick: Pick | None = None
    candidates: tuple[Candidate, ...] = ()
    said: str = ""
    failure: Failure | None = None
