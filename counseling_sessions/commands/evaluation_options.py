"""What the commands of the evaluation can be told, and what they share: judges at work, and where reports go."""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from counseling_sessions.commands.options import errors, names, salvage_option
from counseling_sessions.models.errors import ModelError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.settings import SettingsError
from counseling_sessions.store.atomic import write_named
from counseling_sessions.store.failing import failing_as

if TYPE_CHECKING:  # the evaluation's libraries are an extra, and are imported when it is called
    from counseling_sessions.evaluation.judging.judges import Judge
    from counseling_sessions.evaluation.report.document import Document
    from counseling_sessions.evaluation.scales import Scale

EXTRA = "pip install -e '.[evaluation]'"
LIBRARIES = frozenset(
    [
        "choix",
        "krippendorff",
        "matplotlib",
        "numpy",
        "py3langid",
        "rouge_score",
        "sacrebleu",
        "scipy",
        "statsmodels",
        "tokenizers",
    ]
)
JUDGED = {"ctrs": "ctrs-style", "wai": "wai-style", "panas": "panas-style"}
"""Metrics that need a judge, and the built-in scales behind them."""
PLAIN = ("integrity", "structure", "diversity", "self-bleu", "semantic")
JUDGEMENTS = "judgements"
"""Folder in which the judges' answers are kept, in a run directory or beside other people's sessions."""


def source_options(parser: argparse.ArgumentParser) -> None:
    """What is evaluated."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SESSIONS",
        type=Path,
        help="run directory, or file or folder of anybody's sessions",
    )
    parser.add_argument(
        "--by",
        choices=["method", "attitude", "model", "source"],
        help="what the groups are (default: the method, or with several sources the source)",
    )
    parser.add_argument("--seed", type=_count, default=0, help="of the resampling (default 0)")
    salvage_option(parser)


def measure_options(parser: argparse.ArgumentParser) -> None:
    """What is measured."""
    group = parser.add_argument_group("metrics")
    group.add_argument(
        "--metrics",
        metavar="A,B|all",
        help=f"of {', '.join((*PLAIN, *JUDGED))}, or all (default: what needs no judge; with --judge, the judged ones too)",
    )
    group.add_argument(
        "--speaker", choices=["counselor", "client"], help="whose messages diversity is of (default: both's)"
    )
    group.add_argument(
        "--tokenizer", type=Path, metavar="FILE", help="tokenizer.json for diversity (default: Unicode words)"
    )
    group.add_argument("--vocabulary", type=int, metavar="N", help="vocabulary size for EAD (default: the tokenizer's)")
    group.add_argument(
        "--paper-cleaning", action="store_true", help="count ASCII letters and digits alone, as the paper does"
    )
    group.add_argument(
        "--labels",
        type=Path,
        metavar="PROFILES",
        help="file of profiles with labelled techniques, where sessions have none",
    )


def judge_options(parser: argparse.ArgumentParser) -> None:
    """Who judges, and how."""
    group = parser.add_argument_group("judges")
    group.add_argument("--judge", type=Path, metavar="FILE", help="YAML with one judge or several (docs/evaluating.md)")
    group.add_argument(
        "--scale", type=Path, action="append", metavar="FILE", help="a scale of your own, in YAML; may be repeated"
    )
    group.add_argument(
        "--planted",
        type=_count,
        default=10,
        metavar="N",
        help="sessions to try planted defects on (default 10; 0: none)",
    )
    group.add_argument(
        "--planted-on",
        type=Path,
        metavar="SESSIONS",
        help="plant them in these instead, such as the project's own corpus: good sessions have further to fall",
    )
    judge_work_options(group)


def judge_work_options(group: argparse._ActionsContainer) -> None:
    """How judges are put to work."""
    group.add_argument(
        "--judgements", type=Path, metavar="FOLDER", help=f"where answers are kept (default {JUDGEMENTS}/ in the run)"
    )
    group.add_argument("--again", action="store_true", help="ask once more for what is unscored")
    group.add_argument("--prices", type=Path, metavar="FILE", help="YAML with prices per model, for costs")
    group.add_argument("--i-know", action="store_true", help="let the embedded model judge, to try the machinery out")


def report_options(parser: argparse.ArgumentParser, *, page: str) -> None:
    """Where the report goes besides the terminal."""
    group = parser.add_argument_group("report")
    group.add_argument("--html", type=Path, metavar="FILE", help=f"the report as a page {page}")
    group.add_argument("--markdown", type=Path, metavar="FILE", help="the same as Markdown")
    group.add_argument("--json", type=Path, metavar="FILE", help="all figures, and every session's own")
    group.add_argument("--quiet", action="store_true", help="print only where the report went")


def chosen_metrics(args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The plain metrics that are asked for, and the names of the built-in scales. Raises `SettingsError`."""
    if args.metrics is None:
        return PLAIN[:4], tuple(JUDGED.values()) if args.judge else ()
    wanted = [*PLAIN, *JUDGED] if args.metrics == "all" else names(args.metrics)
    if unknown := [name for name in wanted if name not in (*PLAIN, *JUDGED)]:
        raise SettingsError(f"--metrics {', '.join(unknown)}: choose from {', '.join((*PLAIN, *JUDGED))}, or all")
    if not wanted:
        raise SettingsError(f"--metrics names none; choose from {', '.join((*PLAIN, *JUDGED))}, or all")
    scales = tuple(JUDGED[name] for name in wanted if name in JUDGED)
    if args.judge and not scales and not args.scale:
        raise SettingsError(
            f"--judge is given, but no metric that needs one: add {', '.join(JUDGED)}, or leave --metrics out"
        )
    if scales and not args.judge:
        needing = ", ".join(name for name in wanted if name in JUDGED)
        raise SettingsError(
            f"{needing}: need a judge; name one with --judge FILE (docs/evaluating.md shows such a file)"
        )
    return tuple(name for name in wanted if name in PLAIN), scales


def judges_and_scales(
    args: argparse.Namespace, built_in: tuple[str, ...]
) -> tuple[tuple["Judge", ...], tuple["Scale", ...]]:
    """The judges of the file, and the scales: built-in ones by name, a user's own in place of one of the same name."""
    from counseling_sessions.evaluation.judging.judges import read_judges
    from counseling_sessions.evaluation.scales import read_scale

    own = [read_scale(path) for path in args.scale or ()]
    scales = {scale.name: scale for scale in [*(read_scale(name) for name in built_in), *own]}
    if own and not args.judge:
        raise SettingsError("--scale: a scale needs a judge; name one with --judge FILE")
    return (read_judges(args.judge) if args.judge else ()), tuple(scales.values())


def judgements_folder(args: argparse.Namespace) -> Path:
    """Where judges' answers are kept: where asked, else in the run directory, else in the folder that one is in."""
    if args.judgements:
        return Path(args.judgements)
    first = Path(args.sources[0])
    return first / JUDGEMENTS if RunFolder(first).planned else Path(JUDGEMENTS)


@contextmanager
def judging_progress(console: Console) -> Iterator[tuple[Callable[[Any], None], Callable[[str], None]]]:
    """Show judges at work: what hears of their progress, and what is told of the stage that has begun."""
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
    from counseling_sessions.evaluation.judging.panel import JudgeStopped

    with bar:
        task = bar.add_task("", total=None, more="")

        def heard(progress: Any) -> None:
            tokens = progress.tokens.prompt + progress.tokens.completion
            more = f"{progress.hits:,} kept · {progress.unscored:,} unscored · {tokens:,} tokens"
            bar.update(task, completed=progress.done, total=progress.total, more=more)

        def told(stage: str) -> None:
            if not console.is_terminal:
                console.print(stage)
            bar.update(task, description=stage, completed=0, total=None, more="")

        try:
            yield heard, told
        except JudgeStopped as stopped:
            raise ModelError("refused", str(stopped)) from stopped


def write_reports(args: argparse.Namespace, document: "Document", data: dict[str, Any]) -> list[Path]:
    """Write the report where it was asked for; each file is there whole or not at all."""
    from counseling_sessions.evaluation.report.html import html
    from counseling_sessions.evaluation.report.markdown import markdown

    written = []
    if args.html:
        written.append(_write(args.html, html(document)))
    if args.markdown:
        written.append(_write(args.markdown, markdown(document)))
    if args.json:
        written.append(_write(args.json, json.dumps(data, ensure_ascii=False, indent=1) + "\n"))
    return written


def _write(path: Path, text: str) -> Path:
    with failing_as(SettingsError, f"{path} cannot be written"):
        write_named(path, text)
    return path


@contextmanager
def evaluation_extra() -> Iterator[None]:
    """Tell what to install where a library of the evaluation is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in LIBRARIES:
            raise SettingsError(f"the evaluation needs the library {error.name}: {EXTRA}") from error
        raise


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("a whole number, 0 or more")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1 on, of an option."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number from 1 on")
    return int(text)


def status_console() -> Console:
    """Where progress is shown: beside the output."""
    return errors()
