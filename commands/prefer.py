"""`run.py prefer`, `rate` and `agreement`: which of two sessions is better, by judges and by people."""

import argparse
import asyncio
import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.text import Text

from commands import Subparsers
from commands.evaluation_options import (
    evaluation_extra,
    judge_work_options,
    judgements_folder,
    judging_progress,
    report_options,
    source_options,
    status_console,
    write_reports,
)
from commands.options import names
from models.chat import Models
from models.prices import read_prices
from settings import SettingsError, validation_message

if TYPE_CHECKING:
    from evaluation.aspects import Aspects
    from evaluation.judging.judges import Judge
    from evaluation.judging.preference import Decision, Preferences
    from evaluation.pairs import Pair
    from evaluation.rating import Answers
    from evaluation.report.document import Document


def add(commands: Subparsers) -> None:
    """Tell the parser about these commands."""
    preferring = commands.add_parser("prefer", help="judges compare sessions with the same client on nine aspects")
    _pair_options(preferring)
    preferring.add_argument("--pairs", type=int, metavar="N", help="so many pairs, drawn by the seed (default: all)")
    judges = preferring.add_argument_group("judges")
    judges.add_argument("--judge", type=Path, required=True, metavar="FILE", help="YAML with one judge or several")
    judge_work_options(judges)
    report_options(preferring, page="that needs nothing else")
    preferring.set_defaults(command=prefer)
    rating = commands.add_parser("rate", help="pages on which people compare sessions, without a server")
    _pair_options(rating)
    rating.add_argument("--raters", type=int, default=3, metavar="N", help="how many people (default 3)")
    rating.add_argument("--pairs", type=int, default=60, metavar="N", help="pairs for each of them (default 60)")
    rating.add_argument("--shared", type=int, metavar="N", help="pairs that all of them see (default: all)")
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
        return _prefer(args)


def rate(args: argparse.Namespace) -> int:
    """Draw a study for people, and write its pages."""
    with evaluation_extra():
        return _rate(args)


def agree(args: argparse.Namespace) -> int:
    """Read what people answered."""
    with evaluation_extra():
        return _agree(args)


def _prefer(args: argparse.Namespace) -> int:
    from evaluation.aspects import read_aspects
    from evaluation.judging.card import judge_cards
    from evaluation.judging.judges import read_judges
    from evaluation.judging.preference import decisions, position_bias
    from evaluation.judging.run import Judgements
    from evaluation.preferred import by_judges, preferred
    from evaluation.report.document import Document, Section
    from evaluation.report.judged import judge_card
    from evaluation.report.made import made_by, made_section
    from evaluation.report.preferred import position_section, preference_section

    judges = read_judges(args.judge)
    aspects = read_aspects(args.aspects)
    pairs, methods = _pairs(args)
    if args.pairs:
        pairs = sorted(Random(args.seed).sample(pairs, min(args.pairs, len(pairs))), key=lambda pair: pair.id)
    answers = asyncio.run(_judge_pairs(args, pairs, aspects, judges))
    decided = decisions(answers.rows)
    given, unanswered = by_judges(decided)
    result = preferred(given, methods, aspects, unanswered=unanswered, seed=args.seed)
    cards = judge_cards(
        judges,
        Judgements((), {}),
        (),
        preferences=answers,
        aspects=(aspects.name, aspects.hash),
        prices=read_prices(args.prices) if args.prices else None,
    )
    made = made_by(args.arguments, [side for pair in pairs for side in (pair.first, pair.second)], seed=args.seed)
    document = Document(
        f"Preference between {', '.join(methods)}",
        f"{len(pairs):,} pairs of sessions with the same client, attitude and seed, judged by {len(judges)} model(s).",
        (
            preference_section(result, aspects, "judge"),
            position_section(position_bias(answers.rows)),
            Section("Judge cards", (), tuple(judge_card(card) for card in cards.cards)),
            made_section(made),
        ),
    )
    data = {"made": made, "preferred": result, "decisions": decided, "cards": cards, "answers": answers.rows}
    return _out(args, document, data)


def _rate(args: argparse.Namespace) -> int:
    from evaluation.aspects import read_aspects
    from evaluation.rating import STUDY_FILE, draw_study, write_label_studio, write_pages, write_study

    pairs, _ = _pairs(args)
    study = draw_study(
        pairs,
        read_aspects(args.aspects),
        raters=args.raters,
        pairs_per_rater=min(args.pairs, len(pairs)),
        shared=None if args.shared is None else min(args.shared, args.pairs, len(pairs)),
        repeats=args.repeats,
        swaps=args.swaps,
        seed=args.seed,
    )
    told = status_console()
    if args.pairs > len(pairs):
        told.print(
            Text(
                f"there are {len(pairs)} pairs, fewer than the {args.pairs} asked for; all of them are used",
                style="yellow",
            )
        )
    path = args.out / STUDY_FILE
    if path.exists():
        raise SettingsError(f"{path} holds a study already, and its raters' answers fit no other; give another --out")
    args.out.mkdir(parents=True, exist_ok=True)
    write_study(study, path)
    written = write_pages(study, args.out)
    if args.label_studio:
        written += write_label_studio(study, args.out)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"study {study.hash}: {len(study.pairs)} pairs for {len(study.sheets)} raters")
    for page in written:
        console.print(Text(f"  {page}"))
    console.print(
        Text(
            f"Give each rater one page, and keep {path} to yourself: it says which session is whose. Put what the raters export "
            f"beside it, then: python run.py agreement {args.out}/*.json"
        )
    )
    return 0


def _agree(args: argparse.Namespace) -> int:
    from evaluation.preferred import rated
    from evaluation.rating import find_study, read_answers, read_study
    from evaluation.report.document import Document
    from evaluation.report.preferred import agreement_section, preference_section, progress_section

    study = read_study(args.study or find_study(args.answers))
    answers = read_answers(args.answers, study)
    decided = _judged(args.judged) if args.judged else []
    if not answers.ratings:
        _tell_problems(answers)
        raise SettingsError("no answers could be read; raters export them from their page, as JSON")
    result = rated(answers, study, decided, seed=args.seed)
    document = Document(
        "What people preferred",
        f"{len(study.pairs):,} pairs of sessions, {len(result.preferred.raters)} raters.",
        (
            progress_section(answers),
            preference_section(result.preferred, study.aspects, "rater"),
            agreement_section(result, study.aspects),
        ),
    )
    data = {"study": study.hash, "command": args.arguments, "answers": answers, "rated": result}
    status = _out(args, document, data)
    _tell_problems(answers)
    return status


def _pairs(args: argparse.Namespace) -> tuple[list["Pair"], list[str]]:
    from evaluation.groups import gather
    from evaluation.pairs import pairs_of

    gathered = gather(args.sources, args.by)
    methods = names(args.between) if args.between else list(gathered.groups)
    if unknown := [name for name in methods if name not in gathered.groups]:
        raise SettingsError(
            f"--between {', '.join(unknown)}: there is no such group; there are {', '.join(gathered.groups)}"
        )
    if len(set(methods)) < 2:
        raise SettingsError(f"--between: name two groups at least, of {', '.join(gathered.groups)} (see --by)")
    pairs, alone = pairs_of(gathered.sessions, methods)
    told = status_console()
    for problem in gathered.problems[:10]:
        told.print(Text(f"left out: {problem}", style="yellow"))
    if alone:
        told.print(
            Text(
                f"{alone} sessions have no partner with the same client, attitude and seed, and are left out",
                style="yellow",
            )
        )
    if not pairs:
        others = ", ".join(methods[1:])
        raise SettingsError(
            f"no session of {methods[0]} shares client, attitude and seed with one of {others}: no pairs"
        )
    return pairs, methods


async def _judge_pairs(
    args: argparse.Namespace, pairs: list["Pair"], aspects: "Aspects", judges: tuple["Judge", ...]
) -> "Preferences":
    from evaluation.judging.cache import JudgeCache
    from evaluation.judging.preference import judge_pairs

    models = Models()
    try:
        with judging_progress(status_console()) as (heard, told):
            told("comparing pairs")
            cache = JudgeCache(judgements_folder(args))
            return await judge_pairs(
                pairs, aspects, judges, models, cache, on_progress=heard, again=args.again, i_know=args.i_know
            )
    finally:
        await models.close()


def _judged(path: Path) -> list["Decision"]:
    from evaluation.judging.preference import Decision

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(list[Decision]).validate_python(data["decisions"])
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)[:300]}") from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} is not what `prefer --json` writes") from None


def _tell_problems(answers: "Answers") -> None:
    told = status_console()
    for problem in answers.problems:
        told.print(Text(f"left out: {problem}", style="yellow"))


def _out(args: argparse.Namespace, document: "Document", data: dict[str, Any]) -> int:
    from pydantic_core import to_jsonable_python

    from evaluation.report.terminal import show

    if not args.quiet:
        show(document, Console(highlight=False))
    for path in write_reports(args, document, dict(to_jsonable_python(data, inf_nan_mode="constants"))):
        status_console().print(f"written: {path}")
    return 0
