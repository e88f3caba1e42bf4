"""Specialists: one example per successful call, by role, so that each agent can be fine-tuned as its own model.

An example is what TRL calls a conversational prompt-completion pair. The roles are the techniques, `plan`, `router`,
`merge` (or the baselines' `counselor`) and `client`.
"""

from collections import Counter
from collections.abc import Iterator

from counseling_sessions.generation.exports.writers import Row, json_lines
from counseling_sessions.graph.exchanges import exchanges, prompts_unchanged
from counseling_sessions.sessions.record import SessionRecord


def rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """An example per call. `as_sent` is false if the prompts or the program have changed since the session."""
    as_sent = prompts_unchanged(record)
    counts["sessions whose prompts have changed since"] += not as_sent
    for item in exchanges(record):
        assert item.call is not None
        counts[f"examples of {item.role}"] += 1
        yield {
            "role": item.role,
            "session_id": record.session_id,
            "turn": item.turn,
            "client_group": client,
            "method": record.configuration["method"],
            "model": item.call.model,
            "attempts": item.call.attempts,
            "as_sent": as_sent,
            "prompt": item.prompt,
            "completion": [{"role": "assistant", "content": item.answer}],
        }


FORMAT = json_lines("specialists", rows, needs="a call of a model")
