"""An evaluation in a process of its own, for `run.py web`: what `run.py evaluate RUN --html FILE` writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from counseling_sessions.errors import UserError


def evaluate_into(said: Connection, place: Path, out: Path) -> None:
    """Evaluate a run, and write the page. `said` gets triples of a stage and the sessions done, of how many; at the end a string: what
    was wrong, or nothing."""
    from counseling_sessions.commands.evaluate import evaluate
    from counseling_sessions.commands.parsing.evaluation import EvaluateRequest
    from counseling_sessions.commands.parsing.parser import parse

    @contextmanager
    def progress(sessions: int) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
        stage, done = "", 0

        def begin(name: str) -> None:
            nonlocal stage
            stage = name
            said.send((stage, done, sessions))

        def count() -> None:
            nonlocal done
            done += 1
            said.send((stage, done, sessions))

        yield begin, count

    # With one process: when it is stopped it leaves no others behind.
    _, request = parse(["evaluate", str(place), "--html", str(out), "--quiet", "--jobs", "1"])
    assert isinstance(request, EvaluateRequest)
    try:
        evaluate(request, progress)
    except (UserError, OSError) as error:
        said.send(str(error))
    else:
        said.send("")
