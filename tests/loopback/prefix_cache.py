"""Block-wise prefix-cache accounting, as inference servers do it: counts only, no text is kept."""

import re
from collections import OrderedDict
from collections.abc import Iterable

BLOCK_TOKENS = 16

_TOKEN = re.compile(r"\w+|[^\w\s]")


def tokenise(text: str) -> list[str]:
    """Words and single punctuation marks: a crude stand-in for a model's tokens."""
    return _TOKEN.findall(text)


def chat_tokens(messages: Iterable[tuple[str, str]]) -> list[str]:
    """The tokens of a chat: per message one token for its role, then those of its text."""
    tokens: list[str] = []
    for role, text in messages:
        tokens.append(f"<|{role}|>")
        tokens += tokenise(text)
    return tokens


class PrefixCache:
    """Blocks of 16 tokens, each known by the hash of itself and all before it; the least recently used leave first.

    `limit` is the number of blocks kept, None for no limit. Generated tokens do not enter, and a prompt's blocks count
    as computed the moment it arrives.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def admit(self, tokens: list[str]) -> int:
        """Take a prompt in; return how many of its tokens were cached, always fewer than it has."""
        keys: list[int] = []
        key = 0
        for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
            key = hash((key, *tokens[start : start + BLOCK_TOKENS]))
            keys.append(key)
        cached = 0
        while cached < len(keys) and keys[cached] in self._blocks:
            cached += 1
        # The last token is always computed: its logits are what the answer starts from.
        cached = min(cached, max(len(tokens) - 1, 0) // BLOCK_TOKENS)
        self._touch(keys)
        return cached * BLOCK_TOKENS

    def _touch(self, keys: list[int]) -> None:
        # From the end, so that a prompt's first blocks are the newest: a block without those before it is of no use.
        for key in reversed(keys):
            self._blocks[key] = None
            self._blocks.move_to_end(key)
        while self.limit is not None and len(self._blocks) > self.limit:
            self._blocks.popitem(last=False)
