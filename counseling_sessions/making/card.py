"""The card of a set of new clients: what was asked for, what is there, what was refused, and what it may be used for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from string import Template

from counseling_sessions.making.associations import LEVEL, SHUFFLES, STRONG, Association, drawn, written
from counseling_sessions.making.folder import Entry, Plan
from counseling_sessions.making.likeness import MOST_MEANING_ALIKE, MOST_WORDS_ALIKE
from counseling_sessions.making.sampling import Sketch
from counseling_sessions.making.tables import Tables
from counseling_sessions.texts.markdown import cell, code, plain
from counseling_sessions.texts.words import counted

SHOWN = 12
"""Associations that a card lists of each kind, the strongest first."""


@dataclass(frozen=True)
class MadeSet:
    """A set of new clients with all that its card says of it."""

    plan: Plan
    tables: Tables
    sketches: Sequence[Sketch]
    entries: Sequence[Entry]

    @property
    def made(self) -> list[Entry]:
        """The answers that became clients, in the order of their numbers."""
        return sorted((entry for entry in self.entries if entry.profile), key=lambda entry: entry.number)

    @property
    def made_sketches(self) -> list[Sketch]:
        """The sketches of those clients."""
        by_number = {sketch.number: sketch for sketch in self.sketches}
        return [by_number[entry.number] for entry in self.made]

    def drawn(self) -> list[Association]:
        """The associations of drawn attributes."""
        return drawn(self.tables, self.made_sketches, self.plan.seed)

    def written(self) -> list[Association]:
        """The associations of what was written; none where it is not in English."""
        if self.plan.language != "English":
            return []
        return written(self.made_sketches, [entry.profile for entry in self.made if entry.profile], self.plan.seed)


def flagged(associations: Sequence[Association]) -> list[Association]:
    """Those that are too strong for chance among all of them."""
    return [one for one in associations if one.flagged(len(associations))]


def card(made: MadeSet, *, date: str, command: str, licence: str | None, by_writing: Sequence[Association]) -> str:
    """The Markdown of a set's card; `by_writing` is `made.written()`, which takes a while."""
    plan, entries = made.plan, made.entries
    reasons = Counter(kind for entry in entries for kind in {one.kind for one in entry.refused})
    words = Template(Path(__file__).with_name("card.md").read_text(encoding="utf-8"))
    return words.substitute(
        count=f"{len(made.made):,}",
        wanted=f"{plan.count:,}",
        date=date,
        command=command,
        model=cell(plan.model),
        temperature="the server's" if plan.temperature is None else plan.temperature,
        language=plan.language,
        seed=plan.seed,
        tables=code(plan.tables),
        prompt=code(plan.prompt),
        answers=counted(len(entries), "answer"),
        refused=sum(not entry.profile for entry in entries),
        unusable=reasons["malformed"],
        tokens=tokens_line(entries),
        licence=code(licence) if licence else "whoever made this set has named none; ask before you use it",
        marginals=_marginals(made),
        shuffles=f"{SHUFFLES:,}",
        drawn=_rows(made.drawn()),
        strong=STRONG,
        level=LEVEL,
        tests=len(by_writing),
        verdict=_verdict(by_writing),
        written=_rows(by_writing, mark=True),
        reasons="\n".join(f"| {kind} | {count:,} |" for kind, count in reasons.most_common()) or "| none | 0 |",
        not_checked=_not_checked(plan.language),
        words_limit=MOST_WORDS_ALIKE,
        meaning_limit=MOST_MEANING_ALIKE,
        likeness=_likeness(made),
    )


def tokens_line(entries: Sequence[Entry]) -> str:
    """The tokens that answers took, in words."""
    prompt, cached, completion = (
        sum(getattr(entry, f"{kind}_tokens") for entry in entries) for kind in ("prompt", "cached", "completion")
    )
    unreported = sum(entry.unreported for entry in entries)
    line = f"{prompt:,} prompt (of them {cached:,} cached), {completion:,} completion"
    return f"{line}; {counted(unreported, 'answer')} without a count" if unreported else line


def shares(tables: Tables, sketches: Sequence[Sketch], attribute: str) -> list[tuple[str, float, int]]:
    """Each value of an attribute with its expected number of clients by the tables, and how many there are."""
    values = tables.attributes[attribute].values
    weight = sum(value.weight for value in values)
    there = Counter(sketch.values[attribute] for sketch in sketches)
    return [(value.value, len(sketches) * value.weight / weight, there[value.value]) for value in values]


def _marginals(made: MadeSet) -> str:
    parts = []
    for name, attribute in made.tables.attributes.items():
        asked = shares(made.tables, made.sketches, name)
        there = {value: count for value, _, count in shares(made.tables, made.made_sketches, name)}
        rows = (f"| {cell(value)} | {share:.1f} | {count} | {there[value]} |" for value, share, count in asked)
        head = f"**{name}** — {plain(attribute.note)}\n\n| value | by the table | drawn | written |\n| --- | --- | --- | --- |\n"
        parts.append(head + "\n".join(rows))
    return "\n\n".join(parts)


def _not_checked(language: str) -> str:
    """What no guard has looked for in a set of this language."""
    return "" if language == "English" else Path(__file__).with_name("not_checked.md").read_text(encoding="utf-8")


def _rows(associations: Sequence[Association], *, mark: bool = False) -> str:
    listed = sorted(associations, key=lambda one: (one.p, -one.v))[:SHOWN]
    lines = []
    for one in listed:
        most = f"{cell(one.cell[0])} and {cell(one.cell[1])}: {one.observed}, by chance {one.expected:.1f}"
        last = (" **flagged** |" if one.flagged(len(associations)) else " |") if mark else ""
        lines.append(f"| {one.one}, {one.other} | {one.v:.2f} | {one.p:.3f} | {most} |{last}")
    return "\n".join(lines) or f"| none could be tested | | | |{' |' if mark else ''}"


def _verdict(associations: Sequence[Association]) -> str:
    if not associations:
        return "Nothing could be tested."
    pairs = flagged(associations)
    return (
        f"**{counted(len(pairs), 'pair')} flagged: look at them before you use the set.**"
        if pairs
        else "None is flagged."
    )


def _likeness(made: MadeSet) -> str:
    lines = []
    for name in ("words", "meaning") if made.plan.meaning else ("words",):
        figures = [getattr(entry, name) for entry in made.made]
        if figures:
            lines.append(f"| {name} | {min(figures):.2f} | {median(figures):.2f} | {max(figures):.2f} |")
    return "\n".join(lines) or "| no client yet | | | |"
