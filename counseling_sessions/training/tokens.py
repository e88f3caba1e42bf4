"""From an example to token ids with the base model's chat template, and the range of the answer's tokens.

The loss counts only the answer: its tokens and the one that ends it, not the prompt, and not what the template puts behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from counseling_sessions.training.errors import TrainingError

Chat = Sequence[dict[str, str]]


class TemplateError(TrainingError):
    """A chat template refuses the prompt, or does not separate the answer from it."""


@dataclass(frozen=True)
class Tokens:
    """An example as token ids, shape (tokens,); `ids[answer:]` is the answer with the token that ends it."""

    role: str
    ids: tuple[int, ...]
    answer: int


def tokenize(tokenizer: Any, role: str, prompt: Chat, completion: Chat, max_length: int) -> Tokens | None:
    """An example's tokens, at most `max_length`; None if even the shortest prompt leaves no room for the answer.

    A prompt that is too long loses its oldest exchanges. It keeps the messages before the dialogue, the last message and the
    complete answer. Raises `TemplateError`.
    """
    shortened = list(prompt)
    while True:
        tokens = _tokens(tokenizer, role, shortened, completion)
        if len(tokens.ids) <= max_length:
            return tokens
        first = _oldest_exchange(shortened)
        if first is None:
            return None
        del shortened[first : first + 2]


def _oldest_exchange(prompt: Chat) -> int | None:
    """The place of the oldest exchange that can go: an answer and the message after it."""
    first = next((place for place, message in enumerate(prompt) if message["role"] == "assistant"), None)
    return None if first is None or first + 2 >= len(prompt) else first


def _tokens(tokenizer: Any, role: str, prompt: Chat, completion: Chat) -> Tokens:
    before = _text(tokenizer, list(prompt), add_generation_prompt=True)
    text = _text(tokenizer, [*prompt, *completion], add_generation_prompt=False)
    prompt_ids = _ids(tokenizer, before)
    ids = _ids(tokenizer, _until_end(tokenizer, text, completion[-1]["content"].strip(), len(before)))
    if ids[: len(prompt_ids)] != prompt_ids:
        raise TemplateError("this model's chat template writes a prompt differently once it is answered")
    return Tokens(role, tuple(ids), len(prompt_ids))


def _text(tokenizer: Any, chat: list[dict[str, str]], *, add_generation_prompt: bool) -> str:
    try:
        return str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=add_generation_prompt))
    except jinja2.TemplateError as error:  # Some refuse a system message, as the model's server would.
        raise TemplateError(f"this model's chat template refuses a prompt: {error}") from None


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _until_end(tokenizer: Any, text: str, answer: str, prompt: int) -> str:
    """The text up to the special token that ends the answer; no model writes what a template puts after that.

    Some templates add a line break, some a second token, and Llama 3's first one the beginning of the next answer. `prompt` is the
    length of the text before the answer.
    """
    start = text.find(answer, prompt)
    if start < 0:
        raise TemplateError("this model's chat template changes the words of a prompt or of its answer")
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    ends = [(place, len(token)) for token in added if (place := text.find(token, start + len(answer))) >= 0]
    place, length = min(ends, default=(len(text), 0))
    return text[: place + length]
