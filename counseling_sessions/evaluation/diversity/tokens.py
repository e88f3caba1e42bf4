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
    tokens of each text, in order, as words or as integers; a batch at a time, since that is faster. With `across`, a
    session is one text, its messages in lines, and an n-gram may run over into the next message.
    """

    name: str
    vocabulary: int | None
    encode: Encode
    across: bool = False


def unicode_words() -> Tokenizer:
    """Words of any language, as `words_of_any_script` takes them; for scripts without spaces a `tokenizer.json` says more."""
    return Tokenizer("unicode-words", None, _words)


def _words(texts: Sequence[str]) -> list[Sequence[Hashable]]:
    return [*map(words_of_any_script, texts)]


@dataclass(frozen=True)
class _Model:
    """A model's tokens; `special`: with those that it puts around a text. It can be sent to another process."""

    model: tokenizers.Tokenizer
    special: bool = False

    def __call__(self, texts: Sequence[str]) -> list[Sequence[Hashable]]:
        return [item.ids for item in self.model.encode_batch_fast(list(texts), add_special_tokens=self.special)]


@dataclass(frozen=True)
class _Cleaned:
    """What `paper_cleaning` leaves of a text, in tokens."""

    encode: Encode

    def __call__(self, texts: Sequence[str]) -> list[Sequence[Hashable]]:
        return self.encode([*map(paper_cleaning, texts)])


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

    return Tokenizer(name, vocabulary, _Model(model))


def as_in_paper(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer as the paper's notebook counts (arXiv 2509.04183, diversity).

    A session is one text, cleaned by `paper_cleaning`: words on both sides of a line feed become one, and n-grams run over
    the ends of messages. The token that a model puts in front of a text (BOS) counts, once a session. Case stays.
    """
    encode = replace(tokenizer.encode, special=True) if isinstance(tokenizer.encode, _Model) else _cased_words
    return replace(
        tokenizer, name=f"{tokenizer.name} (as the paper's notebook counts)", encode=_Cleaned(encode), across=True
    )


def paper_cleaning(text: str) -> str:
    """Nothing but the ASCII letters, digits and spaces of a text.

    What stands around a dropped character closes up ("don't" becomes "dont"), a line feed included. Text in another script
    loses every letter: for such sessions the figures mean nothing.
    """
    return re.sub(r"[^A-Za-z0-9 ]", "", text)


def _cased_words(texts: Sequence[str]) -> list[Sequence[Hashable]]:
    return [text.split() for text in texts]
