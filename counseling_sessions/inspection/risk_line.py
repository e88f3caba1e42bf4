"""A turn's entry of the protocol for a risk, in a line for people."""

from counseling_sessions.state import RiskEntry

_WORDINGS = {
    "explicit": "the client’s words are beyond doubt",
    "unclear": "the client’s words may mean a risk",
    "denied": "the client has said a clear no",
    "none": "no new sign",
}


def risk_line(entry: RiskEntry) -> str:
    """What was noticed and by whom, what the message has to do, and what was done before."""
    about = f" ({entry.category.replace('_', ' ')})" if entry.category else ""
    by = {"model": "by the model", "rules": "by rules", "routine": "a question that everybody is asked"}[entry.source]
    done = f"; done before: {', '.join(entry.done)}" if entry.done else ""
    return f"{_WORDINGS[entry.wording]}{about}, {by}; to do: {', '.join(entry.steps) or 'nothing'}{done}"
