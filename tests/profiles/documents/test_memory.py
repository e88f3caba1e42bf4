"""Files of any length: one record is held, not the file."""

import csv
import gzip
import json
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from counseling_sessions.profiles.documents import Record, records_of

MESSAGES = [{"role": "user", "content": f"{number} " + "words and words " * 20} for number in range(20)]
SESSION = {"messages": MESSAGES}
COUNT = 1500
MOST_HELD = 8 * 2**20
"""Bytes: a piece of a MiB, read and parsed, and what libraries hold. The files have 11 MiB and more."""


def write_list(path):
    path.write_text("[" + ",\n".join([json.dumps(SESSION)] * COUNT) + "]")


def write_lines(path):
    path.write_text("\n".join([json.dumps(SESSION)] * COUNT))


def write_packed(path):
    path.write_bytes(gzip.compress("\n".join([json.dumps(SESSION)] * COUNT).encode(), 1))


def write_wide_lines(path):
    path.write_text("\n".join([json.dumps(SESSION)] * COUNT), encoding="utf-16")


def write_table(path):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["session", "text"], *([[str(number), json.dumps(SESSION)] for number in range(COUNT)])]
        )


def write_parquet(path):
    pq.write_table(pa.Table.from_pylist([SESSION] * COUNT), path, row_group_size=500)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("x.json", write_list),
        ("x.jsonl", write_lines),
        ("x.jsonl.gz", write_packed),
        ("wide.jsonl", write_wide_lines),
        ("x.csv", write_table),
        ("x.parquet", write_parquet),
    ],
)
def test_a_long_file_is_not_held(tmp_path, name, write):
    path = tmp_path / name
    write(path)
    tracemalloc.start()
    try:
        count = sum(isinstance(item, Record) for item in records_of(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == COUNT
    assert peak < MOST_HELD
