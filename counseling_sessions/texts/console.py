"""What people are shown: a console on which no foreign text commands the terminal, and JSON that is harmless to look at."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from counseling_sessions.texts.harmless import COMMANDS, harmless


class HarmlessConsole(Console):
    """A console that makes every text harmless, in a line, a table's cell or a panel. Takes the options of `Console`.

    It prints plain strings as they are: brackets are no markup, `:names:` no emoji.
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
    """A value as JSON for people; it escapes characters that would command a terminal."""
    return escaped(json.dumps(value, indent=indent, ensure_ascii=False))


def escaped(document: str) -> str:
    """The JSON document with escapes for characters that would command a terminal."""
    return COMMANDS.sub(lambda character: json.dumps(character[0])[1:-1], document)
