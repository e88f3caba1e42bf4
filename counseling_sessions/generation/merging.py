"""Merging parts of a batch that were run apart into one run."""

import shutil
from contextlib import ExitStack, suppress
from pathlib import Path

from counseling_sessions.generation.batch import PROFILES_FILE, Batch, Profiles, begun_batch
from counseling_sessions.nodes.prompt_set import prompt_changes
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.ledger import damage_message, sealed
from counseling_sessions.sessions.recovery import recover
from counseling_sessions.sessions.shards import PACKED, RAW
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.log import append
from counseling_sessions.store.reading import open_plain


def merge(parts: list[Path], out: Path, *, other_prompts: bool = False) -> tuple[Batch, list[int]]:
    """Make one run of these parts; returns its batch and the numbers of the missing parts.

    The parts stay as they are. Missing and failed sessions can be run in the merged run. Raises `RunError` if the parts are
    not of one batch, if one is in use or has damaged sessions, if `out` exists, and unless `other_prompts` allows it, if they
    were made with different prompts.
    """
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise RunError(f"{out} is there already; give another --out")
    batches = [begun_batch(part) for part in parts]
    first = batches[0].model_copy(update={"shard": None})
    for part, batch in zip(parts, batches, strict=True):
        if changed := first.differences(batch.model_copy(update={"shard": None})):
            raise RunError(f"{part} is not of the same batch as {parts[0]}:\n  " + "\n  ".join(changed))
    first = _with_prompts_of(first, batches, parts, allowed=other_prompts)
    temporary = out.with_name(f".{out.name}.merging")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with ExitStack() as stack:
            for part in parts:
                stack.enter_context(RunFolder(part).lock())
            for number, part in enumerate(parts):
                if damaged := recover(RunFolder(part)).damaged:
                    message = damage_message(part, damaged)
                    raise RunError(f"{message}\nrun them again before it is merged: run.py generate --out {part}")
                _take(part, temporary, f"p{number}")
        _copy(_profiles(parts, batches), temporary / PROFILES_FILE)
        first.write(temporary)
        with suppress(FileNotFoundError):
            out.rmdir()
        temporary.rename(out)
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    count = max((batch.shard[1] for batch in batches if batch.shard), default=0)
    merged = {batch.shard[0] for batch in batches if batch.shard}
    return first, sorted(set(range(1, count + 1)) - merged)


def _with_prompts_of(first: Batch, batches: list[Batch], parts: list[Path], *, allowed: bool) -> Batch:
    """The batch of the first part with the prompts of all parts on record. Raises `RunError` if they differ, unless `allowed`."""
    config = first.configuration
    for part, batch in zip(parts, batches, strict=True):
        for hashes in filter(None, batch.prompts_on_record):
            differences = [prompt_changes(before, config, hashes) for before in first.prompts_on_record]
            if all(differences) and not allowed:
                raise RunError(
                    f"{part} was made with other prompts than {parts[0]}:\n  "
                    + "\n  ".join(differences[-1])
                    + "\nmerge them all the same with --other-prompts: the records say which call was made with which"
                )
            first = first.with_prompts(hashes)
    return first


def _profiles(parts: list[Path], batches: list[Batch]) -> Path:
    """The file of profiles of a part that still has them. Raises `RunError` if none has."""
    problems = []
    for part, batch in zip(parts, batches, strict=True):
        try:
            return Profiles.of(batch, part).path
        except RunError as error:
            problems.append(str(error))
    raise RunError(f"{problems[0]}; no part has the profiles that it began with")


def _take(part: Path, out: Path, prefix: str) -> None:
    """Copy a part's shards under new names, with their ledger, and its journals."""
    run, target = RunFolder(part), RunFolder(out)
    for folder in (target.shards, target.ledgers, target.journals):
        folder.mkdir(parents=True, exist_ok=True)
    for path in [*run.shards.glob(f"[!.]*{RAW}"), *run.shards.glob(f"[!.]*{PACKED}")]:
        _copy(path, target.shards / f"{prefix}{path.name}")
    for path in run.journals.glob("*"):
        _copy(path, target.journals / path.name)
    entries = (entry for listed in run.index().shards.values() for entry in listed)
    lines = [sealed(entry.model_copy(update={"shard": f"{prefix}{entry.shard}"})) for entry in entries]
    append(target.ledgers / f"{prefix}{RAW}", b"".join(lines))


def _copy(path: Path, target: Path) -> None:
    with failing_as(RunError, f"{path} cannot be read"):
        source = open_plain(path)
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
