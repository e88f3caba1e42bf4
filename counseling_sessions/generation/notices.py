"""What a person should hear of a batch while it runs, each thing once."""

from collections.abc import Callable, Iterator

from counseling_sessions.generation.progress import Budget
from counseling_sessions.generation.worker import Pulse
from counseling_sessions.texts.words import counted


class Notices:
    """Says, with `say`, what a pulse shows that spoils a batch without stopping it."""

    def __init__(self, budget: Budget, say: Callable[[str], None]) -> None:
        self._limited = budget.tokens is not None or budget.cost is not None
        self._say = say
        self._said: set[str] = set()

    def look(self, pulse: Pulse) -> None:
        """Say what is new."""
        for what, words in _noticed(pulse, self._limited):
            if what not in self._said:
                self._said.add(what)
                self._say(words)


def _noticed(pulse: Pulse, limited: bool) -> Iterator[tuple[str, str]]:
    if pulse.unreported and limited:
        yield (
            "usage",
            f"{usage_note(pulse)}: --max-tokens and --max-cost do not count them, and may never stop the batch",
        )
    if pulse.cut_prompts:
        yield "cut", cut_note(pulse)


def usage_note(pulse: Pulse) -> str:
    """How many answers came without a count of tokens."""
    if pulse.unreported >= pulse.answered:
        return "the endpoint reports no token usage"
    return f"{pulse.unreported:,} of {pulse.answered:,} answers come without token usage"


def cut_note(pulse: Pulse) -> str:
    """How many prompts a server seems to have cut."""
    what = f"{counted(pulse.cut_prompts, 'prompt')} longer than what the server counts"
    return f"{what}: it seems to cut them without a word; give it a longer context, or take fewer --turns"
