"""The tables that new clients are drawn from: attributes with weighted values, rules of what cannot be together, and names."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from counseling_sessions.profiles.manner import Manner, Severity
from counseling_sessions.profiles.schema import ATTITUDES, CognitiveDistortion
from counseling_sessions.settings import SettingsError, read_yaml, validation_message

BUILT_IN = Path(__file__).with_name("tables.yaml")
NEEDED = (
    *("gender", "age", "culture", "place", "work", "trade", "education", "tie", "children", "home", "problem", "since"),
    *("severity", "verbosity", "insight", "resistance", "attitude", "opens", "closes", "distortion", "support"),
    *("strength", "voice"),
)
"""The attributes that a form is written from, as a file of tables names them."""
AMOUNTS = ("low", "medium", "high")
ALLOWED: dict[str, Collection[str]] = {
    "attitude": ATTITUDES,
    "distortion": [str(kind) for kind in CognitiveDistortion],
    "resistance": Manner.model_json_schema()["properties"]["resists_by"]["items"]["enum"],
    "severity": ("slight", "moderate", "severe"),
    "verbosity": AMOUNTS,
    "insight": AMOUNTS,
}
"""The attributes that are fields of a form, and the values that these take."""
MOST_SEVERE = 3 * len(Severity.model_fields)

_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(_Part):
    """One value of an attribute.

    `text` is what the writer reads (default: the value), with `{trade}` in that of a work. `triggers` are what a problem can be set
    off by. `names` is a culture's list of names, `signs` the words of which one stands in every background of it.
    """

    value: _Word
    weight: float = Field(gt=0, le=1e6, allow_inf_nan=False)
    text: _Word | None = None
    triggers: tuple[_Word, ...] = ()
    names: _Word | None = None
    signs: tuple[_Word, ...] = ()

    @property
    def words(self) -> str:
        """What the writer reads."""
        return self.text or self.value


class Attribute(_Part):
    """An attribute: where its weights come from, and its values."""

    note: _Word
    values: tuple[Value, ...] = Field(min_length=1, max_length=400)

    @property
    def names(self) -> list[str]:
        """Its values by name."""
        return [value.value for value in self.values]


class Rule(_Part):
    """What cannot be together: where all of `when` holds, `only` some values of other attributes are possible, or `never` some."""

    when: dict[str, tuple[str, ...]] = Field(min_length=1)
    only: dict[str, tuple[str, ...]] = {}
    never: dict[str, tuple[str, ...]] = {}
    why: _Word

    @property
    def limits(self) -> "list[Limit]":
        """What it says of each attribute by itself."""
        when = tuple((name, frozenset(some)) for name, some in self.when.items())
        limits = [(name, frozenset(some), True) for name, some in self.only.items()]
        limits += [(name, frozenset(some), False) for name, some in self.never.items()]
        return [Limit(when, *limit, why=self.why) for limit in limits]


@dataclass(frozen=True)
class Limit:
    """One attribute's part of a rule: `allowed` says whether its values of `some` are the only ones, or those that cannot be."""

    when: tuple[tuple[str, frozenset[str]], ...]
    name: str
    some: frozenset[str]
    allowed: bool
    why: str

    def broken_by(self, values: Mapping[str, str]) -> bool:
        """Whether these values, by attribute, cannot be together."""
        return (values[self.name] in self.some) != self.allowed and all(
            values[name] in some for name, some in self.when
        )

    @property
    def attributes(self) -> list[str]:
        """The attributes that it ties to each other."""
        return [*(name for name, _ in self.when), self.name]


class Tables(_Part):
    """Attributes by name, and the rules; both as in the built-in `tables.yaml`."""

    attributes: dict[str, Attribute]
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := [name for name in NEEDED if name not in self.attributes]:
            raise ValueError(f"attributes are missing: {', '.join(missing)}")
        if more := [name for name in self.attributes if name not in NEEDED]:
            raise ValueError(f"there are no such attributes: {', '.join(more)}")
        for name, attribute in self.attributes.items():
            _check_values(name, attribute)
        for rule in self.rules:
            for part in (rule.when, rule.only, rule.never):
                for name, some in part.items():
                    if name not in self.attributes or (odd := set(some) - set(self.attributes[name].names)):
                        what = f"{name}: {', '.join(sorted(odd))}" if name in self.attributes else name
                        raise ValueError(f"a rule ({rule.why}) names what is not in the tables: {what}")
        return self

    def value(self, attribute: str, name: str) -> Value:
        """A value by its name."""
        return next(value for value in self.attributes[attribute].values if value.value == name)

    @property
    def digest(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of all that they hold, the names included."""
        text = self.model_dump_json() + str(names_by_list())
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def limits(self) -> list[Limit]:
        """The rules, attribute by attribute."""
        return [limit for rule in self.rules for limit in rule.limits]

    def tied(self, one: str, other: str) -> bool:
        """Whether a rule ties two attributes, so that they are not independent."""
        return any({one, other} <= set(limit.attributes) for limit in self.limits)


def _check_values(name: str, attribute: Attribute) -> None:
    names = attribute.names
    if twice := {one for one in names if names.count(one) > 1}:
        raise ValueError(f"{name}: a value stands there twice: {', '.join(sorted(twice))}")
    if odd := [one for one in names if one not in ALLOWED.get(name, names)]:
        raise ValueError(f"{name}: {', '.join(odd)}: a form takes {', '.join(ALLOWED[name])}")
    for value in attribute.values:
        if name == "age":
            band_of(value.value)
        if name == "problem" and not value.triggers:
            raise ValueError(f"problem: {value.value} has no triggers")
        if name == "culture" and (value.names not in names_by_list() or not value.signs):
            lists = ", ".join(names_by_list())
            raise ValueError(f"culture: {value.value} needs signs, and names out of {lists}")
        if name == "gender" and value.value not in ("woman", "man") and value.text:
            raise ValueError(f"gender: {value.value}: the form says the value itself")


def band_of(name: str) -> range:
    """The years of a band such as `25-34`. Raises `ValueError` for another text, and for ages under 16 or over 99."""
    first, _, last = name.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 16 <= int(first) <= int(last) <= 99):
        raise ValueError(f"age: {name}: expected a band of years within 16-99, such as 25-34")
    return range(int(first), int(last) + 1)


@cache
def names_by_list() -> dict[str, dict[str, list[str]]]:
    """The lists of names: of each the first names of women and of men, and the family names."""
    listed: dict[str, dict[str, list[str]]] = read_yaml(Path(__file__).with_name("names.yaml"))
    return listed


def read_tables(path: Path | None = None) -> Tables:
    """Read a file of tables, by default the built-in one. Raises `SettingsError`, which says what is wrong."""
    path = path or BUILT_IN
    content: Any = read_yaml(path)
    try:
        return Tables.model_validate(content)
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None
