"""`run.py prefer`: judges compare pairs of sessions."""

import asyncio
from random import Random

from pydantic_core import to_jsonable_python

from counseling_sessions.commands.build import opened_models
from counseling_sessions.commands.parsing.evaluation import PairRequest, PreferRequest
from counseling_sessions.commands.parsing.values import names
from counseling_sessions.commands.reports import give_report, judge_cache, judging_progress, tell_problems
from counseling_sessions.commands.telling import errors, tell_left_out, tell_still_to_come, warn
from counseling_sessions.evaluation.aspects import Aspects, read_aspects
from counseling_sessions.evaluation.groups import gather
from counseling_sessions.evaluation.judging.card import judge_cards
from counseling_sessions.evaluation.judging.judges import Judge, read_judges
from counseling_sessions.evaluation.judging.preference import Preferences, decisions, judge_pairs, position_bias
from counseling_sessions.evaluation.judging.run import Judgements
from counseling_sessions.evaluation.pairs import Pair, pairs_of
from counseling_sessions.evaluation.preferred import by_judges, preferred
from counseling_sessions.evaluation.report.data import flat
from counseling_sessions.evaluation.report.document import Document, Section
from counseling_sessions.evaluation.report.format import counted
from counseling_sessions.evaluation.report.judged import judge_card
from counseling_sessions.evaluation.report.made import made_by, made_section
from counseling_sessions.evaluation.report.preferred import position_section, preference_section
from counseling_sessions.models.prices import read_prices
from counseling_sessions.settings import SettingsError


def run(request: PreferRequest) -> int:
    """Have judges compare pairs of sessions, and report."""
    judges = read_judges(request.judging.judge)
    aspects = read_aspects(request.aspects)
    pairs, methods = pairs_between(request)
    if request.pairs:
        pairs = sorted(Random(request.seed).sample(pairs, min(request.pairs, len(pairs))), key=lambda pair: pair.id)
    answers = asyncio.run(_judge_pairs(request, pairs, aspects, judges))
    decided = decisions(answers.rows)
    given, unanswered = by_judges(decided)
    result = preferred(given, methods, aspects, unanswered=unanswered, seed=request.seed)
    prices = request.judging.work.prices
    cards = judge_cards(
        judges,
        Judgements((), {}),
        (),
        preferences=answers,
        aspects=(aspects.name, aspects.hash),
        prices=read_prices(prices) if prices else None,
    )
    made = made_by(
        list(request.arguments), [side for pair in pairs for side in (pair.first, pair.second)], seed=request.seed
    )
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
    give_report(request.report, document, dict(to_jsonable_python(data, inf_nan_mode="constants")))
    return 0


def pairs_between(request: PairRequest) -> tuple[list[Pair], list[str]]:
    """The pairs of sessions that are asked for, and the groups that they are of. Raises `SettingsError` where there are none."""
    gathered = gather(request.sources, request.by, salvage=request.salvage)
    tell_still_to_come(request.sources)
    tell_left_out(gathered.damaged)
    methods = list(names(request.between) if request.between else gathered.groups)
    if unknown := [name for name in methods if name not in gathered.groups]:
        raise SettingsError(
            f"--between {', '.join(unknown)}: there is no such group; there are {', '.join(gathered.groups)}"
        )
    if len(set(methods)) < 2:
        raise SettingsError(f"--between: name two groups at least, of {', '.join(gathered.groups)} (see --by)")
    pairs, alone = pairs_of({name: gathered.groups[name] for name in methods}, gathered.pairing)
    tell_problems(gathered.problems)
    if alone:
        warn(f"{alone} sessions have no partner with the same client, attitude and seed, and are left out")
    if not pairs:
        others = ", ".join(methods[1:])
        raise SettingsError(
            f"no session of {methods[0]} shares client, attitude and seed with one of {others}: no pairs"
        )
    return pairs, methods


async def _judge_pairs(
    request: PreferRequest, pairs: list[Pair], aspects: Aspects, judges: tuple[Judge, ...]
) -> Preferences:
    work = request.judging.work
    async with opened_models() as models:
        with judging_progress(errors()) as (heard, told):
            told("comparing pairs")
            cache = judge_cache(work, request.sources)
            return await judge_pairs(
                pairs, aspects, judges, models, cache, on_progress=heard, again=work.again, i_know=work.i_know
            )
