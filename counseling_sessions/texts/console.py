"""What people are shown: a console on which no foreign text commands the terminal, and JSON that is harmless to look at."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.status import Status

from counseling_sessions.texts.harmless import COMMANDS, harmless
from counseling_sessions.texts.legible import ascii_json, is_unicode


class HarmlessConsole(Console):
    """A console that makes every text harmless, in a line, a table's cell or a panel. Takes the options of `Console`.

    It prints plain strings as they are: brackets are no markup, `:names:` no emoji.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False, **options})

    @property
    def encoding(self) -> str:
        """The encoding of what it writes to; rich takes every standard output for UTF-8."""
        return (getattr(self.file, "encoding", None) or "utf-8").lower()

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of a renderable, each with a harmless text; those that are rich's commands to the terminal stay."""
        for segment in super().render(renderable, options):
            if segment.control or (segment.text.isascii() and segment.text.isprintable()):
                yield segment
            else:
                yield Segment(harmless(segment.text), segment.style)


def busy(console: Console, doing: str = "") -> Status:
    """A spinner with the words `doing`, for the time of the context."""
    return console.status(doing, spinner="line" if console.options.ascii_only else "dots")


def print_json(document: str) -> None:
    """Print a JSON document; in ASCII alone where standard output has not every character."""
    print(document if is_unicode(sys.stdout.encoding) else ascii_json(document))


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """A value as JSON for people; it escapes characters that would command a terminal."""
    return escaped(json.dumps(value, indent=indent, ensure_ascii=False))


def escaped(document: str) -> str:
    """The JSON document with escapes for characters that would command a terminal."""
    return COMMANDS.sub(lambda character: json.dumps(character[0])[1:-1], document)
