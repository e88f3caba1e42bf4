"""CSV that is opened in a spreadsheet: no cell of it is a formula, whatever a model or a stranger wrote into it."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from counseling_sessions.texts.harmless import one_line

_FORMULA = tuple("=+-@＝＋－＠")
"""What a spreadsheet computes if a text begins so. Tabs and line breaks, which it may read over, are gone before."""


def csv_text(columns: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    """A header and lines as CSV, in which no text begins as a formula does. Numbers are written in full, None as nothing."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(map(no_formula, columns))
    writer.writerows([no_formula(value) if isinstance(value, str) else value for value in line] for line in lines)
    return file.getvalue()


def no_formula(text: str) -> str:
    """The text in one line, behind an apostrophe where a spreadsheet would compute it."""
    line = one_line(text)
    return f"'{line}" if line.lstrip().startswith(_FORMULA) else line
