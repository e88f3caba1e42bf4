"""Texts as tokens, for counting: Unicode words, or the tokens of any model that comes with a `tokenizer.json`.

Figures on tokens can be compared only where the tokenizer is the same, so that its name goes with every figure.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import tokenizers

from counseling_sessions.settings import SettingsError
from counseling_sessions.store.reading import read_bytes
from counseling_sessions.texts.normal import normal_form

Encode = Callable[[Sequence[str]], list[Sequence[Hashable]]]

# Scripts that put no space between words: here every letter counts as a word.
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # kana and iteration marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)


@dataclass(frozen=True)
class Tokenizer:
    """A way to cut texts into tokens.

    `vocabulary` is how many different tokens there can be, None where that is open, as with words. `encode` gives the
    tokens of each text, in order, as words or as whole numbers; a batch at a time, since that is faster.
    """

    name: str
    vocabulary: int | None
    encode: Encode

    def tokens(self, text: str) -> Sequence[Hashable]:
        """The tokens of one text."""
        return self.encode([text])[0]


def unicode_words() -> Tokenizer:
    """Words of any language: NFKC, case folded, runs of letters, digits and combining marks; "don't" is one word.

    Punctuation, symbols and underscores are dropped. In scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer,
    Burmese) every letter with its marks is a word; for these a `tokenizer.json` says more.
    """
    return Tokenizer("unicode-words", None, _in_words)


def tokenizer_of_file(path: Path) -> Tokenizer:
    """A Hugging Face `tokenizer.json`, without the special tokens that it would put around a text.

    The vocabulary is the model's own, without tokens that were added to it (Llama 3: 128,000), as the paper counts it.
    The name is the file's with its folder's, and 8 digits of its SHA-256, since most files have the same name. Raises
    `SettingsError` where the file cannot be read or is no tokenizer.
    """
    try:
        content = read_bytes(path)
        found = tokenizers.Tokenizer.from_buffer(content)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # the library raises bare exceptions
        message = " ".join(str(error).split())[:200]
        raise SettingsError(f"{path} is not a tokenizer.json of Hugging Face: {message}") from None
    found.no_truncation()
    found.no_padding()
    vocabulary = found.get_vocab_size(with_added_tokens=False) or found.get_vocab_size()
    name = "/".join(path.absolute().parts[-2:])
    return Tokenizer(f"{name} ({hashlib.sha256(content).hexdigest()[:8]})", vocabulary, partial(_in_pieces, found))


def with_paper_cleaning(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer, fed with texts that have gone through `paper_cleaning`."""
    return replace(tokenizer, name=f"{tokenizer.name}, ASCII cleaning", encode=partial(_cleaned, tokenizer.encode))


def paper_cleaning(text: str) -> str:
    """Lower case, then nothing but the ASCII letters, digits and white space of a text.

    The kind of cleaning that the paper's notebook does before it counts (arXiv 2509.04183, diversity), in our own words and
    not checked against it character by character. What stands around a dropped character closes up ("don't" becomes "dont").
    It takes every letter away from text in another script: for such sessions the figures mean nothing.
    """
    return re.sub(r"[^a-z0-9\s]", "", text.lower(), flags=re.ASCII)


def _cleaned(encode: Encode, texts: Sequence[str]) -> list[Sequence[Hashable]]:
    return encode([paper_cleaning(text) for text in texts])


def _in_pieces(tokenizer: tokenizers.Tokenizer, texts: Sequence[str]) -> list[Sequence[Hashable]]:
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return [item.ids for item in encoded]


def _in_words(texts: Sequence[str]) -> list[Sequence[Hashable]]:
    ascii_words, words = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*"), _words()
    found: list[Sequence[Hashable]] = []
    for text in texts:
        # Most text is ASCII but for its quotation marks, and then the short pattern does, which is twice as fast.
        plain = text.replace("’", "'")
        if plain.isascii():
            found.append(ascii_words.findall(plain.lower()))
        else:
            # Case folding can undo the normal form.
            folded = normal_form("NFKC", normal_form("NFKC", plain).casefold())
            found.append(words.findall(folded))
    return found


@cache
def _words() -> re.Pattern[str]:
    # `\w` holds no combining marks, without which words of Hindi or Tamil fall to pieces.
    points = map(chr, [*range(0x20000), *range(0xE0100, 0xE01F0)])
    marks = "".join(point for point in points if unicodedata.category(point) in {"Mn", "Mc"})
    word = rf"(?![{_UNSPACED}])[^\W_](?:(?![{_UNSPACED}])[^\W_]|[{marks}])*"
    return re.compile(rf"[{_UNSPACED}][{marks}]*|{word}(?:'{word})*")
