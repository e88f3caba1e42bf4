"""`run.py export`: a run as a data set."""

from collections.abc import Iterator

from rich.text import Text

from counseling_sessions.commands.parsing.runs import ExportRequest
from counseling_sessions.commands.telling import errors, tell_left_out
from counseling_sessions.commands.unfinished import still_to_come
from counseling_sessions.generation.exports import ExportReport, Splits, export
from counseling_sessions.generation.state import StateReader
from counseling_sessions.graph.ledger import Damage
from counseling_sessions.graph.store import has_records, read_records
from counseling_sessions.sessions.store import Store
from counseling_sessions.state import SessionRecord
from counseling_sessions.texts.console import HarmlessConsole


def run(request: ExportRequest) -> int:
    """Write a run as a data set."""
    folder = request.run
    left_out: list[Damage] | None = [] if request.salvage else None
    if has_records(folder):
        unfinished = still_to_come(folder)
        single = read_records(folder, left_out=left_out)

        def records() -> Iterator[SessionRecord]:
            return iter(single.values())
    else:
        unfinished = StateReader(folder).read(by_ledger=True).left
        store = Store(folder)

        def records() -> Iterator[SessionRecord]:
            return store.records(failed=True, left_out=left_out)

    report = export(
        records,
        request.format,
        request.out,
        licence=request.licence,
        splits=Splits.of(request.splits) if request.splits else None,
        seed=request.seed,
        overwrite=request.overwrite,
        unfinished=unfinished,
        damaged=left_out,
    )
    tell_left_out(left_out)
    _tell_export(report)
    return 0


def _tell_export(report: ExportReport) -> None:
    console = HarmlessConsole(soft_wrap=True)
    parts = ", ".join(f"{name} {part.examples:,}" for name, part in report.splits.items())
    failed = f"; {sum(report.failed.values()):,} failed sessions left out" if report.failed else ""
    if report.unfinished:
        message = (
            f"the run is not done: {report.unfinished:,} of its sessions are still to come, and are not in the export"
        )
        errors().print(Text(message, style="yellow"))
    console.print(
        Text(
            f"{report.sessions:,} sessions of {report.clients:,} clients, {report.examples:,} examples ({parts}){failed}"
        )
    )
    console.print(Text(f"written: {report.out}/, with its card in README.md"))
