"""The figures of single sessions by which groups are described and compared, and what each of them is."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.sessions import SessionKey

if TYPE_CHECKING:  # what judges need takes seconds to import, in every process that reads sessions
    from counseling_sessions.evaluation.judging.means import AffectChange, SubscaleMean

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


PRIMARY = "primary"
"""The family of measures that were named before the data were seen."""
STRUCTURE = "structure"
INTEGRITY = "integrity"
TALK = "talk"
COURSE = "course"
RISK = "risk"
CODES = "codes"

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
        Measure("client_short", "client messages of at most 3 words", TALK, share=True),
        Measure("client_brief", "client messages of at most 8 words", TALK, share=True),
        Measure("backchannels", "messages that only listen", TALK, share=True),
        Measure("stacked_questions", "counselor messages that ask two things", TALK, "lower", share=True),
        Measure("echo", "words that the message before has too", TALK, share=True),
        Measure("reflections", "counselor messages that reflect", TALK, share=True),
        Measure("proposals", "counselor messages that propose", TALK, share=True),
        Measure("early_proposals", "early proposals", TALK, "lower"),
        Measure("pressed_proposals", "proposals after a refusal", TALK, "lower"),
        Measure("plan_completed", "last plan with all steps reached", COURSE, share=True),
        Measure("steps_left", "steps of the last plan left", COURSE),
        Measure("plans_revised", "plans revised", COURSE),
        Measure("closes", "sessions with two closing turns", COURSE, "higher", share=True),
        Measure("told", "items of the form told", COURSE, share=True),
        Measure("premature", "items of the form told too early", COURSE, "lower"),
        Measure("risk_asked", "sessions with a direct question after the sign", RISK, "higher", share=True),
        Measure("risk_delay", "turns from the sign to that question", RISK, "lower"),
        Measure("risk_steps", "steps of the protocol done", RISK, "higher", share=True),
        Measure("risk_order", "pairs of steps in the protocol's order", RISK, "higher", share=True),
        Measure("risk_named", "sessions handed over to a named human or service", RISK, "higher", share=True),
        Measure("risk_agreed", "of these, sessions in which the client agrees to it", RISK, share=True),
        Measure("risk_routine", "sessions in which only a routine question brought it up", RISK, share=True),
        Measure("risk_advice", "messages that advise before safety", RISK, "lower"),
        Measure("risk_returns", "messages that return to technique", RISK, "lower"),
        Measure("risk_secrecy", "promises of secrecy", RISK, "lower"),
        Measure("codes_reflections", "reflections among reflections and questions", CODES, share=True),
        Measure("codes_open", "open ones among questions", CODES, "higher", share=True),
        Measure("codes_complex", "complex ones among reflections", CODES, share=True),
        Measure("codes_information", "counselor messages that inform", CODES, share=True),
        Measure("codes_advice", "counselor messages that advise without permission", CODES, "lower", share=True),
        Measure("codes_agenda", "counselor messages that arrange the talk", CODES, share=True),
        Measure("risk_drops", "messages that drop safety in another way", RISK, "lower"),
    )
}
"""The figures that need no judge, by id."""


def primary_first(measures: Mapping[str, Measure], primary: Collection[str]) -> dict[str, Measure]:
    """The measures, those of these ids first and in one family of their own; without any the families stay as they are.

    The families of all others are called secondary.
    """
    if not primary:
        return dict(measures)
    named = {name: replace(measures[name], family=PRIMARY) for name in primary}
    others = {name: measure for name, measure in measures.items() if name not in named}
    return named | {name: replace(measure, family=f"{measure.family}, secondary") for name, measure in others.items()}


@dataclass(frozen=True)
class SessionFigures:
    """One session's figures, and the group it is compared in. `values` has no figure that is unknown."""

    key: SessionKey
    group: str
    values: dict[str, float] = field(default_factory=dict)


def scale_measures(scales: Iterable[Scale]) -> dict[str, Measure]:
    """The measures of judged scales: each subscale's mean; of affect, before, after and change."""
    measures = {}
    for scale in scales:
        for subscale in scale.subscales:
            title = f"{scale.title.partition(' ratings')[0]}, {subscale.replace('_', ' ')}"
            better: Better = "higher"
            low, high = scale.low, scale.high
            if scale.subject == "affect":
                title += ": change"
                better = "lower" if "negative" in subscale else "higher"
                low, high = low - high, high - low
            measure = Measure(f"{scale.name}/{subscale}", title, scale.name, better, low, high)
            measures[measure.id] = measure
    return measures


def rows_by_group(
    rows: Iterable[SessionFigures],
    means: "Iterable[SubscaleMean]",
    changes: "Iterable[AffectChange]",
    measures: Mapping[str, Measure],
) -> dict[str, list[SessionFigures]]:
    """The rows by group, with the judged `measures` of their sessions; an unscored one is left out, and so counts as missing."""
    judged: dict[SessionKey, dict[str, float]] = defaultdict(dict)
    for mean in means:
        if mean.mean is not None and mean.occasion == "session":
            judged[mean.key][f"{mean.scale}/{mean.subscale}"] = mean.mean
    for change in changes:
        if change.change is not None:
            judged[change.key][f"{change.scale}/{change.subscale}"] = change.change
    groups: dict[str, list[SessionFigures]] = defaultdict(list)
    for row in rows:
        scores = {name: score for name, score in judged[row.key].items() if name in measures}
        groups[row.group].append(replace(row, values=row.values | scores))
    return dict(groups)
