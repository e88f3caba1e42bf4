"""The records of sessions as lines of files, and the ledger's line for each."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.sessions.ledger import Listed, measured
from counseling_sessions.sessions.record import SessionRecord, Usage
from counseling_sessions.settings import validation_message
from counseling_sessions.state import Count, EndReason, Failure
from counseling_sessions.store.reading import parse_json

ShardName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$")]
"""A shard's name without its suffix; it cannot lead out of the folder of shards."""
CONFIGURED: dict[str, type] = {"method": str, "seed": int, "max_turns": int, "language": str}
"""Fields of a record's configuration that readers trust, and their types."""
_KINDS = {str: "text", int: "a whole number of at most 63 bits"}


class Entry(Listed):
    """A line of the ledger: how a unit ended, and where its record is."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    profile_id: str
    attitude: Attitude
    method: str
    session_seed: int = Field(ge=-(2**63), lt=2**63)
    end_reason: EndReason | None = None
    failure: Failure | None = None
    turns: Count
    seconds: float
    usage: dict[str, Usage]
    shard: ShardName

    @property
    def tokens(self) -> int:
        return sum(item.prompt_tokens + item.completion_tokens for item in self.usage.values())

    @property
    def tokens_by_role(self) -> dict[str, tuple[int, int, int]]:
        """Prompt, cached and completion tokens of each role."""
        return {
            role: (item.prompt_tokens, item.cached_tokens, item.completion_tokens) for role, item in self.usage.items()
        }

    @property
    def calls(self) -> int:
        return sum(item.calls for item in self.usage.values())

    @property
    def rank(self) -> tuple[str, str]:
        """The highest one counts: a finished record before a failed one, else the later."""
        return self.status, self.finished_at


def entry_of(record: SessionRecord, shard: str, end: int, text: bytes) -> Entry:
    """The ledger's line for a record whose text is in a shard, without the end of its line. Raises `ValidationError`."""
    names = ("session_id", "profile_id", "attitude", "status", "end_reason", "seconds", "finished_at", "usage")
    return Entry(
        **{name: getattr(record, name) for name in names},
        method=record.configuration.get("method"),
        session_seed=record.configuration.get("seed"),
        failure=record.failure and record.failure.model_copy(update={"call": None}),
        turns=len(record.turns),
        shard=shard,
        end=end,
        **measured(text),
    )


def listed(text: bytes, shard: str, end: int) -> Entry | None:
    """The ledger's line for a text in a shard; None if it is no record."""
    try:
        return entry_of(record_of(text), shard, end, text)
    except ValueError:
        return None


def record_of(line: bytes) -> SessionRecord:
    """The record on a line. Raises `ValueError` that says what is wrong."""
    return record_of_value(parse_json(line))


def record_of_value(value: Any) -> SessionRecord:
    """The record in a JSON value. Raises `ValueError` that says what is wrong."""
    try:
        record = SessionRecord.model_validate(value)
    except ValidationError as error:
        raise ValueError(f"not a session record: {validation_message(error)}") from None
    for name, kind in CONFIGURED.items():
        value = record.configuration.get(name, kind())
        if type(value) is not kind or (isinstance(value, int) and abs(value) >= 2**63):
            raise ValueError(f"not a session record: configuration.{name}: should be {_KINDS[kind]}")
    if not record.configuration.get("method") or "seed" not in record.configuration:
        raise ValueError("not a session record: its configuration should say method and seed")
    return record
