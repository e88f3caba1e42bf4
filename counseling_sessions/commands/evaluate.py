"""`run.py evaluate`, `compare` and `reference`: what sessions are like, which group is better, and turns against references."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from pydantic_core import to_jsonable_python

from counseling_sessions.commands.findings import show_findings
from counseling_sessions.commands.parsing.evaluation import (
    CODES_JUDGED,
    RISK_RUBRIC,
    SCALES,
    CompareRequest,
    EvaluateRequest,
    JudgeOptions,
    ReferenceRequest,
    ReportOptions,
)
from counseling_sessions.commands.reports import (
    give_report,
    judge_cache,
    judging_progress,
    measuring_progress,
    tell_problems,
    tell_scoreless,
)
from counseling_sessions.commands.risk_words import RISK_WORDS
from counseling_sessions.commands.telling import errors, tell, tell_assumed, tell_left_out, tell_still_to_come
from counseling_sessions.evaluation.branches import read_branches
from counseling_sessions.evaluation.compare import Comparison, compare_groups
from counseling_sessions.evaluation.diversity.tokens import as_in_paper, tokenizer_of_file, unicode_words
from counseling_sessions.evaluation.figures import MEASURES, primary_first, rows_by_group
from counseling_sessions.evaluation.groups import Gathered, gather_heads, read_again
from counseling_sessions.evaluation.judged import Judged, Judging, judge
from counseling_sessions.evaluation.judged_risk import risk_cases
from counseling_sessions.evaluation.judging.codes import read_codes_rubric
from counseling_sessions.evaluation.judging.judges import Judge, read_judges
from counseling_sessions.evaluation.judging.planting.planted import FEWEST_TURNS
from counseling_sessions.evaluation.measure import Measures, measure_sessions
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.readings import Measuring, cores
from counseling_sessions.evaluation.reference import read_turns, reference_scores
from counseling_sessions.evaluation.report.data import evaluation_data
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.evaluation import evaluation_document
from counseling_sessions.evaluation.report.made import made_by, made_section
from counseling_sessions.evaluation.report.measured import SHOWN, reference_section
from counseling_sessions.evaluation.report.methods import of_reference, of_software
from counseling_sessions.evaluation.scales import Scale, read_scale
from counseling_sessions.evaluation.structure import labels_of
from counseling_sessions.models.prices import read_prices
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.foreign import Aside
from counseling_sessions.settings import SettingsError

Progressing = Callable[[int], AbstractContextManager[tuple[Callable[[str], None], Callable[[], None]]]]
"""Shows how far so many sessions are measured, as `measuring_progress` does."""


def _on_terminal(sessions: int) -> AbstractContextManager[tuple[Callable[[str], None], Callable[[], None]]]:
    return measuring_progress(errors(), sessions)


def evaluate(request: EvaluateRequest, progress: Progressing = _on_terminal) -> int:
    """Evaluate sessions, group by group."""
    return _evaluate(request, request.report, progress)


def compare(request: CompareRequest) -> int:
    """Compare groups of sessions; there is always a page."""
    first = request.sources[0]
    page = request.report.html or (first if RunFolder(first).planned else Path()) / "report.html"
    return _evaluate(request, replace(request.report, html=page))


def score_reference(request: ReferenceRequest) -> int:
    """Score generated turns against reference turns, and report."""
    turns = read_turns(request.turns)
    if not turns:
        raise SettingsError(f"{request.turns} holds no turns")
    scores = reference_scores(turns)
    source = f"Read from {request.turns}."
    made = made_by(list(request.arguments))
    document = Document(
        "Generated turns against reference turns",
        source,
        (reference_section(scores), made_section(made)),
        methods=(*of_reference(scores), *of_software(made)),
    )
    give_report(request.report, document, dict(to_jsonable_python(scores)) | {"made": made})
    return 0


def _evaluate(
    request: EvaluateRequest | CompareRequest, report: ReportOptions, progress: Progressing = _on_terminal
) -> int:
    plain, needing = request.measuring.chosen(request.judging)
    judges, scales = _judges_and_scales(request.judging, needing)
    gathered = gather_heads(request.sources, request.by, salvage=request.salvage, how=request.reading.how())
    tell_left_out(gathered.damaged)
    tell_assumed(gathered.assumed, gathered.notes)
    tell_still_to_come(request.sources)
    groups = _compared(request, gathered) if isinstance(request, CompareRequest) else None
    listed = request.show if isinstance(request, EvaluateRequest) else None
    if listed:
        return show_findings(listed, _measures(request, gathered, ("integrity", "risk"), progress, keep=None))
    measures = _measures(request, gathered, plain, progress, keep=None if report.json else SHOWN)
    reference = groups[0] if groups else None
    judged = asyncio.run(_judge(request, gathered, judges, scales, needing, reference)) if scales or needing else None
    comparison = _compare(request, gathered.pairing, measures, judged, plain, *groups) if groups else None
    made = made_by(list(request.arguments), gathered.sessions, seed=request.seed)
    document = evaluation_document(
        gathered, measures, made=made, judged=judged, comparison=comparison, shown=plain, seed=request.seed
    )
    give_report(report, document, evaluation_data(gathered, measures, made=made, judged=judged, comparison=comparison))
    tell_problems(gathered.problems, others="; --html and --json list them")
    return tell_scoreless(judged.marks) if judged else 0


def _judges_and_scales(options: JudgeOptions, needing: tuple[str, ...]) -> tuple[tuple[Judge, ...], tuple[Scale, ...]]:
    """The judges of the file, and the scales: those of these metrics, a user's own in place of one of the same name."""
    built_in = tuple(SCALES[name] for name in needing if name in SCALES)
    sources: tuple[str | Path, ...] = (*built_in, *(options.scale or ()))
    scales = {scale.name: scale for scale in map(read_scale, sources)}
    if options.scale and not options.judge:
        raise SettingsError("--scale: a scale needs a judge; name one with --judge FILE")
    return (read_judges(options.judge) if options.judge else ()), tuple(scales.values())


def _compare(
    request: EvaluateRequest | CompareRequest,
    pairing: Pairing,
    measures: Measures,
    judged: Judged | None,
    plain: tuple[str, ...],
    reference: str,
    others: list[str],
) -> Comparison:
    means, of_judges = judged.compared if judged else ((), {})
    by_group = rows_by_group(measures.rows, means, judged.changes if judged else (), of_judges)
    rows = [row for group in by_group.values() for row in group]
    named = {name: measure for name, measure in MEASURES.items() if measure.family in plain}
    measured = named | of_judges
    margins, primary = (
        (dict(request.margin or ()), request.primary or ()) if isinstance(request, CompareRequest) else ({}, ())
    )
    for option, chosen in (("--margin", margins), ("--primary", primary)):
        if unknown := [name for name in chosen if name not in measured]:
            raise SettingsError(
                f"{option} {', '.join(unknown)}: not among the measures, which are {', '.join(measured)}"
            )
    measured = primary_first(measured, primary)
    return compare_groups(
        rows, measured, reference, others, pairing=pairing, margins=margins, asked=of_judges, seed=request.seed
    )


def _compared(request: CompareRequest, gathered: Gathered) -> tuple[str, list[str]]:
    groups = list(gathered.groups)
    if len(groups) < 2:
        raise SettingsError(
            f"there is one group only ({groups[0]}, by {gathered.by}): a comparison needs two; see --by"
        )
    reference = request.reference or ("magnet" if "magnet" in groups else groups[0])
    if reference not in groups:
        raise SettingsError(f"--reference {reference}: there is no such group; there are {', '.join(groups)}")
    return reference, [group for group in groups if group != reference]


def _measures(
    request: EvaluateRequest | CompareRequest,
    gathered: Gathered,
    plain: tuple[str, ...],
    progress: Progressing,
    *,
    keep: int | None,
) -> Measures:
    options = request.measuring
    tokenizer = tokenizer_of_file(options.tokenizer) if options.tokenizer else unicode_words()
    how = Measuring(
        metrics=plain,  # type: ignore[arg-type]
        tokenizer=as_in_paper(tokenizer) if options.paper_counting else tokenizer,
        vocabulary=options.vocabulary,
        speaker=options.speaker,
        labels=labels_of(read_profiles(options.labels).profiles) if options.labels else {},
        keep=keep,
        seed=request.seed,
        words=RISK_WORDS,
        exact=options.self_bleu == "exact",
    )
    clients = {name: {head.client for head in heads} for name, heads in gathered.groups.items()}
    with progress(len(gathered.sessions)) as (stage, done):
        try:
            return measure_sessions(
                lambda: read_again(gathered),
                clients,
                how,
                jobs=options.jobs or cores(),
                on_stage=stage,
                on_session=done,
            )
        except ValueError as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(str(error)) from None


def _plantable(name: str, grouped: Sequence[tuple[str, Session]]) -> tuple[Session, ...]:
    """The sessions for planted defects: of the group of this name, else of the file or folder.

    Raises `SettingsError` for a name that is neither, if a session is unreadable, or none is long enough.
    """
    return tuple(session for group, session in grouped if group == name) or _plantable_in(Path(name))


def _plantable_in(path: Path) -> tuple[Session, ...]:
    if not path.exists():
        raise SettingsError(f"--planted-on {path}: there is no such group, file or folder")
    sessions: list[Session] = []
    for item in read_sessions(path):
        if isinstance(item, Problem) and not isinstance(item, Aside):
            raise SettingsError(f"--planted-on: {item}")
        if isinstance(item, Session):
            sessions.append(item)
    if not any(session.turns >= FEWEST_TURNS for session in sessions):
        raise SettingsError(f"--planted-on {path}: no session of {FEWEST_TURNS} turns or more")
    return tuple(sessions)


async def _judge(
    request: EvaluateRequest | CompareRequest,
    gathered: Gathered,
    judges: tuple[Judge, ...],
    scales: tuple[Scale, ...],
    needing: tuple[str, ...],
    reference: str | None,
) -> Judged:
    from counseling_sessions.commands.build import opened_models  # takes seconds, and only judges need it

    options, work = request.judging, request.judging.work
    order = list(gathered.groups)
    grouped = sorted(read_again(gathered), key=lambda item: order.index(item[0]))
    sessions = [session for _, session in grouped]
    planted_name = options.planted_on or reference or next(iter(gathered.groups))
    planted_on = _plantable(planted_name, grouped)
    rubric = read_branches() if RISK_RUBRIC in needing else None
    codes = read_codes_rubric() if CODES_JUDGED in needing else None
    how = Judging(
        judges,
        scales,
        rubric,
        cases=tuple(risk_cases(sessions, RISK_WORDS)) if rubric else (),
        codes=codes,
        planted=options.planted,
        planted_on=planted_on,
        planted_name=planted_name,
        groups=gathered.group_of,
        again=work.again,
        i_know=work.i_know,
        prices=read_prices(work.prices) if work.prices else None,
        seed=request.seed,
    )
    if rubric and not how.cases and not (scales or codes):
        tell("no session has a client at risk, and in none the protocol led: the rubric on risk is asked of none")
    async with opened_models() as models:
        with judging_progress(errors()) as (heard, stage):
            cache = judge_cache(work, request.sources)
            return await judge(sessions, how, models, cache, on_progress=heard, on_stage=stage)
