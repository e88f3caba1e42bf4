"""A batch: the request, kept in `run.json`, and the units of work that follow from it.

A unit is one session: a profile, an attitude, a method and a seed. All methods of a batch meet the same profiles, attitudes,
models and seeds, so that a difference between them is the methods'.
"""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from counseling_sessions.graph.provenance import configuration_hash, provenance
from counseling_sessions.nodes.prompt_set import prompt_changes
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import run_folder, runs_inside
from counseling_sessions.sessions.ids import session_id_of
from counseling_sessions.sessions.prompt_sets import digest_of
from counseling_sessions.sessions.record import Provenance
from counseling_sessions.sessions.shards import RUN_FILE
from counseling_sessions.settings import MethodName, SessionConfig, validation_message
from counseling_sessions.state import refuse_newer
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.reading import open_plain, parse_json, read_bytes, read_lines

if TYPE_CHECKING:
    from counseling_sessions.graph.session import SessionTask

FORMAT = 1
PROFILES_FILE = "profiles.jsonl"

_Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Part = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Batch(BaseModel):
    """The request for a batch. `configuration` is every session's, except its method and seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(default=FORMAT, ge=1, le=FORMAT)
    created_at: str
    configuration: SessionConfig
    methods: tuple[MethodName, ...] = Field(min_length=1)
    attitudes: tuple[Attitude, ...] | None = Field(description="None: each profile's own, else neutral")
    seeds: tuple[_Seed, ...] = Field(min_length=1)
    source: str = Field(description="Where the profiles were read from")
    profiles: int = Field(ge=1, le=2**53, description="How many profiles there are")
    profiles_hash: str = Field(description="SHA-256 of profiles.jsonl, 16 digits")
    shard: tuple[_Part, _Part] | None = Field(
        default=None, description="Which part of how many: the rest is run elsewhere"
    )
    provenance: Provenance
    paired: Literal["profile, attitude and seed"] = "profile, attitude and seed"

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, data: Any) -> Any:
        refuse_newer(data, FORMAT, "batch")
        return data

    @classmethod
    def new(cls, **asked: Any) -> Self:
        """A batch that begins now."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(created_at=now, provenance=provenance(asked["configuration"]), **asked)

    @property
    def prompts_on_record(self) -> list[dict[str, str]]:
        """The sets of prompts that the batch has been run with, the last one at the end."""
        return [self.provenance.prompt_hashes, *self.provenance.other_prompts.values()]

    def with_prompts(self, hashes: dict[str, str]) -> Self:
        """This batch with one more set of prompts on record, if it has not been run with this one before."""
        made, config = self.provenance, self.configuration
        if made.prompt_hashes and not all(prompt_changes(before, config, hashes) for before in self.prompts_on_record):
            return self
        others = made.other_prompts | {digest_of(config.techniques, hashes): hashes}
        changes = {"other_prompts": others} if made.prompt_hashes else {"prompt_hashes": hashes}
        return self.model_copy(update={"provenance": made.model_copy(update=changes)})

    def config_of(self, method: MethodName, seed: int) -> SessionConfig:
        """The configuration of a unit's session."""
        return self.configuration.model_copy(update={"method": method, "seed": seed})

    def differences(self, asked: "Batch") -> list[str]:
        """The differences of another batch, a line each."""
        begun, wanted = _flat(self._asked()), _flat(asked._asked())
        return [
            f"{name}: {begun.get(name, 'not set')!r} here, {wanted.get(name, 'not set')!r} asked for"
            for name in dict.fromkeys([*begun, *wanted])
            if begun.get(name) != wanted.get(name)
        ]

    def _asked(self) -> dict[str, Any]:
        same = self.model_copy(update={"configuration": self.configuration.said_by()})
        return same.model_dump(mode="json", exclude={"created_at", "provenance", "format", "source", "paired"})

    def extended(self, asked: "Batch") -> "Batch":
        """This batch with the further methods, attitudes, seeds and profiles of another, and with its model servers.

        Raises `RunError` if the other differs in anything else. The caller has put the further profiles in place.
        """
        fixed = {"methods", "attitudes", "seeds", "profiles", "profiles_hash"}
        changed = [line for line in self.differences(asked) if line.split(":")[0].split(".")[0] not in fixed]
        if changed:
            raise RunError(
                "--extend adds profiles, methods, attitudes and seeds; it does not change\n  " + "\n  ".join(changed)
            )
        if (self.attitudes is None) != (asked.attitudes is None):
            raise RunError(
                "this run takes each profile's own attitude, or given ones for all; --extend cannot change that"
            )
        return self.model_copy(
            update={
                "configuration": asked.configuration,
                "methods": tuple(dict.fromkeys([*self.methods, *asked.methods])),
                "attitudes": self.attitudes and tuple(dict.fromkeys([*self.attitudes, *(asked.attitudes or ())])),
                "seeds": tuple(dict.fromkeys([*self.seeds, *asked.seeds])),
                "profiles": asked.profiles,
                "profiles_hash": asked.profiles_hash,
            }
        )

    def write(self, folder: Path) -> None:
        """Write `run.json`. Raises `RunError`."""
        with failing_as(RunError, f"{folder / RUN_FILE} cannot be written"):
            write_atomically(folder / RUN_FILE, self.model_dump_json(indent=2).encode() + b"\n")


def read_batch(folder: Path) -> Batch | None:
    """The batch of a run directory; None if it has none yet. Raises `RunError` if it cannot be read."""
    path = folder / RUN_FILE
    try:
        data = read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        return Batch.model_validate(parse_json(data))
    except ValidationError as error:
        raise RunError(f"{path} is not a batch of this version: {validation_message(error)}") from None
    except ValueError as error:
        raise RunError(f"{path} is not a batch: no JSON: {error}") from None


def begun_batch(folder: Path) -> Batch:
    """The batch of a run directory. Raises `RunError` if it has none, or it cannot be read."""
    if batch := read_batch(folder):
        return batch
    if run_folder(folder):
        raise RunError(f"{folder} holds single sessions, not a batch; `run.py trace {folder} --list` lists them")
    raise RunError(f"{folder} is not a run directory: it has no run.json{runs_inside(folder)}")


@dataclass(frozen=True)
class Unit:
    """One session to run. `seed` is the batch's, `session_seed` the session's configuration's."""

    session_id: str
    row: int
    profile_id: str
    attitude: Attitude
    method: MethodName
    seed: int
    session_seed: int


class Profiles:
    """The profiles of a run, one a line of `profiles.jsonl`, or the first `most`. Ids, attitudes and places are in memory.

    `goes_on` says whether the file has more than the first `most`. Raises `RunError`.
    """

    def __init__(self, path: Path, most: int | None = None) -> None:
        self.path = path
        self.ids: list[str] = []
        self.attitudes: list[Attitude | None] = []
        self._places = array("Q")
        digest, place = hashlib.sha256(), 0
        try:
            with failing_as(RunError, f"{path} cannot be read"), open_plain(path) as file:
                for line in islice(read_lines(file), most):
                    profile = ClientProfile.model_validate_json(line)
                    self.ids.append(profile.id)
                    self.attitudes.append(profile.attitude)
                    self._places.append(place)
                    place += len(line)
                    digest.update(line)
                self.goes_on = bool(file.peek(1)) if len(self) == most else False
        except ValidationError as error:
            raise RunError(f"{path}, line {len(self.ids) + 1}: {validation_message(error)}") from None
        self.hash = digest.hexdigest()[:16]

    @classmethod
    def of(cls, batch: Batch, folder: Path) -> Self:
        """The profiles that a batch began with. Raises `RunError` if the run directory has others."""
        profiles = cls(folder / PROFILES_FILE, batch.profiles)
        if profiles.hash != batch.profiles_hash:
            raise RunError(f"{profiles.path} is not what this run began with; restore it, or begin a new run")
        return profiles

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, row: int) -> ClientProfile:
        """The profile of a row."""
        with open_plain(self.path) as file:
            file.seek(self._places[row])
            return ClientProfile.model_validate_json(next(read_lines(file)))


def task_of(batch: Batch, profiles: Profiles, unit: Unit) -> "SessionTask":
    """The session of a unit."""
    from counseling_sessions.graph.session import SessionTask

    return SessionTask(
        profile=profiles.read(unit.row),
        attitude=unit.attitude,
        config=batch.config_of(unit.method, unit.session_seed),
    )


def units(batch: Batch, profiles: Profiles) -> Iterator[Unit]:
    """Every unit of a batch, or of its shard, always in the same order: one profile after another, with all its methods."""
    hashes = {method: configuration_hash(batch.config_of(method, 0)) for method in batch.methods}
    for seed in batch.seeds:
        for row, (name, listed) in enumerate(zip(profiles.ids, profiles.attitudes, strict=True)):
            for attitude in batch.attitudes or (listed or DEFAULT_ATTITUDE,):
                paired = session_seed(seed, name, attitude)
                if batch.shard and _part(name, attitude, seed, batch.shard[1]) != batch.shard[0]:
                    continue
                for method in batch.methods:
                    session = session_id_of(name, attitude, hashes[method], paired)
                    yield Unit(session, row, name, attitude, method, seed, paired)


def session_seed(seed: int, profile_id: str, attitude: str) -> int:
    """The seed of a session, 31 bits: the same for all methods, another for each client and attitude."""
    digest = hashlib.sha256(f"{seed}/{profile_id}/{attitude}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _part(profile_id: str, attitude: str, seed: int, parts: int) -> int:
    """The part of a run that a unit belongs to, from 1: the same for all methods, and when the run is extended."""
    digest = hashlib.sha256(f"part/{profile_id}/{attitude}/{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % parts + 1


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value}
    parts = (_flat(item, f"{name}.{key}" if name else str(key)) for key, item in value.items())
    return {key: item for part in parts for key, item in part.items()}
