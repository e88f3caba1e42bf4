"""`run.py evaluate` and `compare`: what sessions are like, and which of their groups is better."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from commands import Subparsers
from commands.evaluation_options import (
    chosen_metrics,
    evaluation_extra,
    judge_options,
    judgements_folder,
    judges_and_scales,
    judging_progress,
    measure_options,
    report_options,
    source_options,
    status_console,
    write_reports,
)
from models.chat import Models
from models.prices import read_prices
from settings import SettingsError

if TYPE_CHECKING:
    from evaluation.groups import Gathered
    from evaluation.judged import Judged
    from evaluation.measure import Measures
    from evaluation.report.document import Section


def add(commands: Subparsers) -> None:
    """Tell the parser about these commands."""
    parser = commands.add_parser("evaluate", help="integrity, structure, diversity and judged scales of sessions")
    source_options(parser)
    measure_options(parser)
    parser.add_argument(
        "--show", metavar="KIND|all", help="list the findings of a kind, such as repeat, with session, turn and text"
    )
    judge_options(parser)
    report_options(parser, page="that needs nothing else")
    parser.set_defaults(command=evaluate)
    comparing = commands.add_parser("compare", help="groups of sessions compared, paired by client, attitude and seed")
    source_options(comparing)
    comparing.add_argument(
        "--reference", metavar="GROUP", help="compared with all others (default: magnet, else the first)"
    )
    measure_options(comparing)
    judge_options(comparing)
    report_options(comparing, page="(default: report.html in the run, or here)")
    comparing.set_defaults(command=compare, show=None)
    referring = commands.add_parser(
        "reference", help="BLEU, chrF and ROUGE of generated counselor turns against reference turns"
    )
    referring.add_argument("turns", type=Path, metavar="FILE", help="JSON Lines with generated, reference and client")
    report_options(referring, page="that needs nothing else")
    referring.set_defaults(command=reference)


def evaluate(args: argparse.Namespace) -> int:
    """Evaluate sessions, group by group."""
    with evaluation_extra():
        return _evaluate(args, comparing=False)


def compare(args: argparse.Namespace) -> int:
    """Compare groups of sessions."""
    if not args.html:
        first = Path(args.sources[0])
        args.html = (first if (first / "run.json").exists() else Path()) / "report.html"
    with evaluation_extra():
        return _evaluate(args, comparing=True)


def reference(args: argparse.Namespace) -> int:
    """Score generated turns against those of held-out dialogues."""
    with evaluation_extra():
        from pydantic_core import to_jsonable_python

        from evaluation.reference import read_turns, reference_scores
        from evaluation.report.document import Document
        from evaluation.report.measured import reference_section
        from evaluation.report.terminal import show

        turns = read_turns(args.turns)
        if not turns:
            raise SettingsError(f"{args.turns} holds no turns")
        scores = reference_scores(turns)
        document = Document(
            "Generated turns against reference turns", f"Read from {args.turns}.", (reference_section(scores),)
        )
        if not args.quiet:
            show(document, Console(highlight=False))
        for path in write_reports(args, document, dict(to_jsonable_python(scores))):
            status_console().print(f"written: {path}")
    return 0


def _evaluate(args: argparse.Namespace, *, comparing: bool) -> int:
    from evaluation.compare import compare_groups
    from evaluation.figures import MEASURES
    from evaluation.groups import gather
    from evaluation.report.compared import comparison_section
    from evaluation.report.data import evaluation_data
    from evaluation.report.document import Document
    from evaluation.report.judged import affect_section, judges_section, scores_section
    from evaluation.report.made import made_by, made_section
    from evaluation.report.measured import diversity_section, integrity_section, read_section, structure_section
    from evaluation.report.terminal import show

    plain, built_in = chosen_metrics(args)
    judges, scales = judges_and_scales(args, built_in)
    told = status_console()
    gathered = gather(args.sources, args.by)
    reference, others = _compared(args, gathered) if comparing else ("", [])
    measures = _measures(args, gathered, plain, told)
    if args.show:
        return _show(args.show, measures)
    judged = asyncio.run(_judge(args, gathered, judges, scales, told)) if scales else None
    rows = _with_scores(measures, judged)
    all_measures = MEASURES | (judged.measures if judged else {})
    sections: list[Section | None] = [read_section(gathered, measures)]
    comparison = None
    if comparing:
        every = [row for group in rows.values() for row in group]
        comparison = compare_groups(every, all_measures, reference, others, seed=args.seed)
        sections.append(comparison_section(comparison))
    if judged:
        sections.append(scores_section(judged, rows, seed=args.seed))
    sections.append(affect_section(judged, seed=args.seed) if judged else None)
    sections.append(integrity_section(measures) if "integrity" in plain else None)
    sections.append(structure_section(measures) if "structure" in plain else None)
    sections.append(diversity_section(measures))
    sections.append(judges_section(judged) if judged else None)
    made = made_by(args.arguments, gathered.sessions, seed=args.seed)
    sections.append(made_section(made))
    title = f"{reference} compared with {', '.join(others)}" if comparing else "Evaluation of counseling sessions"
    document = Document(title, _subtitle(gathered), tuple(section for section in sections if section))
    if not args.quiet:
        show(document, Console(highlight=False))
    data = evaluation_data(gathered, measures, made=made, judged=judged, comparison=comparison)
    _told(write_reports(args, document, data), gathered)
    return 0


def _subtitle(gathered: "Gathered") -> str:
    count = len(gathered.sessions)
    clients = len({session.client for session in gathered.sessions})
    return f"{count:,} sessions of {clients:,} clients in {len(gathered.groups)} group{'s' if len(gathered.groups) > 1 else ''}."


def _compared(args: argparse.Namespace, gathered: "Gathered") -> tuple[str, list[str]]:
    groups = list(gathered.groups)
    if len(groups) < 2:
        raise SettingsError(
            f"there is one group only ({groups[0]}, by {gathered.by}): a comparison needs two; see --by"
        )
    reference = args.reference or ("magnet" if "magnet" in groups else groups[0])
    if reference not in groups:
        raise SettingsError(f"--reference {reference}: there is no such group; there are {', '.join(groups)}")
    return reference, [group for group in groups if group != reference]


def _measures(args: argparse.Namespace, gathered: "Gathered", plain: tuple[str, ...], told: Console) -> "Measures":
    from evaluation.measure import Measuring, measure
    from evaluation.structure import labels_of
    from evaluation.tokens import tokenizer_of_file, unicode_words, with_paper_cleaning
    from profiles.readers import read_profiles

    tokenizer = tokenizer_of_file(args.tokenizer) if args.tokenizer else unicode_words()
    how = Measuring(
        metrics=plain,  # type: ignore[arg-type]
        tokenizer=with_paper_cleaning(tokenizer) if args.paper_cleaning else tokenizer,
        vocabulary=args.vocabulary,
        speaker=args.speaker,
        labels=labels_of(read_profiles(args.labels).profiles) if args.labels else {},
        keep=None if args.show else 100,
        seed=args.seed,
    )
    with told.status("reading") as status:
        try:
            return measure(gathered.groups, how, status.update)
        except ValueError as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(str(error)) from None


async def _judge(args: argparse.Namespace, gathered: "Gathered", judges: Any, scales: Any, told: Console) -> "Judged":
    from evaluation.judged import Judging, judge
    from evaluation.judging.cache import JudgeCache

    how = Judging(
        judges,
        scales,
        planted=args.planted,
        again=args.again,
        i_know=args.i_know,
        prices=read_prices(args.prices) if args.prices else None,
        seed=args.seed,
    )
    models = Models()
    try:
        with judging_progress(told) as (heard, stage):
            cache = JudgeCache(judgements_folder(args))
            return await judge(gathered.sessions, how, models, cache, on_progress=heard, told=stage)
    finally:
        await models.close()


def _with_scores(measures: "Measures", judged: "Judged | None") -> dict[str, Any]:
    from evaluation.figures import with_scores

    rows = {name: list(group.rows) for name, group in measures.groups.items()}
    if judged is None:
        return rows
    return {name: with_scores(found, judged.means, judged.changes, judged.measures) for name, found in rows.items()}


def _show(kind: str, measures: "Measures") -> int:
    from evaluation.integrity import KINDS

    wanted = list(KINDS) if kind == "all" else [_kind(kind)]
    console = Console(highlight=False, soft_wrap=True)
    shown = 0
    for group in measures.groups.values():
        for finding in (finding for name in wanted for finding in group.integrity.findings[name]):
            shown += 1
            where = f"{group.name}  {finding.session}  turn {finding.turn}  {finding.speaker or 'session'}"
            console.print(Text.assemble((where, "cyan"), "  ", (finding.kind, "yellow"), f"  {finding.detail}"))
            if finding.text.strip():
                console.print(Text(f"    {' '.join(finding.text.split())}"))
    status_console().print(f"{shown:,} findings")
    return 0


def _kind(name: str) -> str:
    from evaluation.integrity import KINDS

    wanted = name.replace("-", "_")
    for kind in (wanted, wanted.removesuffix("s")):
        if kind in KINDS:
            return kind
    raise SettingsError(f"--show {name}: there is no such kind of finding; there are {', '.join(KINDS)}, and all")


def _told(written: list[Path], gathered: "Gathered") -> None:
    told = status_console()
    for problem in gathered.problems[:10]:
        told.print(Text(f"left out: {problem}", style="yellow"))
    if len(gathered.problems) > 10:
        told.print(Text(f"left out: {len(gathered.problems) - 10} more; --html and --json list them", style="yellow"))
    for path in written:
        told.print(f"written: {path}")
    sys.stdout.flush()
