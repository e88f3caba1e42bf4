"""STAND-IN until the evaluation's branch is merged."""

from counseling_sessions.state import RiskStep


def steps_in(message: str) -> tuple[RiskStep, ...]:
    return ()


def drops_safety(message: str) -> str | None:
    return None
