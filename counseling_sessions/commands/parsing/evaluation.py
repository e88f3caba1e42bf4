"""What the commands of the evaluation are asked: sessions, what is measured, who judges, where the report goes."""

from pathlib import Path
from typing import Any, Literal

from counseling_sessions.commands.parsing.declared import CommandRequest, Options, argument, group, option, switch
from counseling_sessions.commands.parsing.options import PRICES, SALVAGE, ReadingOptions
from counseling_sessions.commands.parsing.values import count, named_amount, names, positive
from counseling_sessions.evaluation.kinds import KINDS
from counseling_sessions.settings import SettingsError

SCALES = {"ctrs": "ctrs-style", "wai": "wai-style", "panas": "panas-style", "realism": "realism"}
"""Metrics that are built-in scales, and the scales behind them."""
RATED = ("ctrs", "wai", "realism")
"""Built-in scales on which people rate sessions."""
RISK_RUBRIC = "risk-rubric"
"""The metric that is the rubric in branches, asked on sessions with a risk."""
CODES_JUDGED = "codes-judged"
"""The metric that has judges code every message."""
JUDGED = (*SCALES, RISK_RUBRIC, CODES_JUDGED)
"""Metrics that need a judge."""
PLAIN = ("integrity", "structure", "talk", "codes", "course", "risk", "diversity", "self-bleu", "semantic")
ON_REQUEST = ("codes", "semantic", CODES_JUDGED)
"""Metrics that are left out unless they are asked for."""
JUDGEMENTS = "judgements"
"""Folder in which the judges' answers are kept, in a run directory or beside other people's sessions."""

_JUDGE = "YAML with one judge or several"


class SourceRequest(CommandRequest):
    """What is evaluated."""

    sources: tuple[Path, ...] = argument(
        "run directory, or file or folder of anybody's sessions", "SESSIONS", nargs="+", reads=True
    )
    by: str | None = option(
        "what the groups are: method, attitude, model, source, or a field of others' files, as `read` shows them "
        "(default: the method, or with several sources the source)",
        "FIELD",
    )
    reading: ReadingOptions = group(ReadingOptions)
    seed: int = option("of the resampling (default 0)", type=count, default=0)
    salvage: bool = switch(SALVAGE)


def shown_kinds(name: str) -> tuple[str, ...]:
    """The kinds of findings that `--show` names, in the singular or the plural. Raises `SettingsError`."""
    if name == "all":
        return tuple(KINDS)
    wanted = name.replace("-", "_")
    for kind in (wanted, wanted.removesuffix("s")):
        if kind in KINDS:
            return (kind,)
    raise SettingsError(f"--show {name}: there is no such kind of finding; there are {', '.join(KINDS)}, and all")


class MeasureOptions(Options):
    """What is measured."""

    metrics: str | None = option(
        f"of {', '.join((*PLAIN, *JUDGED))}, or all (default: all but {', '.join(ON_REQUEST)}, and the judged ones without --judge)",
        "A,B|all",
    )
    speaker: Literal["counselor", "client"] | None = option("whose messages diversity is of (default: both's)")
    tokenizer: Path | None = option("tokenizer.json for diversity (default: Unicode words)", "FILE", reads=True)
    vocabulary: int | None = option("vocabulary size for EAD (default: the tokenizer's)", "N")
    paper_counting: bool = switch("count diversity as the paper's notebook does (docs/evaluating.md)")
    self_bleu: Literal["sampled", "exact"] = option(
        "of samples with an interval (default), or of every message against all others", default="sampled"
    )
    jobs: int | None = option("processes that measure (default: one a core)", "N", type=positive)
    labels: Path | None = option(
        "file of profiles with labelled techniques, where sessions have none", "PROFILES", reads=True
    )

    def chosen(self, judging: "JudgeOptions") -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The plain metrics that are asked for, and those that need a judge. Raises `SettingsError`."""
        metrics, judge = self.metrics, judging.judge
        if metrics is None:
            plain, needing = (tuple(name for name in some if name not in ON_REQUEST) for some in (PLAIN, JUDGED))
            return plain, needing if judge else ()
        choices = (*PLAIN, *JUDGED)
        wanted = choices if metrics == "all" else names(metrics)
        if unknown := [name for name in wanted if name not in choices]:
            raise SettingsError(f"--metrics {', '.join(unknown)}: choose from {', '.join(choices)}, or all")
        if not wanted:
            raise SettingsError(f"--metrics names none; choose from {', '.join(choices)}, or all")
        needing = tuple(name for name in wanted if name in JUDGED)
        if judge and not needing and not judging.scale:
            raise SettingsError(
                f"--judge has no metric that needs one: add {', '.join(JUDGED)}, or leave --metrics out"
            )
        if needing and not judge:
            problem = f"{', '.join(needing)}: need a judge"
            raise SettingsError(f"{problem}; name one with --judge FILE (docs/evaluating.md shows such a file)")
        return tuple(name for name in wanted if name in PLAIN), needing


class JudgeWorkOptions(Options):
    """How judges are put to work."""

    judgements: Path | None = option(f"where answers are kept (default {JUDGEMENTS}/ in the run)", "FOLDER")
    again: bool = switch("ask once more for what is unscored")
    prices: Path | None = option(PRICES, "FILE", reads=True)
    i_know: bool = switch("let the embedded model judge, to try the machinery out")


class JudgeOptions(Options):
    """Who judges, and how."""

    judge: Path | None = option(f"{_JUDGE} (docs/evaluating.md)", "FILE", reads=True)
    scale: tuple[Path, ...] | None = option(
        "a scale of your own, in YAML; may be repeated", "FILE", type=Path, action="append"
    )
    planted: int = option("sessions to try planted defects on (default 10; 0: none)", "N", type=count, default=10)
    planted_on: str | None = option(
        "plant them in this group's, or in other sessions (default: the reference's or the first group's)",
        "GROUP|SESSIONS",
    )
    work: JudgeWorkOptions = group(JudgeWorkOptions)


class PairJudgeOptions(Options):
    """Who compares pairs, and how."""

    judge: Path = option(_JUDGE, metavar="FILE", reads=True)
    work: JudgeWorkOptions = group(JudgeWorkOptions)


def _page(where: str) -> Any:
    return option(f"the report as a page {where}", "FILE")


class ReportOptions(Options):
    """Where the report goes besides the terminal."""

    html: Path | None = _page("that needs nothing else")
    markdown: Path | None = option("the same as Markdown", "FILE")
    json: Path | None = option("all figures, and every session's own", "FILE")
    tables: Path | None = option("for a paper: tables as CSV and LaTeX, pictures as PDF and SVG, the methods", "FOLDER")
    quiet: bool = switch("print only where the report went")


class ComparisonReportOptions(ReportOptions):
    """The same for a comparison, which always has a page."""

    html: Path | None = _page("(default: report.html in the run, or here)")


class EvaluateRequest(SourceRequest):
    """Sessions to be evaluated, group by group."""

    measuring: MeasureOptions = group(MeasureOptions, "metrics")
    show: str | None = option("list the findings of a kind, such as repeat, with session, turn and text", "KIND|all")
    judging: JudgeOptions = group(JudgeOptions, "judges")
    report: ReportOptions = group(ReportOptions, "report")

    def check(self) -> None:
        super().check()
        self.measuring.chosen(self.judging)
        if self.show:
            shown_kinds(self.show)


class CompareRequest(SourceRequest):
    """Groups of sessions to be compared."""

    reference: str | None = option("compared with all others (default: magnet, else the first)", "GROUP")
    margin: tuple[tuple[str, float], ...] | None = option(
        "test whether groups are alike within ± VALUE on a measure, in its units; may be repeated",
        "MEASURE=VALUE",
        type=named_amount,
        action="append",
    )
    primary: tuple[str, ...] | None = option(
        "a measure named before the data were seen: these are corrected by themselves, all others are secondary; may be repeated",
        "MEASURE",
        action="append",
    )
    measuring: MeasureOptions = group(MeasureOptions, "metrics")
    judging: JudgeOptions = group(JudgeOptions, "judges")
    report: ComparisonReportOptions = group(ComparisonReportOptions, "report")

    def check(self) -> None:
        super().check()
        self.measuring.chosen(self.judging)


class ReferenceRequest(CommandRequest):
    """Generated turns to be scored against those of held-out dialogues."""

    turns: Path = argument("JSON Lines with generated, reference and client", "FILE", reads=True)
    report: ReportOptions = group(ReportOptions, "report")


class PairRequest(SourceRequest):
    """Sessions of which pairs are compared."""

    between: str | None = option("the groups that are compared (default: all)", "A,B")
    aspects: Path | None = option("aspects of your own, in YAML (default: the built-in nine)", "FILE", reads=True)


class PreferRequest(PairRequest):
    """Pairs for judges."""

    pairs: int | None = option("so many pairs, drawn by the seed (default: all)", "N", type=positive)
    controls: int | None = option(
        "control pairs of each kind, identical and padded (default: one for 20 pairs, at least 5; 0: none)",
        "N",
        type=count,
    )
    judging: PairJudgeOptions = group(PairJudgeOptions, "judges")
    report: ReportOptions = group(ReportOptions, "report")


class RateRequest(PairRequest):
    """Pairs for people, or with a scale single sessions."""

    scale: str | None = option(
        f"have single sessions rated on a scale instead: {', '.join(RATED)}, or one of your own in YAML", "NAME|FILE"
    )
    raters: int = option("how many people (default 3)", "N", type=positive, default=3)
    pairs: int = option("pairs for each of them (default 60)", "N", type=positive, default=60)
    sessions: int = option("sessions for each of them, with --scale (default 30)", "N", type=positive, default=30)
    shared: int | None = option("pairs or sessions that all of them see (default: all)", "N", type=positive)
    repeats: float = option("pairs or sessions shown twice (default 0.05)", "SHARE", default=0.05)
    swaps: float = option("and twice with sides swapped (default 0.05)", "SHARE", default=0.05)
    label_studio: bool = switch("tasks for Label Studio too")
    out: Path = option("where the study and its pages go", "FOLDER")


class AgreementRequest(CommandRequest):
    """What people answered."""

    answers: tuple[Path, ...] = argument(
        "exported answers; study.json among or beside them", "FILE", nargs="+", reads=True
    )
    study: Path | None = option("the study, where it lies elsewhere", "FILE", reads=True)
    judged: Path | None = option(
        "what `prefer --json` (of a scale: `evaluate --json`) wrote, to be compared with people", "FILE", reads=True
    )
    seed: int = option("of the resampling (default 0)", default=0)
    report: ReportOptions = group(ReportOptions, "report")
