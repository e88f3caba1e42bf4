"""A rater's answers that a server keeps: a file beside the study, as the rater's page exports it, written anew each time."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from counseling_sessions.evaluation.rating.answer_sheet import (
    ANSWERS_KIND,
    AnswerSheet,
    ShowingAnswer,
    add_answer,
    exported,
    page_sheet,
)
from counseling_sessions.evaluation.rating.study import AnyStudy, StudyError
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.reading import parse_json, read_text

LONGEST_COMMENT = 4000
"""Characters of a comment; the page takes no more."""
WAIT = 5.0
"""Seconds to wait for another process that writes the same rater's answers."""


class KeptAnswers:
    """The answers of one rater of a study, in the study's folder. Only their owner can read the file."""

    def __init__(self, folder: Path, study: AnyStudy, rater: str) -> None:
        self._study, self._rater = study, rater
        self.path = folder / f"rating-{study.hash}-{rater}.json"

    def read(self) -> dict[int, ShowingAnswer]:
        """The answers by the number of the showing. Raises `StudyError` for a file that cannot be read: it is never written over."""
        if not self.path.exists():
            return {}
        try:
            with failing_as(StudyError, f"{self.path.name} cannot be read"):
                value = parse_json(read_text(self.path))
        except ValueError:
            raise StudyError(f"{self.path.name}: broken JSON; move the file away, or restore it") from None
        if not isinstance(value, dict) or value.get("kind") != ANSWERS_KIND:
            raise StudyError(f"{self.path.name}: holds no answers; move the file away")
        found = list(page_sheet(value, self.path.name, self._study))
        if problems := [item for item in found if isinstance(item, Problem)]:
            raise StudyError(f"{problems[0]}; move the file away, or restore it")
        (sheet,) = (item for item in found if isinstance(item, AnswerSheet))
        if sheet.rater != self._rater:
            raise StudyError(f"{self.path.name}: the answers of {sheet.rater}; move the file away, or restore it")
        return sheet.answers

    def put(self, showing: int, choices: dict[str, Any], comment: str | None, seconds: float) -> ShowingAnswer:
        """Add choices to a showing's, or put them in their place; the showing's answer as it now is, when it is on the disk.

        A comment of None leaves the one that is there. `seconds` count where they are more than before, so that an answer may come
        twice. Raises `StudyError` for what the study does not ask of this rater: then nothing is written.
        """
        if comment is not None and len(comment) > LONGEST_COMMENT:
            raise StudyError(f"A comment has at most {LONGEST_COMMENT} characters.")
        with self._alone():
            answers = self.read()
            before = answers.pop(showing, ShowingAnswer({}))
            sheet = AnswerSheet(self._rater, self.path.name, datetime.now(UTC), answers)
            words = before.comment if comment is None else comment
            time = round(max(seconds, before.seconds or 0.0), 1)
            problems = list(add_answer(sheet, self._study, showing, before.choices | choices, words, time))
            if problems:
                raise StudyError(f"That cannot be answered: {problems[0].message}")
            # As it was typed: a space at the end may be followed by a word.
            sheet.answers[showing] = answer = replace(sheet.answers[showing], comment=words)
            self._write(sheet)
            return answer

    def erase(self) -> None:
        """Remove all answers."""
        with self._alone(), failing_as(StudyError, f"{self.path.name} cannot be removed"):
            self.path.unlink(missing_ok=True)

    def _write(self, sheet: AnswerSheet) -> None:
        text = json.dumps(exported(sheet, self._study), ensure_ascii=False, indent=1)
        with failing_as(StudyError, f"{self.path.name} cannot be written"):
            write_atomically(self.path, text.encode(errors="replace"), private=True)

    def _alone(self) -> Lock:
        with failing_as(StudyError, f"the answers of {self._rater} cannot be written"):
            return Lock(self.path.with_name(f".{self.path.stem}.lock"), private=True, wait=WAIT)
