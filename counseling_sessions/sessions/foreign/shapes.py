"""Shapes: what is particular to one kind of file, as data. What a shape does not say is looked for under the usual names.

A path names a field of a record, with `/` between the parts (`client_info/name`, `conversation/0/doctor`); a field whose name has a
`/` itself is named in full.
"""

from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from counseling_sessions.profiles.documents.paths import at
from counseling_sessions.sessions.foreign.usual import plain
from counseling_sessions.settings import SettingsError, read_yaml, validation_message

SHAPES = Path(__file__).with_name("shapes")


class Shape(BaseModel):
    """A kind of file.

    Recognised where a record has all paths of `has`, unless it is used `only_by_name`. `sessions` is the path of a list of
    sessions in a record; `messages` the paths at which a session's messages may be, `speaker` and `text` their keys; `first` or
    `last` are the keys of the client's and the counselor's message that stand outside the list. `counselor` and `client` are
    names of speakers, or the keys of a pair; those of `aside` are no side. Of rows, `group` is the session, `order` sorts its
    messages and `annotator` says who coded them. `id`, `client_id`, `number` (of a client's session) and `language` are paths;
    with `client_of_file` a file is one client. `of_message` are the keys kept of each message; without it all that are left. A
    file that `holds_no_session` lies beside others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    title: str = ""
    about: str = ""
    has: tuple[str, ...] = ()
    only_by_name: bool = False
    holds_no_session: bool = False
    sessions: str | None = None
    messages: tuple[str, ...] = ()
    speaker: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    first: tuple[str, str] | None = None
    last: tuple[str, str] | None = None
    counselor: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    group: str | None = None
    order: str | None = None
    annotator: str | None = None
    of_message: tuple[str, ...] | None = None
    id: str | None = None
    client_id: str | None = None
    client_of_file: bool = False
    number: str | None = None
    language: str | None = None
    reasoning: Literal["kept", "left out"] | None = None

    @cached_property
    def names(self) -> frozenset[str]:
        """The plain names of its speakers."""
        return frozenset(plain(name) for name in (*self.counselor, *self.client, *self.aside))

    @cached_property
    def asides(self) -> frozenset[str]:
        """The plain names of those who are no side."""
        return frozenset(map(plain, self.aside))

    @cached_property
    def of_row(self) -> frozenset[str]:
        """The keys that say where a row belongs, and nothing of its message."""
        return frozenset(name for name in (self.group, self.order, self.annotator) if name)

    def with_client(self, names: str | None) -> "Shape":
        """The same, with the names that a person gives the client, parted by commas."""
        return self.model_copy(update={"client": (*self.client, *names.split(","))}) if names else self

    def fits(self, value: Any) -> bool:
        """Whether a record has all that this shape has."""
        return bool(self.has) and all(at(value, path) is not None for path in self.has)


USUAL = Shape(name="usual", title="usual names", about="fields and speakers under their usual names")
"""The shape of whatever has none of its own."""


@cache
def shapes() -> tuple[Shape, ...]:
    """The shapes that ship; those with more fields to be recognised by first."""
    return tuple(sorted(map(_shape, sorted(SHAPES.glob("*.yaml"))), key=lambda shape: -len(shape.has)))


def shape_named(name: str) -> Shape:
    """A shape that ships, by its name, or a user's, by its file. Raises `SettingsError`."""
    for shape in (*shapes(), USUAL):
        if shape.name == name:
            return shape
    if Path(name).suffix in {".yaml", ".yml"}:
        return _shape(Path(name))
    names = ", ".join(sorted(shape.name for shape in shapes()))
    raise SettingsError(f"--shape {name}: there is no such shape, and it is no YAML file; there are {names}")


def shape_of(value: Any) -> Shape:
    """The shape that a record has."""
    return next((shape for shape in shapes() if not shape.only_by_name and shape.fits(value)), USUAL)


def _shape(file: Path) -> Shape:
    try:
        return Shape.model_validate({"name": file.stem, **read_yaml(file)})
    except (ValidationError, TypeError) as error:
        what = validation_message(error) if isinstance(error, ValidationError) else ""
        raise SettingsError(f"{file}: no description of a shape: {what or 'it should be a mapping'}") from None
