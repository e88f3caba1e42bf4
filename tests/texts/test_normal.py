"""Normal forms of foreign texts: linear in the text, and the usual ones for what people write."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counseling_sessions.texts.normal import MOST_MARKS, capped, normal_form


@given(st.text(st.characters(exclude_categories=["Mn", "Mc", "Me"]), max_size=60))
def test_what_has_few_marks_gets_its_usual_normal_form(text: str) -> None:
    assert normal_form("NFKC", text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize("text", ["Việt Nam", "בְּרֵאשִׁ֖ית", "བསྒྲུབས", "ﷺ é", "हिन्दी", "👩🏽‍🚀"])
def test_the_marks_of_living_languages_stay(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert normal_form(form, text) == unicodedata.normalize(form, text)


def test_more_marks_than_a_letter_has_are_cut() -> None:
    assert capped("a" + "\u0301" * 50 + "b" + "\u0323" * 3) == "a" + "\u0301" * MOST_MARKS + "b" + "\u0323" * 3


# U+0F73 and U+FF9E are no marks by their class, but become some.
@pytest.mark.parametrize("marks", ["\u0301", "\u0301\u0323", "\u0f73", "\uff9e", "\u0344", "\u0327\u3099"])
def test_a_hundred_thousand_marks_take_no_second(marks: str) -> None:
    text = "a" + marks * (100_000 // len(marks))
    started = time.process_time()
    for form in ("NFKC", "NFD", "NFKD"):
        normal_form(form, text)
    assert time.process_time() - started < 1
