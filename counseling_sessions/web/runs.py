"""The runs of a folder, as the page reads them. Only a name of the list leads to a run: no request says where to look."""

from pathlib import Path
from typing import Any

from counseling_sessions.inspection.find import find_records
from counseling_sessions.inspection.page import page_of, policy_of
from counseling_sessions.sessions.folder import run_folder
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.web.seats import PageError

MOST = 500
"""Runs that are listed, the latest."""


class Runs:
    """The runs in a folder, which may be one itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self) -> list[dict[str, Any]]:
        """Each run's name and when it was last written (seconds since 1970), the latest first."""
        runs = sorted(((path.stat().st_mtime, name) for name, path in self._places().items()), reverse=True)
        return [{"name": name, "changed": changed} for changed, name in runs[:MOST]]

    def page(self, name: str) -> tuple[str, str]:
        """The trace page of a run's sessions, and its content security policy. Raises `PageError` for a name that is not listed."""
        place = self.place(name)
        left_out: list[Damage] = []
        page = page_of(find_records(place, left_out=left_out), f"Sessions of {name}")
        return page, f"{policy_of()}; frame-ancestors 'none'"

    def place(self, name: str) -> Path:
        """The folder of a run that is listed. Raises `PageError` for any other name."""
        place = self._places().get(name)
        if place is None:
            raise PageError("There is no such run.")
        return place

    def _places(self) -> dict[str, Path]:
        if not self._folder.is_dir():
            return {}
        inside = [self._folder] if run_folder(self._folder) else list(self._folder.iterdir())
        return {path.name: path for path in inside if not path.name.startswith(".") and run_folder(path)}
