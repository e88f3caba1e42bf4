"""The terminal of a practice session: it reads the person's lines, with a history, and shows the session."""

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from counseling_sessions.texts.console import HarmlessConsole, busy

try:
    import readline
except ImportError:
    readline = None  # type: ignore[assignment]
try:
    import termios
except ImportError:  # not on Windows
    termios = None  # type: ignore[assignment]

TEXTS = Path(__file__).parent / "texts"


class Terminal:
    """Reads and shows. If input or output is no terminal, it reads plain lines and shows no prompt and no spinner."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or HarmlessConsole()
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._history = readline if self.interactive else None
        if self._history is not None:
            self._history.set_auto_history(False)  # it would keep each line of a message that is continued

    def remember(self, lines: Iterable[str], completions: Iterable[str]) -> None:
        """Start the history with these lines, and complete these words with Tab. Nothing goes to the disk."""
        if (readline := self._history) is None:
            return
        words = list(completions)
        readline.clear_history()
        for line in lines:
            readline.add_history(line)
        readline.set_completer_delims(" ")
        readline.set_completer(lambda text, number: [*(word for word in words if word.startswith(text)), None][number])
        readline.parse_and_bind("tab: complete")
        # A text that is pasted with its line breaks is one message.
        readline.parse_and_bind("set enable-bracketed-paste on")

    def read(self, prompt: str) -> str:
        """The person's message, which the history then has as a whole; a backslash at the end of a line continues it.

        Raises `EOFError` at the end of input.
        """
        lines: list[str] = []
        while True:
            line = self._line(prompt)
            if not line.endswith("\\"):
                message = "\n".join([*lines, line])
                if self._history is not None and message.strip():
                    self._history.add_history(message)
                return message
            lines.append(line[:-1])
            prompt = "... "

    def drop_typed(self) -> None:
        """Forget what was typed and not read yet: it was written before what is shown now, and answers nothing of it."""
        if termios is not None and self.interactive:
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)

    def busy(self, doing: str) -> AbstractContextManager[Any]:
        """A spinner with the words `doing` for the time of the context."""
        return busy(self.console, doing) if self.interactive else nullcontext()

    def utterance(self, title: str, text: str, style: str = "bold yellow") -> None:
        """Show an utterance under its title."""
        self.console.print(Text(title, style=style))
        self.console.print(Padding(Text(text), (0, 0, 0, 2)))

    def note(self, text: str, style: str = "dim") -> None:
        """Show a remark of the program."""
        self.console.print(Text(text, style=style))

    def text(self, name: str) -> None:
        """Show one of the fixed texts."""
        self.note((TEXTS / f"{name}.md").read_text(encoding="utf-8").strip(), style="")

    def _line(self, prompt: str) -> str:
        while True:
            try:
                line = input(prompt if self.interactive else "")
                line.encode()  # Some terminals give surrogates for bytes that are not text.
                return line
            except UnicodeError:
                self.note("That line is not readable text; please type it again.", "red")
