"""Read client profiles, our own or CACTUS records, from files of records and directories of them."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.adapting import ProfileFormat, format_of
from counseling_sessions.profiles.documents import (
    SUFFIXES,
    Place,
    Record,
    files_in,
    hub_name,
    read_document,
    records_of,
)
from counseling_sessions.profiles.library import builtin_ids, load_builtin, load_risk, misfit, risk_ids
from counseling_sessions.profiles.problems import Problem, ProfileError
from counseling_sessions.profiles.records import long_fields, profile_of
from counseling_sessions.profiles.risk_part import RiskLevel
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
    """The valid profiles of a read in order, its problems, and warnings of what a prompt will cut."""

    profiles: list[ClientProfile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """For each profile, the number of its record in its file."""


def read_profiles(path: Path, *, skip_invalid: bool = False) -> ReadResult:
    """Read every profile of a file, or of the files of records in a directory and the directories in it.

    Ids must be unique in one read. Raises `ProfileError` where there is nothing to read, and for any problem. With
    `skip_invalid` the result holds the valid profiles and the problems.
    """
    documents = [read_document(file) for file in _files(path)]
    result = ReadResult(problems=[problem for document in documents for problem in document.problems])
    for item in _validated(record for document in documents for record in document.records):
        if isinstance(item, Problem):
            result.problems.append(item)
            continue
        profile, record = item
        result.profiles.append(profile)
        result.numbers.append(record.number)
        result.warnings += long_fields(profile, record)
    if result.problems and not skip_invalid:
        raise ProfileError.of(result.problems)
    return result


def iter_profiles(path: Path) -> Iterator[ClientProfile | Problem]:
    """Every profile and every problem of a file or directory, in order, read one by one.

    Raises `ProfileError` where there is nothing to read.
    """
    for item in _validated(item for file in _files(path) for item in records_of(file)):
        yield item if isinstance(item, Problem) else item[0]


def find_profile(name: str, record: str | None = None, risk: Iterable[RiskLevel] = ()) -> ClientProfile:
    """A built-in profile by its id, or a file's profile by `record`: its number from 1, or its id.

    Without `record` the file must hold exactly one profile; with it, other records may be broken. `risk` are the levels of the
    clients at risk that were asked for: then no other client is taken, and without them no client at risk. Raises `ProfileError`.
    """
    profile = _built_in(name, record) or _of_file(name, record)
    if why := misfit(profile, risk):
        raise ProfileError(why)
    return profile


def _built_in(name: str, record: str | None) -> ClientProfile | None:
    at_risk = name in risk_ids()
    if not at_risk and name not in builtin_ids():
        return None
    if record is not None:
        raise ProfileError(f"{name} is a built-in profile, not a file with records; leave --record out")
    return load_risk(name) if at_risk else load_builtin(name)


def _of_file(name: str, record: str | None) -> ClientProfile:
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


def _files(path: Path) -> list[Place]:
    try:
        if hub_name(str(path)) or path.exists():
            return files_in(path, SUFFIXES)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror or error}") from None
    raise ProfileError(f"there is no file or directory {str(path)!r}{_id_hint(path)}")


def _id_hint(path: Path) -> str:
    name = str(path)
    if path.name != name or path.suffix.lower() in SUFFIXES:
        return ""
    near = difflib.get_close_matches(name[:100], builtin_ids(), n=1)
    name = f" {near[0]!r}" if near else ""
    return f"; if you mean a built-in profile{name}: `profiles list` shows their ids"


def _validated(items: Iterable[Record | Problem]) -> Iterator[tuple[ClientProfile, Record] | Problem]:
    """Each profile with its record, and every problem, in order."""
    places: dict[str, str] = {}
    position = 0
    for item in items:
        if isinstance(item, Problem):
            yield item
            continue
        position += 1
        try:
            profile = profile_of(item, position)
        except ProfileError as error:
            form = format_of(item.value)
            yield from [_foreign(item, form)] if form else error.problems
            continue
        if first := places.get(profile.id):
            yield Problem(item.file, f"{profile.id!r} is already the id of {first}", item.number, "id")
            continue
        places[profile.id] = f"{item.file}, record {item.number}"
        yield profile, item


def _foreign(item: Record, form: ProfileFormat) -> Problem:
    return Problem(item.file, f"looks like {form.title}: `profiles adapt` makes a profile of it", item.number)


def _choose(result: ReadResult, name: str, record: str) -> ClientProfile:
    matches = [profile for profile in result.profiles if profile.id == record]
    if not matches and record.isdecimal():
        numbered = zip(result.numbers, result.profiles, strict=True)
        matches = [profile for number, profile in numbered if str(number) == record.lstrip("0")]
        if not matches and (broken := [problem for problem in result.problems if str(problem.record) == record]):
            raise ProfileError.of(broken)
    if len(matches) > 1:
        raise ProfileError(f"{name} holds several files with a record {record}; choose by id: {_some(matches)}")
    if not matches:
        ids = _some(result.profiles) if result.profiles else "no valid profile"
        raise ProfileError(f"{name} has no record {record[:100]!r}; it has {ids}")
    return matches[0]


def _some(profiles: list[ClientProfile], most: int = 5) -> str:
    ids = ", ".join(profile.id for profile in profiles[:most])
    return f"{ids} and {len(profiles) - most} more" if len(profiles) > most else ids
