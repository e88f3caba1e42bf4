"""Searching the texts of a session: what was said, planned, picked and drafted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import Plan

What = Literal["plan", "pick", "draft", "said"]

AROUND = 70
"""Characters that are shown before and after a hit."""
_QUOTES = "'’‘"


@dataclass(frozen=True)
class Text:
    """A text of a session: its turn ("0", "1" and on, or "closing"), what it is, and whose: a speaker, a technique, or empty."""

    turn: str
    what: What
    who: str
    text: str


@dataclass(frozen=True)
class Hit:
    """Where a query stands: its turn and kind as in `Text`, the hit itself, and what stands around it."""

    turn: str
    what: What
    who: str
    before: str
    hit: str
    after: str


class Search:
    """What finds a query: letter case, the kind of white space and of apostrophes do not count. `looked_at` counts lines."""

    def __init__(self, query: str) -> None:
        quote = re.compile(f"[{_QUOTES}]")
        words = (f"[{_QUOTES}]".join(map(re.escape, quote.split(word))) for word in query.split())
        self.pattern = re.compile(r"\s+".join(words), re.IGNORECASE)
        self.looked_at = 0
        self._runs = [word.lower().encode() for word in re.findall("[A-Za-z0-9]+", query)]

    def may_be_in(self, line: bytes) -> bool:
        """Whether a record's line has all letters and digits of the query that are ASCII; what stands in it else does not matter."""
        self.looked_at += 1
        low = line.lower()
        return all(run in low for run in self._runs)

    def hits_in(self, record: SessionRecord) -> Iterator[Hit]:
        """Every place of a session where the query stands."""
        for item in texts_of(record):
            for match in self.pattern.finditer(item.text):
                start, end = match.span()
                first, last = max(0, start - AROUND), end + AROUND
                before = ("…" if first else "") + item.text[first:start]
                after = item.text[end:last] + ("…" if last < len(item.text) else "")
                yield Hit(item.turn, item.what, item.who, before, match[0], after)


def texts_of(record: SessionRecord) -> Iterator[Text]:
    """All texts of a session, in the order of its turns."""
    for said in record.opening:
        yield Text("0", "said", said.speaker, said.text)
    if record.plan:
        yield from _plan("0", record.plan)
    revised = {plan.turn: plan for plan in record.revisions}
    for turn in record.turns:
        key = str(turn.turn)
        if turn.turn in revised:
            yield from _plan(key, revised[turn.turn])
        if turn.pick:
            yield Text(key, "pick", "", turn.pick.reason)
        for draft in turn.candidates:
            yield Text(key, "draft", draft.technique, draft.text or "")
        for utterance in (turn.counselor, turn.client):
            if utterance:
                yield Text(key, "said", utterance.speaker, utterance.text)
    if record.closing:
        yield Text("closing", "said", record.closing.speaker, record.closing.text)


def _plan(turn: str, plan: Plan) -> Iterator[Text]:
    for text in (plan.reason, plan.formulation, plan.goal, *plan.steps):
        if text:
            yield Text(turn, "plan", "", text)
