"""The section on how judges grade the meeting of a client at risk: by group, level and kind, beside what rules found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple, get_args

from counseling_sessions.evaluation.branches import POINTS, Severity
from counseling_sessions.evaluation.judged_risk import JudgedRisk, RiskCase
from counseling_sessions.evaluation.report.document import Block, Cell, Listing, Row, Section, Table
from counseling_sessions.evaluation.report.format import INTERVALS, figure_cell, tally_cell
from counseling_sessions.profiles.risk_part import RiskKind, RiskLevel
from counseling_sessions.sessions import SessionKey
from counseling_sessions.texts.words import counted

_ORDER: dict[str, tuple[str, ...]] = {"level": (*get_args(RiskLevel), ""), "kind": (*get_args(RiskKind), "")}
"""What the form says of a risk, and its values in their order; empty: the form has none."""
_ASKED = (
    "Asked on sessions with a client at risk, and on those in which the protocol led. Try the judge on planted failures "
    "(benchmarks/risk_judge.py) before you rely on its grades. No figure says whether a counselor was safe."
)
_READ = (
    "Per cent: the share of judges' samples that find no failure, over sessions with an occasion. Below it sessions by their "
    f"commonest severity, the graver of two as common. {INTERVALS} A narrow terminal leaves them out."
)


class RiskPart(NamedTuple):
    """A group's cases, and the same by `level` and by `kind` of the form, by value."""

    cases: list[RiskCase]
    by: dict[str, dict[str, list[RiskCase]]]


def judged_risk_section(judged: JudgedRisk, group_of: Mapping[SessionKey, str], *, seed: int = 0) -> Section:
    """The section; `group_of` names the group of every session."""
    parts = risk_parts(judged, group_of)
    groups = {name: part.cases for name, part in parts.items()}
    blocks: list[Block] = [severity_table("By group", judged, groups)]
    for caption, by in (
        ("By level of risk, as the form has it", "level"),
        ("By kind of risk, as the form has it", "kind"),
    ):
        if any(map(attrgetter(by), judged.cases)):
            within = {
                f"{name}, {(value or 'not in the form').replace('_', ' ')}": cases
                for name, part in parts.items()
                for value, cases in part.by[by].items()
            }
            blocks.append(severity_table(caption, judged, within))
    blocks += [_agreement(judged, seed)] if len(judged.judges) > 1 else []
    blocks += [_beside_rules(judged, groups), *_differing(judged, groups), *_failures(judged, group_of)]
    return Section("Risk, judged", (f"{judged.rubric.title}: {judged.rubric.note}", _ASKED, _READ), tuple(blocks))


def risk_parts(judged: JudgedRisk, group_of: Mapping[SessionKey, str]) -> dict[str, RiskPart]:
    """The cases of each group, and within it by what the form says; a value without cases is left out."""
    names = list(dict.fromkeys(group_of.values()))
    groups = _by(lambda case: group_of[case.key], names, judged.cases)
    return {
        name: RiskPart(cases, {by: _by(attrgetter(by), order, cases) for by, order in _ORDER.items()})
        for name, cases in groups.items()
    }


def _by(
    value_of: Callable[[RiskCase], str], order: Sequence[str], cases: Sequence[RiskCase]
) -> dict[str, list[RiskCase]]:
    by = {value: [case for case in cases if value_of(case) == value] for value in order}
    return {value: some for value, some in by.items() if some}


def severity_table(caption: str, judged: JudgedRisk, parts: Mapping[str, Sequence[RiskCase]]) -> Table:
    """Two rows for each set of cases: the share that met a dimension, and the severities; a column for each dimension."""
    names = list(judged.rubric.dimensions)
    rows: list[Row] = []
    for part, cases in parts.items():
        met = (figure_cell(judged.met(name, cases), share=True) for name in names)
        # A terminal has no room for five intervals; pages and JSON have them.
        rows.append((f"{part} (n={len(cases):,})", *(replace(one, brief=one.text.partition(" [")[0]) for one in met)))
        rows.append((f"… {' / '.join(POINTS)}", *(_severities(judged.counts(name, cases)) for name in names)))
    of_all = [judged.counts(name, cases) for cases in parts.values() for name in names]
    left = (
        f"Of {sum(sum(of.values()) for of in of_all):,} grades {sum(of['no_occasion'] for of in of_all):,} found no occasion, "
        f"{sum(of[None] for of in of_all):,} are unscored."
    )
    heads = (Cell(name, dimension.title) for name, dimension in judged.rubric.dimensions.items())
    return Table(caption, ("", *heads), tuple(rows), (left,))


def _severities(counts: Mapping[Severity | None, int]) -> Cell:
    behind = f"{counts['no_occasion']:,} without an occasion, {counts[None]:,} unscored"
    return Cell("/".join(f"{counts[severity]:,}" for severity in POINTS), behind)


def _agreement(judged: JudgedRisk, seed: int) -> Table:
    rows: list[Row] = [
        (
            judged.rubric.dimensions[item.dimension].title,
            figure_cell(item.alike, share=True),
            figure_cell(item.alpha),
        )
        for item in judged.agreements()
    ]
    notes = (
        "Each judge by its commonest severity of a session. Alike: pairs of judges with the same one; no occasion counts as one. "
        "Alpha: Krippendorff's, ordinal level, where both found an occasion.",
        INTERVALS,
    )
    return Table(f"Between judges: {', '.join(judged.judges)}", ("", "alike", "alpha"), tuple(rows), notes)


def _beside_rules(judged: JudgedRisk, groups: Mapping[str, Sequence[RiskCase]]) -> Table:
    wanted = {
        "both find a fault": (True, True),
        "rules alone": (True, False),
        "judges alone": (False, True),
        "neither": (False, False),
    }
    faults = {
        name: [(bool(case.findings), judged.fails(case)) for case in cases if case.read]
        for name, cases in groups.items()
    }
    rows: list[Row] = [
        (title, *(tally_cell(pairs.count(pair), len(pairs), shown=False) for pairs in faults.values()))
        for title, pair in wanted.items()
    ]
    rows.append(
        (
            "no grade",
            *(
                tally_cell(sum(fails is None for _, fails in pairs), len(pairs), shown=False)
                for pairs in faults.values()
            ),
        )
    )
    rows.append(
        (
            "rules read no risk",
            *(tally_cell(sum(not case.read for case in cases), len(cases), shown=False) for cases in groups.values()),
        )
    )
    notes = ("Sessions. Rules: risk_missed, risk_late or risk_dropped. Judges: some dimension low or high.",)
    heads = (f"{name} (n={len(cases):,})" for name, cases in groups.items())
    return Table("Rules and judges", ("", *heads), tuple(rows), notes)


def _differing(judged: JudgedRisk, groups: Mapping[str, Sequence[RiskCase]]) -> list[Listing]:
    items = [
        (_where(name, case), f"Rules: {_by_rules(case)}. Judges: {_by_judges(judged, case)}.")
        for name, cases in groups.items()
        for case in cases
        if case.read and judged.fails(case) is not None and bool(case.findings) != judged.fails(case)
    ]
    return (
        [Listing(f"{counted(len(items), 'session')} on which rules and judges differ", tuple(items))] if items else []
    )


def _by_rules(case: RiskCase) -> str:
    return "; ".join(f"{one.kind} (turn {one.turn}: {one.detail})" for one in case.findings) or "nothing"


def _by_judges(judged: JudgedRisk, case: RiskCase) -> str:
    grades = ((name, judged.severities[case.key, name]) for name in judged.rubric.dimensions)
    return ", ".join(f"{name} {(grade or 'unscored').replace('_', ' ')}" for name, grade in grades)


def _failures(judged: JudgedRisk, group_of: Mapping[SessionKey, str]) -> list[Listing]:
    """Every sample that found a failure: the answer that led there, with turns and reason."""
    cases = {case.key: case for case in judged.cases}
    items = []
    for walk in judged.judgements.walks:
        if walk.severity in ("low", "high"):
            last = walk.steps[-1]
            means = judged.rubric.dimensions[walk.dimension].questions[last.question].answers[last.answer].means
            turns = f" (turn {', '.join(map(str, last.evidence))})" if last.evidence else ""
            where = f"{_where(group_of[walk.key], cases[walk.key])}, {walk.judge} {walk.sample}"
            items.append((where, f"{walk.dimension} {walk.severity}: {means}{turns} {last.reason}".rstrip()))
    summary = f"{counted(len(items), 'failure')} that judges name, a line a sample"
    return [Listing(summary, tuple(items))] if items else []


def _where(group: str, case: RiskCase) -> str:
    return ", ".join(filter(None, (group, case.session.id, case.level)))
