"""Tables of text (CSV, TSV): a header, and a record a row, whose values are texts."""

import csv
from collections import Counter
from collections.abc import Iterator
from typing import IO

from counseling_sessions.profiles.documents.values import Items, Record
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.store.reading import MOST_LINE

MOST_CELL = 16 * 2**20
"""Characters of the longest cell: a whole session may stand in one."""


def table_records(stream: IO[str], file: str, delimiter: str) -> Items:
    """A record for each row, numbered below the header; rows without text are passed over, but count.

    A header that names a column twice is a problem, and so is every row with more or fewer cells than the header.
    """
    csv.field_size_limit(MOST_CELL)
    rows = enumerate(_rows(stream, delimiter))
    names: list[str] = []
    for _, row in rows:
        if isinstance(row, csv.Error):
            yield Problem(file, f"the header is broken: {row}")
            return
        if names := _without_empty_end([name.strip() for name in row], 0):
            break
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        yield Problem(file, f"the header has several columns {twice[0][:80]!r}; each column needs a name of its own")
        return
    any_row = False
    for number, (_, row) in enumerate(rows, 1):
        if isinstance(row, csv.Error):
            yield Problem(file, f"the row is broken: {row}", number)
        elif any(map(str.strip, row)):
            cells = row if len(row) == len(names) else _without_empty_end(row, len(names))
            yield (
                Record(file, number, dict(zip(names, cells, strict=True)))
                if len(cells) == len(names)
                else _uneven(file, number, len(cells), len(names))
            )
        else:
            continue
        any_row = True
    if not any_row:
        yield Problem(file, "the table has no row below its header")


def _uneven(file: str, number: int, cells: int, columns: int) -> Problem:
    return Problem(file, f"the row has {cells} cells, the header {columns}", number)


def _without_empty_end(cells: list[str], least: int) -> list[str]:
    """The cells, without empty ones behind the last column: a row that ends in a delimiter has one."""
    end = len(cells)
    while end > least and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _rows(stream: IO[str], delimiter: str) -> Iterator[list[str] | csv.Error]:
    """Every row, or what is wrong with it; the reader begins anew on the next line. `OSError` for a line that is too long."""
    reader = csv.reader(_lines(stream), delimiter=delimiter, strict=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield error


def _lines(stream: IO[str]) -> Iterator[str]:
    while line := stream.readline(MOST_LINE + 1):
        if len(line) > MOST_LINE:
            raise OSError(0, f"a line is longer than {MOST_LINE:,} characters")
        yield line
