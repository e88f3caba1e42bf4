"""What `benchmarks/statistics.py` counts over simulated studies: intervals that hold the truth, and tests that reject."""

import argparse
import gc
import time
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.counting import holds, rate, rejects, shown
from benchmarks.simulated_raters import tastes
from benchmarks.simulated_skewness import skewed
from benchmarks.simulated_ties import ties
from benchmarks.simulation import (
    COMMON,
    DESIGNS,
    ITEMS,
    NOISE,
    RARE,
    SHIFT,
    Array,
    Design,
    Study,
    preferences,
    simulated,
    true_mean,
    true_share,
    truths,
)
from counseling_sessions.evaluation.statistics.family import holm
from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure, share_figure
from counseling_sessions.evaluation.statistics.paired import compare, wilcoxon_on_clients
from counseling_sessions.evaluation.statistics.preferences import win_rate
from counseling_sessions.evaluation.statistics.sign_flips import sign_flip_test


def main(description: str | None) -> None:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--only", default=",".join(TABLES))
    args = parser.parse_args()
    console, began = Console(width=150), time.process_time()
    gc.freeze()  # statsmodels' Holm collects garbage every time: what the imports left need not be looked through again
    for name in args.only.split(","):
        console.print(TABLES[name](args.studies), "")
    console.print(
        f"{args.studies} studies each; ± is the Monte Carlo standard error; {time.process_time() - began:.0f} s of CPU"
    )


def coverage(studies: int) -> Table:
    """How often the package's intervals hold the true value."""
    columns: dict[str, dict[str, list[bool]]] = {}
    for design in DESIGNS:
        truth = truths(design)
        rng = np.random.default_rng(1)
        hits = columns.setdefault(design.name, {name: [] for name in truth})
        for _ in range(studies):
            study = simulated(design, SHIFT, rng)
            for name, figure in figures(study, design, rng).items():
                hits[name].append(holds(figure, truth[name]))
    title = f"95 % intervals: per cent that hold the true value (A above B by {SHIFT})"
    return shown(
        title,
        "interval of",
        {name: {row: rate(hits) for row, hits in column.items()} for name, column in columns.items()},
    )


def figures(study: Study, design: Design, rng: np.random.Generator) -> dict[str, Figure]:
    result = compare(study.rows(), "A", "B")
    won = win_rate(preferences(study, rng), "A", "B")
    above = study.latent[1] - design.middle
    return {
        "mean": mean_figure(study.values(study.scores[0])),
        "share, common event": share_figure(study.values(above > COMMON)),
        "share, rare event": share_figure(study.values(above > RARE)),
        "paired difference": result.difference,
        "relative difference": result.relative,
        "effect size g_z": result.effect,
        "superiority": result.superiority,
        "win rate, ties half": won.rate,
        "win rate, no ties": won.decided,
    }


def false_positives(studies: int) -> Table:
    """How often the tests reject what is true, and how often they find the difference that there is."""
    columns: dict[str, dict[str, str]] = {}
    for design in DESIGNS:
        rng = np.random.default_rng(2)
        hits: dict[str, list[bool]] = {}
        for _ in range(studies):
            for name, hit in decisions(design, rng).items():
                hits.setdefault(name, []).append(hit)
        columns[design.name] = {name: rate(found) for name, found in hits.items()}
    return shown("tests at the 5 % level: per cent that reject", "test", columns)


def decisions(design: Design, rng: np.random.Generator) -> dict[str, bool]:
    same, other = simulated(design, 0, rng), simulated(design, SHIFT, rng)
    null, real = paired(same, same.scores), paired(other, other.scores)
    naive = stats.ttest_1samp([value for _, value in null], 0).pvalue
    items = {f"item {at}": item_test(same, rng) for at in range(ITEMS)}
    family = holm("items", items)
    alike = list(items)[: ITEMS // 2]
    differing = {f"other {at}": item_test(other, rng) for at in range(ITEMS // 2)}
    mixed = holm("half of them differ", {**{name: items[name] for name in alike}, **differing})
    won = win_rate(preferences(same, rng), "A", "B")
    return {
        "none: sign flips per client": rejects(sign_flip_test(null).value),
        "none: Wilcoxon on clients' means": rejects(wilcoxon_on_clients(null).value),
        "none: win rate, sign flips": rejects(won.test.value),
        "none: t test that ignores clients": bool(naive <= 0.05),
        f"none in {ITEMS} items: any, uncorrected": any(rejects(p) for p in items.values()),
        f"none in {ITEMS} items: any, Holm": any(item.rejected for item in family.comparisons),
        f"none in {ITEMS // 2} of {ITEMS} items: any of these, Holm": any(
            item.rejected for item in mixed.comparisons if item.name in alike
        ),
        f"difference of {SHIFT}: sign flips per client": rejects(sign_flip_test(real).value),
    }


def item_test(study: Study, rng: np.random.Generator) -> float | None:
    """The p value of one item of a scale: the sessions' latent values with the item's own noise."""
    latent = study.latent + rng.normal(0, NOISE, study.latent.shape)
    return sign_flip_test(paired(study, np.round(latent))).value


def paired(study: Study, scores: Array) -> list[tuple[str, float]]:
    """Clients and differences between the methods, where both have a score."""
    return [(client, value) for client, value in study.values(scores[0] - scores[1]) if not np.isnan(value)]


def candidates(studies: int, resamples: int = 2000) -> Table:
    """How often the intervals that were considered hold the true value: why the package has those that it has."""
    columns: dict[str, dict[str, str]] = {}
    for clients in (5, 8, 10, 20, 30):
        design, rng = Design(clients, 1, 0), np.random.default_rng(3)
        hits: dict[str, list[bool]] = {}
        truth = {"mean": true_mean(design, 0), "common": true_share(COMMON), "rare": true_share(RARE)}
        for _ in range(studies):
            study = simulated(design, 0, rng)
            above = study.latent[1] - design.middle
            for kind, values in (("mean", study.scores[1]), ("common", above > COMMON), ("rare", above > RARE)):
                kept = np.where(np.isnan(study.scores[1]), np.nan, values)
                for name, (low, high) in considered(kind, kept[:, :, 0], study, rng, resamples).items():
                    hits.setdefault(f"{kind}: {name}", []).append(bool(low <= truth[kind] <= high))
        columns[f"{clients} clients"] = {name: rate(found) for name, found in hits.items()}
    title = "intervals considered: per cent that hold the true value of a mean, of a common share and of a rare one"
    return shown(title, "interval", columns)


def considered(
    kind: str, values: Array, study: Study, rng: np.random.Generator, resamples: int
) -> dict[str, tuple[float, float]]:
    """The ends of each kind of interval for values [clients, attitudes], NaN where missing."""
    values = values[~np.isnan(values).all(axis=1)]
    sums, sizes, k = np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1), len(values)
    mean = sums.sum() / sizes.sum()
    error = float(np.sqrt(k / (k - 1) * np.sum((sums - mean * sizes) ** 2)) / sizes.sum())
    quantile = float(stats.t.ppf(0.975, k - 1))
    found = {
        "percentile": (0.0, 0.0),
        "BCa": (0.0, 0.0),
        "cluster-robust t": (mean - quantile * error, mean + quantile * error),
    }
    for name in ("percentile", "BCa"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # BCa of values that are all the same
            ends = stats.bootstrap(
                *((sums, sizes), lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis)),
                paired=True, vectorized=True, method=name, n_resamples=resamples, rng=rng,
            ).confidence_interval  # fmt: skip
        found[name] = float(ends.low), float(ends.high)
    found["studentised"] = studentised(sums, sizes, mean, error, rng, resamples)
    figures = {"expanded percentile (ours)": mean_figure(study.values(values[:, :, None]))}
    if kind != "mean":
        figures["Korn and Graubard (ours)"] = share_figure(study.values(values[:, :, None]))
    for name, figure in figures.items():
        # No interval holds nothing.
        found[name] = (np.inf, -np.inf) if figure.low is None or figure.high is None else (figure.low, figure.high)
    return found


def studentised(
    sums: Array, sizes: NDArray[np.int64], mean: float, error: float, rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    k = len(sums)
    counts = rng.multinomial(k, np.full(k, 1 / k), resamples)
    total = counts @ sizes
    means = counts @ sums / total
    squares = counts @ sums**2 - 2 * means * (counts @ (sums * sizes)) + means**2 * (counts @ sizes**2)
    errors = np.sqrt(np.maximum(k / (k - 1) * squares, 0)) / total
    kept = errors > 1e-9
    if not kept.any():
        return mean, mean
    low, high = np.quantile((means[kept] - mean) / errors[kept], [0.025, 0.975])
    return mean - high * error, mean - low * error


TABLES: dict[str, Callable[[int], Table]] = {
    "candidates": candidates,
    "coverage": coverage,
    "tests": false_positives,
    "ties": ties,
    "skewed": skewed,
    "raters": tastes,
}
"""The tables by the names that `--only` takes."""
