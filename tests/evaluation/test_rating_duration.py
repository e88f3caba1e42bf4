"""How long a study takes its raters: told when it is drawn, and on their pages."""

import json
import re

import pytest

from counseling_sessions.evaluation.rating.duration import duration_in_words, minutes_of
from counseling_sessions.evaluation.rating.page import page_of
from counseling_sessions.evaluation.session_length import count_words
from tests.evaluation.rating_sessions import study
from tests.evaluation.test_rated_sessions import drawn


def test_it_is_reading_all_that_is_shown_and_answering_repeats_included() -> None:
    one = study(12, raters=1, repeats=0.25, swaps=0)
    (sheet,) = one.sheets
    assert len(sheet.showings) > len(one.pairs)
    words = 0
    for showing in sheet.showings:
        pair = one.by_id[showing.pair]
        said = [message.text for session in (pair.first, pair.second) for message in session.dialogue]
        words += sum(map(count_words, [*said, *pair.information, pair.reason]))
    answers = len(sheet.showings) * len(one.aspects.items)
    assert minutes_of(one, sheet) == pytest.approx(words / 238 + answers * 10 / 60)


def test_the_words_name_hours_source_and_what_is_assumed() -> None:
    said = duration_in_words(study(12, raters=3, repeats=0, swaps=0))
    each, everyone = re.findall(r"about (\d+ minutes|[\d.]+ hours)", said)
    assert each.endswith("minutes")
    assert everyone.endswith("hours")
    assert "Brysbaert 2019" in said
    assert "assumed, not measured" in said
    assert "Fewer pairs (--pairs)" in said
    assert "Fewer sessions (--sessions)" in duration_in_words(drawn(2, repeats=0))


def test_a_page_has_the_same_estimate() -> None:
    one = study(4)
    for sheet in one.sheets:
        data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page_of(one, sheet), re.DOTALL)
        assert data
        assert json.loads(data[1])["minutes"] == round(minutes_of(one, sheet))
