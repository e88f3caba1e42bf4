"""A study that goes on: how many of what they are shown raters have answered, and how far they agree so far; not what they answered."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from counseling_sessions.evaluation.preferred import agreements
from counseling_sessions.evaluation.rated_sessions import score_agreements
from counseling_sessions.evaluation.rating.answers import (
    Answers,
    HandedIn,
    ScaleAnswers,
    read_answers,
    read_scale_answers,
)
from counseling_sessions.evaluation.rating.study import AnyStudy, Study
from counseling_sessions.evaluation.report.agreement import agreement_said, between_raters
from counseling_sessions.evaluation.report.document import Table
from counseling_sessions.evaluation.report.rated_sessions import between_people, scores_said
from counseling_sessions.profiles.problems import Problem


@dataclass(frozen=True)
class RaterSoFar:
    """One rater: the showings with an answer to every question, of all, and the questions that are answered."""

    complete: int
    showings: int
    answers: HandedIn


@dataclass(frozen=True)
class SoFar:
    """How far a study has come. `agreement` in words, and its table where two raters have answered."""

    raters: tuple[RaterSoFar, ...]
    agreement: tuple[str, ...]
    table: Table | None
    problems: tuple[Problem, ...]


def so_far(paths: Iterable[Path], study: AnyStudy) -> SoFar:
    """How far the answers in these files have come; what cannot be read is a problem, as for `read_answers`."""
    if isinstance(study, Study):
        compared = read_answers(paths, study)
        return _so_far(compared, study, *_of_pairs(compared, study))
    scored = read_scale_answers(paths, study)
    count = len({row.rater for row in scored.ratings})
    items, subscales = score_agreements(scored, study) if count > 1 else ({}, {})
    table = between_people(study.scale, items, subscales, count) if count > 1 else None
    return _so_far(scored, study, scores_said(subscales, count), table)


def _of_pairs(answers: Answers, study: Study) -> tuple[tuple[str, ...], Table | None]:
    count = len({row.rater for row in answers.ratings})
    found = agreements(answers, study) if count > 1 else {}
    table = between_raters(found, study.aspects) if count > 1 else None
    return agreement_said(found, study.aspects, count), table


def _so_far(answers: Answers | ScaleAnswers, study: AnyStudy, said: tuple[str, ...], table: Table | None) -> SoFar:
    answered = Counter((row.rater, row.showing) for row in answers.ratings)
    complete = Counter(rater for (rater, _), count in answered.items() if count == len(study.choices))
    raters = tuple(RaterSoFar(complete[one.rater], one.asked // len(study.choices), one) for one in answers.progress)
    return SoFar(raters, said, table, answers.problems)
