"""Putting right what a crash has left in a run's folder, for the process that writes it.

The shards are the truth: a ledger that lost lines is completed from them. What is damaged stays as it is: its sessions get new
records, in shards that are whole, and those count.
"""

import shutil
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from counseling_sessions.sessions.checking import Checked
from counseling_sessions.sessions.entries import Entry, listed
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import Damage, read_listed, sealed
from counseling_sessions.sessions.shards import PACKED, RAW
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.reading import open_plain


@dataclass
class Recovered:
    """A run as it is after a recovery: what has become of its units, whose records are damaged, and how many records got a
    line in the ledger. `strays` are those of them that no crash can have left where they were, by session id; `forgotten` are
    sessions that only a damaged line of the ledger spoke of.
    """

    entries: dict[str, Entry]
    damaged: list[Damage] = field(default_factory=list)
    listed: int = 0
    strays: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)


def recover(run: RunFolder, batch: Callable[[], Container[str]] | None = None) -> Recovered:
    """Put right what a crash has left: leftovers of a compression, and records that the ledger does not know yet.

    Every record is compared with the ledger; a damaged one is left as it is, and nothing is written behind it. `batch` gives the ids
    of the sessions that the run is of, and is called only where some are damaged: lines of the ledger about others, without a
    record, are taken out, and the ledger that had them is kept aside. Only for the process that holds the run's lock. Raises
    `RunError`.
    """
    with failing_as(RunError, f"{run.folder} cannot be written"):
        return _recover(run, batch)


def _recover(run: RunFolder, batch: Callable[[], Container[str]] | None) -> Recovered:
    _remove_leftovers(run)
    checked = run.check()
    for entry in checked.tails:
        run.enter(entry)
    strays = list(_list_strays(run, checked))
    _leave_behind(run, checked.bad_shards)
    listed_now = len(checked.tails) + len(strays)
    if strays:
        checked = run.check()
    forgotten = _forget(run, checked, batch) if batch and checked.damaged else []
    if forgotten:  # whose records their lines disputed is seen anew
        again = _recover(run, None)
        return Recovered(again.entries, again.damaged, listed_now + again.listed, [*strays, *again.strays], forgotten)
    return Recovered(checked.entries, checked.damaged, listed_now, strays)


def _forget(run: RunFolder, checked: Checked, batch: Callable[[], Container[str]]) -> list[str]:
    """Take out of the ledgers what they say of sessions that are neither in the batch nor in any shard."""
    ids = batch()
    gone = {item.session_id for item in checked.damaged if item.session_id and item.session_id not in ids}
    for path in sorted(run.ledgers.glob(f"*{RAW}")) if gone else ():
        entries = list(read_listed(path, Entry))
        if any(entry.session_id in gone for entry in entries):
            shutil.copyfile(path, path.with_name(f".{path.name}.damaged"))
            write_atomically(path, (sealed(entry) for entry in entries if entry.session_id not in gone))
    return sorted(gone)


def _list_strays(run: RunFolder, checked: Checked) -> Iterator[str]:
    """Give the records that no ledger knows a line in it; their sessions' ids."""
    ends: dict[str, set[int]] = {}
    for name, other in checked.strays:
        ends.setdefault(name, set()).add(other.end)
    for name, wanted in ends.items():
        for line, end in run.lines(name):
            if end in wanted and (entry := listed(line.removesuffix(b"\n"), name, end)):
                run.enter(entry)
                yield entry.session_id


def _remove_leftovers(run: RunFolder) -> None:
    if run.shards.is_dir():
        run.ledgers.mkdir(exist_ok=True)  # one that was lost is made again
    for path in run.shards.glob(".*.tmp"):
        path.unlink()
    for packed in run.shards.glob(f"[!.]*{PACKED}"):
        name = packed.name.removesuffix(PACKED)
        raw = run.shards / f"{name}{RAW}"
        if not raw.exists():
            continue
        if _unpacks_to(packed, raw):
            raw.unlink()  # the crash came before it could go
        else:
            packed.replace(packed.with_name(f".{packed.name}.damaged"))


def _unpacks_to(packed: Path, raw: Path) -> bool:
    size = 2**20
    with (
        open_plain(packed) as file,
        zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as plain,
        open_plain(raw) as other,
    ):
        try:
            while piece := other.read(size):
                left = piece
                while left:
                    there = plain.read(len(left))
                    if not there or not left.startswith(there):
                        return False
                    left = left[len(there) :]
            return not plain.read(1)
        except zstandard.ZstdError:
            return False


def _leave_behind(run: RunFolder, bad: set[str]) -> None:
    """Begin a new shard wherever a worker's last one is damaged or gone: what comes next is not written into it."""
    last: dict[str, int] = {}
    for name in {*bad, *run.shard_names()}:
        worker, _, digits = name.rpartition("-")
        if digits.isdecimal():
            last[worker] = max(last.get(worker, 0), int(digits))
    for worker, number in last.items():
        if f"{worker}-{number:05}" in bad:
            run.shards.mkdir(parents=True, exist_ok=True)
            (run.shards / f"{worker}-{number + 1:05}{RAW}").touch()


def remove_finished_journals(run: RunFolder, entries: Mapping[str, Entry]) -> None:
    """Remove the journals of sessions that are finished and on record: a crash came before they could go. Raises `RunError`."""
    with failing_as(RunError, f"{run.journals} cannot be written"):
        for path in run.journal_files():
            entry = entries.get(path.name.removesuffix(SUFFIX))
            if entry and entry.status == "finished":
                path.unlink(missing_ok=True)
