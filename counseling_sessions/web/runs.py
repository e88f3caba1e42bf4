"""The runs of a folder, as the page reads them. Only a name of the list leads to a run: no request says where to look."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock

from counseling_sessions.inspection.diff import as_json, compare
from counseling_sessions.inspection.find import find_records, record_in
from counseling_sessions.inspection.graph_picture import graph_svg
from counseling_sessions.inspection.page import page_of, policy_of
from counseling_sessions.inspection.page_data import Json, drawing_of, session_data
from counseling_sessions.inspection.trace import trace_session
from counseling_sessions.sessions.folder import RunFolder, run_folder
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.web.run_rows import RunRows, Stamp, stamp_of
from counseling_sessions.web.seats import PageError

MOST = 500
"""Runs that are listed, the latest."""
MOST_KEPT = 3
"""Runs whose rows are kept in memory, the last ones that were looked at: a row has about a kilobyte."""


class Runs:
    """The runs in a folder, which may be one itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()  # of `.` the name is wanted too
        self._kept: dict[str, tuple[Stamp, RunRows]] = {}
        self._lock = Lock()

    def listed(self) -> list[Json]:
        """Each run's name and when it was last written (seconds since 1970), the latest first."""
        places = {path.name: path for path in self._inside() if run_folder(path)}
        runs = sorted(((path.stat().st_mtime, name) for name, path in places.items()), reverse=True)
        return [{"name": name, "changed": changed} for changed, name in runs[:MOST]]

    def run(self, name: str) -> RunFolder:
        """The run of this name. Raises `PageError` for one that is not listed."""
        path = next((path for path in self._inside() if path.name == name), None)
        folder = run_folder(path) if path else None
        if folder is None:
            raise PageError("There is no such run.")
        return folder

    def place(self, name: str) -> Path:
        """The folder of a run that is listed. Raises `PageError` for any other name."""
        return self.run(name).folder

    def page(self, name: str) -> tuple[str, str]:
        """The trace page of a run's sessions in one file, and its content security policy. Raises `PageError`."""
        left_out: list[Damage] = []
        page = page_of(find_records(self.run(name).folder, left_out=left_out), f"Sessions of {name}")
        return page, f"{policy_of()}; frame-ancestors 'none'"

    def rows(self, name: str) -> RunRows:
        """The rows of a run as it stands. Raises `PageError`, and `RunError` for a ledger that cannot be read."""
        folder = self.run(name)
        stamp = stamp_of(folder)
        with self._lock:
            before = self._kept.pop(name, None)
            if before is None or before[0] != stamp:
                before = stamp, RunRows(folder, before[1].rows_read() if before else {})
            self._kept[name] = before
            for old in list(self._kept)[:-MOST_KEPT]:
                del self._kept[old]
            return before[1]

    def records(self, name: str, wanted: Callable[[bytes], bool]) -> Iterator[SessionRecord]:
        """The records of a run that can be read, and whose line is `wanted`. Raises `PageError`."""
        return find_records(self.run(name).folder, left_out=[], wanted=wanted)

    def session(self, name: str, session_id: str) -> Json:
        """A session as the trace page shows it, with the drawing of its graph as SVG. Raises `PageError`."""
        record = self._record(name, session_id)
        trace = trace_session(record)
        drawing = drawing_of(trace)
        return session_data(record, trace) | {"graph": graph_svg(*drawing) if drawing else None}

    def difference(self, name: str, one: str, other: str) -> Json:
        """Two sessions of a run and their differences (`diff.as_json`), with the clients' names. Raises `PageError`."""
        a, b = self._record(name, one), self._record(name, other)
        names = {"names": [record.profile.demographics.name for record in (a, b)]}
        return as_json(compare(a, b), alike=True) | names

    def _record(self, name: str, session_id: str) -> SessionRecord:
        record = record_in(self.run(name), session_id)
        if record is None:
            raise PageError(f"There is no session {session_id} in this run.")
        return record

    def _inside(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        inside = [self.folder] if run_folder(self.folder) else list(self.folder.iterdir())
        return [path for path in inside if not path.name.startswith(".")]
