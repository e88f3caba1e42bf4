"""A run directory is opened: a new batch is put down, or the one that lies there is gone on with."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from counseling_sessions.generation.batch import PROFILES_FILE, Batch, Profiles, Unit, read_batch, units, write_profiles
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.techniques import technique
from counseling_sessions.profiles.readers import Problem
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.ledger import LISTED, damage_message
from counseling_sessions.sessions.recovery import Recovered, recover, remove_finished_journals
from counseling_sessions.settings import SessionConfig
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.reading import read_text

DEFAULTS: dict[str, Any] = {"source": "builtin", "methods": ("magnet",), "attitudes": None, "seeds": (1,)}


@dataclass
class Asked:
    """What is asked for; None is left open: what the run has already, or `DEFAULTS`."""

    configuration: SessionConfig
    source: str | None = None
    methods: tuple[str, ...] | None = None
    attitudes: tuple[str, ...] | None = None
    seeds: tuple[int, ...] | None = None
    shard: tuple[int, int] | None = None
    extend: bool = False
    skip_invalid: bool = False


@dataclass
class Run:
    """An open run: the batch, its profiles, and what has become of its units so far."""

    folder: Path
    batch: Batch
    profiles: Profiles
    recovered: Recovered
    problems: list[Problem] = field(default_factory=list)

    @property
    def entries(self) -> dict[str, Entry]:
        """The ends of units whose records are whole: the damaged sessions are not among them."""
        return self.recovered.entries

    def notes(self) -> list[str]:
        """What is to be said of sessions whose records were not as they were kept; nothing where all is well."""
        notes = []
        if self.profiles.goes_on:
            what = f"{self.profiles.path} has more lines than the run has profiles: an --extend was cut off"
            notes.append(f"{what}; they are passed over until it is given again")
        if damaged := self.recovered.damaged:
            notes.append(f"{damage_message(self.folder, damaged)}\nthey are run again; the damaged files stay")
        if strays := self.recovered.strays:
            what = f"the ledger had no line for {len(strays):,} records that are whole, and has now"
            notes.append(f"{what}: {_ids(strays)}")
        if gone := self.recovered.forgotten:
            what = f"the ledger spoke of {len(gone):,} sessions that are not of this batch and have no whole record"
            notes.append(f"{what}; its lines are taken out, and it is kept as .<name>.damaged: {_ids(gone)}")
        return notes

    def todo(self, *, retry_failed: bool = False) -> list[Unit]:
        """The units that are to be run: those that have not come to an end; with `retry_failed` those that failed too."""
        done = {name for name, entry in self.entries.items() if entry.status == "finished" or not retry_failed}
        return [unit for unit in units(self.batch, self.profiles) if unit.session_id not in done]

    @cached_property
    def total(self) -> int:
        """How many units the batch has."""
        return sum(1 for _ in units(self.batch, self.profiles))


def _ids(ids: list[str]) -> str:
    return ", ".join(ids[:LISTED]) + (", …" if len(ids) > LISTED else "")


def open_run(folder: Path, asked: Asked) -> Run:
    """Open a run directory for writing; the caller holds its lock.

    A new one gets the batch that is asked for. In one that is there, what is asked for must be what it has: `RunError` shows
    the difference. With `extend`, further profiles, methods, attitudes and seeds are added. Raises `ProfileError` too.
    """
    for name in asked.configuration.techniques:
        technique(name)
    check_examples(asked.configuration)
    there = read_batch(folder)
    if there is None:
        batch, problems = _new(folder, asked)
    elif asked.extend:
        batch, problems = _extend(folder, there, asked)
    else:
        _refuse_other(folder, there, asked)
        batch, problems = _reached_as(folder, there, asked), []
    profiles = Profiles(folder / PROFILES_FILE, batch.profiles)
    if profiles.hash != batch.profiles_hash:
        raise RunError(f"{folder / PROFILES_FILE} is not what this run began with; restore it, or begin a new run")
    run = RunFolder(folder)
    recovered = recover(run, lambda: {unit.session_id for unit in units(batch, profiles)})
    remove_finished_journals(run, recovered.entries)
    return Run(folder, batch, profiles, recovered, problems)


def _new(folder: Path, asked: Asked) -> tuple[Batch, list[Problem]]:
    source = asked.source or DEFAULTS["source"]
    with failing_as(RunError, f"{folder} cannot be written"):
        folder.mkdir(parents=True, exist_ok=True)
    problems = write_profiles(source, folder / PROFILES_FILE, skip_invalid=asked.skip_invalid)
    batch = _batch(asked, source, Profiles(folder / PROFILES_FILE))
    batch.write(folder)
    return batch, problems


def _batch(asked: Asked, source: str, profiles: Profiles) -> Batch:
    return Batch.new(
        configuration=_base(asked.configuration),
        methods=asked.methods or DEFAULTS["methods"],
        attitudes=asked.attitudes,
        seeds=asked.seeds or DEFAULTS["seeds"],
        source=source,
        profiles=len(profiles),
        profiles_hash=profiles.hash,
        shard=asked.shard,
    )


def _base(config: SessionConfig) -> SessionConfig:
    """The configuration without what each unit sets itself."""
    fields = SessionConfig.model_fields
    return config.model_copy(update={name: fields[name].default for name in ("method", "seed")})


def _reached_as(folder: Path, there: Batch, asked: Asked) -> Batch:
    """The batch with its models reached as asked for now: a server may have moved, or bear more."""
    configuration = _base(asked.configuration)
    if configuration == there.configuration:
        return there
    batch = there.model_copy(update={"configuration": configuration})
    batch.write(folder)
    return batch


def _refuse_other(folder: Path, there: Batch, asked: Asked) -> None:
    changed = _differences(folder, there, asked)
    if changed:
        raise RunError(
            f"{folder} has been begun with something else:\n  "
            + "\n  ".join(changed)
            + "\ngive another --out, or add to what it has with --extend (profiles, methods, attitudes, seeds)"
        )


def _differences(folder: Path, there: Batch, asked: Asked) -> list[str]:
    update: dict[str, Any] = {"configuration": _base(asked.configuration)}
    for name in ("methods", "attitudes", "seeds", "shard"):
        if (value := getattr(asked, name)) is not None:
            update[name] = value
    if asked.source is not None:
        other = folder / f".{PROFILES_FILE}.asked"
        try:
            write_profiles(asked.source, other, skip_invalid=asked.skip_invalid)
            profiles = Profiles(other)
        finally:
            other.unlink(missing_ok=True)
        update |= {"profiles": len(profiles), "profiles_hash": profiles.hash}
    return there.differences(there.model_copy(update=update))


def _kept(path: Path, there: Batch) -> list[str]:
    """The profiles that the run began with. What stands behind them was left by an --extend that was cut off."""
    try:
        kept = read_text(path).split("\n")[: there.profiles]
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise RunError(f"{path} cannot be read: {reason}") from None
    if hashlib.sha256("".join(f"{line}\n" for line in kept).encode()).hexdigest()[:16] != there.profiles_hash:
        raise RunError(f"{path} is not what this run began with; restore it, or begin a new run")
    return kept


def _extend(folder: Path, there: Batch, asked: Asked) -> tuple[Batch, list[Problem]]:
    path = folder / PROFILES_FILE
    update = {name: value for name in ("methods", "attitudes", "seeds") if (value := getattr(asked, name)) is not None}
    wanted = there.model_copy(update={"configuration": _base(asked.configuration), **update})
    there.extended(wanted)  # refused before anything is written
    problems: list[Problem] = []
    if asked.source is not None:
        kept = _kept(path, there)
        problems = write_profiles(asked.source, path, skip_invalid=asked.skip_invalid, kept=kept)
        profiles = Profiles(path)
        source = there.source if asked.source in there.source.split(" + ") else f"{there.source} + {asked.source}"
        wanted = wanted.model_copy(update={"profiles": len(profiles), "profiles_hash": profiles.hash})
        batch = there.extended(wanted).model_copy(update={"source": source})
    else:
        batch = there.extended(wanted)
    batch.write(folder)
    return batch, problems
