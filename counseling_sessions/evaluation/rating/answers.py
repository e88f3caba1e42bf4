"""Reading raters' answers: as plain rows for win rates, agreement, side bias and self-consistency, or as scores of sessions."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counseling_sessions.evaluation.pairs import Winner
from counseling_sessions.evaluation.rating.answer_sheet import ANSWERS_KIND, AnswerSheet, ShowingAnswer, page_sheet
from counseling_sessions.evaluation.rating.label_studio import is_export, label_studio_sheets
from counseling_sessions.evaluation.rating.study import (
    CANNOT_SAY,
    STUDY_FILE,
    AnyStudy,
    Repeat,
    ScaleStudy,
    Showing,
    Study,
    StudyError,
    is_study,
)
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.store.reading import parse_json, read_text

_PAGE = "<!doctype html"


@dataclass(frozen=True, slots=True)
class PairRating:
    """One rater's answer on one aspect of one showing of a pair.

    `showing` is the showing's number on the rater's sheet, from 1. `first_left`: the pair's first session was A. `repeat` is
    "none" for the pair's first showing to this rater, else how the second differs from it. `seconds` is the time spent on all
    aspects of the showing, the same in all its rows, or None.
    """

    rater: str
    pair: str
    showing: int
    aspect: str
    choice: Winner
    first_left: bool
    repeat: Repeat
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Comment:
    """A rater's words on a showing. A and B in them are the sides: A is the pair's first session if `first_left`."""

    rater: str
    pair: str
    showing: int
    text: str
    first_left: bool


@dataclass(frozen=True)
class HandedIn:
    """How far a rater has come: questions answered, of those asked. `file` is None for a rater without a file."""

    rater: str
    file: str | None
    answered: int
    asked: int


@dataclass(frozen=True, slots=True)
class ItemRating:
    """One rater's score of one item in one showing of a session; None where the rater could not say. `session` is its id in the study.

    `showing` and `seconds` are as in `PairRating`; `again` marks the session's second showing to this rater.
    """

    rater: str
    session: str
    showing: int
    item: str
    score: int | None
    again: bool
    seconds: float | None


@dataclass(frozen=True, slots=True)
class SessionComment:
    """A rater's words on a session."""

    rater: str
    session: str
    showing: int
    text: str


@dataclass(frozen=True)
class Answers:
    """All answers to a study, in the order of raters, showings and aspects, and the problems of what could not be read."""

    study: str
    ratings: tuple[PairRating, ...]
    comments: tuple[Comment, ...]
    progress: tuple[HandedIn, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class ScaleAnswers:
    """All scores of a study of sessions, in the order of raters, showings and items, and what could not be read."""

    study: str
    ratings: tuple[ItemRating, ...]
    comments: tuple[SessionComment, ...]
    progress: tuple[HandedIn, ...]
    problems: tuple[Problem, ...]


def read_answers(paths: Iterable[Path], study: Study) -> Answers:
    """Read pages' exports and Label Studio's JSON exports, in any mixture; nothing is guessed and nothing raised.

    A `Problem` names each file that cannot be read, belongs to another study or comes twice, and says what to do. Of several files
    of one rater the latest export counts. The study's files among them are passed over in silence.
    """
    latest, problems = _latest(paths, study)
    ratings: list[PairRating] = []
    comments: list[Comment] = []
    for sheet in study.sheets:
        for showing in sheet.showings:
            if not (answer := _answer(latest, sheet.rater, showing.number)):
                continue
            ratings += _ratings(sheet.rater, showing, answer, study)
            if answer.comment:
                first_left = showing.left == "first"
                comments.append(Comment(sheet.rater, showing.pair, showing.number, answer.comment, first_left))
    return Answers(study.hash, tuple(ratings), tuple(comments), _progress(latest, study), tuple(problems))


def read_scale_answers(paths: Iterable[Path], study: ScaleStudy) -> ScaleAnswers:
    """Read pages' exports of a study of sessions, as `read_answers` reads those of pairs."""
    latest, problems = _latest(paths, study)
    ratings: list[ItemRating] = []
    comments: list[SessionComment] = []
    for sheet in study.sheets:
        for showing in sheet.showings:
            if not (answer := _answer(latest, sheet.rater, showing.number)):
                continue
            where = sheet.rater, showing.session, showing.number
            again = showing.repeat != "none"
            for item in study.scale.items:
                if choice := answer.choices.get(item.id):
                    score = None if choice == CANNOT_SAY else int(choice)
                    ratings.append(ItemRating(*where, item.id, score, again, answer.seconds))
            if answer.comment:
                comments.append(SessionComment(*where, answer.comment))
    return ScaleAnswers(study.hash, tuple(ratings), tuple(comments), _progress(latest, study), tuple(problems))


def _latest(paths: Iterable[Path], study: AnyStudy) -> tuple[dict[str, AnswerSheet], list[Problem]]:
    """The latest sheet of each rater, and what is wrong with the others."""
    problems: list[Problem] = []
    latest: dict[str, AnswerSheet] = {}
    for path in dict.fromkeys(paths):
        for item in _read(path, study):
            if isinstance(item, Problem):
                problems.append(item)
            elif not (before := latest.get(item.rater)):
                latest[item.rater] = item
            else:
                latest[item.rater], older = (item, before) if item.at > before.at else (before, item)
                message = f"left out: {item.rater} handed in answers later in {latest[item.rater].file}"
                problems.append(Problem(older.file, message))
    return latest, problems


def _answer(latest: dict[str, AnswerSheet], rater: str, showing: int) -> ShowingAnswer | None:
    return latest[rater].answers.get(showing) if rater in latest else None


def _progress(latest: dict[str, AnswerSheet], study: AnyStudy) -> tuple[HandedIn, ...]:
    progress = []
    for sheet in study.sheets:
        handed = latest.get(sheet.rater)
        answered = sum(len(answer.choices) for answer in handed.answers.values()) if handed else 0
        asked = len(sheet.showings) * len(study.choices)
        progress.append(HandedIn(sheet.rater, handed.file if handed else None, answered, asked))
    return tuple(progress)


def find_study(paths: Iterable[Path]) -> Path:
    """The `study.json` among the files of answers or beside them. Raises `StudyError` where there is none, or several."""
    paths = list(paths)
    candidates = {path.resolve() for path in paths if path.name == STUDY_FILE}
    candidates |= {path.resolve().parent / STUDY_FILE for path in paths}
    studies = sorted(path for path in candidates if path.exists())
    if len(studies) == 1:
        return studies[0]
    if studies:
        raise StudyError(
            f"answers beside several studies ({', '.join(map(str, studies))}): read one study's answers at a time"
        )
    raise StudyError(
        f"there is no {STUDY_FILE} among the answers or in their folders; give the one that the pages were made with"
    )


def _read(path: Path, study: AnyStudy) -> Iterator[AnswerSheet | Problem]:
    file = str(path)
    try:
        text = read_text(path)
    except OSError as error:
        yield Problem(file, f"cannot be read: {error.strerror or error}")
        return
    except UnicodeDecodeError:
        text = ""
    if text.lstrip()[: len(_PAGE)].lower() == _PAGE:
        yield Problem(
            file,
            "a page, and a page holds no answers. The rater opens it in the browser in which the answers were given, "
            "goes to “Overview and export” and presses “Export my answers”: give the file rating-….json that this saves",
        )
        return
    try:
        value: Any = parse_json(text)
    except ValueError as error:
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        yield Problem(file, f"broken JSON{where}; perhaps it was cut off on its way: ask the rater to export it again")
    else:
        if isinstance(value, dict) and value.get("kind") == ANSWERS_KIND:
            yield from page_sheet(value, file, study)
        elif is_export(value) and isinstance(study, Study):
            yield from label_studio_sheets(value, file, study)
        elif not is_study(value):
            yield Problem(
                file, "holds neither answers that a rating page exported nor Label Studio's JSON export; leave it out"
            )


def _ratings(rater: str, showing: Showing, answer: ShowingAnswer, study: Study) -> Iterator[PairRating]:
    for aspect in study.aspects.items:
        if choice := answer.choices.get(aspect.id):
            yield PairRating(
                rater=rater,
                pair=showing.pair,
                showing=showing.number,
                aspect=aspect.id,
                choice=_of_pair(choice, showing),
                first_left=showing.left == "first",
                repeat=showing.repeat,
                seconds=answer.seconds,
            )


def _of_pair(choice: str, showing: Showing) -> Winner:
    """The choice in terms of the pair, no matter on which side its sessions were."""
    match choice:
        case "tie" | "cannot_say":
            return choice
        case "a":
            return showing.left
        case _:
            return "second" if showing.left == "first" else "first"
