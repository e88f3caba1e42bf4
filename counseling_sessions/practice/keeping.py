"""What is kept of a practice session at its end: record, transcript and, for a person who was the counselor, the review."""

from dataclasses import dataclass
from pathlib import Path

from counseling_sessions.graph.practice import Practice
from counseling_sessions.inspection.transcript import transcript_markdown
from counseling_sessions.practice.review import Review, review_of
from counseling_sessions.practice.review_text import review_head, review_lines
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import keep
from counseling_sessions.store.atomic import write_atomically


@dataclass(frozen=True)
class KeptSession:
    """A practice session on the disk: its record, and where that lies; `review` and its `review_text` for a finished counselor."""

    record: SessionRecord
    folder: Path
    shard: Path
    review: Review | None = None
    review_text: str = ""

    @property
    def transcript_file(self) -> Path:
        return self.folder / f"{self.record.session_id}.md"

    @property
    def review_file(self) -> Path:
        """The review as text; as data it is beside it, as `.review.json`."""
        return self.folder / f"{self.record.session_id}.review.txt"


def keep_practice(session: Practice) -> KeptSession:
    """Keep a session as it stands. One that is final leaves no journal, and no text of its own."""
    record, folder = session.record(), RunFolder.of_journal(session.journal.path).folder
    kept = KeptSession(record, folder, keep(record, folder))
    if session.is_final:
        session.journal.path.unlink(missing_ok=True)
        return kept
    said_by = f"\n*Practice: the {session.part}'s messages are a person's.*\n"
    write_atomically(kept.transcript_file, (transcript_markdown(record) + said_by).encode(), private=True)
    if record.failure or session.part != "counselor":
        return kept
    review = review_of(record)
    text = "\n".join([review_head(), *review_lines(review)])
    data = review.model_dump_json(indent=1)
    write_atomically(kept.review_file.with_suffix(".json"), data.encode(), private=True)
    write_atomically(kept.review_file, f"{text}\n".encode(), private=True)
    return KeptSession(record, folder, kept.shard, review, text)


def kept_in(folder: Path) -> KeptSession | None:
    """The finished session of a folder, as it was kept; None where there is none. Raises `RunError` for a damaged one."""
    run = RunFolder(folder)
    record = next(iter(run.records()), None)
    if record is None:
        return None
    kept = KeptSession(record, folder, run.shards)
    data = kept.review_file.with_suffix(".json")
    if not data.is_file() or not kept.review_file.is_file():
        return kept
    review, text = Review.model_validate_json(data.read_bytes()), kept.review_file.read_text(encoding="utf-8")
    return KeptSession(record, folder, run.shards, review, text.rstrip("\n"))
