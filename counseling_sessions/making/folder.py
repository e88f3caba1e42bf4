"""Where a set of new clients lies: the profiles, their card, and beside them what was asked and every answer's fate.

The log of answers only grows, and each line is forced to the disk before it counts: a killed process loses what it was waiting for.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from counseling_sessions.making.guards import Objection
from counseling_sessions.profiles.documents import SUFFIXES
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.log import Log
from counseling_sessions.store.reading import open_plain, parse_json, read_lines, read_text

PROFILES = "profiles.jsonl"


class Plan(BaseModel):
    """What a set is made of. `tables` and `prompt` are hashes; `meaning` says whether embeddings were compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    count: int
    seed: int
    language: str
    model: str
    temperature: float | None
    tables: str
    prompt: str
    meaning: bool


class Entry(BaseModel):
    """The fate of one answer: the profile, or why it was refused; its words are kept only where they are a profile.

    `number` is the client's, `attempt` counts from 1. `words` and `meaning` are the cosines with the nearest other client.
    `unreported` is 1 where the server counted no tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    attempt: int
    refused: tuple[Objection, ...] = ()
    profile: ClientProfile | None = None
    words: float = 0.0
    meaning: float = 0.0
    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    unreported: int = 0


@dataclass(frozen=True)
class MadeFolder:
    """The places of a set's files."""

    profiles: Path
    card: Path
    work: Path

    @classmethod
    def of(cls, out: Path) -> Self:
        """The places for a folder or a `.jsonl` file. Raises `RunError` for another kind of file, and for what is no such set."""
        if out.suffix.lower() == ".jsonl":
            places = cls(out, out.with_suffix(".md"), out.with_suffix(".making"))
            there = out.exists()
        elif out.suffix.lower() in SUFFIXES or out.is_file():
            raise RunError(f"{out}: a set of clients is a folder, or a file that ends in .jsonl")
        else:
            places = cls(out / PROFILES, out / "README.md", out / "making")
            there = out.is_dir() and any(out.iterdir())
        if there and not places.work.is_dir():
            raise RunError(f"{out} is there, and no set of new clients; name another --out")
        return places

    @contextmanager
    def writing(self) -> Iterator[Log]:
        """Hold the set, and open its log of answers. Raises `RunError`, also where another process holds it."""
        with ExitStack() as stack:
            with failing_as(RunError, f"{self.work} cannot be written"):
                self.work.mkdir(parents=True, exist_ok=True)
                stack.enter_context(Lock(self.work / "lock"))
                log = stack.enter_context(Log(self.work / "answers.jsonl"))
            yield log

    def begin(self, plan: Plan) -> None:
        """Note the plan of a new set. Raises `RunError` where the set was begun with another plan, with the difference."""
        path = self.work / "plan.json"
        if not path.exists():
            with failing_as(RunError, f"{path} cannot be written"):
                write_atomically(path, plan.model_dump_json(indent=1).encode())
            return
        begun = read_plan(path)
        fields = {name: (getattr(begun, name), getattr(plan, name)) for name in Plan.model_fields}
        changed = [f"{name}: {before}, now {now}" for name, (before, now) in fields.items() if before != now]
        if changed:
            raise RunError(
                f"{self.work} was begun otherwise ({'; '.join(changed)}): go on as before, or name another --out"
            )

    def entries(self) -> list[Entry]:
        """The fates of all answers so far, without a line that a crash has cut. Raises `RunError`."""
        path = self.work / "answers.jsonl"
        with failing_as(RunError, f"{path} cannot be read"), open_plain(path) as file:
            read = [entry for line in read_lines(file) if (entry := _entry(line))]
        written: set[int] = set()
        kept = []
        for entry in read:
            if entry.profile is None or entry.number not in written:
                kept.append(entry)
            if entry.profile:
                written.add(entry.number)
        return kept

    def write_profiles(self, entries: Sequence[Entry]) -> None:
        """Write the profiles in the order of their numbers. Raises `RunError`."""
        made = sorted((entry.number, entry.profile) for entry in entries if entry.profile)
        with failing_as(RunError, f"{self.profiles} cannot be written"):
            write_atomically(self.profiles, (line_of(profile) for _, profile in made))


def read_plan(path: Path) -> Plan:
    """Read a plan. Raises `RunError` where there is none that can be read."""
    try:
        with failing_as(RunError, f"{path} cannot be read"):
            return Plan.model_validate(parse_json(read_text(path)))
    except ValueError as error:
        raise RunError(f"{path} is no plan of a set of new clients: {str(error).splitlines()[0]}") from None


def line_of(value: BaseModel) -> bytes:
    """A value as a line of JSON, without what is left out of it."""
    data: dict[str, Any] = value.model_dump(mode="json", exclude_none=True)
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"


def _entry(line: bytes) -> Entry | None:
    try:
        return Entry.model_validate(parse_json(line))
    except (ValidationError, ValueError):
        return None
