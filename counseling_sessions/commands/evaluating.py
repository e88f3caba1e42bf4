"""The work behind `run.py evaluate`, `compare` and `reference`; imported when they are called, with the evaluation's libraries."""

import argparse
import asyncio
from pathlib import Path

from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.text import Text

from counseling_sessions.commands.evaluation_options import (
    chosen_metrics,
    judgements_folder,
    judges_and_scales,
    judging_progress,
    status_console,
    write_reports,
)
from counseling_sessions.commands.options import tell_left_out
from counseling_sessions.commands.unfinished import tell_still_to_come
from counseling_sessions.evaluation.compare import Comparison, compare_groups
from counseling_sessions.evaluation.figures import MEASURES, rows_by_group
from counseling_sessions.evaluation.groups import Gathered, gather
from counseling_sessions.evaluation.integrity import KINDS
from counseling_sessions.evaluation.judged import Judged, Judging, judge
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.planted import FEWEST_TURNS
from counseling_sessions.evaluation.measure import Measures, Measuring, measure
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.reference import read_turns, reference_scores
from counseling_sessions.evaluation.report.data import evaluation_data
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.format import counted
from counseling_sessions.evaluation.report.made import made_by
from counseling_sessions.evaluation.report.measured import reference_section
from counseling_sessions.evaluation.report.terminal import show
from counseling_sessions.evaluation.report.whole import evaluation_document
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.structure import labels_of
from counseling_sessions.evaluation.tokens import tokenizer_of_file, unicode_words, with_paper_cleaning
from counseling_sessions.models.chat import Models
from counseling_sessions.models.prices import read_prices
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.settings import SettingsError
from counseling_sessions.texts.console import HarmlessConsole


def evaluate(args: argparse.Namespace, *, comparing: bool) -> int:
    """Evaluate sessions, or compare their groups, and report."""
    plain, built_in = chosen_metrics(args)
    judges, scales = judges_and_scales(args, built_in)
    told = status_console()
    gathered = gather(args.sources, args.by, salvage=args.salvage)
    tell_left_out(gathered.damaged)
    tell_still_to_come(map(Path, args.sources))
    reference, others = _compared(args, gathered) if comparing else ("", [])
    measures = _measures(args, gathered, plain, told)
    if args.show:
        return _show(args.show, measures)
    judged = asyncio.run(_judge(args, gathered, judges, scales, told)) if scales else None
    comparison = _compare(args, gathered.pairing, measures, judged, plain, reference, others) if comparing else None
    made = made_by(args.arguments, gathered.sessions, seed=args.seed)
    document = evaluation_document(
        gathered, measures, made=made, judged=judged, comparison=comparison, shown=plain, seed=args.seed
    )
    data = evaluation_data(gathered, measures, made=made, judged=judged, comparison=comparison)
    written = write_reports(args, document, data)  # first: the reader of what is shown may go away
    if not args.quiet:
        show(document, HarmlessConsole())
    _tell(written, gathered)
    return 0


def score_turns(args: argparse.Namespace) -> int:
    """Score generated turns against reference turns, and report."""
    turns = read_turns(args.turns)
    if not turns:
        raise SettingsError(f"{args.turns} holds no turns")
    scores = reference_scores(turns)
    document = Document(
        "Generated turns against reference turns", f"Read from {args.turns}.", (reference_section(scores),)
    )
    if not args.quiet:
        show(document, HarmlessConsole())
    for path in write_reports(args, document, dict(to_jsonable_python(scores))):
        status_console().print(f"written: {path}")
    return 0


def _compare(
    args: argparse.Namespace,
    pairing: Pairing,
    measures: Measures,
    judged: Judged | None,
    plain: tuple[str, ...],
    reference: str,
    others: list[str],
) -> Comparison:
    known = rows_by_group(measures.rows, judged.means, judged.changes, judged.measures) if judged else None
    rows = [row for group in known.values() for row in group] if known else measures.rows
    asked = {name: one for name, one in MEASURES.items() if one.family in plain}
    return compare_groups(
        rows, asked | (judged.measures if judged else {}), reference, others, pairing=pairing, seed=args.seed
    )


def _compared(args: argparse.Namespace, gathered: Gathered) -> tuple[str, list[str]]:
    groups = list(gathered.groups)
    if len(groups) < 2:
        raise SettingsError(
            f"there is one group only ({groups[0]}, by {gathered.by}): a comparison needs two; see --by"
        )
    reference = args.reference or ("magnet" if "magnet" in groups else groups[0])
    if reference not in groups:
        raise SettingsError(f"--reference {reference}: there is no such group; there are {', '.join(groups)}")
    return reference, [group for group in groups if group != reference]


def _measures(args: argparse.Namespace, gathered: Gathered, plain: tuple[str, ...], told: Console) -> Measures:
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


def _whole_ones(path: Path) -> tuple[Session, ...]:
    """The sessions that defects are planted in. Raises `SettingsError` where one cannot be read, or none is long enough."""
    found: list[Session] = []
    for item in read_sessions(path):
        if isinstance(item, Problem):
            raise SettingsError(f"--planted-on: {item}")
        found.append(item)
    if not any(session.turns >= FEWEST_TURNS for session in found):
        raise SettingsError(f"--planted-on {path}: no session of {FEWEST_TURNS} turns or more")
    return tuple(found)


async def _judge(
    args: argparse.Namespace, gathered: Gathered, judges: tuple[Judge, ...], scales: tuple[Scale, ...], told: Console
) -> Judged:
    how = Judging(
        judges,
        scales,
        planted=args.planted,
        planted_on=_whole_ones(args.planted_on) if args.planted_on else (),
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


def _show(kind: str, measures: Measures) -> int:
    wanted = list(KINDS) if kind == "all" else [_kind(kind)]
    console = HarmlessConsole(soft_wrap=True)
    shown = 0
    for group in measures.groups.values():
        for finding in (finding for name in wanted for finding in group.integrity.findings[name]):
            shown += 1
            where = f"{group.name}  {finding.session}  turn {finding.turn}  {finding.speaker or 'session'}"
            console.print(Text.assemble((where, "cyan"), "  ", (finding.kind, "yellow"), f"  {finding.detail}"))
            if finding.text.strip():
                console.print(Text(f"    {' '.join(finding.text.split())}"))
    status_console().print(counted(shown, "finding"))
    return 0


def _kind(name: str) -> str:
    wanted = name.replace("-", "_")
    for kind in (wanted, wanted.removesuffix("s")):
        if kind in KINDS:
            return kind
    raise SettingsError(f"--show {name}: there is no such kind of finding; there are {', '.join(KINDS)}, and all")


def _tell(written: list[Path], gathered: Gathered) -> None:
    told = status_console()
    for problem in gathered.problems[:10]:
        told.print(Text(f"left out: {problem}", style="yellow"))
    if len(gathered.problems) > 10:
        told.print(Text(f"left out: {len(gathered.problems) - 10} more; --html and --json list them", style="yellow"))
    for path in written:
        told.print(f"written: {path}")
