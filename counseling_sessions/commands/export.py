"""`run.py export`: a run as a data set."""

from functools import partial

from counseling_sessions.commands.parsing.runs import ExportRequest
from counseling_sessions.commands.telling import say, still_to_come, tell_left_out, warn
from counseling_sessions.generation.exports import ExportReport, Splits, export
from counseling_sessions.generation.exports.exporting import Records
from counseling_sessions.generation.state import StateReader
from counseling_sessions.graph.ledger import Damage
from counseling_sessions.graph.store import has_records, read_records
from counseling_sessions.sessions.store import Store


def run(request: ExportRequest) -> int:
    """Write a run as a data set."""
    folder = request.run
    left_out: list[Damage] | None = [] if request.salvage else None
    if has_records(folder):
        unfinished = still_to_come(folder)
        records: Records = partial(iter, read_records(folder, left_out=left_out).values())
    else:
        unfinished = StateReader(folder).read(by_ledger=True).left
        records = partial(Store(folder).records, failed=True, left_out=left_out)

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
    parts = ", ".join(f"{name} {part.examples:,}" for name, part in report.splits.items())
    failed = f"; {sum(report.failed.values()):,} failed sessions left out" if report.failed else ""
    if report.unfinished:
        warn(f"the run is not done: {report.unfinished:,} of its sessions are still to come, and are not in the export")
    say(f"{report.sessions:,} sessions of {report.clients:,} clients, {report.examples:,} examples ({parts}){failed}")
    say(f"written: {report.out}/, with its card in README.md")
