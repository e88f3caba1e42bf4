"""Formats of client profiles, each described by a small file: which of our fields is which of theirs.

A path is as in `documents.paths`; `*` stands for every place of a list, `2+` for that place and all after it, and a part that ends
in `…` for the field that begins so.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from counseling_sessions.profiles.documents.paths import at
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.records import field_paths
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.store.reading import read_bytes
from counseling_sessions.store.yaml_text import YamlError, parse_yaml

FORMATS = Path(__file__).with_name("formats")
Paths = str | tuple[str, ...]
"""One path, or several whose texts are joined."""


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AttitudeWords(_Described):
    """The path of a text whose first word says the attitude, and what each word says."""

    path: str
    words: dict[str, str]


class SeverityWords(_Described):
    """The paths of our troubles, and the degree (0 to 3) that each word says."""

    levels: dict[str, int]
    troubles: dict[str, str]


class RiskMark(_Described):
    """A path that says of a risk (`what`), and its values under which there is none; any other refuses the client."""

    path: str
    safe: tuple[str, ...]
    what: str


class ProfileFormat(_Described):
    """A format, recognised where a record has all paths of `has`, and no other fields than those of `only`.

    `fields` gives for each of our fields, by its path, theirs; `other` what is kept as notes under a label. `severity` maps our
    eight troubles to paths. `nothing` are further values that say nothing. Records of a format that
    `writes` can be made from ours.
    """

    name: str = ""
    title: str
    about: str
    has: tuple[str, ...]
    only: tuple[str, ...] = ()
    writes: bool = False
    fields: dict[str, Paths]
    other: dict[str, Paths] = {}
    attitude: AttitudeWords | None = None
    severity: SeverityWords | None = None
    nothing: tuple[str, ...] = ()
    risk: tuple[RiskMark, ...] = ()

    @field_validator("fields")
    @classmethod
    def _of_our_form(cls, fields: dict[str, Paths]) -> dict[str, Paths]:
        parts = {path.rpartition(".")[0] for path in field_paths(ClientProfile)}
        if unknown := [name for name in fields if name not in field_paths(ClientProfile) or name in parts]:
            raise ValueError(f"no text of our form: {', '.join(unknown)}")
        return fields

    def fits(self, value: Any) -> bool:
        """Whether a record is of this format, by its fields alone."""
        if not isinstance(value, Mapping) or (self.only and not set(value) <= set(self.only)):
            return False
        return all(at(value, path) is not None for path in self.has)


@cache
def formats() -> tuple[ProfileFormat, ...]:
    """The formats that ship, those with more marks first."""
    return tuple(sorted(map(_read, sorted(FORMATS.glob("*.yaml"))), key=lambda item: -len(item.has)))


def format_of(value: Any) -> ProfileFormat | None:
    """The format of a record; None for ours, and for one that nobody described."""
    if isinstance(value, Mapping) and "presenting_problem" in value and "reason_for_counseling" in value:
        return None
    return next((item for item in formats() if item.fits(value)), None)


def format_named(name: str) -> ProfileFormat:
    """A format that ships, by its name, or a user's, by its file. Raises `ProfileError`."""
    for item in formats():
        if item.name == name:
            return item
    if Path(name).suffix in {".yaml", ".yml"}:
        return _read(Path(name))
    names = ", ".join(sorted(item.name for item in formats()))
    raise ProfileError(f"--format {name}: there is no such format, and it is no YAML file; there are {names}")


def _read(file: Path) -> ProfileFormat:
    try:
        [value] = parse_yaml(read_bytes(file).decode())
        return ProfileFormat.model_validate({"name": file.stem, **value})
    except OSError as error:
        raise ProfileError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (ValidationError, YamlError, TypeError, ValueError) as error:
        problems = error.errors(include_url=False) if isinstance(error, ValidationError) else []
        what = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in problems)
        raise ProfileError(f"{file}: no description of a format: {what or 'it should be a mapping'}") from None
