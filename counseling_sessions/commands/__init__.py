"""The commands of `run.py`, one module each: `add` tells the parser about a command, which calls and prints."""

import argparse
from typing import NoReturn, TypeAlias

from counseling_sessions.texts.harmless import one_line

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class CommandParser(argparse.ArgumentParser):
    """A parser whose complaints about what was typed are harmless: a shell's `*` may type the name of any file."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, in a line, and exit with 2."""
        super().error(one_line(message))
