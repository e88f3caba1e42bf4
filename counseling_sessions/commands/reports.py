"""What the commands of the evaluation share: judges at work, and where reports go."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from counseling_sessions.commands.parsing.evaluation import JUDGEMENTS, JudgeWorkOptions, ReportOptions
from counseling_sessions.commands.telling import tell, warn
from counseling_sessions.evaluation.judging.ask import Unscored, scoreless
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.panel import JudgeStopped
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.folder import paper_files
from counseling_sessions.evaluation.report.html import html
from counseling_sessions.evaluation.report.markdown import markdown
from counseling_sessions.evaluation.report.terminal import show
from counseling_sessions.models.errors import ModelError
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.store.atomic import write_atomically, write_named
from counseling_sessions.store.failing import failing_as
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.harmless import one_line


def judge_cache(options: JudgeWorkOptions, sources: Sequence[Path]) -> JudgeCache:
    """The store of judges' answers: the folder of the option, else one in the run directory, else one in the working directory."""
    first = sources[0] if RunFolder(sources[0]).planned else Path()
    return JudgeCache(options.judgements or first / JUDGEMENTS)


@contextmanager
def judging_progress(console: Console) -> Iterator[tuple[Callable[[Any], None], Callable[[str], None]]]:
    """Show judges at work: a function for their progress, and one for the name of a new stage."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[more]}", style="dim", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None, more="")

        def heard(progress: Any) -> None:
            tokens = progress.tokens.prompt + progress.tokens.completion
            more = f"{progress.hits:,} kept · {progress.unscored:,} unscored · {tokens:,} tokens"
            bar.update(task, completed=progress.done, total=progress.total, more=more)

        def begin(stage: str) -> None:
            if not console.is_terminal:
                console.print(stage)
            bar.update(task, description=stage, completed=0, total=None, more="")

        try:
            yield heard, begin
        except JudgeStopped as stopped:
            raise ModelError("refused", str(stopped)) from stopped


@contextmanager
def measuring_progress(console: Console, sessions: int) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """Show how far measuring is: a function for the name of a stage, and one for a session more. Silent but on a terminal."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=sessions)
        yield lambda stage: bar.update(task, description=stage), lambda: bar.advance(task)


def tell_scoreless(marks: Iterable[tuple[str, Unscored | None]]) -> int:
    """Say which judges scored nothing, and why (the server's words, if it gave some); the command's exit code."""
    judges = scoreless(marks)
    for name, why in judges.items():
        tell(one_line(f"judge {name} scored nothing: {why.kind}{f': {why.detail}' if why.detail else ''}"), "red")
    return 1 if judges else 0


def tell_problems(problems: Sequence[Problem], *, others: str = "") -> None:
    """Say what was left out as unreadable: the first ten; `others` says where to find the rest."""
    for problem in problems[:10]:
        warn(f"left out: {problem}")
    if len(problems) > 10:
        warn(f"left out: {len(problems) - 10} more{others}")


def give_report(options: ReportOptions, document: Document, data: dict[str, Any]) -> None:
    """Write the report where it was asked for, then show it: the reader of what is shown may go away."""
    written = [path for path in (options.html, options.markdown, options.json) if path]
    if options.html:
        _write(options.html, html(document))
    if options.markdown:
        _write(options.markdown, markdown(document))
    if options.json:
        _write(options.json, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    if options.tables:
        written.append(_write_folder(options.tables, paper_files(document)))
    if not options.quiet:
        show(document, HarmlessConsole())
    for path in written:
        tell(f"written: {path}")


def _write(path: Path, text: str) -> None:
    with failing_as(RunError, f"{path} cannot be written"):
        write_named(path, text)


def _write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """Write the files into the folder, over those of an earlier report; the path of the first of them, which lists the others."""
    with failing_as(RunError, f"{folder} cannot be written"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_atomically(folder / name, data)
    return folder / next(iter(files))
