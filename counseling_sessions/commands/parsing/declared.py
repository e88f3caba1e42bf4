"""Frozen requests whose fields are a command's options: declared once, with their help, and read once.

A request is a dataclass. Its fields are made by `option`, `switch`, `argument` and `group`; a field without one of these is
no option. Where no `type` is said, a text is read as the field's annotation says: `int`, `float` or `Path`, else as it is.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True)
class CommandRequest:
    """What is asked of a command; `arguments` are as they were typed."""

    arguments: tuple[str, ...] = ()


def option(help: str | None = None, *, default: Any = None, **how: Any) -> Any:
    """A field that `--name` sets, or the `flags` given; `how` is for `add_argument`."""
    return field(default=default, metadata={"help": help, **how})


def switch(help: str, **how: Any) -> Any:
    """A field that is true where its option is given."""
    return option(help, default=False, action="store_true", **how)


def argument(help: str | None = None, **how: Any) -> Any:
    """A field that is named by its place."""
    return option(help, flags=(), **how)


def group(kind: type, title: str | None = None, description: str | None = None) -> Any:
    """A field that is a dataclass of options itself, in the help under its title if it has one."""
    return field(default_factory=kind, metadata={"title": title, "description": description})


def declare(parser: argparse._ActionsContainer, kind: Any) -> None:
    """Add the options of a request, or of a group of them, to a parser."""
    for item in fields(kind):
        how: dict[str, Any] = dict(item.metadata)
        if is_dataclass(item.type):
            declare(parser.add_argument_group(**how) if how["title"] else parser, item.type)
        elif how:
            flags = how.pop("flags", (f"--{item.name.replace('_', '-')}",))
            if flags:
                how["dest"] = item.name
            if "action" not in how:
                how.setdefault("type", _reader(item.type))
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


def _reader(annotation: Any) -> Callable[[str], Any] | None:
    """How a text becomes what a field's annotation says; None for text itself. An empty path is one that is not given."""
    kinds = get_args(annotation) or (annotation,)
    if Path in kinds and type(None) in kinds:
        return lambda text: Path(text) if text else None
    return next((kind for kind in (int, float, Path) if kind in kinds), None)
