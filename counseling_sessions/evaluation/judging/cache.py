"""Judges' answers, kept by content: a question with the same text, model and sampling is asked once, ever.

The cache is a folder with one growing file, `answers.jsonl`: a line a question. A line that a crash has cut is passed over, and the
question is asked again. Any number of processes may read; one writes.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, astuple, dataclass
from operator import add
from pathlib import Path

from counseling_sessions.sessions.errors import RunError
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.log import Log
from counseling_sessions.store.reading import open_plain, parse_json, read_lines

FILE = "answers.jsonl"
MOST_TOKENS = 2**53


@dataclass(frozen=True, slots=True)
class Tokens:
    """What answers took: HTTP requests, tokens as the server counts them, and answers without a count."""

    requests: int = 0
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    unreported: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(*map(add, astuple(self), astuple(other)))


NONE = Tokens()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, word for word, why it ended, and the seed of its request."""

    text: str
    finish_reason: str | None
    seed: int


@dataclass(frozen=True, slots=True)
class Record:
    """The answers to one question in order; only the last can be without fault."""

    key: str
    model: str
    answers: tuple[Answer, ...]
    tokens: Tokens


class JudgeCache:
    """The answers in a folder, which may not exist yet. `damaged` counts lines that could not be read.

    Reading takes no lock; `keep` needs an open `writing()`, which does. Only its owner can read a `private` one. Raises `RunError` for
    a folder that cannot be used.
    """

    def __init__(self, folder: Path, *, private: bool = False) -> None:
        self.folder = folder
        self._private = private
        self.path = folder / FILE
        self.damaged = 0
        self._places: dict[str, tuple[int, int]] = {}
        self._read_to = 0
        self._log: Log | None = None
        self._refresh()

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: str) -> Record | None:
        """The record of a question; of several, the last."""
        place = self._places.get(key)
        if place is None:
            return None
        with open_plain(self.path) as file:
            file.seek(place[0])
            return _record(file.read(place[1]))

    def keep(self, record: Record) -> None:
        """Append a record; when this returns, a crash of the process does not lose it. Raises `RunError`."""
        if self._log is None:
            raise RuntimeError("the cache is not open for writing")
        line = json.dumps(asdict(record), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        with failing_as(RunError, f"{self.path} cannot be written"):
            self._read_to = self._log.append(line)
        self._places[record.key] = (self._read_to - len(line), len(line))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder for writing. Raises `RunError` where another process does."""
        with ExitStack() as stack:
            with failing_as(RunError, f"{self.folder} cannot be written"):
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700 if self._private else 0o777)
                stack.enter_context(Lock(self.folder / "lock", private=self._private))
                self._log = stack.enter_context(Log(self.path, private=self._private))
            try:
                self._refresh()  # what another process has added in the meantime
                yield
            finally:
                self._log = None

    def _refresh(self) -> None:
        try:
            with open_plain(self.path) as file:
                file.seek(self._read_to)
                for line in read_lines(file):
                    if not line.endswith(b"\n"):
                        break  # being written, or cut by a crash
                    if (record := _record(line)) is not None:
                        self._places[record.key] = (self._read_to, len(line))
                    else:
                        self.damaged += bool(line.strip())
                    self._read_to += len(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunError(f"{self.path} cannot be read: {error.strerror or error}") from error


def _record(line: bytes) -> Record | None:
    """The record of a line; None for a line that holds none."""
    try:
        data = parse_json(line.decode("utf-8", "surrogatepass"))
        answers, tokens = tuple(Answer(**answer) for answer in data["answers"]), Tokens(**data["tokens"])
        counted = all(type(number) is int and abs(number) <= MOST_TOKENS for number in astuple(tokens))
        return Record(str(data["key"]), str(data["model"]), answers, tokens) if answers and counted else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
