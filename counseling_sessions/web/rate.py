"""Raters answer a study on the page. A study is known by its hash: a folder's name may tell what is compared.

Answers lie beside `study.json`, as `agreement` reads them. Of sessions a rater gets what the page that is a file shows, and no more.
"""

import asyncio
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from counseling_sessions.evaluation.rating.answer_sheet import ShowingAnswer
from counseling_sessions.evaluation.rating.kept import LONGEST_COMMENT, KeptAnswers
from counseling_sessions.evaluation.rating.page import Served, page_of, policy_of
from counseling_sessions.evaluation.rating.study import STUDY_FILE, AnyStudy, Study, StudyError, read_study
from counseling_sessions.evaluation.report.document import Row, Table, cell
from counseling_sessions.evaluation.report.so_far import so_far
from counseling_sessions.web.seats import PageError
from counseling_sessions.web.views import Json

DEPTHS = (STUDY_FILE, f"*/{STUDY_FILE}", f"*/*/{STUDY_FILE}")
"""Where studies lie: the folder may be one, hold some, or hold folders of them."""
ANSWER_FILES = "rating-*.json"
_NAME = re.compile(r"[\w-]{1,100}")

Choice = Annotated[str, Field(max_length=100)]


class NewAnswer(BaseModel):
    """What a rater says of a showing: choices by question, the comment (None: as it was), and the seconds it took so far."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    showing: int = Field(strict=True, ge=1)
    choices: dict[Choice, Choice] = Field(default_factory=dict, max_length=200)
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT)
    seconds: float = Field(default=0.0, ge=0, le=1e7, allow_inf_nan=False)


@dataclass(frozen=True)
class PlacedStudy:
    """A study and its file."""

    file: Path
    study: AnyStudy

    @property
    def folder(self) -> Path:
        """Where the answers lie."""
        return self.file.parent

    @property
    def title(self) -> str:
        """What raters do."""
        return "Comparing sessions" if isinstance(self.study, Study) else f"Rating sessions: {self.study.scale.title}"

    def answers(self, rater: str) -> KeptAnswers:
        """A rater's answers. Raises `PageError` for who is not in the study."""
        if rater not in [sheet.rater for sheet in self.study.sheets]:
            raise PageError("There is no such rater in this study.")
        return KeptAnswers(self.folder, self.study, rater)


class Studies:
    """The studies in a folder. Only a hash of the list leads to one: no request says where to look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, tuple[tuple[int, int], PlacedStudy | StudyError]] = {}
        self._placed: dict[str, PlacedStudy] = {}

    def listed(self) -> tuple[list[PlacedStudy], list[str]]:
        """The studies, the latest first, and in words what is wrong with others. Of two copies the one with answers is shown."""
        found = [self._look(file) for file in sorted(self._files(), key=_copies_last)]
        placed: dict[str, PlacedStudy] = {}
        problems = [str(item) for item in found if isinstance(item, StudyError)]
        for item in found:
            if isinstance(item, PlacedStudy) and (other := placed.setdefault(item.study.hash, item)) is not item:
                problems.append(f"{item.folder}: the same study as {other.folder}, which is shown; keep one of them")
        self._placed = placed
        latest = sorted(placed.values(), key=lambda one: self._seen[one.file][0], reverse=True)
        return latest, problems

    def study(self, name: str) -> PlacedStudy:
        """The study of this hash. Raises `PageError` where there is none."""
        before = self._placed.get(name)
        # A folder of many runs is not searched for each answer.
        if before is None or not before.file.is_file() or self._look(before.file) is not before:
            self.listed()
        if name not in self._placed:
            raise PageError("There is no such study.")
        return self._placed[name]

    def _files(self) -> list[Path]:
        found = {file for depth in DEPTHS for file in self._folder.glob(depth) if file.is_file()}
        return [
            file for file in found if not any(part.startswith(".") for part in file.relative_to(self._folder).parts)
        ]

    def _look(self, file: Path) -> PlacedStudy | StudyError:
        stat = file.stat()
        state = stat.st_mtime_ns, stat.st_size
        if file not in self._seen or self._seen[file][0] != state:
            self._seen[file] = state, _read(file)
        return self._seen[file][1]


def _copies_last(file: Path) -> tuple[int, Path]:
    return -sum(1 for _ in file.parent.glob(ANSWER_FILES)), file


def _read(file: Path) -> PlacedStudy | StudyError:
    try:
        study = read_study(file)
    except StudyError as error:
        return error
    if wrong := [sheet.rater for sheet in study.sheets if not _NAME.fullmatch(sheet.rater)]:
        return StudyError(f"{file}: a rater is named {wrong[0]!r}; a name has letters, digits, - and _ alone")
    return PlacedStudy(file, study)


def rating_router(folder: Path) -> APIRouter:
    """The addresses of rating the studies of a folder."""
    router, studies = APIRouter(), Studies(folder)

    @router.get("/api/rate")
    async def listed() -> Json:
        return await asyncio.to_thread(lambda: _list_view(*studies.listed()))

    @router.get("/api/rate/{study}")
    async def one(study: str) -> Json:
        return await asyncio.to_thread(lambda: study_view(studies.study(study)))

    @router.get("/api/rate/{study}/progress")
    async def progress(study: str) -> Json:
        return await asyncio.to_thread(lambda: progress_view(studies.study(study)))

    @router.get("/api/rate/{study}/raters/{rater}")
    async def answers(study: str, rater: str) -> Json:
        return await asyncio.to_thread(lambda: {"answers": _by_showing(studies.study(study).answers(rater))})

    @router.post("/api/rate/{study}/raters/{rater}")
    async def answer(study: str, rater: str, asked: NewAnswer) -> Json:
        return await asyncio.to_thread(lambda: _put(studies.study(study).answers(rater), asked))

    @router.post("/api/rate/{study}/raters/{rater}/erase")
    async def erase(study: str, rater: str) -> Json:
        await asyncio.to_thread(lambda: studies.study(study).answers(rater).erase())
        return {}

    @router.get("/rate/{study}/{rater}")
    async def page(study: str, rater: str) -> HTMLResponse:
        html = await asyncio.to_thread(lambda: _page(studies.study(study), rater))
        policy = f"{policy_of('server')}; frame-ancestors 'none'"
        return HTMLResponse(html, headers={"content-security-policy": policy})

    return router


def _page(placed: PlacedStudy, rater: str) -> str:
    kept = placed.answers(rater)
    (sheet,) = (sheet for sheet in placed.study.sheets if sheet.rater == rater)
    address = f"../../api/rate/{placed.study.hash}/raters/{quote(rater, safe='')}"
    return page_of(placed.study, sheet, Served(address, _by_showing(kept)))


def _put(kept: KeptAnswers, asked: NewAnswer) -> Json:
    return asdict(kept.put(asked.showing, asked.choices, asked.comment, asked.seconds))


def _by_showing(kept: KeptAnswers) -> Json:
    answers: dict[int, ShowingAnswer] = kept.read()
    return {str(number): asdict(one) | {"seconds": one.seconds or 0.0} for number, one in answers.items()}


def _list_view(placed: list[PlacedStudy], problems: list[str]) -> Json:
    return {"studies": [study_view(one) for one in placed], "problems": problems}


def study_view(placed: PlacedStudy) -> Json:
    """A study as raters see it before they begin: neither its sessions nor its folder."""
    study = placed.study
    return {
        "name": study.hash,
        "title": placed.title,
        "noun": study.nouns[0],
        "question": study.nouns[1],
        "count": len(study.by_id),
        "raters": [sheet.rater for sheet in study.sheets],
    }


def progress_view(placed: PlacedStudy) -> Json:
    """How far each rater has come, and how far they agree so far, for who leads the study."""
    seen = so_far(sorted(placed.folder.glob(ANSWER_FILES)), placed.study)
    return study_view(placed) | {
        "folder": str(placed.folder),
        "progress": [
            {
                "rater": one.answers.rater,
                "complete": one.complete,
                "showings": one.showings,
                "answered": one.answers.answered,
                "asked": one.answers.asked,
            }
            for one in seen.raters
        ],
        "agreement": seen.agreement,
        "table": _table(seen.table) if seen.table else None,
        "problems": list(map(str, seen.problems)),
    }


def _table(table: Table) -> Json:
    rows = [_texts(row) for row in table.rows]
    return {"caption": table.caption, "columns": _texts(table.columns), "rows": rows, "notes": table.all_notes}


def _texts(row: Row) -> list[str]:
    return [cell(item).text for item in row]
