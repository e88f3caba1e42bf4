"""Notices a server that cuts prompts without a word: a dialogue grows, and the prompt tokens that the server counts do not."""

from collections import OrderedDict

GROWN = 1_000
"""Characters by which a prompt must have grown, and at least by a tenth, until its tokens are compared."""
LEAST_GROWTH = 0.25
"""Share of the tokens to be expected for these characters, below which they were not read."""
MOST_SERIES = 20_000


class PromptGrowth:
    """Watches prompts that grow, one series for each session, role and model; of many series the oldest are forgotten."""

    def __init__(self) -> None:
        self._longest: OrderedDict[tuple[str, ...], tuple[int, int]] = OrderedDict()

    def stands_still(self, series: tuple[str, ...], characters: int, tokens: int | None) -> str:
        """How a prompt's tokens fail to grow with its characters, in words; empty where they grow, or are not reported.

        A prompt shorter than another of its series says nothing, as do few characters more: notes within a prompt differ.
        """
        if not tokens or not characters:
            return ""
        longest = self._longest.get(series)
        if longest is None:
            self._longest[series] = characters, tokens
            if len(self._longest) > MOST_SERIES:
                self._longest.popitem(last=False)
            return ""
        before, counted = longest
        if characters - before < max(GROWN, before / 10):
            return ""
        if tokens - counted < LEAST_GROWTH * (characters - before) * counted / before:
            return f"{tokens:,} tokens counted for {characters:,} characters, and {counted:,} for {before:,} before"
        self._longest[series] = characters, tokens
        return ""
