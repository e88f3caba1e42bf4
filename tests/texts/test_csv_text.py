"""CSV for spreadsheets: no text is computed, no number is changed."""

import csv
import io

import pytest

from counseling_sessions.texts.csv_text import csv_text, no_formula


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " \n =1", "＝1", "\u200f=1", "\x1b[1m=1"]
)
def test_no_text_begins_as_a_formula_does(text):
    assert no_formula(text).startswith("'")
    header, row = csv.reader(io.StringIO(csv_text([text], [[text]]), newline=""))
    assert header == row == [no_formula(text)]


def test_what_is_no_formula_stays():
    assert csv_text(["a", "b", "c"], [[-1.5, "1=1", None], ["T: a\nb", -2, '"']]) == (
        'a,b,c\r\n-1.5,1=1,\r\nT: a b,-2,""""\r\n'
    )
    assert no_formula("\ta tab") == "a tab"
