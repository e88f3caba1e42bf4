"""What a run's folder has, and folders of single sessions as they were written before."""

from pathlib import Path

from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import Damage, Listed, measured, sealed
from counseling_sessions.sessions.old import OLD_LEDGER, OLD_SHARD
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.store.log import append

SHARD = Path("shards", "w0-00001.jsonl")
LEDGER = Path("ledger", "w0.jsonl")


def kept_in(folder: Path, left_out: list[Damage] | None = None) -> dict[str, SessionRecord]:
    """The records of a folder by session id."""
    return {record.session_id: record for record in RunFolder(folder).records(failed=True, left_out=left_out)}


def keep_old(record: SessionRecord, folder: Path) -> None:
    """Keep a record as it was kept before."""
    text = record.model_dump_json().encode()
    end = append(folder / OLD_SHARD, text + b"\n")
    listed = {name: getattr(record, name) for name in ("session_id", "status", "finished_at")}
    append(folder / OLD_LEDGER, sealed(Listed(**listed, end=end, **measured(text))))
    if record.status == "finished":
        (folder / f"{record.session_id}{SUFFIX}").unlink(missing_ok=True)
