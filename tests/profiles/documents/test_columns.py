"""Parquet and Arrow, and the folders that the library `datasets` writes."""

import datetime
import gzip
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from counseling_sessions.profiles.documents import Record, files_in, records_of

ROWS = [
    {"id": number, "said": [{"role": "user", "content": f"é{number}"}], "at": datetime.datetime(2026, 1, 2)}
    for number in range(700)
]


def values(place):
    return [(item.number, item.value) if isinstance(item, Record) else item.message for item in records_of(place)]


def test_parquet_is_read_row_by_row_whatever_its_name(tmp_path):
    for name in ("x.parquet", "x.json", "x"):
        pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / name, row_group_size=300)
        assert values(tmp_path / name) == list(enumerate(ROWS, 1))
    packed = tmp_path / "x.parquet.gz"
    packed.write_bytes(gzip.compress((tmp_path / "x").read_bytes()))
    assert values(packed) == list(enumerate(ROWS, 1))


def test_what_is_wrong_with_a_table_of_columns_is_told(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), path)
    assert values(path) == ["several columns have the name 'a'"]
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), path)
    assert values(path) == ["the table has no row"]
    path.write_bytes(b"PAR1 and nothing more")
    (problem,) = values(path)
    assert problem.startswith("broken Parquet: ")
    pq.write_table(pa.Table.from_pylist(ROWS), path, compression="none", row_group_size=100)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"\xff" * 2000
    path.write_bytes(content)
    *first, last = values(path)
    assert first == list(enumerate(ROWS, 1))[: len(first)]
    assert isinstance(last, str)


@pytest.mark.parametrize("missing", ["pyarrow", "pyarrow.parquet"])
def test_without_pyarrow_it_says_what_to_install(tmp_path, monkeypatch, missing):
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "x.parquet")
    monkeypatch.setitem(sys.modules, missing, None)
    assert values(tmp_path / "x.parquet") == ["needs pyarrow; install it with: pip install -e '.[export]'"]


def test_a_saved_data_set_is_read_from_its_folder(tmp_path):
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_list(ROWS)
    data.save_to_disk(tmp_path / "one", num_shards=3)
    datasets.DatasetDict({"train": data, "test": data.select(range(2))}).save_to_disk(tmp_path / "parts")
    for folder, expected in (("one", ROWS), ("parts", ROWS[:2] + ROWS)):
        places = files_in(tmp_path / folder)
        assert {place.suffix for place in places} == {".arrow"}
        assert [value for place in places for _, value in values(place)] == expected


def test_arrow_of_either_form_is_read(tmp_path):
    table = pa.Table.from_pylist(ROWS)
    for writer in (pa.ipc.new_file, pa.ipc.new_stream):
        with writer(tmp_path / "x.arrow", table.schema) as file:
            file.write_table(table, max_chunksize=300)
        assert values(tmp_path / "x.arrow") == list(enumerate(ROWS, 1))
    (tmp_path / "x.arrow").write_bytes(b"nothing")
    (problem,) = values(tmp_path / "x.arrow")
    assert problem.startswith("broken Arrow: ")
