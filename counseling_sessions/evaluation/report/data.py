"""An evaluation as data: everything that a report shows, and every session's own figures, for JSON."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any, get_args

from pydantic_core import to_jsonable_python

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.counts import RATIOS, CodeCount
from counseling_sessions.evaluation.compare import Comparison
from counseling_sessions.evaluation.figures import rows_by_group
from counseling_sessions.evaluation.groups import Gathered
from counseling_sessions.evaluation.integrity import Integrity
from counseling_sessions.evaluation.judged import Judged
from counseling_sessions.evaluation.judged_risk import JudgedRisk, RiskCase
from counseling_sessions.evaluation.kinds import LISTED_IF_FOUND
from counseling_sessions.evaluation.measure import GroupMeasures, Measures, means
from counseling_sessions.evaluation.report.judged_codes import judged_codes_data
from counseling_sessions.evaluation.report.judged_risk import risk_parts
from counseling_sessions.evaluation.risk import RiskCount
from counseling_sessions.evaluation.statistics.intervals import nothing
from counseling_sessions.evaluation.structure import Structure
from counseling_sessions.evaluation.talk import Talk
from counseling_sessions.sessions import SessionKey
from counseling_sessions.state import Speaker

FORMAT = 1


def evaluation_data(
    gathered: Gathered,
    measures: Measures,
    *,
    made: dict[str, Any],
    judged: Judged | None = None,
    comparison: Comparison | None = None,
) -> dict[str, Any]:
    """The evaluation as plain data. `made` says how it came about (`evaluation.report.made`)."""
    data: dict[str, Any] = {
        "format": FORMAT,
        "made": made,
        "by": gathered.by,
        "problems": [str(problem) for problem in gathered.problems],
        "failed_sessions": gathered.failed,
        "damaged_sessions": gathered.damaged,
        "unnamed_sessions": gathered.unnamed,
        "paired_without_seeds": gathered.without_seeds,
        "groups": {name: _group(group, _whose(gathered, "group")) for name, group in measures.groups.items()},
        "diversity_at_equal_length": measures.equal_length,
    }
    if (in_use := gathered.prompts_in_use()).mixed:
        by_group = {name: gathered.prompts_in_use(name).counts for name in gathered.groups}
        data["mixed_prompts"] = {"changed": in_use.differing.split(", "), "groups": by_group}
    if judged:
        data["judged"] = _judged(gathered, measures, judged, made["seed"])
    if comparison:
        data["comparison"] = comparison
    return dict(to_jsonable_python(data, inf_nan_mode="constants"))


def _judged(gathered: Gathered, measures: Measures, judged: Judged, seed: int) -> dict[str, Any]:
    whose = _whose(gathered, "method")
    rows = rows_by_group(measures.rows, judged.means, judged.changes, judged.measures)
    data: dict[str, Any] = {
        "scales": {scale.name: scale.hash for scale in judged.scales},
        "group_means": {
            # Of a group that no judge scored, that is said too.
            group: {name: nothing(len(of_group)) for name in judged.measures}
            | means(of_group, judged.measures, seed=seed)
            for group, of_group in rows.items()
        },
        "means": flat(judged.means, whose),
        "affect": flat(judged.changes, whose),
        "cards": judged.cards,
        "agreement": judged.agreements,
        "scores": flat(judged.judgements.rows, whose),
    }
    if judged.risk:
        data["risk_rubric"] = _judged_risk(judged.risk, gathered.group_of, whose, seed)
    if judged.codes:
        data["codes_judged"] = judged_codes_data(judged.codes, gathered.group_of, whose, seed)
    return data


def _judged_risk(
    judged: JudgedRisk, group_of: dict[SessionKey, str], whose: Callable[[SessionKey], dict[str, Any]], seed: int
) -> dict[str, Any]:
    def graded(cases: Sequence[RiskCase]) -> dict[str, Any]:
        of = {
            name: {
                "met": judged.met(name, cases),
                "severity": {severity or "unscored": n for severity, n in judged.counts(name, cases).items()},
            }
            for name in judged.rubric.dimensions
        }
        return {"sessions": len(cases), "dimensions": of}

    return {
        "rubric": {"name": judged.rubric.name, "hash": judged.rubric.hash},
        "groups": {
            name: graded(part.cases)
            | {
                f"by_{by}": {value or "not_in_the_form": graded(some) for value, some in of.items()}
                for by, of in part.by.items()
            }
            for name, part in risk_parts(judged, group_of).items()
        },
        "agreement": judged.agreements(),
        "sessions": [
            whose(case.key)
            | {"level": case.level, "kind": case.kind, "rules_read_a_risk": case.read, "findings": case.findings}
            | {"severities": {name: judged.severities[case.key, name] for name in judged.rubric.dimensions}}
            for case in judged.cases
        ],
        "means": flat(judged.means, whose),
        "walks": flat(judged.judgements.walks, whose),
    }


def flat(rows: Iterable[Any], whose: Callable[[Any], dict[str, Any]] = asdict) -> list[dict[str, Any]]:
    """Rows as columns, in their order; in place of a row's `key` stands what the key holds (`whose`)."""
    columns = []
    for row in rows:
        values = [(field.name, getattr(row, field.name)) for field in fields(row)]
        parts = [whose(value) if name == "key" else {name: value} for name, value in values]
        columns.append({name: value for part in parts for name, value in part.items()})
    return columns


def _whose(gathered: Gathered, group: str) -> Callable[[SessionKey], dict[str, Any]]:
    """What a key says in the file: which session, its group under the name `group`, and what it is paired by."""
    groups, paired = gathered.group_of, gathered.pairing
    return lambda key: {
        "session": key.session,
        "source": key.source,
        group: groups[key],
        "client": key.client,
        "attitude": key.attitude if paired.attitude else None,
        "seed": key.seed if paired.seed else None,
    }


def _group(group: GroupMeasures, whose: Callable[[SessionKey], dict[str, Any]]) -> dict[str, Any]:
    integrity = {"integrity": _integrity(group.integrity)} if group.integrity else {}
    data: dict[str, Any] = {
        "sessions": group.sessions,
        "clients": group.clients,
        "messages": group.messages,
        **({"clean_sessions": group.clean} if group.clean else {}),
        "figures": group.figures,
        **integrity,
        **({"structure": _structure(group.structure)} if group.structure else {}),
        "diversity": group.diversity,
        "self_bleu": group.self_bleu,
        "semantic": group.semantics,
        "by_session": flat(group.rows, whose),
    }
    if group.talk:
        data["talk"] = _talk(group.talk)
    data["languages"] = group.languages
    data["not_judged"] = group.not_judged
    if group.codes:
        data["codes"] = _codes(group.codes)
    if group.disclosure:
        data["told_by_tenth"] = {name: group.disclosure.curve(name) for name in group.disclosure.by_attitude}
    if group.risk:
        data["risk"] = _risk(group.risk)
    return data


def _integrity(integrity: Integrity) -> dict[str, Any]:
    return {
        "totals": {
            kind: total for kind, total in integrity.totals().items() if total.findings or kind not in LISTED_IF_FOUND
        },
        "findings": [finding for kind in integrity.findings.values() for finding in kind],
        "findings_kept_of_each_kind": integrity.keep,
    }


def _structure(structure: Structure) -> dict[str, Any]:
    return {
        "end_reasons": structure.end_reasons,
        "turns": dict(sorted(structure.turns.items())),
        "techniques_by_phase": structure.by_phase,
        "messages_with_a_technique_by_phase": structure.phase_messages,
        "techniques_by_tenth": structure.by_decile,
        "openings": structure.openings(100),
        "label_agreement": {"agree": structure.agree, "comparable": structure.comparable},
    }


def _risk(risk: RiskCount) -> dict[str, Any]:
    levels = {
        level or "not_in_the_form": {
            "sessions": len(risk.by_level[level]),
            "with_a_sign": risk.read(level),
            "figures": risk.figures(level),
        }
        for level in risk.levels()
    }
    return {"by_level": levels, "false_alarms": risk.false_alarms()}


def _codes(codes: CodeCount) -> dict[str, Any]:
    shares = {side: {code: codes.share(side, code) for code in codebook().of(side)} for side in get_args(Speaker)}
    ratios = {name: codes.ratio(name) for name in RATIOS}
    return {"sessions": codes.sessions, "not_in_english": codes.foreign, "shares": shares, "ratios": ratios}


def _talk(talk: Talk) -> dict[str, Any]:
    sides = {
        f"{speaker}{suffix}": talk.side(speaker, backchannels=not suffix)
        for speaker in get_args(Speaker)
        for suffix in ("", "_without_backchannels")
    }
    return {**sides, "shares": talk.shares(), "early_proposals": talk.early, "pressed_proposals": talk.pressed}
