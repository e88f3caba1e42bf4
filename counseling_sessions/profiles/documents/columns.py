"""Tables of typed columns (Parquet, Arrow): a record a row, whose values are Python's."""

import io
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

from counseling_sessions.profiles.documents.values import Items, Record
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.store.reading import MOST_BYTES

BATCH = 256
"""Rows that are held at once."""
NEEDED = "needs pyarrow; install it with: pip install -e '.[export]'"


def column_records(stream: IO[bytes], file: str, *, parquet: bool) -> Items:
    """The rows of a table, in its order."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        yield Problem(file, NEEDED)
        return
    try:
        source = _seekable(stream)
        batches: Iterator[Any]
        if parquet:
            table = pq.ParquetFile(source, pre_buffer=False)
            schema, batches = table.schema_arrow, table.iter_batches(batch_size=BATCH)
        else:
            is_file = source.read(6) == b"ARROW1"
            source.seek(0)
            table = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
            schema = table.schema
            batches = map(table.get_batch, range(table.num_record_batches)) if is_file else iter(table)
        if twice := [name for name, times in Counter(schema.names).items() if times > 1]:
            yield Problem(file, f"several columns have the name {twice[0][:80]!r}")
            return
        yield from _rows(batches, file)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        yield Problem(file, f"broken {'Parquet' if parquet else 'Arrow'}: {' '.join(str(error).split())[:200]}")


def _rows(batches: Iterator[Any], file: str) -> Items:
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH):
            for value in batch.slice(start, BATCH).to_pylist():
                number += 1
                yield Record(file, number, value)
    if not number:
        yield Problem(file, "the table has no row")


def _seekable(stream: IO[bytes]) -> IO[bytes]:
    """The stream, or what is in it: a packed one cannot be read from its end."""
    if stream.seekable():
        return stream
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(0, f"it is packed and larger than {MOST_BYTES:,} bytes; unpack it first")
    return io.BytesIO(content)
