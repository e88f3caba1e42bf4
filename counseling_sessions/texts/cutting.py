"""Chinese and Japanese texts cut into words, by the libraries of the extra `languages`; without them every letter is a word.

Chinese by rjieba, the Rust port of jieba's dictionary and its model for unknown words (MIT); Japanese by SudachiPy with the small
dictionary, in units of middle length (Apache-2.0). Both are maintained, come as wheels and always cut a text alike.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

_KANA_LETTERS = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HAN_LETTERS = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HAN_OR_KANA = _KANA_LETTERS + _HAN_LETTERS
"""The letters of Chinese and Japanese, as a class of a pattern."""
_KANA, _HAN = re.compile(f"[{_KANA_LETTERS}]"), re.compile(f"[{_HAN_LETTERS}]")
_RUN = re.compile(f"[{HAN_OR_KANA}]+")
_TELLING_KATAKANA = re.compile(r"[\u30a0-\u30ff]{2}")
Cut = Callable[[str], list[str]]


def has_han_or_kana(text: str) -> bool:
    """Whether a text has letters of Chinese or Japanese."""
    return not text.isascii() and bool(_HAN.search(text) or _KANA.search(text))


def cut_runs(text: str) -> str:
    """The text with spaces between the words of its runs of Chinese or Japanese letters; which of the two, its kana say."""
    cut = _japanese() if _KANA.search(text) else _chinese()
    return _RUN.sub(lambda run: f" {' '.join(cut(run[0]))} ", text)


def tells(word: str) -> bool:
    """Whether a word with Han or kana may tell something: two Han letters, or two of katakana; shorter ones and hiragana join words."""
    return len(_HAN.findall(word)) > 1 or bool(_TELLING_KATAKANA.search(word))


def cutters() -> str:
    """What cuts which language, with its version: a figure on words goes with it."""
    chinese = f"rjieba {version('rjieba')}" if _module("rjieba") else "letters"
    japanese = f"SudachiPy {version('SudachiPy')}" if _module("sudachipy") else "letters"
    return f"Chinese by {chinese}, Japanese by {japanese}"


@cache
def _chinese() -> Cut:
    rjieba = _module("rjieba")
    return (lambda text: list(rjieba.cut(text, True))) if rjieba else list


@cache
def _japanese() -> Cut:
    sudachi = _module("sudachipy")
    if not sudachi:
        return list
    tokenizer = sudachi.Dictionary(dict="small").tokenizer(mode=sudachi.SplitMode.B)
    return lambda text: [word.surface() for word in tokenizer.tokenize(text)]


@cache
def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None
