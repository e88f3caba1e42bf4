"""The prompts that a session's calls were sent, where they can be made again from its record."""

from dataclasses import dataclass

from counseling_sessions.inspection.trace_data import SessionTrace
from counseling_sessions.state import SessionRecord


@dataclass(frozen=True)
class Message:
    """A message of a prompt, with the role under which it was sent: `system`, `user` or `assistant`."""

    role: str
    text: str


@dataclass(frozen=True)
class Prompts:
    """The prompts of a session's calls by their number; `problem` says why there are none, or not all."""

    by_call: dict[int, tuple[Message, ...]]
    problem: str = ""


def prompts_of(record: SessionRecord, trace: SessionTrace) -> Prompts:
    """The prompts of a session, made again by its own nodes; `trace` is the session's.

    There are none where prompts or program have changed since. A prompt is the one that was sent first: what guards
    had refused was asked for again with a remark at its end. Calls without an answer have none, nor have those that a fork has
    from another session, or those that the record is at odds with.
    """
    from counseling_sessions.graph.exchanges import exchanges, prompts_unchanged

    if not prompts_unchanged(record):
        return Prompts({}, "the prompts cannot be shown: the prompt files or the program have changed since")
    numbers = {(item.turn, item.call): item.number for item in trace.calls}
    found: dict[int, tuple[Message, ...]] = {}
    for item in exchanges(record):
        assert item.call is not None
        messages = tuple(Message(message["role"], message["content"]) for message in item.prompt)
        found[numbers[item.turn, item.call]] = messages
    return Prompts(found)
