"""What a report found, in words that a paper can use: of a comparison, of preferences, of people's ratings.

All three go one way: what holds after the correction is listed, and an end says what the result does not show. Sentences are in
`in_words.yaml`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from counseling_sessions.evaluation.aspects import RubricPart, RubricText
from counseling_sessions.evaluation.compare import Comparison
from counseling_sessions.evaluation.judging.verdicts import CHANCE_ALPHA, STEADY_ALPHA
from counseling_sessions.evaluation.pair_lengths import DuelLengths
from counseling_sessions.evaluation.preferred import OVERALL, Duel
from counseling_sessions.evaluation.rated_sessions import RatedDifference, RatedSessions
from counseling_sessions.evaluation.report.format import figure_words, number, p_words
from counseling_sessions.evaluation.statistics.family import Family
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.unpaired import UnpairedDifference
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import counted

LISTED = 5
"""So many differences are named, those with the smallest corrected p first, and so many alphas."""


class _Kind(RubricPart):
    some: RubricText
    none: RubricText
    end: RubricText


class _Agreement(RubricPart):
    alone: RubricText
    none: RubricText
    hardly: RubricText
    poorly: RubricText
    well: RubricText
    one: RubricText


class _Length(RubricPart):
    share: float
    alone: float


class _Words(RubricPart):
    listed: RubricText
    more: RubricText
    comparison: _Kind
    unpaired: _Kind
    untested: RubricText
    preference: _Kind
    ratings: _Kind
    nobody: RubricText
    typical: RubricText
    longer: RubricText
    shorter: RubricText
    not_separable: RubricText
    length: _Length
    agreement: _Agreement


@dataclass(frozen=True)
class Tested:
    """One difference that was tested: what it is called, the figure in words, and the p value that holds for its family."""

    title: str
    figure: str
    corrected: float
    holds: bool


@cache
def _words() -> _Words:
    return _Words.model_validate(read_yaml(Path(__file__).with_name("in_words.yaml")))


def comparison_in_words(comparison: Comparison) -> Iterator[str]:
    """A paragraph for each other group of which something was tested."""
    for other in comparison.others:
        items = [
            Tested(
                item.measure.title,
                figure_words(item.difference.difference, share=item.measure.share, points=item.measure.share),
                item.adjusted,
                item.rejected,
            )
            for item in comparison.against(other)
            if item.adjusted is not None
        ]
        if items:
            names = {"reference": comparison.reference, "other": other}
            yield _paragraph(_words().comparison, items, "measure", names)


def unpaired_in_words(comparison: Comparison) -> Iterator[str]:
    """A paragraph for each other group without pairs: what holds, or why nothing was tested."""
    for other in comparison.others:
        results = [
            (item, item.result)
            for item in comparison.unpaired.against(other)
            if isinstance(item.result, UnpairedDifference)
        ]
        items = [
            Tested(
                item.measure.title,
                figure_words(result.difference, share=item.measure.share, points=item.measure.share),
                item.adjusted,
                item.rejected,
            )
            for item, result in results
            if item.adjusted is not None
        ]
        names = {"reference": comparison.reference, "other": other}
        if items:
            yield _paragraph(_words().unpaired, items, "measure", names)
        elif results:
            why = dict.fromkeys(result.test.note for _, result in results if result.test.note)
            yield _words().untested.format(**names, why="; ".join(why))


def preference_in_words(duel: Duel, titles: Mapping[str, str], who: str, lengths: Sequence[DuelLengths] = ()) -> str:
    """A paragraph on two methods: over all aspects, on each of them, for raters like these, and what length may have to do with it."""
    names = {"reference": duel.first, "other": duel.second, "who": who}
    overall = duel.rates[OVERALL]
    if overall.rate.value is None:
        return _words().nobody.format(**names)
    figures = {aspect: rate.rate for aspect, rate in duel.rates.items()}
    items = _of_family(duel.family, figures, titles, share=True)
    values = {
        "whom": "one " + who if overall.raters == 1 else f"these {counted(overall.raters, who)}",
        "rate": _whole(overall.rate),
        "p": p_words(overall.test.value),
    }
    of_length = (_of_length(one, names) for one in lengths if (one.first, one.second) == (duel.first, duel.second))
    said = (_paragraph(_words().preference, items, "aspect", names | values), _typical(duel, who), *of_length)
    return " ".join(filter(None, said))


def ratings_in_words(rated: RatedSessions) -> Iterator[str]:
    """A paragraph for every two groups of which something was tested."""
    for one in rated.differences:
        if items := _of_family(one.family, _figures(one), {name: name.replace("_", " ") for name in one.subscales}):
            whom = "one person" if len(rated.raters) == 1 else f"these {counted(len(rated.raters), 'rater')}"
            names = {"reference": one.first, "other": one.second, "whom": whom}
            yield _paragraph(_words().ratings, items, "subscale", names)


def agreement_in_words(alphas: Mapping[str, Figure], raters: int) -> Iterator[str]:
    """Sentences on how far raters agree, from Krippendorff's alphas by what was rated: first where they hardly do.

    They hardly agree where alpha is at most `CHANCE_ALPHA` or its interval includes 0, and poorly below `STEADY_ALPHA`.
    """
    words = _words().agreement
    if raters < 2:
        yield words.alone
        return
    kinds: dict[str, list[str]] = {words.hardly: [], words.poorly: [], words.well: []}
    for title, alpha in alphas.items():
        if alpha.value is not None:
            chance = alpha.value <= CHANCE_ALPHA or (alpha.low is not None and alpha.low <= 0)
            kind = words.hardly if chance else words.poorly if alpha.value < STEADY_ALPHA else words.well
            kinds[kind].append(words.one.format(title=title, figure=figure_words(alpha)))
    if not any(kinds.values()):
        yield words.none
    for kind, found in kinds.items():
        if found:
            yield kind.format(listed=_listed(found))


def _figures(one: RatedDifference) -> dict[str, Figure]:
    return {name: difference.difference for name, difference in one.subscales.items()}


def _of_family(
    family: Family, figures: Mapping[str, Figure], titles: Mapping[str, str], *, share: bool = False
) -> list[Tested]:
    return [
        Tested(titles[test.name], figure_words(figures[test.name], share=share), test.adjusted, test.rejected)
        for test in family.comparisons
        if test.adjusted is not None
    ]


def _paragraph(kind: _Kind, items: Sequence[Tested], noun: str, values: Mapping[str, str]) -> str:
    """What holds of what was tested, and what that does not show."""
    held = sorted((item for item in items if item.holds), key=lambda item: (item.corrected, item.title))
    listed = [
        _words().listed.format(title=item.title, figure=item.figure, p=p_words(item.corrected))
        for item in held[:LISTED]
    ]
    if more := len(held) - len(listed):
        listed.append(_words().more.format(count=more))
    tested = counted(len(items), noun)
    first = (kind.some if held else kind.none).format(
        **values, count=len(held), tested=tested, listed="; ".join(listed)
    )
    return f"{first} {kind.end.format(**values)}"


def _listed(items: Sequence[str]) -> str:
    more = len(items) - LISTED
    return "; ".join([*items[:LISTED], *([_words().more.format(count=more)] if more > 0 else [])])


def _typical(duel: Duel, who: str) -> str:
    beyond = duel.rates[OVERALL].population
    if beyond.t is None or beyond.degrees is None:
        return ""
    return _words().typical.format(
        who=who,
        rate=_whole(beyond.rate),
        degrees=f"{beyond.degrees:.1f}",
        t=number(beyond.t),
        p=p_words(beyond.test.value),
    )


def _of_length(duel: DuelLengths, names: Mapping[str, str]) -> str:
    """What is to be said where answers go with length, either way; nothing where they do not."""
    control, limit = duel.aspects.get(OVERALL), _words().length
    share = control.longer.value if control else None
    if control is None or share is None:
        return ""
    longer = control.longer
    pull, low = (share, longer.low) if share > 0.5 else (1 - share, None if longer.high is None else 1 - longer.high)
    if not (pull >= limit.alone if low is None else pull >= limit.share and low > 0.5):
        return ""
    said = _words().longer if share > 0.5 else _words().shorter
    even = _words().not_separable if control.controlled.value is None else _whole(control.controlled)
    return said.format(**names, share=_whole(longer), controlled=even)


def _whole(figure: Figure) -> str:
    return figure_words(figure, share=True)
