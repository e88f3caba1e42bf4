"""`run.py rate --scale` and `agreement` of such a study: people rate single sessions on a scale, and judges stand beside them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from counseling_sessions.commands.parsing.evaluation import SCALES, AgreementRequest, RateRequest
from counseling_sessions.commands.parsing.values import names
from counseling_sessions.commands.report_data import read_report
from counseling_sessions.commands.reports import give_report, tell_problems
from counseling_sessions.commands.telling import tell_assumed, tell_left_out, tell_still_to_come, warn
from counseling_sessions.evaluation.groups import gather
from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.rated_sessions import PEOPLE, rated_sessions
from counseling_sessions.evaluation.rating.answers import ScaleAnswers, read_scale_answers
from counseling_sessions.evaluation.rating.draw_sessions import draw_scale_study, hashed_id
from counseling_sessions.evaluation.rating.study import ScaleStudy
from counseling_sessions.evaluation.report.agreement import progress_section
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.made import made_by, made_section
from counseling_sessions.evaluation.report.methods import of_rated_sessions, of_raters, of_software
from counseling_sessions.evaluation.report.rated_sessions import (
    agreement_of_scores,
    judges_beside_people,
    ratings_section,
)
from counseling_sessions.evaluation.scales import Scale, read_scale
from counseling_sessions.sessions import SessionKey
from counseling_sessions.settings import SettingsError
from counseling_sessions.texts.words import counted


def scale_study(request: RateRequest) -> ScaleStudy:
    """Draw a study of single sessions on the scale that is asked for."""
    if request.aspects or request.label_studio:
        raise SettingsError("--aspects and --label-studio are for pairs; leave them out with --scale")
    scale = read_scale(SCALES.get(request.scale or "", request.scale or ""))
    gathered = gather(request.sources, request.by, salvage=request.salvage, how=request.reading.how())
    tell_still_to_come(request.sources)
    tell_left_out(gathered.damaged)
    tell_assumed(gathered.assumed, gathered.notes)
    tell_problems(gathered.problems)
    wanted = names(request.between) if request.between else tuple(gathered.groups)
    if unknown := [name for name in wanted if name not in gathered.groups]:
        raise SettingsError(
            f"--between {', '.join(unknown)}: there is no such group; there are {', '.join(gathered.groups)}"
        )
    groups = {name: gathered.groups[name] for name in wanted}
    there = sum(map(len, groups.values()))
    if request.sessions > there:
        warn(f"there are {there} sessions, fewer than the {request.sessions} asked for; all of them are used")
    each = min(request.sessions, there)
    return draw_scale_study(
        groups,
        scale,
        gathered.pairing,
        raters=request.raters,
        sessions_per_rater=each,
        shared=None if request.shared is None else min(request.shared, each),
        repeats=request.repeats,
        seed=request.seed,
    )


def report_scale_agreement(request: AgreementRequest, study: ScaleStudy) -> ScaleAnswers:
    """Report what people's ratings come to, if there are any; the answers that were read."""
    answers = read_scale_answers(request.answers, study)
    judged = _judged(request.judged, study.scale) if request.judged else []
    if not answers.ratings:
        return answers
    if judged and not {row.key.session for row in judged} & {row.session for row in answers.ratings}:
        raise SettingsError(
            f"{request.judged} scores none of the sessions that people rated; group them as `rate` did (--by)"
        )
    result = rated_sessions(answers, study, judged, seed=request.seed)
    made = made_by(list(request.arguments), seed=request.seed)
    sections = [progress_section(answers), ratings_section(result), agreement_of_scores(result)]
    document = Document(
        "How people rated",
        f"{counted(result.sessions, 'session')}, {counted(len(result.raters), 'rater')}.",
        (*sections, *([judges_beside_people(result)] if judged else []), made_section(made)),
        methods=(*of_raters(answers), *of_rated_sessions(result), *of_software(made)),
    )
    parts: dict[str, Any] = {"made": made, "study": study.hash, "command": list(request.arguments), "answers": answers}
    give_report(request.report, document, dict(to_jsonable_python(parts | {"rated": result}, inf_nan_mode="constants")))
    return answers


def _judged(path: Path, scale: Scale) -> list[Score]:
    """Judges' scores on the scale in what `evaluate --json` wrote, with the sessions' ids in a study."""
    hashes, rows = read_report(path, "`evaluate --judge … --json`", lambda data: _scores(data["judged"], scale.name))
    if hashes.get(scale.name) != scale.hash:
        raise SettingsError(f"{path}: its judges did not score {scale.name} in the words that people were shown")
    return [replace(row, key=_key(row.key)) for row in rows]


def _scores(judged: Any, scale: str) -> tuple[dict[str, str], list[Score]]:
    """The hashes of all scales, and the scores on one."""
    rows = [{**row, "key": row} for row in judged["scores"] if row["scale"] == scale]
    return dict(judged["scales"]), TypeAdapter(list[Score]).validate_python(rows)


def _key(key: SessionKey) -> SessionKey:
    group = key.method or ""
    return SessionKey(hashed_id(group, key.session), PEOPLE, group, key.client, None, None)
