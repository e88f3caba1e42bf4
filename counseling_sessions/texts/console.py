"""What people are shown: a console on which no foreign text commands the terminal, and JSON that is harmless to look at."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from counseling_sessions.texts.harmless import COMMANDS, harmless


class HarmlessConsole(Console):
    """A console that makes every text harmless, wherever it stands in what is printed: a line, a table's cell, a panel.

    Plain strings are printed as they are: brackets are no markup, `:names:` no emoji. Takes the options of `Console`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of a renderable, each with a harmless text; those that are rich's commands to the terminal stay."""
        for segment in super().render(renderable, options):
            if segment.control or (segment.text.isascii() and segment.text.isprintable()):
                yield segment
            else:
                yield Segment(harmless(segment.text), segment.style)


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """A value as JSON that people can read; characters that would command a terminal are escaped, so that nothing is lost."""
    return escaped(json.dumps(value, indent=indent, ensure_ascii=False))


def escaped(document: str) -> str:
    """A JSON document with the same values, in which characters that would command a terminal stand as escapes."""
    return COMMANDS.sub(lambda character: json.dumps(character[0])[1:-1], document)
