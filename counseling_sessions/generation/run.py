"""Opening a run directory: a new batch begins, or the batch that is there goes on."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from counseling_sessions.generation.batch import PROFILES_FILE, Batch, Profiles, Unit, read_batch, units
from counseling_sessions.generation.profile_sources import write_profiles
from counseling_sessions.graph.provenance import refuse_other_prompts
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.prompt_set import prompt_set
from counseling_sessions.nodes.techniques import technique
from counseling_sessions.profiles.library import RISK_SOURCE
from counseling_sessions.profiles.readers import Problem
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.ledger import LISTED, damage_message
from counseling_sessions.sessions.recovery import Recovered, recover, remove_finished_journals
from counseling_sessions.settings import SessionConfig
from counseling_sessions.store.failing import failing_as


@dataclass
class Asked:
    """The request for a run; None stands for what the run has, else for the built-in clients, `magnet` and seed 1.

    `risk` are the levels of the clients at risk that the run is for; none: it has no such clients.
    """

    configuration: SessionConfig
    source: str | None = None
    methods: tuple[str, ...] | None = None
    attitudes: tuple[str, ...] | None = None
    seeds: tuple[int, ...] | None = None
    shard: tuple[int, int] | None = None
    extend: bool = False
    skip_invalid: bool = False
    other_prompts: bool = False
    risk: tuple[RiskLevel, ...] = ()

    @property
    def profiles(self) -> str | None:
        """Where profiles are to be read from, if anywhere."""
        return self.source or (RISK_SOURCE if self.risk else None)


@dataclass
class Run:
    """An open run: the batch, its profiles, the problems with others, and its sessions after a recovery."""

    folder: Path
    batch: Batch
    profiles: Profiles
    problems: list[Problem]
    recovered: Recovered

    @property
    def entries(self) -> dict[str, Entry]:
        """The entries of the intact records so far, by session id."""
        return self.recovered.entries

    def notes(self) -> list[str]:
        """Warnings about profiles and records that are not as they were kept; none if all is well."""
        notes, damaged = [], self.recovered.damaged
        strays, forgotten = self.recovered.strays, self.recovered.forgotten
        if self.profiles.goes_on:
            what = f"{self.profiles.path} has more lines than the run has profiles: an --extend was cut off"
            notes.append(f"{what}; they are passed over until it is given again")
        if others := self.batch.provenance.other_prompts:
            what = f"this run has been made with {1 + len(others)} sets of prompt files"
            notes.append(f"{what}; `evaluate` and the card of an export say how many sessions with which")
        if damaged:
            notes.append(f"{damage_message(self.folder, damaged)}\nthey are run again; the damaged files stay")
        if strays:
            what = f"the ledger had no line for {len(strays):,} records that are whole, and has now"
            notes.append(f"{what}: {_ids(strays)}")
        if forgotten:
            what = (
                f"the ledger spoke of {len(forgotten):,} sessions that are not of this batch and have no whole record"
            )
            notes.append(f"{what}; its lines are taken out, and it is kept as .<name>.damaged: {_ids(forgotten)}")
        return notes

    def todo(self, *, retry_failed: bool = False) -> list[Unit]:
        """The units that have not ended; with `retry_failed` those that failed too."""
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

    A new one gets the batch that is asked for. A batch that is there must be the same: `RunError` shows the difference. With
    `extend`, further profiles, methods, attitudes and seeds are added; with `other_prompts`, today's prompts. Raises
    `ProfileError` too.
    """
    for name in asked.configuration.techniques:
        technique(name)
    check_examples(asked.configuration)
    written = read_batch(folder)
    begun = check_prompts(folder, written, other=asked.other_prompts) if written else None
    problems: list[Problem] = []
    if begun is None:
        batch, problems = _new(folder, asked)
    elif asked.extend:
        batch, problems = _extend(folder, begun, asked)
    else:
        _refuse_other(folder, begun, asked)
        batch = _wanted(begun, asked)  # a server may have moved, or bear more
        if batch != written:
            batch.write(folder)
    profiles = Profiles.of(batch, folder)
    run = RunFolder(folder)
    recovered = recover(run, lambda: {unit.session_id for unit in units(batch, profiles)})
    remove_finished_journals(run, recovered.entries)
    return Run(folder, batch, profiles, problems, recovered)


def check_prompts(folder: Path, begun: Batch, *, other: bool) -> Batch:
    """The batch with today's prompts on record.

    Raises `RunError` where it has been run with others, unless `other` allows it, and `SettingsError` without the corpus that
    its examples come from.
    """
    check_examples(begun.configuration)
    if not begun.provenance.prompt_hashes:  # no version writes it so: its records know
        first = next(RunFolder(folder).records(failed=True, left_out=[]), None)
        begun = begun.with_prompts(first.provenance.prompt_hashes) if first else begun
    if not other:
        refuse_other_prompts(folder, begun.prompts_on_record, begun.configuration)
    return begun.with_prompts(prompt_set(begun.configuration))


def _new(folder: Path, asked: Asked) -> tuple[Batch, list[Problem]]:
    source = asked.profiles or "builtin"
    with failing_as(RunError, f"{folder} cannot be written"):
        folder.mkdir(parents=True, exist_ok=True)
    problems = write_profiles(source, folder / PROFILES_FILE, skip_invalid=asked.skip_invalid, risk=asked.risk)
    profiles = Profiles(folder / PROFILES_FILE)
    batch = Batch.new(
        configuration=_base(asked.configuration),
        methods=asked.methods or ("magnet",),
        attitudes=asked.attitudes,
        seeds=asked.seeds or (1,),
        source=source,
        profiles=len(profiles),
        profiles_hash=profiles.hash,
        shard=asked.shard,
    )
    batch.write(folder)
    return batch, problems


def _base(config: SessionConfig) -> SessionConfig:
    """The configuration without what each unit sets itself."""
    fields = SessionConfig.model_fields
    return config.model_copy(update={name: fields[name].default for name in ("method", "seed")})


def _refuse_other(folder: Path, begun: Batch, asked: Asked) -> None:
    wanted = _wanted(begun, asked, "methods", "attitudes", "seeds", "shard")
    if asked.profiles is not None:
        path = folder / f".{PROFILES_FILE}.asked"
        try:
            write_profiles(asked.profiles, path, skip_invalid=asked.skip_invalid, risk=asked.risk)
            wanted = _with_profiles(wanted, path)
        finally:
            path.unlink(missing_ok=True)
    if changed := begun.differences(wanted):
        raise RunError(
            f"{folder} has been begun with something else:\n  "
            + "\n  ".join(changed)
            + "\ngive another --out, or add to what it has with --extend (profiles, methods, attitudes, seeds)"
        )


def _wanted(begun: Batch, asked: Asked, *names: str) -> Batch:
    """The batch that is asked for, with these fields; a field that is left open stays."""
    fields = {name: value for name in names if (value := getattr(asked, name)) is not None}
    return begun.model_copy(update={"configuration": _base(asked.configuration), **fields})


def _with_profiles(batch: Batch, path: Path) -> Batch:
    profiles = Profiles(path)
    return batch.model_copy(update={"profiles": len(profiles), "profiles_hash": profiles.hash})


def _extend(folder: Path, begun: Batch, asked: Asked) -> tuple[Batch, list[Problem]]:
    path = folder / PROFILES_FILE
    wanted = _wanted(begun, asked, "methods", "attitudes", "seeds")
    batch, problems = begun.extended(wanted), []  # refused before anything is written
    if asked.profiles is not None:
        kept = Profiles.of(begun, folder)  # an --extend that was cut off may have left more behind them
        problems = write_profiles(asked.profiles, path, skip_invalid=asked.skip_invalid, kept=kept, risk=asked.risk)
        sources = begun.source.split(" + ")
        source = begun.source if asked.profiles in sources else f"{begun.source} + {asked.profiles}"
        batch = begun.extended(_with_profiles(wanted, path)).model_copy(update={"source": source})
    batch.write(folder)
    return batch, problems
