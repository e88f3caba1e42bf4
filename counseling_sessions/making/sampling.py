"""Drawing new clients from the tables: the shares come out as the weights say, also of few clients, and always alike for one seed.

Each attribute has a column with every value as often as its share of the count, rounded systematically, in an order of its own:
stratified in each attribute, independent between them. Values that cannot be together are then swapped with other rows', which leaves
the shares as they are; only where no swap helps is a value drawn anew.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from counseling_sessions.making.tables import Limit, Tables, band_of, names_by_list
from counseling_sessions.profiles.library import builtin_profiles
from counseling_sessions.settings import SettingsError

MOST_ROUNDS = 200
"""Rounds of repair before tables count as contradictory."""
MOST_SWAPS = 300
"""Rows that are tried for a swap of one value."""

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Sketch:
    """A client before its form is written: its number from 1, its name, age and trigger, and a value of each attribute."""

    number: int
    name: str
    age: int
    trigger: str
    values: Mapping[str, str]


def draw(tables: Tables, count: int, seed: int) -> list[Sketch]:
    """So many clients. Raises `SettingsError` where the rules leave no way, or there are too few names."""
    rng = random.Random(seed)
    columns = {
        name: _column({value.value: value.weight for value in attribute.values}, count, rng)
        for name, attribute in tables.attributes.items()
    }
    rows = [{name: column[place] for name, column in columns.items()} for place in range(count)]
    _repair(rows, tables, rng)
    years = {name: band_of(name) for name in tables.attributes["age"].names}
    ages = _spread([row["age"] for row in rows], years, rng)
    triggers = {value.value: value.triggers for value in tables.attributes["problem"].values}
    set_off = _spread([row["problem"] for row in rows], triggers, rng)
    names = _names(rows, tables, rng)
    return [
        Sketch(number, name, age, trigger, row)
        for number, (name, age, trigger, row) in enumerate(zip(names, ages, set_off, rows, strict=True), 1)
    ]


def _column(weights: Mapping[str, float], count: int, rng: random.Random) -> list[str]:
    """Every value as often as its share, up to one more or less: points at equal distances, from a random start on, then shuffled."""
    order = list(weights)
    rng.shuffle(order)
    step, start = sum(weights.values()) / count, rng.random()
    ends = list(accumulate(weights[name] for name in order))
    column, place = [], 0
    for number in range(count):
        while place < len(ends) - 1 and ends[place] <= (number + start) * step:
            place += 1
        column.append(order[place])
    rng.shuffle(column)
    return column


@dataclass(frozen=True)
class _Mender:
    """Swaps values between rows until no row breaks a limit."""

    rows: Sequence[dict[str, str]]
    tables: Tables
    rng: random.Random
    limits: Mapping[str, Sequence[Limit]]
    """Those that concern an attribute, by its name."""

    def mend(self, row: dict[str, str], limit: Limit) -> None:
        """Make a row better by one swap with another row, or by a new value where no swap makes both together better."""
        names = limit.attributes
        self.rng.shuffle(names)
        for name in names:
            others = [other for other in self.rows if other[name] != row[name]]
            for other in self.rng.sample(others, min(len(others), MOST_SWAPS)):
                before = self._breaks(row, name) + self._breaks(other, name)
                row[name], other[name] = other[name], row[name]
                if self._breaks(row, name) + self._breaks(other, name) < before:
                    return
                row[name], other[name] = other[name], row[name]
        self._draw_anew(row, names)

    def _breaks(self, row: Mapping[str, str], name: str) -> int:
        return sum(limit.broken_by(row) for limit in self.limits[name])

    def _draw_anew(self, row: dict[str, str], names: Sequence[str]) -> None:
        """Give one attribute the value that breaks the fewest limits, drawn by weight among several such."""
        chances: list[tuple[int, float, str, str]] = []
        for name in names:
            before = self._breaks(row, name)
            for value in self.tables.attributes[name].values:
                more = self._breaks(row | {name: value.value}, name) - before
                chances.append((more, -(self.rng.random() ** (1 / value.weight)), name, value.value))
        # Where none is better, a step aside may be: the rounds bound how many there are.
        _, _, name, chosen = min(chances) if min(chances)[0] < 0 else self.rng.choice(chances)
        row[name] = chosen


def _repair(rows: Sequence[dict[str, str]], tables: Tables, rng: random.Random) -> None:
    """Swap values until no row breaks a rule. Raises `SettingsError` with the rule that stays broken."""
    limits = tables.limits
    by_name = {name: [limit for limit in limits if name in limit.attributes] for name in tables.attributes}
    mender = _Mender(rows, tables, rng, by_name)
    for _ in range(MOST_ROUNDS):
        wrong = [(row, limit) for row in rows if (limit := _broken(row, limits))]
        if not wrong:
            return
        for row, _ in wrong:
            if limit := _broken(row, limits):
                mender.mend(row, limit)
    raise SettingsError(f"the tables leave no way to keep a rule ({wrong[0][1].why}); change the rule or the weights")


def _broken(row: Mapping[str, str], limits: Sequence[Limit]) -> Limit | None:
    return next((limit for limit in limits if limit.broken_by(row)), None)


def _spread(keys: Sequence[str], choices: Mapping[str, Sequence[Kind]], rng: random.Random) -> list[Kind]:
    """For each key one of its choices: each as often as the others of the key, up to one more or less."""
    decks: dict[str, list[Kind]] = {}
    dealt = []
    for key in keys:
        if not decks.get(key):
            decks[key] = rng.sample(list(choices[key]), len(choices[key]))
        dealt.append(decks[key].pop())
    return dealt


def _names(rows: Sequence[Mapping[str, str]], tables: Tables, rng: random.Random) -> list[str]:
    """A full name for each row, of its culture and gender, none twice and none of a built-in client."""
    taken = {profile.demographics.name for profile in builtin_profiles()}
    firsts: dict[tuple[str, str], list[str]] = {}
    names = []
    for row in rows:
        culture, gender = row["culture"], row["gender"]
        lists = names_by_list()[tables.value("culture", culture).names or ""]
        of_gender = {"woman": lists["women"], "man": lists["men"]}.get(gender, [*lists["women"], *lists["men"]])
        deck = firsts.setdefault((culture, gender), [])
        if not deck:
            deck += rng.sample(of_gender, len(of_gender))
        first = deck.pop()
        free = [name for family in lists["family"] if (name := f"{first} {family}") not in taken]
        free = free or [
            name for one in of_gender for family in lists["family"] if (name := f"{one} {family}") not in taken
        ]
        if not free:
            raise SettingsError(f"there are too few names for so many clients from {culture}; make a smaller set")
        names.append(rng.choice(free))
        taken.add(names[-1])
    return names
