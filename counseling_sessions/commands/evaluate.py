"""`run.py evaluate`, `compare` and `reference`: what sessions are like, and which of their groups is better."""

import argparse
from pathlib import Path

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.evaluation_options import (
    evaluation_extra,
    judge_options,
    measure_options,
    report_options,
    source_options,
)
from counseling_sessions.sessions.folder import RunFolder


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
        from counseling_sessions.commands.evaluating import evaluate

        return evaluate(args, comparing=False)


def compare(args: argparse.Namespace) -> int:
    """Compare groups of sessions."""
    if not args.html:
        first = Path(args.sources[0])
        args.html = (first if RunFolder(first).planned else Path()) / "report.html"
    with evaluation_extra():
        from counseling_sessions.commands.evaluating import evaluate

        return evaluate(args, comparing=True)


def reference(args: argparse.Namespace) -> int:
    """Score generated turns against those of held-out dialogues."""
    with evaluation_extra():
        from counseling_sessions.commands.evaluating import score_turns

        return score_turns(args)
