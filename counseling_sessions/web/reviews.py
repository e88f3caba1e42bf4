"""The reviews of a folder, side by side: of its practice sessions, and of files that trainees hand in."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from counseling_sessions.practice.review import Review
from counseling_sessions.web.seats import PREFIX

REVIEW = ".review.json"
MOST = 500
"""Reviews that are listed, the latest."""
_COUNTED = ("missed", "stacked", "early", "pressed")


def reviews_in(folder: Path) -> list[dict[str, Any]]:
    """A line for each review, by its file's name; a file that is none has its `problem`."""
    if not folder.is_dir():
        return []
    files = sorted([*folder.glob(f"*{REVIEW}"), *folder.glob(f"{PREFIX}*/*{REVIEW}")], reverse=True)
    return [_line(file, handed_in=file.parent == folder) for file in files[:MOST]]


def _line(file: Path, *, handed_in: bool) -> dict[str, Any]:
    try:
        review = Review.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return {"who": file.name, "name": None, "problem": "is no review that can be read"}
    return {
        "who": file.name.removesuffix(REVIEW) if handed_in else file.parent.name,
        "name": None if handed_in else file.parent.name,
        "asked": review.questions.model_dump(),
        "counts": {name: len(getattr(review, name)) for name in _COUNTED},
        **review.model_dump(include={"client", "attitude", "messages", "words", "share", "moved"}),
    }
