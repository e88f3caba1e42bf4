"""The same study in Label Studio, for a team that has one: tasks and labelling configuration, and reading its JSON export.

One file of tasks per rater, blinded like the pages. Give each rater a separate project, or let each see only the tasks with their
name: a task is one showing to one rater, and its answer counts for that rater, no matter who is logged in.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.rating.answer_sheet import AnswerSheet, add_answer, wrong_place
from counseling_sessions.evaluation.rating.page import FOLDER, client_lines, sides
from counseling_sessions.evaluation.rating.study import Sheet, Study, StudySession
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.settings import validation_message
from counseling_sessions.store.atomic import write_atomically

CONFIGURATION_FILE = "label-studio.xml"
_ASPECT = "aspect_"  # before an aspect's id, so that no aspect takes the name of another part of the configuration
_COMMENT = "comment_on_pair"


def write_label_studio(study: Study, folder: Path) -> list[Path]:
    """Write the configuration, and `label-studio-rater-1.json` and so on, to be imported as tasks; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {CONFIGURATION_FILE: label_studio_configuration(study.aspects)}
    for rater, tasks in label_studio_tasks(study).items():
        files[f"label-studio-{rater}.json"] = json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"
    for name, text in files.items():
        write_atomically(folder / name, text.encode())
    return [folder / name for name in files]


def label_studio_tasks(study: Study) -> dict[str, list[dict[str, Any]]]:
    """Each rater's tasks in their order, in the form that Label Studio imports."""
    return {sheet.rater: list(_tasks(study, sheet)) for sheet in study.sheets}


def label_studio_configuration(aspects: Aspects) -> str:
    """The labelling configuration: both sessions side by side, and below them a choice of four for each aspect."""
    root = ElementTree.fromstring((FOLDER / "label_studio.xml").read_text(encoding="utf-8"))
    model = next(view for view in root.findall("View") if view.get("className") == "aspect")
    place = list(root).index(model)
    root.remove(model)
    for number, aspect in enumerate(aspects.items):
        view = copy.deepcopy(model)
        for element in view:
            if element.tag == "Header":
                element.set("value", f"{aspect.title}: {aspect.definition}")
            elif element.tag == "Choices":
                element.set("name", _ASPECT + aspect.id)
        root.insert(place + number, view)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _tasks(study: Study, sheet: Sheet) -> Iterator[dict[str, Any]]:
    by_id = study.by_id
    for showing in sheet.showings:
        pair = by_id[showing.pair]
        a, b = sides(pair, showing)
        yield {
            "data": {
                "study": study.hash,
                "rater": sheet.rater,
                "showing": showing.number,
                "place": f"Pair {showing.number} of {len(sheet.showings)}",
                "client": "\n".join(f"{title}: {value}" for title, value in client_lines(pair)) or "–",
                "a": _paragraphs(a),
                "b": _paragraphs(b),
            }
        }


def _paragraphs(session: StudySession) -> list[dict[str, str]]:
    said = enumerate(session.dialogue, 1)
    return [{"speaker": f"{number} {item.speaker.capitalize()}", "text": item.text or "–"} for number, item in said]


class _Value(BaseModel):
    choices: list[str] = []
    text: list[str] | str = []


class _Result(BaseModel):
    from_name: str = ""
    value: _Value


class _Annotation(BaseModel):
    result: list[_Result]
    was_cancelled: bool = False
    updated_at: AwareDatetime
    completed_by: int | dict[str, Any] | None = None
    lead_time: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @property
    def person(self) -> str:
        by = self.completed_by
        return str(by.get("id", by.get("email")) if isinstance(by, dict) else by)


class _Showing(BaseModel):
    study: str
    rater: str
    showing: int


class _Task(BaseModel):
    data: _Showing
    annotations: list[_Annotation]


def is_export(value: Any) -> bool:
    """Whether the content of a JSON file looks like tasks of Label Studio, annotated or not."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and "data" in item for item in value)


def label_studio_sheets(value: list[dict[str, Any]], file: str, study: Study) -> Iterator[AnswerSheet | Problem]:
    """The answers in a JSON export (https://labelstud.io/guide/task_format), by rater, and what is wrong with it.

    Skipped tasks and cancelled annotations are no answers. Of one person's annotations of a task the latest counts; where several
    people annotated it, none does. Tasks without annotations are passed over.
    """
    sheets: dict[str, AnswerSheet] = {}
    misplaced: set[str] = set()
    for place, item in enumerate(value, 1):
        if "annotations" not in item:
            continue
        try:
            task = _Task.model_validate(item)
        except ValidationError as error:
            yield Problem(
                file,
                f"left out: not a task of this study as Label Studio exports it: {validation_message(error)}",
                place,
            )
            continue
        data = task.data
        if problem := wrong_place(data.study, data.rater, file, study):
            if problem.message not in misplaced:
                misplaced.add(problem.message)
                yield problem
            continue
        done = [annotation for annotation in task.annotations if not annotation.was_cancelled]
        if len({annotation.person for annotation in done}) > 1:
            message = f"pair {data.showing} of {data.rater} left out: several people answered it; a task is for one rater alone"
            yield Problem(file, message, place)
        elif done:
            latest = max(done, key=lambda annotation: annotation.updated_at)
            sheet = sheets.setdefault(data.rater, AnswerSheet(data.rater, file, latest.updated_at))
            sheet.at = max(sheet.at, latest.updated_at)
            yield from add_answer(sheet, study, data.showing, *_answer(latest))
    yield from sheets.values()


def _answer(annotation: _Annotation) -> tuple[dict[str, str], str, float | None]:
    """Choices by aspect, comment and seconds of an annotation."""
    choices, comments = {}, []
    for result in annotation.result:
        if result.from_name.startswith(_ASPECT) and result.value.choices:
            choices[result.from_name.removeprefix(_ASPECT)] = result.value.choices[0]
        elif result.from_name == _COMMENT:
            text = result.value.text
            comments += [text] if isinstance(text, str) else text
    return choices, "\n".join(comments), annotation.lead_time
