"""The report of an evaluation or a comparison: its sections in their order."""

from typing import Any

from counseling_sessions.evaluation.compare import Comparison
from counseling_sessions.evaluation.figures import rows_by_group
from counseling_sessions.evaluation.groups import Gathered
from counseling_sessions.evaluation.judged import Judged
from counseling_sessions.evaluation.measure import Measures
from counseling_sessions.evaluation.report.codes import codes_section, of_codes
from counseling_sessions.evaluation.report.compared import comparison_section
from counseling_sessions.evaluation.report.course import course_section
from counseling_sessions.evaluation.report.diversity import diversity_section
from counseling_sessions.evaluation.report.document import Document, Section
from counseling_sessions.evaluation.report.judge_use import warnings_of
from counseling_sessions.evaluation.report.judged import affect_section, judges_section, scores_section
from counseling_sessions.evaluation.report.judged_codes import judged_codes_section
from counseling_sessions.evaluation.report.judged_risk import judged_risk_section
from counseling_sessions.evaluation.report.made import made_section
from counseling_sessions.evaluation.report.measured import (
    integrity_section,
    read_section,
    structure_section,
)
from counseling_sessions.evaluation.report.methods import of_comparison, of_judges, of_sessions, of_software
from counseling_sessions.evaluation.report.risk import risk_section
from counseling_sessions.evaluation.report.talk import talk_section
from counseling_sessions.profiles.schema import ATTITUDES
from counseling_sessions.texts.words import counted

CAUTION = "Every figure here is about texts, these clients and these models: none is a clinical outcome."


def evaluation_document(
    gathered: Gathered,
    measures: Measures,
    *,
    made: dict[str, Any],
    judged: Judged | None = None,
    comparison: Comparison | None = None,
    shown: tuple[str, ...] = ("integrity", "structure"),
    seed: int = 0,
) -> Document:
    """The report of what was measured; `shown` are the metrics of integrity and structure that were asked for."""
    sections: list[Section | None] = [read_section(gathered, measures)]
    if comparison:
        sections.append(comparison_section(comparison, warnings_of(judged) if judged else ()))
    if judged:
        sections += _of_scores(gathered, measures, judged, compared=comparison is not None, seed=seed)
    sections += _of_rules(gathered, measures, judged, shown, seed)
    sections += [judges_section(judged) if judged else None, made_section(made)]
    title = "Evaluation of counseling sessions"
    if comparison:
        title = f"{comparison.reference} compared with {', '.join(comparison.others)}"
    clients = len({session.client for session in gathered.sessions})
    subtitle = (
        f"{counted(len(gathered.sessions), 'session')} of {counted(clients, 'client')} in "
        f"{counted(len(gathered.groups), 'group')}."
    )
    return Document(
        title,
        subtitle,
        tuple(section for section in sections if section),
        CAUTION,
        (
            *of_sessions(gathered),
            *(of_comparison(comparison, gathered.pairing) if comparison else ()),
            *of_codes(measures),
            *(of_judges(judged.cards.cards) if judged else ()),
            *of_software(made),
        ),
    )


def _of_scores(
    gathered: Gathered, measures: Measures, judged: Judged, *, compared: bool, seed: int
) -> list[Section | None]:
    """What judges scored on scales."""
    rows = rows_by_group(measures.rows, judged.means, judged.changes, judged.measures)
    attitudes = ATTITUDES if gathered.pairing.attitude else ()
    return [
        scores_section(judged, rows, attitudes=attitudes, compared=compared, seed=seed) if judged.scales else None,
        affect_section(judged, gathered, seed=seed),
    ]


def _of_rules(
    gathered: Gathered, measures: Measures, judged: Judged | None, shown: tuple[str, ...], seed: int
) -> list[Section | None]:
    """What rules found, each beside what judges say of the same."""
    return [
        integrity_section(measures) if "integrity" in shown else None,
        structure_section(measures) if "structure" in shown else None,
        talk_section(measures),
        codes_section(measures, seed=seed),
        judged_codes_section(judged.codes, gathered.group_of, seed=seed) if judged and judged.codes else None,
        course_section(measures),
        risk_section(measures),
        judged_risk_section(judged.risk, gathered.group_of, seed=seed) if judged and judged.risk else None,
        diversity_section(measures),
    ]
