"""From an example to token ids: the base model's own chat template, and which tokens are the answer.

The loss is on the answer alone: its tokens and the one that ends it, never the prompt, never what the template puts behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Chat = Sequence[dict[str, str]]


class TemplateError(ValueError):
    """A chat template with which a prompt is not the beginning of prompt and answer: the answer cannot be told apart."""


@dataclass(frozen=True)
class Tokens:
    """An example as token ids, shape (tokens,); `ids[answer:]` is the answer with the token that ends it."""

    role: str
    ids: tuple[int, ...]
    answer: int

    @property
    def answer_ids(self) -> tuple[int, ...]:
        return self.ids[self.answer :]


def tokenize(tokenizer: Any, role: str, prompt: Chat, completion: Chat, max_length: int) -> Tokens | None:
    """An example's tokens, at most `max_length` of them; None where even the shortest prompt leaves no room for the answer.

    A prompt that is too long loses its oldest exchanges, whole turns at a time: never the system message, never what the first
    message tells of the client, never the last message, never a word of the answer. Raises `TemplateError`.
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
    """Where the oldest exchange begins that can go: an answer and the next words, behind what stands before the dialogue."""
    first = next((place for place, message in enumerate(prompt) if message["role"] == "assistant"), None)
    return None if first is None or first + 2 >= len(prompt) else first


def _tokens(tokenizer: Any, role: str, prompt: Chat, completion: Chat) -> Tokens:
    asked = _ids(tokenizer, list(prompt), add_generation_prompt=True)
    whole = _ids(tokenizer, [*prompt, *completion], add_generation_prompt=False)
    if whole[: len(asked)] != asked:
        raise TemplateError("this model's chat template writes a prompt differently once it is answered")
    end = _end(whole, len(asked), frozenset(tokenizer.all_special_ids))
    return Tokens(role, tuple(whole[:end]), len(asked))


def _ids(tokenizer: Any, chat: list[dict[str, str]], *, add_generation_prompt: bool) -> list[int]:
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=add_generation_prompt)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _end(ids: list[int], answer: int, special: frozenset[int]) -> int:
    """Behind the last special token of the answer, which ends it: what a template writes after that nobody is asked for."""
    return next((place + 1 for place in range(len(ids) - 1, answer - 1, -1) if ids[place] in special), len(ids))
