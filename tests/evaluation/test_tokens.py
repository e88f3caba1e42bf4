"""Texts as tokens: what counts as a word, models' tokenizers, and the paper's cleaning."""

import random
import string
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, processors

from counseling_sessions.evaluation.diversity.tokens import (
    as_in_paper,
    paper_cleaning,
    tokenizer_of_file,
    unicode_words,
)
from counseling_sessions.settings import SettingsError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don’t we—well, _really_ WON'T?", ["don't", "we", "well", "really", "won't"]),
        ("'quoted' at 3pm, 2.5 hours", ["quoted", "at", "3pm", "2", "5", "hours"]),
        ("Straße, ﬁne, naïve cafe\u0301", ["strasse", "fine", "naïve", "café"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("很难过 ok", ["很", "难过", "ok"]),
        ("Good ❤️ — … 🙂", ["good"]),
        ("", []),
        ("…?!", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert unicode_words().encode([text]) == [words]


@given(st.text(string.printable, max_size=60))
def test_plain_text_and_the_same_text_beside_another_script_give_the_same_words(text: str) -> None:
    plain, beside = unicode_words().encode([text, f"{text} é"])
    assert [*plain, "é"] == beside


def test_words_are_an_open_vocabulary() -> None:
    assert unicode_words().vocabulary is None


def tokenizer_file(folder: Path, *, special: bool = True) -> Path:
    vocabulary = {"[UNK]": 0, "sleep": 1, "less": 2, "I": 3, "[CLS]": 4}
    made = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        made.post_processor = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 4)])
    made.add_special_tokens(["<end of turn>"])
    made.enable_truncation(2)
    made.enable_padding(length=8)
    folder.mkdir(exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def test_a_models_tokenizer_gives_its_tokens_and_nothing_around_them(tmp_path: Path) -> None:
    found = tokenizer_of_file(tokenizer_file(tmp_path / "small"))
    assert [list(ids) for ids in found.encode(["I sleep sleep less", "", "less I"])] == [[3, 1, 1, 2], [], [2, 3]]


def test_its_vocabulary_leaves_added_tokens_out(tmp_path: Path) -> None:
    assert tokenizer_of_file(tokenizer_file(tmp_path / "small")).vocabulary == 5


def test_its_name_tells_two_files_apart(tmp_path: Path) -> None:
    names = {
        tokenizer_of_file(tokenizer_file(tmp_path / folder, special=special)).name
        for folder, special in (("one", True), ("one", False), ("two", True))
    }
    assert len(names) == 3
    assert all("tokenizer.json (" in name for name in names)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\xfe", b'{"model": 3}', b"[" * 100_000])
def test_a_file_that_is_no_tokenizer_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"tokenizer\.json (cannot be read|is not a tokenizer\.json)"):
        tokenizer_of_file(path)


def test_paper_cleaning() -> None:
    assert paper_cleaning("Don’t — 3 naïve\n\tDays_off!") == "Dont  3 naveDaysoff"


def test_the_papers_counting_cleans_before_the_tokenizer_and_shows_in_its_name() -> None:
    paper = as_in_paper(unicode_words())
    assert paper.encode(["I can’t go—yet.\nÜnder"]) == [["I", "cant", "goyetnder"]]
    assert paper.name == "unicode-words (as the paper's notebook counts)"


def test_the_papers_counting_has_the_token_in_front_of_a_text(tmp_path: Path) -> None:
    plain = tokenizer_of_file(tokenizer_file(tmp_path / "small", special=True))
    assert [list(ids) for ids in plain.encode(["I sleep!"])] == [[3, 1, 0]]
    assert [list(ids) for ids in as_in_paper(plain).encode(["I sleep!"])] == [[4, 3, 1]]


def test_words_are_split_in_linear_time() -> None:
    random.seed(1)
    text = "".join(random.choices("a'’_é \u0301", k=200_000))
    assert len(unicode_words().encode([text])[0]) > 1000
