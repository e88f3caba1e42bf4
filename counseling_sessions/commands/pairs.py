"""`run.py prefer`, `rate` and `agreement`: judges and people compare pairs of sessions; people also rate single ones."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from counseling_sessions.commands.build import opened_models
from counseling_sessions.commands.parsing.evaluation import AgreementRequest, PairRequest, PreferRequest, RateRequest
from counseling_sessions.commands.parsing.values import names
from counseling_sessions.commands.report_data import read_report
from counseling_sessions.commands.reports import (
    give_report,
    judge_cache,
    judging_progress,
    tell_problems,
    tell_scoreless,
)
from counseling_sessions.commands.scale_ratings import report_scale_agreement, scale_study
from counseling_sessions.commands.telling import (
    errors,
    say,
    tell,
    tell_assumed,
    tell_left_out,
    tell_still_to_come,
    warn,
)
from counseling_sessions.evaluation.aspects import Aspects, read_aspects
from counseling_sessions.evaluation.groups import gather
from counseling_sessions.evaluation.judged_pairs import JudgedPairs, judged_pairs
from counseling_sessions.evaluation.judging.card import JudgeCards, judge_cards
from counseling_sessions.evaluation.judging.controls import control_pairs, controls_wanted, parted
from counseling_sessions.evaluation.judging.judges import Judge, read_judges
from counseling_sessions.evaluation.judging.planting.padding import padding_hash
from counseling_sessions.evaluation.judging.preference import (
    Decision,
    PairVerdicts,
    decisions,
    judge_pairs,
)
from counseling_sessions.evaluation.judging.run import Judgements
from counseling_sessions.evaluation.pair_lengths import rated_lengths
from counseling_sessions.evaluation.pairs import Pair, Pairs, pairs_of
from counseling_sessions.evaluation.preferred import Preferred, by_judges, by_people, preferred, rated
from counseling_sessions.evaluation.rating.answers import Answers, find_study, read_answers
from counseling_sessions.evaluation.rating.draw import draw_study
from counseling_sessions.evaluation.rating.duration import duration_in_words
from counseling_sessions.evaluation.rating.label_studio import write_label_studio
from counseling_sessions.evaluation.rating.page import write_pages
from counseling_sessions.evaluation.rating.study import STUDY_FILE, Study, read_study, write_study
from counseling_sessions.evaluation.report.agreement import agreement_section, progress_section
from counseling_sessions.evaluation.report.data import flat
from counseling_sessions.evaluation.report.document import Document, Section
from counseling_sessions.evaluation.report.judged import judge_card
from counseling_sessions.evaluation.report.made import made_by, made_section
from counseling_sessions.evaluation.report.methods import (
    of_agreement,
    of_judged_pairs,
    of_judges,
    of_lengths,
    of_preferences,
    of_raters,
    of_software,
)
from counseling_sessions.evaluation.report.pairing import pairing_section, pairing_sentences
from counseling_sessions.evaluation.report.preference_judges import judges_of_pairs_section
from counseling_sessions.evaluation.report.preference_verdicts import preference_verdicts
from counseling_sessions.evaluation.report.preferred import preference_section
from counseling_sessions.models.prices import read_prices
from counseling_sessions.settings import SettingsError
from counseling_sessions.texts.words import counted


def prefer(request: PreferRequest) -> int:
    """Have judges compare pairs of sessions, and report."""
    judges = read_judges(request.judging.judge)
    aspects = read_aspects(request.aspects)
    drawn, methods = _pairs_between(request)
    pairs, controls = _compared(request, drawn.pairs)
    answers, checks = parted(asyncio.run(_judge_pairs(request, [*pairs, *controls], aspects, judges)), controls)
    decided = decisions(answers.rows)
    preferences, unanswered = by_judges(decided)
    result = preferred(preferences, methods, aspects, unanswered=unanswered, seed=request.seed)
    judged = judged_pairs(pairs, decided, answers.rows, methods, aspects, (controls, checks), seed=request.seed)
    verdicts = preference_verdicts(judged)
    cards = _cards(request, judges, answers, aspects)
    sides = [side for pair in pairs for side in (pair.first, pair.second)]
    made = made_by(list(request.arguments), sides, seed=request.seed)
    document = Document(
        f"Preference between {', '.join(methods)}",
        _judged_by(len(pairs), len(judges)),
        (
            pairing_section(drawn, len(pairs)),
            judges_of_pairs_section(judged, verdicts),
            preference_section(result, aspects, "judge", judged.lengths),
            Section("Judge cards", (), tuple(judge_card(card) for card in cards.cards)),
            made_section(made),
        ),
        methods=(*_preference_methods(result, aspects, judged, cards), *of_software(made)),
    )
    parts = {
        "made": made,
        "preferred": result,
        "decisions": flat(decided),
        "cards": cards,
        "answers": flat(answers.rows),
        "pairing": {**drawn._asdict(), "pairs": len(drawn.pairs), "compared": len(pairs)},
        "preferences": [answer._asdict() for answer in preferences],
        "verdicts": verdicts,
        "judged": judged,
        "controls": {"padding": padding_hash(), "answers": flat(checks)},
    }
    give_report(request.report, document, _plain(parts))
    return tell_scoreless((row.judge, row.unscored) for row in answers.rows)


def _judged_by(pairs: int, judges: int) -> str:
    shared = "with the same client, attitude and seed"
    return f"{counted(pairs, 'pair')} of sessions {shared}, judged by {counted(judges, 'model')}."


def _preference_methods(result: Preferred, aspects: Aspects, judged: JudgedPairs, cards: JudgeCards) -> tuple[str, ...]:
    return (
        *of_preferences(result, aspects, "judge"),
        *of_judged_pairs(judged),
        *of_judges(cards.cards),
    )


def rate(request: RateRequest) -> int:
    """Draw a study, and write the pages on which people compare pairs of sessions, or rate sessions on a scale."""
    path = request.out / STUDY_FILE
    if path.exists():
        raise SettingsError(f"{path} holds a study already, and its raters' answers fit no other; give another --out")
    study = scale_study(request) if request.scale else _pair_study(request)
    say(duration_in_words(study))
    request.out.mkdir(parents=True, exist_ok=True)
    write_study(study, path)
    written = write_pages(study, request.out)
    if request.label_studio and isinstance(study, Study):
        written += write_label_studio(study, request.out)
    say(f"study {study.hash}: {len(study.by_id)} {study.nouns[0]}s for {len(study.sheets)} raters")
    for page in written:
        say(f"  {page}")
    say(
        f"Give each rater one page, and keep {path} to yourself: it says which session is whose. Put what the raters export "
        f"beside it, then: python run.py agreement {request.out}/*.json"
    )
    return 0


def _pair_study(request: RateRequest) -> Study:
    pairs = _pairs_between(request)[0].pairs
    if request.pairs > len(pairs):
        warn(f"there are {len(pairs)} pairs, fewer than the {request.pairs} asked for; all of them are used")
    return draw_study(
        pairs,
        read_aspects(request.aspects),
        raters=request.raters,
        pairs_per_rater=min(request.pairs, len(pairs)),
        shared=None if request.shared is None else min(request.shared, request.pairs, len(pairs)),
        repeats=request.repeats,
        swaps=request.swaps,
        seed=request.seed,
    )


def report_agreement(request: AgreementRequest) -> int:
    """Read what people answered, and report how far they agree."""
    study = read_study(request.study or find_study(request.answers))
    reported = _report_pairs(request, study) if isinstance(study, Study) else report_scale_agreement(request, study)
    for problem in reported.problems:
        warn(f"left out: {problem}")
    if not reported.ratings:
        raise SettingsError("no answers could be read; raters export them from their page, as JSON")
    return 0


def _report_pairs(request: AgreementRequest, study: Study) -> Answers:
    """Report what people preferred, if they did; the answers that were read."""
    answers = read_answers(request.answers, study)
    judged = _judged(request.judged) if request.judged else []
    if answers.ratings:
        result = rated(answers, study, judged, seed=request.seed)
        made = made_by(list(request.arguments), seed=request.seed)
        lengths = rated_lengths(answers.ratings, study, seed=request.seed)
        document = Document(
            "What people preferred",
            f"{counted(len(study.pairs), 'pair')} of sessions, {counted(len(result.preferred.raters), 'rater')}.",
            (
                progress_section(answers),
                preference_section(result.preferred, study.aspects, "rater", lengths),
                agreement_section(result, study.aspects),
                made_section(made),
            ),
            methods=(
                *of_raters(answers),
                *of_preferences(result.preferred, study.aspects, "rater"),
                *of_lengths(lengths),
                *of_agreement(
                    (judge.judge for judge in result.judges),
                    again=any(one.repeated.n or one.swapped.n for one in result.consistency.values()),
                ),
                *of_software(made),
            ),
        )
        data: dict[str, Any] = {"made": made, "study": study.hash, "command": list(request.arguments)}
        preferences = [answer._asdict() for answer in by_people(answers, study)]
        data |= {"answers": answers, "rated": result, "lengths": lengths, "preferences": preferences}
        give_report(request.report, document, _plain(data))
    return answers


def _judged(path: Path) -> list[Decision]:
    return read_report(
        path,
        "`prefer --json`",
        lambda data: TypeAdapter(list[Decision]).validate_python([{**row, "key": row} for row in data["decisions"]]),
    )


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    return dict(to_jsonable_python(data, inf_nan_mode="constants"))


def _pairs_between(request: PairRequest) -> tuple[Pairs, list[str]]:
    """The pairs of sessions that are asked for, and the groups that they are of. Raises `SettingsError` where there are none."""
    gathered = gather(request.sources, request.by, salvage=request.salvage, how=request.reading.how())
    tell_still_to_come(request.sources)
    tell_left_out(gathered.damaged)
    tell_assumed(gathered.assumed, gathered.notes)
    methods = list(names(request.between) if request.between else gathered.groups)
    if unknown := [name for name in methods if name not in gathered.groups]:
        raise SettingsError(
            f"--between {', '.join(unknown)}: there is no such group; there are {', '.join(gathered.groups)}"
        )
    if len(set(methods)) < 2:
        raise SettingsError(f"--between: name two groups at least, of {', '.join(gathered.groups)} (see --by)")
    drawn = pairs_of({name: gathered.groups[name] for name in methods}, gathered.pairing)
    tell_problems(gathered.problems)
    for sentence in pairing_sentences(drawn):
        warn(sentence)
    if not drawn.pairs:
        others = ", ".join(methods[1:])
        raise SettingsError(
            f"no session of {methods[0]} shares client, attitude and seed with one of {others}: no pairs"
        )
    return drawn, methods


def _compared(request: PreferRequest, pairs: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """The pairs that judges compare, and the control pairs that go with them."""
    if request.pairs:
        pairs = sorted(Random(request.seed).sample(pairs, min(request.pairs, len(pairs))), key=lambda pair: pair.id)
    wanted = controls_wanted(len(pairs)) if request.controls is None else request.controls
    controls = control_pairs(pairs, wanted, seed=request.seed)
    if controls:
        tell(f"{counted(len(pairs), 'pair')}, and {counted(len(controls), 'control pair')} (--controls)")
    return pairs, controls


def _cards(request: PreferRequest, judges: tuple[Judge, ...], answers: PairVerdicts, aspects: Aspects) -> JudgeCards:
    prices = request.judging.work.prices
    return judge_cards(
        judges,
        Judgements((), {}),
        (),
        preferences=answers,
        aspects=(aspects.name, aspects.hash),
        prices=read_prices(prices) if prices else None,
    )


async def _judge_pairs(
    request: PreferRequest, pairs: list[Pair], aspects: Aspects, judges: tuple[Judge, ...]
) -> PairVerdicts:
    work = request.judging.work
    async with opened_models() as models:
        with judging_progress(errors()) as (heard, stage):
            stage("comparing pairs")
            cache = judge_cache(work, request.sources)
            return await judge_pairs(
                pairs, aspects, judges, models, cache, on_progress=heard, again=work.again, i_know=work.i_know
            )
