"""Foreign texts on a terminal: nothing in them commands it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counseling_sessions.texts.harmless import harmless, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, with é, 中文, שלום and 🙂", "plain text, with é, 中文, שלום and 🙂"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hwiped", "wiped"),
        ("\x1b]0;title\x07window", "window"),
        ("\x1b]8;;http://elsewhere\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;c2VjcmV0\x9cclipboard", "clipboard"),
        ("\x9b31mred", "red"),
        ("over\rwritten\x08", "overwritten"),
        ("abc\u202edcba", "abcdcba"),
        ("a\u2066b\u2069\u200e", "ab"),
        ("line\u2028separator", "lineseparator"),
        ("half a pair \ud800", "half a pair "),
        ("zero\u200dwidth \u0645\u06cc\u200c\u062e", "zero\u200dwidth \u0645\u06cc\u200c\u062e"),
    ],
)
def test_commands_go_and_words_stay(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text(st.characters(codec=None)))
def test_nothing_is_left_that_commands_a_terminal(text: str) -> None:
    shown = harmless(text)
    assert harmless(shown) == shown
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    assert not [
        c
        for c in shown
        if unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI")
    ]


def test_one_line() -> None:
    assert one_line("first\n\x1b[1mfailed: second\x1b[0m\r\n") == "first failed: second"
