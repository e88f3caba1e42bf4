"""Texts as tokens, for counting: Unicode words, or the tokens of any model that comes with a `tokenizer.json`.

Figures on tokens can be compared only where the tokenizer is the same, so that its name goes with every figure.
"""

import hashlib
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tokenizers

from counseling_sessions.settings import SettingsError
from counseling_sessions.store.reading import read_bytes
from counseling_sessions.texts.words import words_of_any_script

Encode = Callable[[Sequence[str]], list[Sequence[Hashable]]]


@dataclass(frozen=True)
class Tokenizer:
    """A way to cut texts into tokens.

    `vocabulary` is how many different tokens there can be, None where that is open, as with words. `encode` gives the
    tokens of each text, in order, as words or as integers; a batch at a time, since that is faster.
    """

    name: str
    vocabulary: int | None
    encode: Encode


def unicode_words() -> Tokenizer:
    """Words of any language, as `words_of_any_script` takes them; for scripts without spaces a `tokenizer.json` says more."""
    return Tokenizer("unicode-words", None, lambda texts: [*map(words_of_any_script, texts)])


def tokenizer_of_file(path: Path) -> Tokenizer:
    """A Hugging Face `tokenizer.json`, without the special tokens that it would put around a text.

    The vocabulary leaves out added tokens (Llama 3: 128,000), as the paper counts it.
    The name is the file's with its folder's, and 8 digits of its SHA-256, since most files have the same name. Raises
    `SettingsError` where the file cannot be read or is no tokenizer.
    """
    try:
        content = read_bytes(path)
        model = tokenizers.Tokenizer.from_buffer(content)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # the library raises bare exceptions
        message = " ".join(str(error).split())[:200]
        raise SettingsError(f"{path} is not a tokenizer.json of Hugging Face: {message}") from None
    model.no_truncation()
    model.no_padding()
    vocabulary = model.get_vocab_size(with_added_tokens=False) or model.get_vocab_size()
    name = f"{'/'.join(path.absolute().parts[-2:])} ({hashlib.sha256(content).hexdigest()[:8]})"

    def encode(texts: Sequence[str]) -> list[Sequence[Hashable]]:
        return [item.ids for item in model.encode_batch_fast(list(texts), add_special_tokens=False)]

    return Tokenizer(name, vocabulary, encode)


def with_paper_cleaning(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer, fed with texts that have gone through `paper_cleaning`."""
    encode = tokenizer.encode
    name = f"{tokenizer.name}, ASCII cleaning"
    return replace(tokenizer, name=name, encode=lambda texts: encode([*map(paper_cleaning, texts)]))


def paper_cleaning(text: str) -> str:
    """Lower case, then nothing but the ASCII letters, digits and white space of a text.

    The paper's notebook cleans texts in this way before it counts (arXiv 2509.04183, diversity); ours is not checked against it
    character by character. What stands around a dropped character closes up ("don't" becomes "dont"). Text in another
    script loses every letter: for such sessions the figures mean nothing.
    """
    return re.sub(r"[^a-z0-9\s]", "", text.lower(), flags=re.ASCII)
