"""The figures of single sessions by which groups are described and compared, and what each of them is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from counseling_sessions.evaluation.integrity import Finding
from counseling_sessions.evaluation.judging.means import AffectChange, SubscaleMean
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.structure import session_figures
from counseling_sessions.sessions import Session, SessionKey

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Measure:
    """A figure that every session can have: its title, what it is, the bounds of its values, and which way is better.

    `family` names the comparisons that are corrected together (Holm). `share` figures lie within 0 and 1 and are shown in per cent.
    """

    id: str
    title: str
    family: str
    better: Better = "neither"
    low: float | None = None
    high: float | None = None
    share: bool = False


STRUCTURE = "structure"
INTEGRITY = "integrity"

MEASURES: dict[str, Measure] = {
    measure.id: measure
    for measure in (
        Measure("turns", "turns", STRUCTURE),
        Measure("counselor_words", "words a counselor message", STRUCTURE),
        Measure("client_words", "words a client message", STRUCTURE),
        Measure("question_share", "counselor messages that ask", STRUCTURE, share=True),
        Measure("techniques", "different techniques", STRUCTURE),
        Measure("plan_steps_visited", "plan steps visited", STRUCTURE, "higher", share=True),
        Measure("findings_per_message", "findings per message", INTEGRITY, "lower"),
        Measure("repeat_share", "repeated messages", INTEGRITY, "lower", share=True),
        Measure("near_repeat_share", "nearly repeated messages", INTEGRITY, "lower", share=True),
    )
}
"""The figures that need no judge, by id."""


@dataclass(frozen=True)
class SessionFigures:
    """One session's figures, and the group it is compared in. What is unknown of the session is not in `values`."""

    key: SessionKey
    group: str
    values: dict[str, float] = field(default_factory=dict)


def plain_figures(session: Session, findings: list[Finding], group: str) -> SessionFigures:
    """A session's figures that need no judge."""
    known = session_figures(session, findings)
    return SessionFigures(session.key, group, {name: value for name, value in known.items() if name in MEASURES})


def scale_measures(scales: Iterable[Scale]) -> dict[str, Measure]:
    """The measures of judged scales: each subscale's mean; of affect, before, after and change."""
    found = {}
    for scale in scales:
        for subscale in scale.subscales:
            title = f"{scale.title.partition(' ratings')[0]}, {subscale.replace('_', ' ')}"
            if scale.subject == "affect":
                better: Better = "lower" if "negative" in subscale else "higher"
                width = scale.high - scale.low
                measure = Measure(f"{scale.name}/{subscale}", f"{title}: change", scale.name, better, -width, width)
            else:
                measure = Measure(f"{scale.name}/{subscale}", title, scale.name, "higher", scale.low, scale.high)
            found[measure.id] = measure
    return found


def rows_by_group(
    rows: Iterable[SessionFigures],
    means: Iterable[SubscaleMean] = (),
    changes: Iterable[AffectChange] = (),
    measures: Mapping[str, Measure] | None = None,
) -> dict[str, list[SessionFigures]]:
    """The rows by group, with the judged figures of their sessions; an unscored one is left out, and so counted as missing."""
    judged: dict[SessionKey, dict[str, float]] = defaultdict(dict)
    for mean in means:
        if mean.mean is not None and mean.occasion == "session":
            judged[mean.key][f"{mean.scale}/{mean.subscale}"] = mean.mean
    for change in changes:
        if change.change is not None:
            judged[change.key][f"{change.scale}/{change.subscale}"] = change.change
    found: dict[str, list[SessionFigures]] = defaultdict(list)
    for row in rows:
        scores = judged.get(row.key, {})
        wanted = {name: value for name, value in scores.items() if name in (measures or {})}
        found[row.group].append(replace(row, values=row.values | wanted))
    return dict(found)
