"""What it takes to read sessions of each form, as records and as sessions: CPU time and peak memory, each in a process of its own.

python benchmarks/reading.py [--sessions 100000] [--formats jsonl,csv] [--folder FOLDER]
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import csv

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from counseling_sessions.profiles.documents import Record, records_of
from counseling_sessions.sessions import Session, read_sessions

MESSAGES = 20
PIECE = 1000


def sessions(count: int) -> Iterator[dict[str, object]]:
    for number in range(count):
        messages = [
            {"role": ("assistant", "user")[place % 2], "content": f"Message {place} of {number}: " + "so it goes, " * 9}
            for place in range(MESSAGES)
        ]
        yield {"id": str(number), "messages": messages}


def write_lines(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(session)}\n" for session in sessions(count))


def write_list(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number, session in enumerate(sessions(count)):
            file.write(f"{',' if number else '['}\n{json.dumps(session)}")
        file.write("]")


def write_table(path: Path, count: int) -> None:
    """A row an utterance."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["session", "role", "content"])
        for session in sessions(count):
            writer.writerows([session["id"], said["role"], said["content"]] for said in session["messages"])


def write_parquet(path: Path, count: int) -> None:
    first = pa.Table.from_pylist(list(sessions(1)))
    with pq.ParquetWriter(path, first.schema) as writer:
        piece = []
        for session in sessions(count):
            piece.append(session)
            if len(piece) == PIECE:
                writer.write_table(pa.Table.from_pylist(piece, first.schema))
                piece = []
        if piece:
            writer.write_table(pa.Table.from_pylist(piece, first.schema))


FORMS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "JSON Lines": ("x.jsonl", write_lines),
    "JSON list": ("x.json", write_list),
    "CSV, a row an utterance": ("x.csv", write_table),
    "Parquet": ("x.parquet", write_parquet),
}


def measured(path: Path, as_sessions: bool) -> tuple[int, float, float, float]:
    """Records or sessions, seconds of CPU time, and MiB of memory before and at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.process_time()
    items = read_sessions(path) if as_sessions else records_of(path)
    count = sum(isinstance(item, Session if as_sessions else Record) for item in items)
    return count, time.process_time() - start, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=100_000)
    suffixes = [Path(name).suffix[1:] for name, _ in FORMS.values()]
    parser.add_argument("--formats", default=",".join(suffixes), help=f"of {', '.join(suffixes)} (default: all)")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    args = parser.parse_args()
    if unknown := set(args.formats.split(",")) - {*suffixes}:
        parser.error(f"--formats: there is no {', '.join(sorted(unknown))}; there are {', '.join(suffixes)}")
    table = Table(
        "form", "file, MiB", "records", "µs a record", "MiB before", "MiB at most", "µs a session", "MiB at most"
    )
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for form, (name, write) in FORMS.items():
            path = Path(folder) / name
            if path.suffix[1:] not in args.formats.split(","):
                continue
            # Written elsewhere: a process begins with what its parent held at most.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                pool.apply(write, (path, args.sessions))
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                count, seconds, before, most = pool.apply(measured, (path, False))
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                read, session_seconds, _, session_most = pool.apply(measured, (path, True))
            assert read == args.sessions
            size = path.stat().st_size / 2**20
            path.unlink()
            row = (f"{size:,.0f}", f"{count:,}", f"{seconds / count * 1e6:.1f}", f"{before:.0f}", f"{most:.0f}")
            table.add_row(form, *row, f"{session_seconds / read * 1e6:.0f}", f"{session_most:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
