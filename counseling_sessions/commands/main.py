"""The command line: parses, calls, prints.

python run.py                     one session, live on the terminal
python run.py session --help      all its options
python run.py generate --out RUN  many sessions, resumable
python run.py status RUN          how a run stands
python run.py merge PART PART …   parts of a run put together
python run.py export RUN …        a run as a data set
python run.py evaluate SESSIONS … what sessions are like
python run.py compare SESSIONS …  which group of them is better
python run.py prefer SESSIONS …   judges compare pairs of sessions
python run.py rate SESSIONS …     pages on which people compare them
python run.py agreement FILE …    what people answered
python run.py trace PLACE …       what happened in a session, step by step
python run.py replay PLACE …      the same past, another future
python run.py diff A B            two futures side by side
python run.py studio PLACE        LangGraph Studio, with these sessions as threads
python run.py practice            a person is the counselor, or the client
python run.py train WHAT …        fine-tuning data, adapters, their export and report
python run.py profiles            the built-in clients
python run.py check               which model serves which role
python run.py graph               the state machine as Mermaid
python run.py schema record       the JSON Schema of what is read and written
"""

import argparse
import os
import sys

from pydantic import ValidationError
from rich.text import Text

from counseling_sessions.commands import (
    CommandParser,
    check,
    drawing,
    evaluate,
    generate,
    practice,
    prefer,
    profiles,
    replay,
    runs,
    session,
    studio,
    trace,
    train,
)
from counseling_sessions.commands.options import errors
from counseling_sessions.generation.exports import ExportError
from counseling_sessions.graph.tracing import check_tracing
from counseling_sessions.graph.trouble import DEBUG, debugging, describe_internal
from counseling_sessions.models.embedded_file import EmbeddedModelError
from counseling_sessions.models.errors import ModelError
from counseling_sessions.profiles.readers import ProfileError
from counseling_sessions.prompts import PromptError
from counseling_sessions.sessions.errors import JournalError, RunError
from counseling_sessions.settings import SettingsError, validation_message
from counseling_sessions.store.machine import shortage
from counseling_sessions.training.errors import TrainingError, WrittenError

USER_ERRORS = (
    *(RunError, ExportError, ProfileError, SettingsError, JournalError, ModelError, PromptError),
    *(EmbeddedModelError, TrainingError, WrittenError),
)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 for success, 1 for a session that failed or a check that found a problem, 2 for a wrong input or a machine
    that cannot go on, 3 for an error of the program's own."""
    parser = _parser()
    arguments = arguments if arguments is not None else sys.argv[1:]
    args = parser.parse_args(arguments)
    args.arguments = arguments
    try:
        check_tracing()
        return int(args.command(args))
    except USER_ERRORS as error:
        errors().print(Text(f"error: {error}", style="red"))
    except ValidationError as error:
        errors().print(Text(f"error: {validation_message(error)}", style="red"))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone
        return 141
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        errors().print(Text(f"error: {where}{error.strerror or error}", style="red"))
    except KeyboardInterrupt:
        errors().print("stopped")
        return 130
    except Exception as error:
        if debugging():
            raise
        return _unforeseen(error)
    return 2


def _unforeseen(error: Exception) -> int:
    """Say in one line what nobody foresaw: no traceback, and nothing of what it carried."""
    if what := shortage(error):
        errors().print(Text(f"error: the machine has run out of {what}; try again when it has some", style="red"))
        return 2
    message = f"error: this should not have happened: {describe_internal(error)} ({DEBUG}=1 shows the traceback)"
    errors().print(Text(message, style="red"))
    return 3


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = CommandParser(
        prog="run.py",
        description="Simulated counseling sessions with invented clients, for research. Without a command: one session.",
    )
    commands = parser.add_subparsers(metavar="command")
    default = session.add(commands)
    for module in (generate, runs, evaluate, prefer, trace, replay, studio, practice, train, profiles, check, drawing):
        module.add(commands)
    parser.set_defaults(**vars(default.parse_args([])))
    return parser


if __name__ == "__main__":
    sys.exit(main())
