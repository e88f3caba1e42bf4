"""The fields of a client's form: who may see them, how they are declared, and how a foreign text is made safe for a prompt."""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

FIELD_LIMIT = 2000
"""Characters of one field that reach a prompt, which cuts the rest at a word. The profile itself keeps it all."""

TEXT_LIMIT = 20_000
"""Characters of one text of a profile."""


class Audience(StrEnum):
    """Who may see a field."""

    BOTH = "client and counselor"
    CLIENT = "client"
    NOBODY = "nobody"


def _visible(text: str) -> str:
    if not clean(text):
        raise ValueError("has no visible character")
    return text


Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LIMIT), AfterValidator(_visible)
]


def form_field(audience: Audience, title: str, description: str, **kwargs: Any) -> Any:
    """A field with its audience."""
    return Field(title=title, description=description, json_schema_extra={"seen_by": audience.value}, **kwargs)


def _unset(value: object) -> bool:
    """Whether a field that came later is left out of a file: old profiles stay as they were."""
    return value in (None, ())


def later_field(title: str, description: str, default: Any = None, **kwargs: Any) -> Any:
    """A field of the client's that came later."""
    return form_field(Audience.CLIENT, title, description, default=default, exclude_if=_unset, **kwargs)


class FormPart(BaseModel):
    """A part of a form: frozen, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_LABEL = re.compile(
    r"(?<![^\W_])(counsel+or|therapist|client|system|assistant|user)[\s*_\u200c\u200d]*[:：]", re.IGNORECASE
)
_MARKER = re.compile(r"\[[\s/]*(?=(?:end|heard|risk)\b)", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?:(?<=<)(?=[|｜]|/?(?:s|bos|eos|start_of_turn|end_of_turn|think)>)|(?<=[|｜])(?=>)|(?<=\[)(?=/?INST\]))",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)  # Every call of a turn renders the same dialogue.
def clean(text: str, limit: int = FIELD_LIMIT) -> str:
    """Make a foreign text safe inside a prompt: one line of data of at most `limit` characters.

    It removes control and format characters, makes white space single spaces, and cuts a long text at a word with an
    ellipsis. Chat-template tokens, speaker labels and end markers lose their meaning. Cleaning twice changes nothing.
    """
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text)
        text = "".join(c for c in text if unicodedata.category(c) not in {"Cf", "Cs", "Co"} or c in "\u200c\u200d")
    # Splits tokens such as <|im_end|>, so that no server takes them for its own.
    text = _LABEL.sub(r"\1 -", _TOKEN.sub(" ", text))
    text = " ".join(text.split())
    if len(text) > limit:
        head = text[: limit - 2]
        text = (head[: head.rfind(" ")] if " " in head[limit // 2 :] else head.rstrip()) + " …"
    # Last, as the cut can turn a word into `end`.
    return _MARKER.sub("(", text)
