"""The command line: parses, calls, prints. `parsing.parser` lists the commands."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pkgutil import resolve_name
from typing import Any

from counseling_sessions.commands.parsing.parser import COMMANDS, parse
from counseling_sessions.errors import UserError
from counseling_sessions.texts.legible import legible_output

EVALUATION = frozenset(
    {
        *("choix", "matplotlib", "numpy", "py3langid"),
        *("rouge_score", "sacrebleu", "scipy", "statsmodels", "tokenizers"),
    }
)
"""Libraries of the evaluation, an extra."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 for success, 1 for a session that failed or a check that found a problem, 2 for a wrong input or a machine
    that cannot go on, 3 for an error of the program's own."""
    legible_output()
    try:
        name, request = parse(sys.argv[1:] if arguments is None else arguments)
        request.check()
        command = _command(name)
        if arguments is None:
            gc.freeze()  # what was imported is no garbage; to look for some in it takes a fifth of a short command
        return int(command(request))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone
        return 141
    except KeyboardInterrupt:
        _tell("stopped")
        return 130
    except Exception as error:
        return _failed(error)


def _command(name: str) -> Callable[[Any], int]:
    """A command's function. Imports make few cycles: looking for them each time would take a sixth of the start."""
    gc.disable()
    try:
        from counseling_sessions.graph.tracing import check_tracing

        check_tracing()
        command: Callable[[Any], int] = resolve_name(f"{__package__}.{COMMANDS[name][1]}")
        return command
    finally:
        gc.enable()


def _failed(error: Exception) -> int:
    """Say in one line what is wrong; of what nobody foresaw no traceback, and nothing of what it carried."""
    if message := _explained(error):
        _tell(f"error: {message}", "red")
        return 2
    from counseling_sessions.graph.trouble import DEBUG, debugging, describe_internal
    from counseling_sessions.store.machine import shortage

    if debugging():
        raise error
    if what := shortage(error):
        _tell(f"error: the machine has run out of {what}; try again when it has some", "red")
        return 2
    problem = f"error: this should not have happened: {describe_internal(error)} ({DEBUG}=1 shows the traceback)"
    _tell(problem, "red")
    return 3


def _explained(error: Exception) -> str | None:
    """What a person can do something about, in words for them; None for what nobody foresaw."""
    from pydantic import ValidationError

    from counseling_sessions.settings import validation_message

    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, ValidationError):
        return validation_message(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in EVALUATION:
        return f"the evaluation needs the library {error.name}: pip install -e '.[evaluation]'"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return None


def _tell(message: str, style: str = "") -> None:
    from counseling_sessions.commands.telling import tell

    tell(message, style)


if __name__ == "__main__":
    sys.exit(main())
