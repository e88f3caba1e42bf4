"""The work behind `run.py prefer`, `rate` and `agreement`; imported when they are called, with the evaluation's libraries."""

import argparse
import asyncio
from pathlib import Path
from random import Random
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from rich.text import Text

from counseling_sessions.commands.evaluation_options import (
    judgements_folder,
    judging_progress,
    status_console,
    write_reports,
)
from counseling_sessions.commands.options import names, tell_left_out
from counseling_sessions.commands.unfinished import tell_still_to_come
from counseling_sessions.evaluation.aspects import Aspects, read_aspects
from counseling_sessions.evaluation.groups import gather
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.card import judge_cards
from counseling_sessions.evaluation.judging.judges import Judge, read_judges
from counseling_sessions.evaluation.judging.preference import (
    Decision,
    Preferences,
    decisions,
    judge_pairs,
    position_bias,
)
from counseling_sessions.evaluation.judging.run import Judgements
from counseling_sessions.evaluation.pairs import Pair, pairs_of
from counseling_sessions.evaluation.preferred import by_judges, preferred, rated
from counseling_sessions.evaluation.rating import (
    STUDY_FILE,
    Answers,
    draw_study,
    find_study,
    read_answers,
    read_study,
    write_label_studio,
    write_pages,
    write_study,
)
from counseling_sessions.evaluation.report.data import flat
from counseling_sessions.evaluation.report.document import Document, Section
from counseling_sessions.evaluation.report.format import counted
from counseling_sessions.evaluation.report.judged import judge_card
from counseling_sessions.evaluation.report.made import made_by, made_section
from counseling_sessions.evaluation.report.preferred import (
    agreement_section,
    position_section,
    preference_section,
    progress_section,
)
from counseling_sessions.evaluation.report.terminal import show
from counseling_sessions.models.chat import Models
from counseling_sessions.models.prices import read_prices
from counseling_sessions.settings import SettingsError, validation_message
from counseling_sessions.store.reading import parse_json, read_text
from counseling_sessions.texts.console import HarmlessConsole


def prefer(args: argparse.Namespace) -> int:
    """Have judges compare pairs of sessions, and report."""
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
        f"{counted(len(pairs), 'pair')} of sessions with the same client, attitude and seed, "
        f"judged by {counted(len(judges), 'model')}.",
        (
            preference_section(result, aspects, "judge"),
            position_section(position_bias(answers.rows)),
            Section("Judge cards", (), tuple(judge_card(card) for card in cards.cards)),
            made_section(made),
        ),
    )
    data = {
        "made": made,
        "preferred": result,
        "decisions": flat(decided),
        "cards": cards,
        "answers": flat(answers.rows),
    }
    return _out(args, document, data)


def rate(args: argparse.Namespace) -> int:
    """Draw a study, and write its pages."""
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
    console = HarmlessConsole(soft_wrap=True)
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


def agree(args: argparse.Namespace) -> int:
    """Read what people answered, and report."""
    study = read_study(args.study or find_study(args.answers))
    answers = read_answers(args.answers, study)
    decided = _judged(args.judged) if args.judged else []
    if not answers.ratings:
        _tell_problems(answers)
        raise SettingsError("no answers could be read; raters export them from their page, as JSON")
    result = rated(answers, study, decided, seed=args.seed)
    document = Document(
        "What people preferred",
        f"{counted(len(study.pairs), 'pair')} of sessions, {counted(len(result.preferred.raters), 'rater')}.",
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


def _pairs(args: argparse.Namespace) -> tuple[list[Pair], list[str]]:

    gathered = gather(args.sources, args.by, salvage=args.salvage)
    tell_still_to_come(map(Path, args.sources))
    tell_left_out(gathered.damaged)
    methods = names(args.between) if args.between else list(gathered.groups)
    if unknown := [name for name in methods if name not in gathered.groups]:
        raise SettingsError(
            f"--between {', '.join(unknown)}: there is no such group; there are {', '.join(gathered.groups)}"
        )
    if len(set(methods)) < 2:
        raise SettingsError(f"--between: name two groups at least, of {', '.join(gathered.groups)} (see --by)")
    pairs, alone = pairs_of({name: gathered.groups[name] for name in methods}, gathered.pairing)
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
    args: argparse.Namespace, pairs: list[Pair], aspects: Aspects, judges: tuple[Judge, ...]
) -> Preferences:

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


def _judged(path: Path) -> list[Decision]:

    try:
        data = parse_json(read_text(path))
        return TypeAdapter(list[Decision]).validate_python([{**row, "key": row} for row in data["decisions"]])
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)[:300]}") from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} is not what `prefer --json` writes") from None


def _tell_problems(answers: Answers) -> None:
    told = status_console()
    for problem in answers.problems:
        told.print(Text(f"left out: {problem}", style="yellow"))


def _out(args: argparse.Namespace, document: Document, data: dict[str, Any]) -> int:

    written = write_reports(args, document, dict(to_jsonable_python(data, inf_nan_mode="constants")))
    if not args.quiet:
        show(document, HarmlessConsole())
    for path in written:
        status_console().print(f"written: {path}")
    return 0
