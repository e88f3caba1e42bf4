"""The list of a run: at once what its ledger says of each session, then what the records say, read piece by piece."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from counseling_sessions.errors import UserError
from counseling_sessions.inspection.find import find_records
from counseling_sessions.inspection.page_data import Json, row_of, row_of_entry
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.ledger import Damage, damage_lines
from counseling_sessions.sessions.old import OLD_LEDGER, OLD_SHARD

SECONDS = 0.25
"""For which records are read before what is new goes to the page."""

Identity = tuple[str, str, str]
Stamp = tuple[tuple[str, int, int], ...]


class RunRows:
    """A run's rows as it stands at one time. Those who read it at once share what was read.

    `before` are rows of records, by the identity of their ledger's line, that were read when the run stood otherwise.
    """

    def __init__(self, folder: RunFolder, before: dict[Identity, Json]) -> None:
        entries = folder.entries()
        self._identities = {name: entry.identity for name, entry in entries.items()}
        self._known = {name: before[one] for name, one in self._identities.items() if one in before}
        self._entries = [self._known.get(name) or row_of_entry(entry) for name, entry in entries.items()]
        self._left_out: list[Damage] = []
        self._records = find_records(folder.folder, left_out=self._left_out)
        self._rows: list[Json] = []
        self._lock = Lock()
        self.over = False
        self.problem = ""

    def listed(self) -> list[Json]:
        """A row for every session that the ledger knows, as much of each as is known by now."""
        read = {row["id"]: row for row in self._rows} | self._known
        return [read.get(row["id"], row) for row in self._entries]

    def rows_read(self) -> dict[Identity, Json]:
        """The rows of the records that were read, for the time when the run stands otherwise."""
        read = [*self._known.values(), *list(self._rows)]
        return {self._identities[row["id"]]: row for row in read if row["id"] in self._identities}

    def pieces(self) -> Iterator[list[Json]]:
        """The rows of all records: what has been read, then what is read now, in pieces. Afterwards `damage` says what is wrong."""
        place = 0
        while True:
            with self._lock:
                if place == len(self._rows) and not self.over:
                    self._read()
                piece, over = self._rows[place:], self.over
            place += len(piece)
            yield piece
            if over and place == len(self._rows):
                return

    @property
    def damage(self) -> list[str]:
        """What cannot be read, in lines for a person."""
        return [*([self.problem] if self.problem else []), *damage_lines(self._left_out)]

    def _read(self) -> None:
        until = time.monotonic() + SECONDS
        try:
            for record in self._records:
                self._rows.append(row_of(record))
                if time.monotonic() >= until:
                    return
        except UserError as error:
            self.problem = str(error)
        self.over = True


def stamp_of(folder: RunFolder) -> Stamp:
    """What is another one whenever a session of the run has come to an end, or a journal has grown."""
    old = (folder.folder / name for name in (OLD_SHARD, OLD_LEDGER))
    files: list[Path] = [*folder.ledgers.glob("*"), *folder.shards.glob("*"), *old, *folder.journal_files()]
    stats = []
    for path in files:
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue  # most runs have no old files, and a journal goes when its session is on record
        stats.append((str(path), stat.st_size, stat.st_mtime_ns))
    return tuple(sorted(stats))
