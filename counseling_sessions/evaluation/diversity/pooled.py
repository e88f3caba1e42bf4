"""How varied the language of a set of sessions is: Distinct-1, -2, -3 and expectation-adjusted distinct (EAD).

Distinct-n is the number of different n-grams by the number of n-grams (Li et al. 2016, arXiv 1510.03055). EAD is the number of
different tokens by how many would be expected if each of N tokens were drawn at random from a vocabulary of V:
V (1 - ((V - 1) / V)^N) (Liu et al. 2022, arXiv 2202.13587). Both are pooled over all sessions of a set, as in the MAGneT paper
(arXiv 2509.04183). Distinct-n falls as text grows, whatever the text, and EAD, which is meant to correct that, still moves with
length on natural language: sets of different size are compared with `compare_counts` only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from counseling_sessions.evaluation.diversity.ngrams import Counts
from counseling_sessions.evaluation.statistics.intervals import MINIMUM_CLIENTS, Figure
from counseling_sessions.evaluation.statistics.jackknife import difference_figure, jackknife_figure
from counseling_sessions.state import Speaker

LENGTHS = 3
MEASURES = (*(f"distinct-{length}" for length in range(1, LENGTHS + 1)), "ead")


@dataclass(frozen=True)
class Diversity:
    """The figures of a set, 0 to 1, with what they were counted on.

    `distinct[n - 1]` is Distinct-n, undefined where no message has n tokens; `ead` is undefined without a vocabulary size. At
    a `budget`, figures are what is to be expected of so many tokens drawn from the set in whole clients. `tokens` is what
    the set holds, whatever the budget.
    """

    tokenizer: str
    vocabulary: int | None
    speaker: Speaker | None
    sessions: int
    messages: int
    clients: int
    tokens: int
    distinct: tuple[Figure, ...]
    ead: Figure
    budget: int | None = None


@dataclass(frozen=True)
class Difference:
    """The first set's figure less the second's, at the same number of tokens; clients in both are paired."""

    first: str
    second: str
    measure: str
    figure: Figure


@dataclass(frozen=True)
class EqualLength:
    """Sets compared at one number of tokens, and the differences of all pairs of them."""

    budget: int
    sets: dict[str, Diversity]
    differences: tuple[Difference, ...]


def diversity_of_counts(counts: Counts, vocabulary: int | None = None) -> Diversity:
    """Figures pooled over the counted sessions.

    `vocabulary` takes the place of the tokenizer's own size. Words are an open vocabulary, of which no size is made up:
    there is no EAD then. Intervals are by leaving out one client at a time (`evaluation.jackknife`); they speak of sets of this
    size. Raises `ValueError` for a vocabulary under the number of different tokens.
    """
    vocabulary = _vocabulary(counts, vocabulary)
    return _diversity(counts, vocabulary, _measured(counts, vocabulary, None))


def compare_counts(
    sets: Mapping[str, Counts], *, vocabulary: int | None = None, budget: int | None = None
) -> EqualLength:
    """Compare sets at the same number of tokens.

    A figure is the mean over all ways to draw whole clients, without replacement, down to `budget` tokens: computed, not
    drawn (`Incidence.expected`), so that there is no seed. Without a budget it is the most that every set still holds when
    any one client is left out, which the intervals need. Where a client of a set has more tokens than the budget on average,
    the set's figures are undefined. Fewer and longer sessions bring fewer topics: equal tokens do not make all things equal.

    Raises `ValueError` without sets, with an empty one, with different tokenizers, or for a budget that a set cannot fill.
    """
    if not sets or any(not counts.tokens for counts in sets.values()):
        raise ValueError("every set needs at least one session with text to be compared at equal length")
    if len({(counts.tokenizer.name, counts.speaker) for counts in sets.values()}) > 1:
        raise ValueError("sets can be compared only with the same tokenizer and the same speakers")
    most, smallest = min((_reach(counts), name) for name, counts in sets.items())
    budget = most if budget is None else budget
    if not 0 < budget <= most:
        raise ValueError(
            f"the budget of {budget:,} tokens should be from 1 to {most:,}: more are not in {smallest!r} with any one client left out"
        )
    sizes = {name: _vocabulary(counts, vocabulary) for name, counts in sets.items()}
    measured = {name: _measured(counts, sizes[name], budget) for name, counts in sets.items()}
    diversities = {name: _diversity(counts, sizes[name], measured[name], budget) for name, counts in sets.items()}
    return EqualLength(budget, diversities, tuple(_differences(sets, measured)))


_Measured = dict[str, tuple[float, dict[str, float]]]
"""A measure's value, and its value without each of the clients."""


def _measured(counts: Counts, vocabulary: int | None, budget: int | None) -> _Measured:
    """Every measure that the set has."""
    if not counts.tokens or (budget is not None and budget * len(counts.clients) < counts.tokens):
        return {}
    clients = list(enumerate(counts.clients)) if len(counts.clients) >= MINIMUM_CLIENTS else []
    without = {client: _values(counts, vocabulary, budget, number) for number, client in clients}
    return {
        measure: (value, {client: values.get(measure, np.nan) for client, values in without.items()})
        for measure, value in _values(counts, vocabulary, budget, None).items()
    }


def _values(counts: Counts, vocabulary: int | None, budget: int | None, left_out: int | None) -> dict[str, float]:
    """The measures of the set, or of the set without a client, at the budget or on all of it."""
    words = counts.incidences[0].ngrams
    rest = len(words) - (left_out is not None)
    tokens = counts.tokens - (0 if left_out is None else int(words[left_out]))
    drawn = rest * (1.0 if budget is None else budget / tokens)
    values, types = {}, []
    for length, incidence in enumerate(counts.incidences, 1):
        ngrams = int(incidence.ngrams.sum()) - (0 if left_out is None else int(incidence.ngrams[left_out]))
        types.append(incidence.expected(drawn) if left_out is None else incidence.expected_without(left_out, drawn))
        if ngrams:
            values[f"distinct-{length}"] = types[-1] / (ngrams * drawn / rest)
    if vocabulary is not None:
        values["ead"] = expectation_adjusted(types[0], tokens if budget is None else budget, vocabulary)
    return values


def expectation_adjusted(different: float, tokens: float, vocabulary: int) -> float:
    """EAD: different tokens by the number to be expected of so many drawn evenly from the vocabulary. For `tokens` over 0.

    It exceeds 1 only where tokens repeat less often than by chance.
    """
    with np.errstate(divide="ignore"):  # a vocabulary of one
        expected = -vocabulary * np.expm1(tokens * np.log1p(-1 / vocabulary))
    return float(different / expected)


def _diversity(counts: Counts, vocabulary: int | None, measured: _Measured, budget: int | None = None) -> Diversity:
    figures = [_figure(counts, vocabulary, measured, measure) for measure in MEASURES]
    return Diversity(
        tokenizer=counts.tokenizer.name,
        vocabulary=vocabulary,
        speaker=counts.speaker,
        sessions=counts.sessions,
        messages=counts.messages,
        clients=len(counts.clients),
        tokens=counts.tokens,
        distinct=tuple(figures[:LENGTHS]),
        ead=figures[LENGTHS],
        budget=budget,
    )


def _figure(counts: Counts, vocabulary: int | None, measured: _Measured, measure: str) -> Figure:
    clients = len(counts.clients)
    if measure in measured:
        value, left_out = measured[measure]
        return jackknife_figure(value, [*left_out.values()], counts.sessions, clients=clients, bounds=(0, np.inf))
    if measure == "ead" and vocabulary is None:
        note = "words are an open vocabulary; give its size, or a tokenizer that has one"
    elif measured or not clients:
        note = "no message is long enough"
    else:
        note = f"the budget is less than a client's tokens on average ({counts.tokens / clients:,.0f})"
    return Figure(None, None, None, counts.sessions, clients, note=note)


def _differences(sets: Mapping[str, Counts], measured: Mapping[str, _Measured]) -> Iterable[Difference]:
    for (first, one), (second, other) in combinations(measured.items(), 2):
        for measure in MEASURES:
            if measure in one and measure in other:
                n = sets[first].sessions + sets[second].sessions
                yield Difference(first, second, measure, difference_figure(one[measure], other[measure], n))


def _vocabulary(counts: Counts, size: int | None) -> int | None:
    different = int(counts.incidences[0].types[1:].sum())
    if size is not None and size < max(different, 1):
        raise ValueError(f"a vocabulary of {size:,} cannot be: there are {different:,} different tokens")
    return counts.tokenizer.vocabulary if size is None else size


def _reach(counts: Counts) -> int:
    longest = int(counts.incidences[0].ngrams.max()) if len(counts.clients) >= MINIMUM_CLIENTS else 0
    return counts.tokens - longest
