"""ShareGPT: one conversation a line, `human` and `gpt` in turns after a `system` message; the counselor is `gpt`."""

from collections import Counter
from collections.abc import Iterator

from counseling_sessions.generation.exports.chat import counselor_chat
from counseling_sessions.generation.exports.writers import Row, json_lines
from counseling_sessions.state import SessionRecord

SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}


def rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """One conversation. The counselor greets first, so what is known of the client stands as the human's first message."""
    said = [{"from": SPEAKERS[item["role"]], "value": item["content"]} for item in counselor_chat(record)]
    yield {"id": record.session_id, "conversations": said}


FORMAT = json_lines("sharegpt", rows)
