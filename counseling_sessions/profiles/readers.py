"""Read client profiles, our own or CACTUS records, from JSON, JSON lines and YAML files and directories of them."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.documents import SUFFIXES, Record, read_document, records_of
from counseling_sessions.profiles.library import builtin_ids, load_builtin
from counseling_sessions.profiles.problems import Problem, ProfileError
from counseling_sessions.profiles.records import long_fields, profile_of
from counseling_sessions.profiles.schema import ClientProfile

__all__ = [
    "Problem",
    "ProfileError",
    "ReadResult",
    "find_profile",
    "iter_profiles",
    "profile_json_schema",
    "read_profiles",
]


@dataclass
class ReadResult:
    """What a read brought: the valid profiles in order, what was wrong, and what will be cut."""

    profiles: list[ClientProfile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """Beside each profile the number of its record in its file."""


def read_profiles(path: Path, *, skip_invalid: bool = False) -> ReadResult:
    """Read every profile of a file, or of the `.json`, `.jsonl`, `.ndjson`, `.yaml` and `.yml` files of a directory.

    Ids must be unique in one read. Raises `ProfileError` where there is nothing to read, and, unless `skip_invalid`,
    for any problem; with it the valid profiles are returned beside the problems.
    """
    result = ReadResult()
    records: list[Record] = []
    for file in _files(path):
        try:
            document = read_document(file)
        except OSError as error:
            result.problems.append(Problem(str(file), f"cannot be read: {error.strerror or error}"))
            continue
        result.problems += document.problems
        records += document.records
    _validate(records, result)
    if result.problems and not skip_invalid:
        raise ProfileError.of(result.problems)
    return result


def iter_profiles(path: Path) -> Iterator[ClientProfile | Problem]:
    """Every profile of a file or directory, and every problem, in their order; JSON Lines are read line by line.

    Raises `ProfileError` where there is nothing to read.
    """
    seen: dict[str, str] = {}
    position = 0
    for file in _files(path):
        for item in records_of(file):
            if isinstance(item, Problem):
                yield item
                continue
            position += 1
            where = f"{item.file}, record {item.number}"
            try:
                profile = profile_of(item, position)
            except ProfileError as error:
                yield from error.problems
                continue
            if first := seen.get(profile.id):
                yield Problem(item.file, f"{profile.id!r} is already the id of {first}", item.number, "id")
                continue
            seen[profile.id] = where
            yield profile


def find_profile(name: str, record: str | None = None) -> ClientProfile:
    """One profile: a built-in one by its id, or one of a file by `record`, its number from 1 or its id.

    Without `record` the file must hold one profile only; with it, other records may be broken. Raises `ProfileError`.
    """
    if name in builtin_ids():
        if record is not None:
            raise ProfileError(f"{name} is a built-in profile, not a file with records; leave --record out")
        return load_builtin(name)
    result = read_profiles(Path(name), skip_invalid=record is not None)
    if record is not None:
        return _choose(result, name, record)
    if len(result.profiles) > 1:
        raise ProfileError(f"{name} holds {len(result.profiles)} profiles; choose one with --record, by number or id")
    return result.profiles[0]


def profile_json_schema() -> dict[str, Any]:
    """The JSON Schema of a client profile."""
    schema = ClientProfile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Client profile"}


def _files(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
            if not files:
                raise ProfileError(
                    f"{path}: no profiles in this directory; looked for {', '.join(sorted(SUFFIXES))} files"
                )
            return files
        if path.exists():
            return [path]
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror or error}") from None
    raise ProfileError(f"there is no file or directory {str(path)!r}{_id_hint(path)}")


def _id_hint(path: Path) -> str:
    name = str(path)
    if path.name != name or path.suffix.lower() in SUFFIXES:
        return ""
    near = difflib.get_close_matches(name[:100], builtin_ids(), n=1)
    meant = f" {near[0]!r}" if near else ""
    return f"; if a built-in profile{meant} was meant: `profiles list` shows their ids"


def _validate(records: list[Record], result: ReadResult) -> None:
    seen: dict[str, Record] = {}
    for position, record in enumerate(records, 1):
        try:
            profile = profile_of(record, position)
        except ProfileError as error:
            result.problems += error.problems
            continue
        if first := seen.get(profile.id):
            message = f"{profile.id!r} is already the id of {first.file}, record {first.number}"
            result.problems.append(Problem(record.file, message, record.number, "id"))
            continue
        seen[profile.id] = record
        result.profiles.append(profile)
        result.numbers.append(record.number)
        result.warnings += long_fields(profile, record)


def _choose(result: ReadResult, name: str, record: str) -> ClientProfile:
    found = [profile for profile in result.profiles if profile.id == record]
    if not found and record.isdecimal():
        numbered = zip(result.numbers, result.profiles, strict=True)
        found = [profile for number, profile in numbered if str(number) == record.lstrip("0")]
        if not found and (broken := [problem for problem in result.problems if str(problem.record) == record]):
            raise ProfileError.of(broken)
    if len(found) > 1:
        raise ProfileError(f"{name} holds several files with a record {record}; choose by id: {_some(found)}")
    if not found:
        has = _some(result.profiles) if result.profiles else "no valid profile"
        raise ProfileError(f"{name} has no record {record[:100]!r}; it has {has}")
    return found[0]


def _some(profiles: list[ClientProfile], most: int = 5) -> str:
    ids = ", ".join(profile.id for profile in profiles[:most])
    return f"{ids} and {len(profiles) - most} more" if len(profiles) > most else ids
