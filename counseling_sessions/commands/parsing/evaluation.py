"""What the commands of the evaluation are asked: sessions, what is measured, who judges, where the report goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from counseling_sessions.commands.parsing.declared import CommandRequest, argument, group, option, switch
from counseling_sessions.commands.parsing.options import prices_option, salvage_option
from counseling_sessions.commands.parsing.values import count, positive

JUDGED = {"ctrs": "ctrs-style", "wai": "wai-style", "panas": "panas-style"}
"""Metrics that need a judge, and the built-in scales behind them."""
PLAIN = ("integrity", "structure", "diversity", "self-bleu", "semantic")
JUDGEMENTS = "judgements"
"""Folder in which the judges' answers are kept, in a run directory or beside other people's sessions."""

_JUDGE = "YAML with one judge or several"


@dataclass(frozen=True, kw_only=True)
class SourceRequest(CommandRequest):
    """What is evaluated."""

    sources: tuple[Path, ...] = argument(
        "run directory, or file or folder of anybody's sessions", nargs="+", metavar="SESSIONS"
    )
    by: Literal["method", "attitude", "model", "source"] | None = option(
        "what the groups are (default: the method, or with several sources the source)",
        choices=["method", "attitude", "model", "source"],
    )
    seed: int = option("of the resampling (default 0)", type=count, default=0)
    salvage: bool = salvage_option()


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """What is measured."""

    metrics: str | None = option(
        f"of {', '.join((*PLAIN, *JUDGED))}, or all (default: what needs no judge; with --judge, the judged ones too)",
        metavar="A,B|all",
    )
    speaker: Literal["counselor", "client"] | None = option(
        "whose messages diversity is of (default: both's)", choices=["counselor", "client"]
    )
    tokenizer: Path | None = option("tokenizer.json for diversity (default: Unicode words)", metavar="FILE")
    vocabulary: int | None = option("vocabulary size for EAD (default: the tokenizer's)", metavar="N")
    paper_cleaning: bool = switch("count ASCII letters and digits alone, as the paper does")
    labels: Path | None = option(
        "file of profiles with labelled techniques, where sessions have none", metavar="PROFILES"
    )


@dataclass(frozen=True, kw_only=True)
class JudgeWorkOptions:
    """How judges are put to work."""

    judgements: Path | None = option(f"where answers are kept (default {JUDGEMENTS}/ in the run)", metavar="FOLDER")
    again: bool = switch("ask once more for what is unscored")
    prices: Path | None = prices_option()
    i_know: bool = switch("let the embedded model judge, to try the machinery out")


@dataclass(frozen=True, kw_only=True)
class JudgeOptions:
    """Who judges, and how."""

    judge: Path | None = option(f"{_JUDGE} (docs/evaluating.md)", metavar="FILE")
    scale: tuple[Path, ...] | None = option(
        "a scale of your own, in YAML; may be repeated", type=Path, action="append", metavar="FILE"
    )
    planted: int = option(
        "sessions to try planted defects on (default 10; 0: none)", type=count, default=10, metavar="N"
    )
    planted_on: Path | None = option(
        "plant them in these instead, such as the project's own corpus: good sessions have further to fall",
        metavar="SESSIONS",
    )
    work: JudgeWorkOptions = group(JudgeWorkOptions)


@dataclass(frozen=True, kw_only=True)
class PairJudgeOptions:
    """Who compares pairs, and how."""

    judge: Path = option(_JUDGE, required=True, metavar="FILE")
    work: JudgeWorkOptions = group(JudgeWorkOptions)


def _page(where: str) -> Any:
    return option(f"the report as a page {where}", metavar="FILE")


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Where the report goes besides the terminal."""

    html: Path | None = _page("that needs nothing else")
    markdown: Path | None = option("the same as Markdown", metavar="FILE")
    json: Path | None = option("all figures, and every session's own", metavar="FILE")
    quiet: bool = switch("print only where the report went")


@dataclass(frozen=True, kw_only=True)
class ComparisonReportOptions(ReportOptions):
    """The same for a comparison, which always has a page."""

    html: Path | None = _page("(default: report.html in the run, or here)")


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest(SourceRequest):
    """Sessions to be evaluated, group by group."""

    measuring: MeasureOptions = group(MeasureOptions, "metrics")
    show: str | None = option(
        "list the findings of a kind, such as repeat, with session, turn and text", metavar="KIND|all"
    )
    judging: JudgeOptions = group(JudgeOptions, "judges")
    report: ReportOptions = group(ReportOptions, "report")


@dataclass(frozen=True, kw_only=True)
class CompareRequest(SourceRequest):
    """Groups of sessions to be compared."""

    reference: str | None = option("compared with all others (default: magnet, else the first)", metavar="GROUP")
    measuring: MeasureOptions = group(MeasureOptions, "metrics")
    judging: JudgeOptions = group(JudgeOptions, "judges")
    report: ComparisonReportOptions = group(ComparisonReportOptions, "report")


@dataclass(frozen=True, kw_only=True)
class ReferenceRequest(CommandRequest):
    """Generated turns to be scored against those of held-out dialogues."""

    turns: Path = argument("JSON Lines with generated, reference and client", metavar="FILE")
    report: ReportOptions = group(ReportOptions, "report")


@dataclass(frozen=True, kw_only=True)
class PairRequest(SourceRequest):
    """Sessions of which pairs are compared."""

    between: str | None = option("the groups that are compared (default: all)", metavar="A,B")
    aspects: Path | None = option("aspects of your own, in YAML (default: the built-in nine)", metavar="FILE")


@dataclass(frozen=True, kw_only=True)
class PreferRequest(PairRequest):
    """Pairs for judges."""

    pairs: int | None = option("so many pairs, drawn by the seed (default: all)", type=positive, metavar="N")
    judging: PairJudgeOptions = group(PairJudgeOptions, "judges")
    report: ReportOptions = group(ReportOptions, "report")


@dataclass(frozen=True, kw_only=True)
class RateRequest(PairRequest):
    """Pairs for people."""

    raters: int = option("how many people (default 3)", type=positive, default=3, metavar="N")
    pairs: int = option("pairs for each of them (default 60)", type=positive, default=60, metavar="N")
    shared: int | None = option("pairs that all of them see (default: all)", type=positive, metavar="N")
    repeats: float = option("pairs shown twice (default 0.05)", default=0.05, metavar="SHARE")
    swaps: float = option("and twice with sides swapped (default 0.05)", default=0.05, metavar="SHARE")
    label_studio: bool = switch("tasks for Label Studio too")
    out: Path = option("where the study and its pages go", required=True, metavar="FOLDER")


@dataclass(frozen=True, kw_only=True)
class AgreementRequest(CommandRequest):
    """What people answered."""

    answers: tuple[Path, ...] = argument("exported answers; study.json among or beside them", nargs="+", metavar="FILE")
    study: Path | None = option("the study, where it lies elsewhere", metavar="FILE")
    judged: Path | None = option("what `prefer --json` wrote, to be compared with people", metavar="FILE")
    seed: int = option("of the resampling (default 0)", default=0)
    report: ReportOptions = group(ReportOptions, "report")
