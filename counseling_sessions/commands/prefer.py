"""`run.py prefer`, `rate` and `agreement`: which of two sessions is better, by judges and by people."""

import argparse
from pathlib import Path

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.evaluation_options import (
    evaluation_extra,
    judge_work_options,
    positive,
    report_options,
    source_options,
)


def add(commands: Subparsers) -> None:
    """Tell the parser about these commands."""
    preferring = commands.add_parser("prefer", help="judges compare sessions with the same client on nine aspects")
    _pair_options(preferring)
    preferring.add_argument(
        "--pairs", type=positive, metavar="N", help="so many pairs, drawn by the seed (default: all)"
    )
    judges = preferring.add_argument_group("judges")
    judges.add_argument("--judge", type=Path, required=True, metavar="FILE", help="YAML with one judge or several")
    judge_work_options(judges)
    report_options(preferring, page="that needs nothing else")
    preferring.set_defaults(command=prefer)
    rating = commands.add_parser("rate", help="pages on which people compare sessions, without a server")
    _pair_options(rating)
    rating.add_argument("--raters", type=positive, default=3, metavar="N", help="how many people (default 3)")
    rating.add_argument("--pairs", type=positive, default=60, metavar="N", help="pairs for each of them (default 60)")
    rating.add_argument("--shared", type=positive, metavar="N", help="pairs that all of them see (default: all)")
    rating.add_argument("--repeats", type=float, default=0.05, metavar="SHARE", help="pairs shown twice (default 0.05)")
    rating.add_argument(
        "--swaps", type=float, default=0.05, metavar="SHARE", help="and twice with sides swapped (default 0.05)"
    )
    rating.add_argument("--label-studio", action="store_true", help="tasks for Label Studio too")
    rating.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the study and its pages go")
    rating.set_defaults(command=rate)
    agreeing = commands.add_parser("agreement", help="what people answered, and how far they agree")
    agreeing.add_argument(
        "answers", nargs="+", type=Path, metavar="FILE", help="exported answers; study.json among or beside them"
    )
    agreeing.add_argument("--study", type=Path, metavar="FILE", help="the study, where it lies elsewhere")
    agreeing.add_argument(
        "--judged", type=Path, metavar="FILE", help="what `prefer --json` wrote, to be compared with people"
    )
    agreeing.add_argument("--seed", type=int, default=0, help="of the resampling (default 0)")
    report_options(agreeing, page="that needs nothing else")
    agreeing.set_defaults(command=agree)


def _pair_options(parser: argparse.ArgumentParser) -> None:
    source_options(parser)
    parser.add_argument("--between", metavar="A,B", help="the groups that are compared (default: all)")
    parser.add_argument(
        "--aspects", type=Path, metavar="FILE", help="aspects of your own, in YAML (default: the built-in nine)"
    )


def prefer(args: argparse.Namespace) -> int:
    """Have judges compare pairs of sessions."""
    with evaluation_extra():
        from counseling_sessions.commands.preferring import prefer

        return prefer(args)


def rate(args: argparse.Namespace) -> int:
    """Draw a study for people, and write its pages."""
    with evaluation_extra():
        from counseling_sessions.commands.preferring import rate

        return rate(args)


def agree(args: argparse.Namespace) -> int:
    """Read what people answered."""
    with evaluation_extra():
        from counseling_sessions.commands.preferring import agree

        return agree(args)
