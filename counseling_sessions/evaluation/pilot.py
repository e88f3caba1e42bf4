"""What a pilot says about spread: of differences between pairs of sessions, or of raters' answers to pairs; from a report's JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy import stats

from counseling_sessions.evaluation.figures import MEASURES
from counseling_sessions.evaluation.statistics.intervals import Floats
from counseling_sessions.evaluation.statistics.paired import Row, paired_differences
from counseling_sessions.evaluation.statistics.power import AnswerSpread, DifferenceSpread
from counseling_sessions.evaluation.statistics.preferences import Preference, point_of
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
    spread: DifferenceSpread
    cautious: DifferenceSpread
    clients: int
    pairs: int
    per_client: float
    missing: int


def read_pilot(data: Mapping[str, Any], measure: str, between: tuple[str, str] | None) -> Pilot:
    """The pilot in what `evaluate --json` or `compare --json` wrote.

    Raises `SettingsError` for an unknown measure or group, and where fewer than `FEWEST` clients have pairs with values.
    """
    titles = _titles(data)
    # The title of a report does too, unless it is an id.
    measure = next((name for name, title in titles.items() if title == measure and measure not in titles), measure)
    rows = list(_rows(data, measure))
    groups = list(dict.fromkeys(row[0] for row in rows))
    if not any(_value(row) is not None for row in rows):
        listed = ", ".join(name if name == title else f"{name} ({title})" for name, title in titles.items())
        raise SettingsError(f"--measure {measure}: the pilot has no such values; it has {listed}")
    first, second = _two_of(groups, between, "groups")
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


@dataclass(frozen=True)
class PanelPilot:
    """The answers of raters to pairs of two methods: the win rate of the first, and how raters and clients vary.

    `cautious` is the upper bound of that, by `CAUTION`. Only clients whom all raters answered count.
    """

    first: str
    second: str
    rate: float
    panel: AnswerSpread
    cautious: AnswerSpread
    raters: int
    clients: int
    answers: int


def read_panel_pilot(data: Mapping[str, Any], aspect: str | None, between: tuple[str, str] | None) -> PanelPilot:
    """The pilot in what `prefer --json` or `agreement --json` wrote; without `aspect`, all aspects count as answers.

    Raises `SettingsError` for an unknown aspect or method, and for fewer than two raters or clients.
    """
    answers = [Preference(**row) for row in data["preferences"]]
    methods = sorted({name for answer in answers for name in (answer.first, answer.second)})
    first, second = _two_of(methods, between, "methods")
    aspects = sorted({answer.aspect for answer in answers})
    if aspect and aspect not in aspects:
        raise SettingsError(f"--measure {aspect}: the pilot has no such aspect; it has {', '.join(aspects)}")
    points = [
        (answer.rater, answer.client, value)
        for answer in answers
        if aspect in (None, answer.aspect) and {answer.first, answer.second} == {first, second}
        if (value := point_of(answer, first)) is not None
    ]
    table = _cells(points)
    if min(table.shape) < 2:
        raise SettingsError(
            f"the pilot has answers of {counted(table.shape[0], 'rater')} to pairs of {counted(table.shape[1], 'client')} whom all of "
            "them answered: it takes two of each to see how they vary; name --rater-sd and --client-rate-sd in its place"
        )
    ties = sum(value == 0.5 for _, _, value in points) / len(points)
    rate = float(np.mean([value for _, _, value in points]))
    raters, clients = table.shape
    return PanelPilot(first, second, rate, *panels(table, ties), raters, clients, len(points))


def panels(table: Floats, ties: float) -> tuple[AnswerSpread, AnswerSpread]:
    """How raters and clients vary in a table of win rates [raters, clients] (two-way analysis of variance), and the cautious bound.

    The clients' spread holds that of their pairs too, which a table cannot tell from it.
    """
    raters, clients = table.shape
    of_raters, of_clients = table.mean(axis=1), table.mean(axis=0)
    left = table - of_raters[:, None] - of_clients[None, :] + table.mean()
    leftover = float((left**2).sum()) / ((raters - 1) * (clients - 1))
    squares = (float(of_raters.var(ddof=1)) * clients, float(of_clients.var(ddof=1)) * raters)

    def sds(wider: tuple[float, float]) -> tuple[float, float]:
        by_rater, by_client = (max(0.0, square * by - leftover) for square, by in zip(squares, wider, strict=True))
        return sqrt(by_rater / clients), sqrt(by_client / raters)

    cautious = sds((_wider(raters - 1), _wider(clients - 1)))
    return AnswerSpread(*sds((1.0, 1.0)), ties=ties), AnswerSpread(*cautious, ties=ties)


def _cells(points: Iterable[tuple[str, str, float]]) -> Floats:
    """The mean of each rater's answers to each client, of the clients whom all raters answered: [raters, clients]."""
    cells: dict[str, dict[str, list[float]]] = {}
    for rater, client, value in points:
        cells.setdefault(rater, {}).setdefault(client, []).append(value)
    shared = sorted(set.intersection(*map(set, cells.values()))) if cells else []
    rows = [[np.mean(of_rater[client]) for client in shared] for _, of_rater in sorted(cells.items())]
    return np.array(rows, dtype=np.float64).reshape(len(cells), len(shared))


def _wider(degrees: int) -> float:
    """How much larger a variance may be than it was in a sample with so many degrees of freedom."""
    return float(degrees / stats.chi2.ppf(1 - CAUTION, degrees))


def _two_of(groups: Sequence[str], between: tuple[str, str] | None, what: str) -> tuple[str, str]:
    if between is None and len(groups) != 2:
        raise SettingsError(f"--between: name two of the pilot's {what}, which are {', '.join(groups)}")
    first, second = between or (groups[0], groups[1])
    if unknown := [name for name in (first, second) if name not in groups]:
        raise SettingsError(f"--between {', '.join(unknown)}: the pilot has {', '.join(groups)}")
    return first, second


def spreads(differences: Iterable[tuple[str, float]]) -> tuple[DifferenceSpread, DifferenceSpread]:
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
    wider = _wider(k - 1)
    if n == k:
        return DifferenceSpread(sqrt(between), 0.0), DifferenceSpread(sqrt(between * wider), 0.0)
    inside = sum(float(np.sum((np.array(values) - np.mean(values)) ** 2)) for values in by_client.values()) / (n - k)
    size = (n - float((sizes**2).sum()) / n) / (k - 1)
    of_clients, at_most = (max(0.0, (square - inside) / size) for square in (between, between * wider))
    return DifferenceSpread(sqrt(of_clients), sqrt(inside)), DifferenceSpread(
        sqrt(at_most), sqrt(inside * _wider(int(n) - k))
    )


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


def _titles(data: Mapping[str, Any]) -> dict[str, str]:
    """What the pilot has values of: titles as in reports (`comparison` has those of judged scales), by id."""
    compared = (data.get("comparison") or {}).get("compared", ())
    titles = {item["measure"]["id"]: item["measure"]["title"] for item in compared}
    titles |= {measure.id: measure.title for measure in MEASURES.values()}
    return {name: titles.get(name, name) for name in _measures(data)}


def _measures(data: Mapping[str, Any]) -> list[str]:
    plain = {name for group in data["groups"].values() for row in group["by_session"] for name in row["values"]}
    judged = {
        f"{row['scale']}/{row['subscale']}"
        for part in ("means", "affect")
        for row in (data.get("judged") or {}).get(part, ())
    }
    return sorted(plain) + sorted(judged)
