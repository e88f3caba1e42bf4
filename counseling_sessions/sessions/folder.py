"""A run's folder, of a batch or of single sessions: its files, and its sessions, for reading.

    run.json, profiles.jsonl      what a batch was asked for; single sessions have none
    journals/                     sessions in flight, and failed ones, which can be taken up again
    shards/w0-00001.jsonl         records, one a line; a shard that is full is compressed (.jsonl.zst)
    ledger/w0.jsonl               one short line for every record, with its place and checksum
    run.log, live.json, lock      what happened, how a batch is doing, who writes

Every worker (`w0`, `w1`, …) has its files. If a session has several records (failed, then taken up again), the finished one
counts, else the last. Folders of single sessions in the old form (`old`) are read as well.
"""

from pathlib import Path

from counseling_sessions.sessions.checking import Checked, Records
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.journal_reading import has_begun
from counseling_sessions.sessions.old import OLD_LEDGER, OLD_SHARD
from counseling_sessions.sessions.shards import RUN_FILE
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.lock import Lock

JOURNALS = "journals"


class RunFolder(Records):
    """A run's folder: its records, its journals, and the files beside them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.journals = folder / JOURNALS
        self.log = folder / "run.log"
        self.live = folder / "live.json"
        self.lock_file = folder / "lock"

    @classmethod
    def of_journal(cls, path: Path) -> "RunFolder":
        """The folder that a journal belongs to: in the old form journals lie beside the records."""
        return cls(path.parent.parent if path.parent.name == JOURNALS else path.parent)

    def lock(self) -> Lock:
        """Make the folder, and keep other processes from writing until the lock is closed. Raises `RunError`."""
        with failing_as(RunError, f"{self.folder} cannot be written"):
            self.folder.mkdir(parents=True, exist_ok=True)
            return Lock(self.lock_file)

    def refuse_batch(self) -> None:
        """Raise `RunError` if the folder is a batch's: single sessions have no place there."""
        if self.planned:
            raise RunError(f"{self.folder} is a run directory, to which no single session is added; give another --out")

    def entries(self) -> dict[str, Entry]:
        """The entry of every session that has ended, by its id, from the ledgers alone."""
        return self.index().best

    def recorded(self) -> set[str]:
        """The ids of the sessions that have a record, from the ledgers and in the old form."""
        index = self.index()
        return {*index.best, *index.old.records}

    def journal_files(self) -> list[Path]:
        """The journals, by name."""
        return sorted([*self.journals.glob(f"*{SUFFIX}"), *self.folder.glob(f"*{SUFFIX}")], key=lambda path: path.name)

    def unfinished(self) -> list[Path]:
        """The journals of sessions without an intact finished record."""
        journals = [path for path in self.journal_files() if has_begun(path)]
        checked = self.check() if journals else Checked()
        done = {name for name, record in checked.old.items() if record.status == "finished"}
        done |= {name for name, entry in checked.entries.items() if entry.status == "finished"}
        return [path for path in journals if path.name.removesuffix(SUFFIX) not in done]

    def remove_journal(self, session_id: str) -> None:
        """Remove the journal of a session that has a finished record. Raises `OSError`."""
        for folder in (self.journals, self.folder):
            (folder / f"{session_id}{SUFFIX}").unlink(missing_ok=True)


def run_folder(place: Path) -> RunFolder | None:
    """The run's folder at a place; None for a file, and for a folder with something else in it."""
    folder = RunFolder(place)
    parts = (RUN_FILE, "shards", "ledger", OLD_SHARD, OLD_LEDGER)
    is_run = place.is_dir() and (any((place / name).exists() for name in parts) or folder.journal_files())
    return folder if is_run else None
