"""Frozen requests whose fields are a command's options: declared once, with their help, and read once.

`option`, `switch`, `argument` and `group` make their fields; a field without one of these is no option. A field's annotation
gives the type (`int`, `float`, `Path`), the choices (`Literal`), and whether an option is required (neither a default nor None).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, dataclass_transform, get_args, get_origin

Kind = TypeVar("Kind")


def option(help: str | None = None, metavar: str | None = None, *, default: Any = None, **how: Any) -> Any:
    """A field that `--name` or the `flags` of `how` set; `how` is for `add_argument`.

    With `reads=True` its paths are read: `CommandRequest.check` complains of those that do not exist.
    """
    return field(default=default, metadata={"help": help, "metavar": metavar, **how})


def switch(help: str, **how: Any) -> Any:
    """A field that its option makes true."""
    return field(default=False, metadata={"help": help, "action": "store_true", **how})


def argument(help: str | None = None, metavar: str | None = None, **how: Any) -> Any:
    """A field by its place on the command line."""
    return option(help, metavar, flags=(), **how)


def group(kind: type[Any], title: str | None = None, description: str | None = None) -> Any:
    """A field that is a dataclass of options itself, in the help under its title if it has one."""
    return field(default_factory=kind, metadata={"title": title, "description": description})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, switch, argument, group))
class Options:
    """Options that belong together: whatever inherits from it is a frozen dataclass."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)


class CommandRequest(Options):
    """What is asked of a command; `arguments` are as they were typed."""

    arguments: tuple[str, ...] = ()

    def check(self) -> None:
        """Complain of what is plainly wrong, before anything that takes seconds is imported. Raises `SettingsError`."""
        from counseling_sessions.settings import SettingsError  # top-level help comes without it

        for path in _inputs(self):
            if not path.exists():
                raise SettingsError(f"there is no file or folder {str(path)!r}")


def declare(parser: argparse._ActionsContainer, kind: Any) -> None:
    """Add the options of a request, or of a group of them, to a parser."""
    for item in fields(kind):
        how: dict[str, Any] = dict(item.metadata)
        if is_dataclass(item.type):
            declare(parser.add_argument_group(**how) if how["title"] else parser, item.type)
        elif how:
            how.pop("reads", None)
            flags = how.pop("flags", (f"--{item.name.replace('_', '-')}",))
            if flags:
                how["dest"] = item.name
            if "action" not in how:
                how = _reading(item.type) | how
                if flags and item.default is None and not _open(item.type):
                    how["required"] = True
            parser.add_argument(*flags or (item.name,), default=item.default, **how)


def read(kind: type[Kind], parsed: argparse.Namespace, **more: Any) -> Kind:
    """The request that was parsed; `more` are its fields that are no options."""
    values: dict[str, Any] = dict(more)
    for item in fields(kind):  # type: ignore[arg-type]
        if is_dataclass(item.type):
            values[item.name] = read(item.type, parsed)  # type: ignore[arg-type]
        elif item.metadata:
            value = getattr(parsed, item.name)
            values[item.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _inputs(options: Any) -> Iterator[Path]:
    """The paths that are read."""
    for item in fields(options):
        value = getattr(options, item.name)
        if is_dataclass(item.type):
            yield from _inputs(value)
        elif item.metadata.get("reads") and value:
            yield from value if isinstance(value, tuple) else (value,)


def _open(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _reading(annotation: Any) -> dict[str, Any]:
    """How to read a text as its annotation says. An empty path is None."""
    kinds = get_args(annotation) or (annotation,)
    literals = [kind for kind in (annotation, *kinds) if get_origin(kind) is Literal]
    if choices := [choice for kind in literals for choice in get_args(kind)]:
        return {"choices": choices}
    if Path in kinds and _open(annotation):
        return {"type": lambda text: Path(text) if text else None}
    return {"type": next((kind for kind in (int, float, Path) if kind in kinds), None)}
