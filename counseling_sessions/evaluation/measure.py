"""What sessions show without a judge: integrity, structure, talk, risk and diversity of each group, with intervals.

Sessions are read one by one, measured and forgotten: what stays are numbers, and the findings and messages that are shown or drawn.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from counseling_sessions.evaluation.codes.counts import CodeCount, session_codes
from counseling_sessions.evaluation.course import course_figures
from counseling_sessions.evaluation.disclosure import DisclosureCount
from counseling_sessions.evaluation.diversity.ngrams import Counts, NgramCounter
from counseling_sessions.evaluation.diversity.pooled import Diversity, EqualLength, compare_counts, diversity_of_counts
from counseling_sessions.evaluation.diversity.self_bleu import MessagePool, SelfBleu
from counseling_sessions.evaluation.diversity.semantic import Semantics, semantic_diversity
from counseling_sessions.evaluation.figures import MEASURES, Measure, SessionFigures
from counseling_sessions.evaluation.integrity import Integrity
from counseling_sessions.evaluation.judged_in import is_judged, judged_figures, unjudged
from counseling_sessions.evaluation.readings import Measuring, SessionReading, readings
from counseling_sessions.evaluation.risk import RiskCount
from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure, share_figure
from counseling_sessions.evaluation.structure import Structure, session_figures
from counseling_sessions.evaluation.talk import Talk
from counseling_sessions.sessions import Session

Read = Callable[[], Iterable[tuple[str, Session]]]
"""Gives the sessions, one by one, each with its group; again whenever it is called."""


@dataclass(frozen=True)
class GroupMeasures:
    """A group in figures; a metric that was not asked for is None.

    `figures` are means over sessions, by measure; `rows` has each session. `languages` counts sessions by the code of their
    language, `not_judged` those of languages that a metric, or a kind of findings, has no rules for. `clean` is the share of
    sessions without a finding.
    """

    name: str
    sessions: int
    messages: int
    clients: int
    rows: tuple[SessionFigures, ...]
    figures: dict[str, Figure]
    languages: Mapping[str, int] = field(default_factory=dict)
    not_judged: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    clean: Figure | None = None
    integrity: Integrity | None = None
    structure: Structure | None = None
    talk: Talk | None = None
    codes: CodeCount | None = None
    disclosure: DisclosureCount | None = None
    risk: RiskCount | None = None
    diversity: Diversity | None = None
    self_bleu: SelfBleu | None = None
    semantics: Semantics | None = None


@dataclass(frozen=True)
class Measures:
    """All groups, and their diversity at equal length (None with one group, or for the reason in `no_equal_length`)."""

    groups: dict[str, GroupMeasures]
    equal_length: EqualLength | None = None
    no_equal_length: str = ""

    @property
    def rows(self) -> list[SessionFigures]:
        return [row for group in self.groups.values() for row in group.rows]


def measure(
    groups: Mapping[str, Sequence[Session]], how: Measuring, on_progress: Callable[[str], None] = lambda _: None
) -> Measures:
    """Measure every group of sessions in memory; otherwise as `measure_sessions`."""
    clients = {name: {session.client for session in sessions} for name, sessions in groups.items()}
    return measure_sessions(
        lambda: ((name, session) for name, sessions in groups.items() for session in sessions),
        clients,
        how,
        on_stage=on_progress,
    )


def measure_sessions(
    read: Read,
    clients: Mapping[str, Collection[str]],
    how: Measuring,
    *,
    jobs: int = 1,
    on_stage: Callable[[str], None] = lambda _: None,
    on_session: Callable[[], None] = lambda: None,
) -> Measures:
    """Measure every group; `clients` has the clients of each. `jobs` processes work, and what they find does not depend on them.

    `on_stage` hears what is being done, `on_session` that a session more is measured. Raises `SettingsError` where semantic
    diversity is asked for and its extra is not installed, and `ValueError` for a vocabulary under the number of different tokens.
    """
    groups = {name: _Group(name, theirs, how) for name, theirs in clients.items()}
    on_stage("measuring")
    for name, session, reading in readings(read(), how, jobs):
        groups[name].add(session, reading)
        on_session()
    measured, counts = {}, {}
    for name, group in groups.items():
        on_stage(f"{name}: diversity")
        counts[name] = group.ngrams.counts() if group.ngrams else None
        measured[name] = group.measures(counts[name], _semantics(read, name, how))
    counted = {name: one for name, one in counts.items() if one}
    equal, why = None, ""
    if len(counted) > 1:
        on_stage("diversity at equal length")
        try:
            equal = compare_counts(counted, vocabulary=how.vocabulary)
        except ValueError as error:
            why = str(error)
    return Measures(measured, equal, why)


def _semantics(read: Read, group: str, how: Measuring) -> Semantics | None:
    if "semantic" not in how.metrics:
        return None
    sessions = (session for name, session in read() if name == group)
    return semantic_diversity(sessions, speaker=how.speaker, seed=how.seed)


class _Group:
    """Counts the sessions of a group, for what is asked for."""

    def __init__(self, name: str, clients: Collection[str], how: Measuring) -> None:
        wanted = how.metrics
        self.name, self.clients, self.how = name, clients, how
        self.messages = 0
        self.rows: list[SessionFigures] = []
        self.clean: list[tuple[str, bool]] = []
        self.integrity = Integrity(how.keep) if "integrity" in wanted else None
        self.structure = Structure(how.labels) if "structure" in wanted else None
        self.talk = Talk() if "talk" in wanted else None
        self.codes = CodeCount() if "codes" in wanted else None
        self.disclosure = DisclosureCount() if "course" in wanted else None
        self.risks = RiskCount(how.words) if how.words and "risk" in wanted else None
        self.ngrams = NgramCounter(how.tokenizer, speaker=how.speaker) if "diversity" in wanted else None
        said = MessagePool(clients, speaker=how.speaker, seed=how.seed, exact=how.exact)
        self.said = said if "self-bleu" in wanted else None
        self.languages: Counter[str] = Counter()

    def add(self, session: Session, reading: SessionReading) -> None:
        """Count a session."""
        self.messages += len(session.dialogue)
        language = reading.language
        self.languages[language] += 1
        figures: dict[str, float] = {}
        risk = self.risks.count(session, reading.risk) if self.risks and reading.risk else None
        findings = [*(reading.findings or ()), *(risk.findings(session.id) if risk else ())]
        if self.integrity:
            self.integrity.count(session, findings, language)
            self.clean.append((session.client, not findings))
        if self.structure:
            self.structure.add(session)
        if self.integrity or self.structure:
            both = session_figures(session, findings)
            asked = {name: value for name, value in both.items() if MEASURES[name].family in self.how.metrics}
            figures |= judged_figures("structure", asked, language)
        if risk:
            figures |= risk.figures()
        if self.talk and reading.talk:
            if is_judged("talk", language):
                self.talk.add(reading.talk)
            figures |= judged_figures("talk", reading.talk.figures(), language)
        if self.codes:
            self.codes.count(session, reading.codes)
            figures |= session_codes(reading.codes) if reading.codes else {}
        if self.disclosure:
            figures |= course_figures(session)
            if reading.disclosure:
                self.disclosure.add(session, reading.disclosure)
                figures |= reading.disclosure.figures()
        if self.ngrams and reading.ngrams:
            self.ngrams.add(session.client, reading.ngrams)
        if self.said:
            self.said.add(session)
        self.rows.append(SessionFigures(session.key, self.name, figures))

    def measures(self, counts: Counts | None, semantics: Semantics | None) -> GroupMeasures:
        """The group in figures."""
        return GroupMeasures(
            name=self.name,
            sessions=len(self.rows),
            messages=self.messages,
            clients=len(self.clients),
            rows=tuple(self.rows),
            figures=means(self.rows, MEASURES, seed=self.how.seed),
            languages=dict(self.languages),
            not_judged=unjudged(self.how.metrics, self.languages),
            clean=share_figure(self.clean) if self.integrity else None,
            integrity=self.integrity,
            structure=self.structure,
            talk=self.talk,
            codes=self.codes,
            disclosure=self.disclosure,
            risk=self.risks if self.risks and self.risks.seen else None,
            diversity=diversity_of_counts(counts, self.how.vocabulary) if counts else None,
            self_bleu=self.said.self_bleu() if self.said else None,
            semantics=semantics,
        )


def means(rows: Sequence[SessionFigures], measures: Mapping[str, Measure], *, seed: int = 0) -> dict[str, Figure]:
    """The mean of every measure that a session of these has, with its interval; a session without it counts as missing."""
    return {
        name: mean_figure(((row.key.client, row.values.get(name)) for row in rows), seed=seed)
        for name in measures
        if any(name in row.values for row in rows)
    }
