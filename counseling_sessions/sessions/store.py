"""The sessions of a run directory, for reading. Who writes it is `generation.store`.

    run.json, profiles.jsonl      what was asked for
    journals/                     sessions in flight, and failed ones, which can be taken up again
    shards/w0-00001.jsonl         records, one a line; a shard that is full is compressed (.jsonl.zst)
    ledger/w0.jsonl               one short line for every record, with its place and checksum

Every worker (`w0`, `w1`, …) has files of its own. Of a session with several records (failed, then taken up again) the finished one
counts, else the last.
"""

from collections.abc import Iterator
from pathlib import Path

from counseling_sessions.graph.ledger import Damage
from counseling_sessions.sessions.checking import Checked, check, read_one, read_records
from counseling_sessions.sessions.shards import (
    PACKED,
    RAW,
    RUN_FILE,
    Entry,
    RunError,
    ShardName,
    Shards,
    entry_of,
    listed,
    record_of,
)
from counseling_sessions.state import SessionRecord

__all__ = [
    "PACKED",
    "RAW",
    "RUN_FILE",
    "Checked",
    "Entry",
    "RunError",
    "ShardName",
    "Store",
    "entry_of",
    "is_run",
    "listed",
    "record_of",
]


def is_run(folder: Path) -> bool:
    """Whether a folder is a run directory."""
    return (folder / RUN_FILE).exists() or (folder / "shards").is_dir()


class Store(Shards):
    """The sessions of a run directory, each record compared with the ledger."""

    def entries(self) -> dict[str, Entry]:
        """What has become of every unit that has come to an end, by session id, as the ledgers say: no record is looked at."""
        return self.index().best

    def records(self, *, failed: bool = False, left_out: list[Damage] | None = None) -> Iterator[SessionRecord]:
        """The record of every finished session, once, shard by shard; with `failed`, of the failed ones too.

        `RunError` names the damaged sessions, at the end; with a list for what is left out, they are put there instead.
        """
        return read_records(self, failed=failed, left_out=left_out)

    def record(self, session_id: str) -> SessionRecord | None:
        """One session's record, without reading the others; None where no ledger knows it. Raises `RunError`."""
        return read_one(self, session_id)

    def check(self) -> Checked:
        """What is there and what is damaged, from one pass over all shards. Raises `RunError`."""
        return check(self)
