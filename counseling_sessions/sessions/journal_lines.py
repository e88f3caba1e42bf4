"""The lines of a journal and what they add up to. Who writes them is `journal`, who reads them `journal_reading`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.record import Fork, Provenance
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Phase, SessionId, unsaid

FORMAT = 1
SUFFIX = ".journal.jsonl"


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise ValueError("no date and time that can be counted from") from None
    return text


Seconds = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
"""Unix time; the bound is some thousand years from now."""


class JournalUpdate(BaseModel):
    """One node's update to the state, as plain JSON, and when it came (Unix time in seconds)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["update"] = "update"
    node: str
    at: Seconds
    update: dict[str, Any]


class JournalPast(BaseModel):
    """What a forked session begins with: where the turns stood that it has from the other session, and the updates that
    made them. What a person edited of the turn played anew is at their end.

    `steps` and `progress` are those of turns without a pick.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    forked_from: Fork
    phases: tuple[Phase, ...]
    steps: tuple[int | None, ...] = Field(default=(), exclude_if=unsaid)
    progress: tuple[str, ...] = Field(default=(), exclude_if=unsaid)
    updates: tuple[JournalUpdate, ...]


class JournalHead(BaseModel):
    """The first line of a journal: which session it is, and with what it began."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["start"] = "start"
    format: int = FORMAT
    session_id: SessionId
    profile: ClientProfile
    attitude: Attitude
    configuration: SessionConfig
    provenance: Provenance
    started_at: Annotated[str, AfterValidator(_moment)]
    past: JournalPast | None = None


class JournalResume(BaseModel):
    """The session was taken up again after a cut: only the first `keep` updates before this line count.

    With `undo` there was no cut: a person has taken back what the updates after them say. `prompts` are the hashes of the
    prompt files in use from here on, where they are not those that the session began with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["resume"] = "resume"
    keep: int = Field(ge=0)
    at: Seconds
    undo: bool = False
    prompts: dict[str, str] | None = Field(default=None, exclude_if=unsaid)


@dataclass
class JournalContent:
    """What a journal says: its head, the updates that count, how often it was resumed and the seconds it lay idle before,
    how many lines were unreadable, and the prompts that it was resumed with where they had changed."""

    head: JournalHead
    updates: list[JournalUpdate] = field(default_factory=list)
    resumed: int = 0
    unreadable: int = 0
    paused: float = 0.0
    other_prompts: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def begun(cls, head: JournalHead) -> Self:
        """What a journal says that has only its head: the past of a forked session, nothing of any other."""
        return cls(head, list(head.past.updates) if head.past else [])

    @property
    def finished_updates(self) -> list[JournalUpdate]:
        """The updates up to the end of the last finished turn, at least the past of a forked session; those of a turn that was
        cut off are left out."""
        end = len(self.head.past.updates) if self.head.past else 0
        for number, item in enumerate(self.updates, 1):
            closing = any(said.get("closing") for said in items_of(item.update.get("utterances")))
            if "failure" not in item.update and (closing or item.node in ("intake", "plan", "client")):
                end = max(end, number)
        return self.updates[:end]

    @property
    def prompts_on_record(self) -> list[dict[str, str]]:
        """The sets of prompts that the session has been made with, the last one at the end; those of a fork's past first."""
        made = self.head.provenance
        return [*made.other_prompts.values(), made.prompt_hashes, *self.other_prompts]

    def apply(self, mark: JournalResume) -> None:
        """Take back all but the first `keep` updates, as a mark says."""
        if not mark.undo:
            self.paused += max(0.0, mark.at - (self.updates[-1].at if self.updates else mark.at))
            self.resumed += 1
        if mark.prompts and mark.prompts not in self.other_prompts:
            self.other_prompts.append(mark.prompts)
        del self.updates[mark.keep :]


def calls_of(update: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The calls in an update, as they stand there."""
    for value in update.values():
        items = value.get("__overwrite__", [value]) if isinstance(value, dict) else value
        if isinstance(items, list):
            yield from (item["call"] for item in items if isinstance(item, dict) and item.get("call"))


def items_of(value: Any) -> Sequence[dict[str, Any]]:
    """The items that an update gives to a list channel, whether it appends or replaces (`state.replace`)."""
    items = value.get("__overwrite__") if isinstance(value, dict) else value
    return items if isinstance(items, (list, tuple)) else ()
