"""Whether attributes that were drawn independently are associated in a set: Cramér's V, and a permutation test.

The test shuffles one column against the other: it needs no large counts, unlike the chi-squared distribution. A set is flagged where
V is at least `STRONG` and p, times the number of tests (Bonferroni), under `LEVEL`: a few clients show strong V by chance.
"""

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from counseling_sessions.making.guards import own_words
from counseling_sessions.making.sampling import Sketch
from counseling_sessions.making.tables import Tables
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.settings import read_yaml

PAIRS = (("gender", "trade"), ("gender", "problem"), ("culture", "problem"), ("age", "problem"), ("culture", "trade"))
"""Pairs of drawn attributes that a card shows."""
GROUPS = ("gender", "culture", "age")
"""Attributes with which nothing that is only written may go."""
STRONG = 0.3
LEVEL = 0.05
SHUFFLES = 1_999
FEWEST = 2
"""Clients of a kind that a test takes at least: with one nothing can be associated."""


@dataclass(frozen=True)
class Association:
    """Two columns of a set: Cramér's V (0 to 1), p of the permutation test, and the cell that is farthest above what is expected.

    `one` and `other` are the attributes, `cell` a value of each, with how often it is there and how often by chance.
    """

    one: str
    other: str
    v: float
    p: float
    cell: tuple[str, str]
    observed: int
    expected: float

    def flagged(self, tests: int) -> bool:
        """Whether it is too strong for chance, among so many tests."""
        return self.v >= STRONG and self.p * tests < LEVEL


def drawn(tables: Tables, sketches: Sequence[Sketch], seed: int = 0) -> list[Association]:
    """The associations of the drawn attributes in `PAIRS` that no rule ties to each other."""
    columns = {name: [sketch.values[name] for sketch in sketches] for pair in PAIRS for name in pair}
    pairs = (
        association(one, columns[one], other, columns[other], seed)
        for one, other in PAIRS
        if not tables.tied(one, other)
    )
    return [one for one in pairs if one]


def written(sketches: Sequence[Sketch], profiles: Sequence[ClientProfile], seed: int = 0) -> list[Association]:
    """The associations of the attributes in `GROUPS` with what the writer brought up by itself (`signs.yaml`), English words."""
    texts = ["\n".join(own_words(profile).values()) for profile in profiles]
    pairs = []
    for group, (theme, pattern) in product(GROUPS, _themes().items()):
        column = [sketch.values[group] for sketch in sketches]
        has = [theme if pattern.search(text) else f"no {theme}" for text in texts]
        pairs.append(association(group, column, theme, has, seed, of=theme))
    return [one for one in pairs if one]


def association(
    one: str, column: Sequence[str], other: str, beside: Sequence[str], seed: int = 0, *, of: str = ""
) -> Association | None:
    """How two columns of equal length go together; None where one of them has a single value, or `of` is too rare."""
    if len(set(column)) < 2 or len(set(beside)) < 2 or (of and list(beside).count(of) < FEWEST):
        return None
    v = cramers_v(column, beside)
    rng, shuffled, above = random.Random(f"{seed}/{one}/{other}"), list(beside), 0
    for _ in range(SHUFFLES):
        rng.shuffle(shuffled)
        above += cramers_v(column, shuffled) >= v - 1e-12
    cells, rows, columns, n = Counter(zip(column, beside, strict=True)), Counter(column), Counter(beside), len(column)
    wanted = [cell for cell in cells if not of or cell[1] == of]
    cell = max(wanted, key=lambda cell: (cells[cell] - rows[cell[0]] * columns[cell[1]] / n, cell))
    expected = rows[cell[0]] * columns[cell[1]] / n
    return Association(one, other, v, (above + 1) / (SHUFFLES + 1), cell, cells[cell], expected)


def cramers_v(one: Sequence[str], other: Sequence[str]) -> float:
    """Cramér's V of two columns with at least two values each, 0 to 1 (Cramér 1946, without correction)."""
    cells, rows, columns = Counter(zip(one, other, strict=True)), Counter(one), Counter(other)
    squares = sum(count * count / (rows[row] * columns[column]) for (row, column), count in cells.items())
    return float(max(0.0, (squares - 1) / (min(len(rows), len(columns)) - 1)) ** 0.5)


@cache
def _themes() -> dict[str, re.Pattern[str]]:
    listed: Mapping[str, str] = read_yaml(Path(__file__).with_name("signs.yaml"))["themes"]
    return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in listed.items()}
