"""`run.py export`: a run as a data set."""

from functools import partial

from counseling_sessions.commands.parsing.runs import ExportRequest
from counseling_sessions.commands.telling import say, still_to_come, tell_left_out, warn
from counseling_sessions.generation.exports import ExportReport, Splits, export
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import run_folder
from counseling_sessions.sessions.ledger import Damage


def run(request: ExportRequest) -> int:
    """Write a run as a data set."""
    folder = run_folder(request.run)
    if folder is None:
        raise RunError(f"{request.run} is not a run directory, and has no sessions")
    left_out: list[Damage] | None = [] if request.salvage else None
    unfinished = still_to_come(request.run)
    report = export(
        partial(folder.records, failed=True, left_out=left_out),
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
