"""How long the sessions of pairs are, and what length does to preferences, of judges and of people alike."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from counseling_sessions.evaluation.pairs import Pair, Winner
from counseling_sessions.evaluation.preferred import OVERALL
from counseling_sessions.evaluation.rating.answers import PairRating
from counseling_sessions.evaluation.rating.study import Study
from counseling_sessions.evaluation.session_length import SessionLength, session_length
from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure, share_figure
from counseling_sessions.evaluation.statistics.length_control import (
    LengthControl,
    SizedAnswer,
    length_control,
    longer_preferred,
)

_POINTS: dict[Winner, float] = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True)
class SizedPair:
    """A pair's groups, client, and the lengths of its two sessions."""

    groups: tuple[str, str]
    client: str
    lengths: tuple[SessionLength, SessionLength]


class PairAnswer(NamedTuple):
    """What a rater preferred on one aspect of a pair, in the pair's order."""

    pair: str
    aspect: str
    winner: Winner
    rater: str


@dataclass(frozen=True)
class DuelLengths:
    """Two groups' lengths in their pairs, and what length does to the first one's win rates.

    `words`, `counselor` and `client` hold a mean for each group; `first_longer` is the share of pairs in which the first one's
    session has more words. The rates are in `aspects` (all raters together; `OVERALL`: all aspects) and in `raters` (all aspects).
    """

    first: str
    second: str
    pairs: int
    words: tuple[Figure, Figure]
    counselor: tuple[Figure, Figure]
    client: tuple[Figure, Figure]
    first_longer: Figure
    aspects: dict[str, LengthControl]
    raters: dict[str, LengthControl]


def sized(pairs: Iterable[Pair]) -> dict[str, SizedPair]:
    """The pairs by id, with lengths."""
    return {
        pair.id: SizedPair(
            pair.groups, pair.key.client, (session_length(pair.first.dialogue), session_length(pair.second.dialogue))
        )
        for pair in pairs
    }


def rated_lengths(ratings: Iterable[PairRating], study: Study, *, seed: int = 0) -> list[DuelLengths]:
    """The lengths of a study's sessions, and what length does to people's first answers."""
    pairs = {
        pair.id: SizedPair(
            pair.methods, pair.client, (session_length(pair.first.dialogue), session_length(pair.second.dialogue))
        )
        for pair in study.pairs
    }
    answers = [PairAnswer(row.pair, row.aspect, row.choice, row.rater) for row in ratings if row.repeat == "none"]
    methods = list(dict.fromkeys(name for pair in study.pairs for name in pair.methods))
    return duel_lengths(pairs, answers, methods, [aspect.id for aspect in study.aspects.items], seed=seed)


def duel_lengths(
    pairs: Mapping[str, SizedPair],
    answers: Sequence[PairAnswer],
    methods: Sequence[str],
    aspects: Sequence[str],
    *,
    seed: int = 0,
) -> list[DuelLengths]:
    """The lengths of every two groups that share pairs; answers on other pairs are passed over."""
    duels = []
    for first, second in combinations(methods, 2):
        of_duel = {name: pair for name, pair in pairs.items() if set(pair.groups) == {first, second}}
        if of_duel:
            kept = [answer for answer in answers if answer.pair in of_duel]
            duels.append(_duel(first, second, of_duel, kept, aspects, seed))
    return duels


def longer_by_rater(pairs: Mapping[str, SizedPair], answers: Iterable[PairAnswer]) -> dict[str, Figure]:
    """For every rater the share of its decided answers, over all groups and aspects, that name the longer session."""
    by_rater: dict[str, list[SizedAnswer]] = defaultdict(list)
    for answer in answers:
        pair = pairs[answer.pair]
        if item := _answer(answer, pair, pair.groups[0]):
            by_rater[answer.rater].append(item)
    return {rater: longer_preferred(items) for rater, items in by_rater.items()}


def _duel(
    first: str,
    second: str,
    pairs: Mapping[str, SizedPair],
    answers: Sequence[PairAnswer],
    aspects: Sequence[str],
    seed: int,
) -> DuelLengths:
    sides = [(pair.client, _turned(pair, first)) for pair in pairs.values()]

    def means(name: str) -> tuple[Figure, Figure]:
        one, other = (
            mean_figure([(client, getattr(lengths[side], name)) for client, lengths in sides], seed=seed)
            for side in (0, 1)
        )
        return one, other

    sized_answers = [(answer, item) for answer in answers if (item := _answer(answer, pairs[answer.pair], first))]
    by_aspect, by_rater = _controls(sized_answers, aspects, seed)
    return DuelLengths(
        first,
        second,
        len(pairs),
        means("words"),
        means("counselor"),
        means("client"),
        share_figure((client, one.words > other.words) for client, (one, other) in sides),
        by_aspect,
        by_rater,
    )


def _controls(
    answers: Sequence[tuple[PairAnswer, SizedAnswer]], aspects: Sequence[str], seed: int
) -> tuple[dict[str, LengthControl], dict[str, LengthControl]]:
    """What length does, by aspect (and over all of them), and by rater."""
    by_aspect = {name: [item for answer, item in answers if answer.aspect == name] for name in aspects}
    by_aspect[OVERALL] = [item for _, item in answers]
    rates = {name: length_control(items, seed=seed) for name, items in by_aspect.items() if items}
    raters = sorted({answer.rater for answer, _ in answers})
    if len(raters) == 1:
        return rates, {raters[0]: rates[OVERALL]}
    by_rater = {rater: [item for answer, item in answers if answer.rater == rater] for rater in raters}
    return rates, {rater: length_control(items, seed=seed) for rater, items in by_rater.items()}


def _turned(pair: SizedPair, first: str) -> tuple[SessionLength, SessionLength]:
    return pair.lengths if pair.groups[0] == first else (pair.lengths[1], pair.lengths[0])


def _answer(answer: PairAnswer, pair: SizedPair, first: str) -> SizedAnswer | None:
    """The answer as a point of the first method; None for who cannot say."""
    point = _POINTS.get(answer.winner)
    if point is None:
        return None
    one, other = _turned(pair, first)
    turned = point if pair.groups[0] == first else 1 - point
    return SizedAnswer(answer.pair, pair.client, answer.rater, turned, one.words, other.words)
