"""What a pilot says about spread: from the JSON of an evaluation or comparison, the differences between pairs of its sessions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy import stats

from counseling_sessions.evaluation.statistics.paired import Row, paired_differences
from counseling_sessions.evaluation.statistics.power import Spread
from counseling_sessions.settings import SettingsError
from counseling_sessions.texts.words import counted

CAUTION = 0.8
"""How sure the cautious plan is that the true spread is no larger (Browne 1995, "On the use of a pilot sample", 80 %)."""
FEWEST = 3
"""A pilot needs so many clients."""


@dataclass(frozen=True)
class Pilot:
    """The differences between two groups on one measure: their mean and spread, over so many pairs and clients.

    `cautious` is the upper bound of the spread, by `CAUTION`; `per_client` the mean number of pairs of a client.
    """

    measure: str
    first: str
    second: str
    difference: float
    spread: Spread
    cautious: Spread
    clients: int
    pairs: int
    per_client: float
    missing: int


def read_pilot(data: Mapping[str, Any], measure: str, between: tuple[str, str] | None) -> Pilot:
    """The pilot in what `evaluate --json` or `compare --json` wrote.

    Raises `SettingsError` for an unknown measure or group, and where fewer than `FEWEST` clients have pairs with values.
    """
    rows = list(_rows(data, measure))
    groups = list(dict.fromkeys(row[0] for row in rows))
    if not any(_value(row) is not None for row in rows):
        raise SettingsError(f"--measure {measure}: the pilot has no such values; it has {', '.join(_measures(data))}")
    if between is None and len(groups) != 2:
        raise SettingsError(f"--between: name two of the pilot's groups, which are {', '.join(groups)}")
    first, second = between or (groups[0], groups[1])
    if unknown := [name for name in (first, second) if name not in groups]:
        raise SettingsError(f"--between {', '.join(unknown)}: the pilot has no such group; it has {', '.join(groups)}")
    differences = paired_differences(rows, first, second)
    missing = sum(_value(row) is None for row in rows if row[0] in (first, second))
    by_client = [(key[0], value) for key, value in sorted(differences.items())]
    clients = len({client for client, _ in by_client})
    if clients < FEWEST:
        raise SettingsError(
            f"the pilot has pairs of {first} and {second} with {measure} from {counted(clients, 'client')}; it needs {FEWEST}"
        )
    spread, cautious = spreads(by_client)
    mean = float(np.mean([value for _, value in by_client]))
    per_client = len(by_client) / clients
    return Pilot(measure, first, second, mean, spread, cautious, clients, len(by_client), per_client, missing)


def spreads(differences: Iterable[tuple[str, float]]) -> tuple[Spread, Spread]:
    """The spread of differences between and within clients (one-way analysis of variance), and its cautious bound.

    With one pair a client the two cannot be told apart, and all of it counts as between clients. Raises `ValueError` for fewer than
    two clients.
    """
    by_client: dict[str, list[float]] = {}
    for client, value in differences:
        by_client.setdefault(client, []).append(value)
    if len(by_client) < 2:
        raise ValueError("a spread between clients needs two of them")
    sizes = np.array([len(values) for values in by_client.values()], dtype=np.float64)
    means = np.array([np.mean(values) for values in by_client.values()])
    n, k = float(sizes.sum()), len(sizes)
    overall = float((sizes * means).sum() / n)
    between = float((sizes * (means - overall) ** 2).sum() / (k - 1))
    wider = (k - 1) / stats.chi2.ppf(1 - CAUTION, k - 1)
    if n == k:
        return Spread(sqrt(between), 0.0), Spread(sqrt(between * wider), 0.0)
    inside = sum(float(np.sum((np.array(values) - np.mean(values)) ** 2)) for values in by_client.values()) / (n - k)
    size = (n - float((sizes**2).sum()) / n) / (k - 1)
    of_clients, at_most = (max(0.0, (square - inside) / size) for square in (between, between * wider))
    pair_wider = (n - k) / stats.chi2.ppf(1 - CAUTION, n - k)
    return Spread(sqrt(of_clients), sqrt(inside)), Spread(sqrt(at_most), sqrt(inside * pair_wider))


def _rows(data: Mapping[str, Any], measure: str) -> Iterator[Row]:
    scale, _, subscale = measure.partition("/")
    if subscale:
        judged = data.get("judged") or {}
        for row in judged.get("affect", ()):
            if (row["scale"], row["subscale"]) == (scale, subscale):
                yield row["method"], row["client"], row["attitude"], row["seed"], row["change"]
        changes = {(row["scale"], row["subscale"]) for row in judged.get("affect", ())}
        for row in judged.get("means", ()):
            if (row["scale"], row["subscale"]) == (scale, subscale) and (scale, subscale) not in changes:
                yield row["method"], row["client"], row["attitude"], row["seed"], row["mean"]
        return
    for name, group in data["groups"].items():
        for row in group["by_session"]:
            yield name, row["client"], row["attitude"], row["seed"], row["values"].get(measure)


def _value(row: Row) -> float | None:
    return row[4] if isinstance(row[4], int | float) else None


def _measures(data: Mapping[str, Any]) -> list[str]:
    plain = {name for group in data["groups"].values() for row in group["by_session"] for name in row["values"]}
    judged = {
        f"{row['scale']}/{row['subscale']}"
        for part in ("means", "affect")
        for row in (data.get("judged") or {}).get(part, ())
    }
    return sorted(plain) + sorted(judged)
