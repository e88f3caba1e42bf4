"""One rater's answers as the rater saw the sessions: session A, session B, about equal, a point of a scale, cannot say.

They are read from what a page exports, and written as a page would export them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from counseling_sessions.evaluation.rating.study import AnyStudy
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.settings import validation_message

ANSWERS_FORMAT = 1
ANSWERS_KIND = "counseling-sessions ratings"


@dataclass(frozen=True)
class ShowingAnswer:
    """A rater's answer to one showing: choices by aspect or item, a comment (or ""), and the seconds it took, or None."""

    choices: dict[str, str]
    comment: str = ""
    seconds: float | None = None


@dataclass
class AnswerSheet:
    """One rater's answers in one file, by the number of the showing, and when the rater handed them in."""

    rater: str
    file: str
    at: datetime
    answers: dict[int, ShowingAnswer] = field(default_factory=dict)


class _Exported(BaseModel):
    """The file that a page exports. Later versions may add fields."""

    format: int
    study: str
    rater: str
    exported_at: AwareDatetime
    answers: list[Any]


class _Answer(BaseModel):
    showing: int = Field(strict=True)
    choices: dict[str, Any]
    comment: str = ""
    seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)


def page_sheet(value: dict[str, Any], file: str, study: AnyStudy) -> Iterator[AnswerSheet | Problem]:
    """The answers in a page's export that belong to the study, and what is wrong with the others."""
    try:
        exported = _Exported.model_validate(value)
    except ValidationError as error:
        yield Problem(file, f"not as the page exports it ({validation_message(error)}); export the answers again")
        return
    if exported.format != ANSWERS_FORMAT:
        yield Problem(
            file,
            f"answers of format {exported.format}; this version reads format {ANSWERS_FORMAT}: use the one that made the page",
        )
        return
    if problem := wrong_place(exported.study, exported.rater, file, study):
        yield problem
        return
    sheet = AnswerSheet(exported.rater, file, exported.exported_at)
    for place, item in enumerate(exported.answers, 1):
        try:
            answer = _Answer.model_validate(item)
        except ValidationError as error:
            yield Problem(file, f"left out: {validation_message(error)}", place)
            continue
        yield from add_answer(sheet, study, answer.showing, answer.choices, answer.comment, answer.seconds)
    yield sheet


def exported(sheet: AnswerSheet, study: AnyStudy) -> dict[str, Any]:
    """A sheet as a page exports it: the showings that have an answer or a comment, in order."""
    return {
        "kind": ANSWERS_KIND,
        "format": ANSWERS_FORMAT,
        "study": study.hash,
        "rater": sheet.rater,
        "exported_at": sheet.at.isoformat(timespec="milliseconds"),
        "answers": [
            {"showing": number, "choices": one.choices, "comment": one.comment, "seconds": one.seconds}
            for number, one in sorted(sheet.answers.items())
            if one.choices or one.comment
        ],
    }


def wrong_place(name: str, rater: str, file: str, study: AnyStudy) -> Problem | None:
    """The problem of answers to another study, or by a rater who is not in this one."""
    if name != study.hash:
        return Problem(
            file, f"answers to study {name!r}, and this is study {study.hash}; read them with their own study.json"
        )
    raters = [sheet.rater for sheet in study.sheets]
    if rater not in raters:
        return Problem(file, f"{rater!r} is no rater of this study; it has {raters[0]} to {raters[-1]}")
    return None


def add_answer(
    sheet: AnswerSheet, study: AnyStudy, showing: int, choices: dict[str, Any], comment: str, seconds: float | None
) -> Iterator[Problem]:
    """Put an answer on the sheet, without showings, questions and choices that the study does not have: those are problems."""
    asked = next(len(one.showings) for one in study.sheets if one.rater == sheet.rater)
    noun, question = study.nouns
    where = f"{noun} {showing} of {sheet.rater}"
    if not 1 <= showing <= asked:
        yield Problem(sheet.file, f"{where} left out: this rater was shown {noun}s 1 to {asked}")
        return
    if showing in sheet.answers:
        yield Problem(sheet.file, f"{where} is answered twice; the first answer counts")
        return
    allowed = study.choices
    kept: dict[str, str] = {}
    for name, choice in choices.items():
        if name not in allowed:
            yield Problem(sheet.file, f"{where}: left out: the study has no such {question}", field=name)
        elif choice not in allowed[name]:
            yield Problem(sheet.file, f"{where}: left out: should be one of {', '.join(allowed[name])}", field=name)
        else:
            kept[name] = choice
    sheet.answers[showing] = ShowingAnswer(kept, comment.strip(), seconds)
