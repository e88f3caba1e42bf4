"""OpenAI's chat format for fine-tuning: one session a line, the counselor is the assistant and has the last word."""

from collections import Counter
from collections.abc import Iterator

from counseling_sessions.generation.exports.chat import counselor_chat
from counseling_sessions.generation.exports.writers import Row, json_lines
from counseling_sessions.state import SessionRecord


def rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """One conversation; the service takes no field beside `messages`."""
    yield {"messages": counselor_chat(record)}


FORMAT = json_lines("openai-chat", rows)
