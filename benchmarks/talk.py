"""How people talk in counseling, and how sessions do: the table "Talk" of several sets side by side.

    python benchmarks/talk.py AnnoMI-simple.csv corpus corpus/plain SESSIONS …

A path is anything that `run.py evaluate` reads, or a file of AnnoMI (transcribed demonstrations, a row an utterance), whose
sessions make two columns, of high and of low quality.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console

from counseling_sessions.evaluation.report.document import Document, Section
from counseling_sessions.evaluation.report.talk import talk_table
from counseling_sessions.evaluation.report.terminal import show
from counseling_sessions.evaluation.talk import Talk, talk_of
from counseling_sessions.sessions import Message, Session, read_sessions
from counseling_sessions.state import Speaker

SPEAKERS: dict[str, Speaker] = {"therapist": "counselor", "client": "client"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+", help="sessions, or a file of AnnoMI (.csv)")
    talks: dict[str, Talk] = defaultdict(Talk)
    for path in parser.parse_args().paths:
        sets = transcripts(path) if path.suffix == ".csv" else ((path.name, item) for item in read_sessions(path))
        for name, item in sets:
            if isinstance(item, Session):
                talks[name].add(talk_of(item))
    show(Document("How people talk", "", (Section("Talk", (), (talk_table(talks),)),)), Console(width=140))


def transcripts(path: Path) -> Iterator[tuple[str, Session]]:
    """AnnoMI's sessions, each with its quality; utterances in a row of one speaker stay apart."""
    for quality, number, rows in read_annomi(path):
        yield f"{path.stem}, {quality}", session_of_annomi(path, number, rows)


def read_annomi(path: Path) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    """AnnoMI's transcripts: quality, number, and a row for each utterance, in order."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["mi_quality"], row["transcript_id"]].append(row)
    for (quality, number), said in rows.items():
        yield quality, number, sorted(said, key=lambda row: int(row["utterance_id"]))


def session_of_annomi(path: Path, number: str, rows: list[dict[str, str]]) -> Session:
    """A transcript as a session."""
    dialogue = (
        Message(turn=place, speaker=SPEAKERS[row["interlocutor"]], text=row["utterance_text"])
        for place, row in enumerate(rows, 1)
    )
    return Session(id=number, source=str(path), dialogue=tuple(dialogue))


if __name__ == "__main__":
    main()
