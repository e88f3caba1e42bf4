"""A run's folder, of a batch or of single sessions: what lies where in it, and its sessions, for reading.

    run.json, profiles.jsonl      what a batch was asked for; single sessions have none
    journals/                     sessions in flight, and failed ones, which can be taken up again
    shards/w0-00001.jsonl         records, one a line; a shard that is full is compressed (.jsonl.zst)
    ledger/w0.jsonl               one short line for every record, with its place and checksum
    run.log, live.json, lock      what happened, how a batch is doing, who writes

Every worker (`w0`, `w1`, …) has files of its own. Of a session with several records (failed, then taken up again) the finished one
counts, else the last. Folders of single sessions were written otherwise before (`old`), and are read as well.
"""

import shlex
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from counseling_sessions.sessions.checking import Checked, check, read_one, read_records
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.journal_reading import has_begun
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.old import OLD_LEDGER, OLD_SHARD
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.shards import RUN_FILE, Shards
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.lock import Lock

JOURNALS = "journals"


class RunFolder(Shards):
    """The sessions of a run's folder, each record compared with the ledger."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.journals = folder / JOURNALS
        self.log = folder / "run.log"
        self.live = folder / "live.json"
        self.lock_file = folder / "lock"

    @classmethod
    def of_journal(cls, path: Path) -> "RunFolder":
        """The one that a journal belongs to: before, journals lay beside the records."""
        return cls(path.parent.parent if path.parent.name == JOURNALS else path.parent)

    def lock(self) -> Lock:
        """Keep other processes from writing, until the lock is closed; makes the folder. Raises `RunError`."""
        with failing_as(RunError, f"{self.folder} cannot be written"):
            self.folder.mkdir(parents=True, exist_ok=True)
            return Lock(self.lock_file)

    def refuse_batch(self) -> None:
        """Raise `RunError` where single sessions have no place."""
        if self.planned:
            raise RunError(f"{self.folder} is a run directory, to which no single session is added; give another --out")

    def entries(self) -> dict[str, Entry]:
        """What has become of every session that has come to an end, by its id, as the ledgers say: no record is looked at."""
        return self.index().best

    def records(
        self,
        *,
        failed: bool = False,
        left_out: list[Damage] | None = None,
        wanted: Callable[[bytes], bool] = bool,
    ) -> Iterator[SessionRecord]:
        """The record of every finished session, once, shard by shard; with `failed`, of the failed ones too.

        Records whose line is not `wanted` are passed over before they are parsed.

        `RunError` names the damaged sessions, at the end; with a list for what is left out, they are put there instead.
        """
        return read_records(self, failed=failed, left_out=left_out, wanted=wanted)

    def record(self, session_id: str) -> SessionRecord | None:
        """One session's record, without reading the others; None where no ledger knows it. Raises `RunError`."""
        return read_one(self, session_id)

    def check(self) -> Checked:
        """What is there and what is damaged, from one pass over all shards. Raises `RunError`."""
        return check(self)

    def journal_files(self) -> list[Path]:
        """The journals, by name."""
        return sorted([*self.journals.glob(f"*{SUFFIX}"), *self.folder.glob(f"*{SUFFIX}")], key=lambda path: path.name)

    def unfinished(self) -> list[Path]:
        """The journals of sessions that are not on record as finished; of a damaged record its journal is the truth."""
        journals = [path for path in self.journal_files() if has_begun(path)]
        done = {name for name, entry in self.check().entries.items() if entry.status == "finished"} if journals else ()
        return [path for path in journals if path.name.removesuffix(SUFFIX) not in done]

    def remove_journal(self, session_id: str) -> None:
        """Remove the journal of a session that is finished and on record. Raises `OSError`."""
        for folder in (self.journals, self.folder):
            (folder / f"{session_id}{SUFFIX}").unlink(missing_ok=True)


def single_name(profile_id: str, attitude: str) -> str:
    """The name of the folder of a single session that begins now."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{profile_id}-{attitude}"


def run_folder(place: Path) -> RunFolder | None:
    """What a place is, for all that read sessions: a run's folder; None for a file, and for a folder with something else in it."""
    folder = RunFolder(place)
    marks = (RUN_FILE, "shards", "ledger", OLD_SHARD, OLD_LEDGER)
    if place.is_dir() and (any((place / name).exists() for name in marks) or folder.journal_files()):
        return folder
    return None


def runs_inside(place: Path) -> str:
    """For an error about a folder that is no run: which runs lie in it, to be named instead; empty where there are none."""
    inside = place.iterdir() if place.is_dir() else ()
    runs = sorted((path for path in inside if run_folder(path)), key=lambda path: path.stat().st_mtime)
    if not runs:
        return ""
    count = "one run" if len(runs) == 1 else f"{len(runs)} runs"
    return f"; it holds {count}: name the one that you mean, such as {shlex.quote(str(runs[-1]))}"
