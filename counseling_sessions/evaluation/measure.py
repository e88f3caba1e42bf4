"""What sessions show without a judge: integrity, structure, talk, risk and diversity of each group, with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from counseling_sessions.evaluation.codes.counts import CodeCount, session_codes
from counseling_sessions.evaluation.course import course_figures
from counseling_sessions.evaluation.disclosure import DisclosureCount, disclosure_of
from counseling_sessions.evaluation.diversity import Diversity, EqualLength, compare_counts, diversity_of_counts
from counseling_sessions.evaluation.figures import MEASURES, Measure, SessionFigures
from counseling_sessions.evaluation.integrity import Integrity
from counseling_sessions.evaluation.ngrams import Counts, counts_of
from counseling_sessions.evaluation.risk import RiskCount, RiskWords
from counseling_sessions.evaluation.self_bleu import SelfBleu, self_bleu
from counseling_sessions.evaluation.semantic import Semantics, semantic_diversity
from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure, share_figure
from counseling_sessions.evaluation.structure import Labels, Structure, session_figures
from counseling_sessions.evaluation.talk import Talk, talk_of
from counseling_sessions.evaluation.tokens import Tokenizer, unicode_words
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

PlainMetric = Literal["integrity", "structure", "talk", "codes", "course", "risk", "diversity", "self-bleu", "semantic"]


@dataclass(frozen=True)
class Measuring:
    """What is measured, and how. `speaker`: whose messages diversity is of, None for both's; `keep`: findings kept of each kind.

    `words` reads what is said of a risk; without it none is measured.
    """

    metrics: tuple[PlainMetric, ...]
    tokenizer: Tokenizer = field(default_factory=unicode_words)
    vocabulary: int | None = None
    speaker: Speaker | None = None
    labels: Labels = field(default_factory=dict)
    keep: int | None = 100
    seed: int = 0
    words: RiskWords | None = None


@dataclass(frozen=True)
class GroupMeasures:
    """A group in figures; a metric that was not asked for is None.

    `figures` are means over sessions, by measure; `clean` is the share of sessions without a finding; `rows` has each session.
    """

    name: str
    sessions: int
    messages: int
    clients: int
    rows: tuple[SessionFigures, ...]
    figures: dict[str, Figure]
    clean: Figure
    integrity: Integrity
    structure: Structure
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
    """Measure every group. `on_progress` hears what is being done.

    Raises `SettingsError` where semantic diversity is asked for and its extra is not installed, and `ValueError` for a vocabulary
    under the number of different tokens.
    """
    counts: dict[str, Counts] = {}
    measured = {}
    for name, sessions in groups.items():
        if "diversity" in how.metrics:
            on_progress(f"{name}: diversity")
            counts[name] = counts_of(sessions, how.tokenizer, speaker=how.speaker)
        measured[name] = _group(name, sessions, how, counts.get(name), on_progress)
    equal, why = None, ""
    if len(counts) > 1:
        on_progress("diversity at equal length")
        try:
            equal = compare_counts(counts, vocabulary=how.vocabulary)
        except ValueError as error:
            why = str(error)
    return Measures(measured, equal, why)


def _group(
    name: str, sessions: Sequence[Session], how: Measuring, counts: Counts | None, on_progress: Callable[[str], None]
) -> GroupMeasures:
    on_progress(f"{name}: integrity and structure")
    integrity, structure = Integrity(how.keep), Structure(how.labels)
    talk = Talk() if "talk" in how.metrics else None
    codes = CodeCount() if "codes" in how.metrics else None
    disclosure = DisclosureCount() if "course" in how.metrics else None
    risks = RiskCount(how.words) if how.words and "risk" in how.metrics else None
    rows, clean = [], []
    for session in sessions:
        risk = risks.add(session) if risks else None
        findings = integrity.add(session, risk.findings(session.id) if risk else ())
        structure.add(session)
        figures = session_figures(session, findings) | (risk.figures() if risk else {})
        if talk:
            talk.add(read := talk_of(session))
            figures |= read.figures()
        if codes and (coded := codes.add(session)):
            figures |= session_codes(coded)
        if disclosure:
            figures |= course_figures(session)
            if curve := disclosure_of(session):
                disclosure.add(session, curve)
                figures |= curve.figures()
        rows.append(SessionFigures(session.key, name, figures))
        clean.append((session.client, not findings))
    bleu = semantics = None
    if "self-bleu" in how.metrics:
        on_progress(f"{name}: self-BLEU")
        bleu = self_bleu(sessions, speaker=how.speaker, seed=how.seed)
    if "semantic" in how.metrics:
        on_progress(f"{name}: semantic diversity")
        semantics = semantic_diversity(sessions, speaker=how.speaker, seed=how.seed)
    return GroupMeasures(
        name=name,
        sessions=len(sessions),
        messages=integrity.messages,
        clients=len({session.client for session in sessions}),
        rows=tuple(rows),
        figures=means(rows, MEASURES, seed=how.seed),
        clean=share_figure(clean),
        integrity=integrity,
        structure=structure,
        talk=talk,
        codes=codes,
        disclosure=disclosure,
        risk=risks if risks and risks.seen else None,
        diversity=diversity_of_counts(counts, how.vocabulary) if counts else None,
        self_bleu=bleu,
        semantics=semantics,
    )


def means(rows: Sequence[SessionFigures], measures: Mapping[str, Measure], *, seed: int = 0) -> dict[str, Figure]:
    """The mean of every measure that a session of these has, with its interval; a session without it counts as missing."""
    return {
        name: mean_figure(((row.key.client, row.values.get(name)) for row in rows), seed=seed)
        for name in measures
        if any(name in row.values for row in rows)
    }
