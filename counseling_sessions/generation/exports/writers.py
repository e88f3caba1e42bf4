"""A format of exports: a name, its files, and a writer that takes one session after the other."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from counseling_sessions.generation.formats import FormatName
from counseling_sessions.sessions.record import SessionRecord

Row = dict[str, Any]
Rows = Callable[[SessionRecord, str, Counter[str]], Iterator[Row]]
"""The examples of a session, from its record and its client's group; the counter takes the format's counts."""


class Writer(Protocol):
    """Writes the files of an export; `counts` are its format's counts."""

    counts: Counter[str]

    def add(self, record: SessionRecord, split: str, client: str) -> int:
        """Write a finished session into a split; returns its number of examples."""

    def close(self) -> None:
        """End all files."""


@dataclass(frozen=True)
class Format:
    """A form of export. `open` begins one in a folder for the named splits.

    `files` is a glob of a split's files relative to the folder, with `{split}` for its name, as a dataset card's
    `data_files` has it. `needs` says what a session must have to give examples.
    """

    name: FormatName
    files: Callable[[tuple[str, ...]], str]
    open: Callable[[Path, tuple[str, ...]], Writer]
    needs: str = "a finished session"


class JsonLines:
    """JSON Lines, one example a line, one file a split."""

    def __init__(self, folder: Path, splits: tuple[str, ...], rows: Rows) -> None:
        self.counts: Counter[str] = Counter()
        self._rows = rows
        self._files: dict[str, IO[bytes]] = {split: (folder / f"{split}.jsonl").open("wb") for split in splits}

    def add(self, record: SessionRecord, split: str, client: str) -> int:
        written = 0
        for row in self._rows(record, client, self.counts):
            self._files[split].write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            written += 1
        return written

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def json_lines(name: FormatName, rows: Rows, **more: Any) -> Format:
    """A format that is one line an example."""
    return Format(name, lambda splits: "{split}.jsonl", lambda folder, splits: JsonLines(folder, splits, rows), **more)
