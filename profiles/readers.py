"""Read client profiles from files: our own format and CACTUS records, as JSON, JSON lines or YAML, or a directory of such."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from profiles.documents import SUFFIXES, Record, read_document
from profiles.library import builtin_ids, load_builtin
from profiles.problems import Problem, ProfileError
from profiles.records import long_fields, profile_of
from profiles.schema import ClientProfile

__all__ = ["Problem", "ProfileError", "ReadResult", "find_profile", "profile_json_schema", "read_profiles"]


@dataclass
class ReadResult:
    """What a read brought: the valid profiles in order, what was wrong, and what will be cut."""

    profiles: list[ClientProfile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


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


def find_profile(name: str, record: str | None = None) -> ClientProfile:
    """One profile: a built-in one by its id, or one of a file by `record`, its number from 1 or its id.

    Without `record` the file must hold one profile only. Records that are broken do not hinder the choice of another,
    and the number counts them as well. Raises `ProfileError`.
    """
    if name in builtin_ids() and record is None:
        return load_builtin(name)
    result = read_profiles(Path(name), skip_invalid=True)
    if not result.profiles:
        raise ProfileError.of(result.problems)
    if record is None:
        if result.problems:
            raise ProfileError.of(result.problems)
        if len(result.profiles) > 1:
            raise ProfileError(f"{name} holds {len(result.profiles)} profiles; choose one by its number or id (--record)")
        return result.profiles[0]
    return _choose(result, name, record)


def profile_json_schema() -> dict[str, Any]:
    """The JSON Schema of a client profile."""
    schema = ClientProfile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Client profile"}
