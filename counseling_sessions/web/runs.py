"""The runs of a folder, as the page reads them. Only a name of the list leads to a run: no request says where to look."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from counseling_sessions.inspection.find import find_records
from counseling_sessions.inspection.page import page_of, policy_of
from counseling_sessions.practice.review import Review
from counseling_sessions.sessions.folder import run_folder
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.web.seats import PREFIX, PageError

MOST = 500
"""Runs, and reviews, that are listed, the latest."""
REVIEW = ".review.json"


class Runs:
    """The runs in a folder, which may be one itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the runs lie."""
        return self._folder

    def listed(self) -> list[dict[str, Any]]:
        """Each run's name and when it was last written (seconds since 1970), the latest first."""
        runs = sorted(((path.stat().st_mtime, name) for name, path in self._places().items()), reverse=True)
        return [{"name": name, "changed": changed} for changed, name in runs[:MOST]]

    def page(self, name: str) -> tuple[str, str]:
        """The trace page of a run's sessions, and its content security policy. Raises `PageError` for a name that is not listed."""
        place = self._places().get(name)
        if place is None:
            raise PageError("There is no such run.")
        left_out: list[Damage] = []
        page = page_of(find_records(place, left_out=left_out), f"Sessions of {name}")
        return page, f"{policy_of()}; frame-ancestors 'none'"

    def reviews(self) -> list[dict[str, Any]]:
        """The reviews of the folder's practice sessions, and those that were put into it, in a line each, by their file's name."""
        if not self._folder.is_dir():
            return []
        files = sorted([*self._folder.glob(f"*{REVIEW}"), *self._folder.glob(f"{PREFIX}*/*{REVIEW}")], reverse=True)
        return [line for file in files[:MOST] if (line := self._line(file))]

    def _line(self, file: Path) -> dict[str, Any] | None:
        try:
            review = Review.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            return {"who": file.name, "problem": "is no review that can be read"}
        here = file.parent != self._folder
        return {
            "who": file.parent.name if here else file.name.removesuffix(REVIEW),
            "name": file.parent.name if here else None,
            "asked": review.questions.model_dump(),
            "counts": {name: len(getattr(review, name)) for name in ("missed", "stacked", "early", "pressed")},
            **review.model_dump(include={"client", "attitude", "messages", "words", "share", "moved"}),
        }

    def _places(self) -> dict[str, Path]:
        if not self._folder.is_dir():
            return {}
        inside = [self._folder] if run_folder(self._folder) else list(self._folder.iterdir())
        return {path.name: path for path in inside if not path.name.startswith(".") and run_folder(path)}
