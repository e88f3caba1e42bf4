"""Behaviour codes as judges give them: shares of messages, figures of sessions, agreement with the coder and each other."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import get_args

import numpy as np

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.coder import code_session
from counseling_sessions.evaluation.codes.counts import RATIOS, counselor_figures, kinds_of_codes
from counseling_sessions.evaluation.figures import CODES, MEASURES, Measure
from counseling_sessions.evaluation.judging.card import JudgeCards
from counseling_sessions.evaluation.judging.codes import CodesRubric, Coding, Codings
from counseling_sessions.evaluation.judging.means import SubscaleMean
from counseling_sessions.evaluation.judging.missing import GroupCount, group_counts
from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.judging.use import why_missing
from counseling_sessions.evaluation.statistics.coefficients import (
    Counts,
    alpha_of_categories,
    coefficient_figure,
    mean_cohen_kappa,
)
from counseling_sessions.evaluation.statistics.intervals import Figure, ratio_figure, share_figure
from counseling_sessions.sessions import Session, SessionKey
from counseling_sessions.state import Speaker

ENOUGH = 0.9
"""The share of a session's counselor messages that a sample must have coded for its figures of the session to count."""
FIGURES = tuple(name for name, measure in MEASURES.items() if measure.family == CODES)
"""The figures of single sessions, which are those of the coder."""
Place = tuple[SessionKey, int]
"""A message: its session, and its number there from 1."""
Kinds = frozenset[str]
"""The codes of a message, and the kinds that hold some of them."""


@dataclass(frozen=True)
class CodeAgreement:
    """How far a code, present in a message or not, is agreed on.

    `coder`: Cohen's kappa of each judge with the coder. `samples`: Krippendorff's alpha of the samples of each judge that was sampled
    more than once. `between`: that of the judges, None for a single one. Beside others a judge has a code where more than half of its
    samples have it.
    """

    side: Speaker
    code: str
    coder: dict[str, Figure]
    samples: dict[str, Figure]
    between: Figure | None


@dataclass(frozen=True)
class JudgedCodes:
    """The judges' codings, and those of the `coder` by message; `foreign` counts sessions that it could not read.

    `judges` are names.
    """

    rubric: CodesRubric
    judges: tuple[str, ...]
    codings: Codings
    coder: Mapping[Place, Kinds]
    foreign: int

    @cached_property
    def sides(self) -> dict[Place, Speaker]:
        """Whose message each is; messages in the order of sessions."""
        return {(row.key, row.number): row.speaker for row in self.codings.rows}

    @cached_property
    def samples(self) -> dict[str, dict[Place, list[Kinds]]]:
        """What each judge's samples say of each message, those that coded it."""
        by_judge: dict[str, dict[Place, list[Kinds]]] = {name: {} for name in self.judges}
        for row in self.codings.rows:
            kinds = by_judge[row.judge].setdefault((row.key, row.number), [])
            if row.codes:
                kinds.append(kinds_of_codes(frozenset(row.codes)))
        return by_judge

    @cached_property
    def present(self) -> dict[Place, dict[str, float] | None]:
        """By message, the share of samples, averaged over judges, that find a code or kind in it; None where all are unscored."""
        presence: dict[Place, dict[str, float] | None] = {}
        for place in self.sides:
            of_judges = [one for by_place in self.samples.values() if (one := by_place[place])]
            shares: dict[str, float] = defaultdict(float)
            for samples in of_judges:
                for kind, count in Counter(kind for kinds in samples for kind in kinds).items():
                    shares[kind] += count / len(samples) / len(of_judges)
            # Thirds add up to more than one otherwise.
            presence[place] = {kind: min(share, 1.0) for kind, share in shares.items()} if of_judges else None
        return presence

    def messages(self, side: Speaker, keys: frozenset[SessionKey]) -> list[Place]:
        """The messages of one side in these sessions."""
        return [place for place, speaker in self.sides.items() if speaker == side and place[0] in keys]

    def share(self, side: Speaker, code: str, keys: frozenset[SessionKey]) -> Figure:
        """The share of one side's messages that have a code, 0 to 1, with its interval; messages that nobody coded are missing."""
        return share_figure(
            (place[0].client, None if (one := self.present[place]) is None else one.get(code, 0.0))
            for place in self.messages(side, keys)
        )

    def ratio(self, name: str, keys: frozenset[SessionKey], *, seed: int = 0) -> Figure:
        """One of `RATIOS`, pooled over these sessions' messages, with its interval."""
        upper, lower = RATIOS[name]
        units = ((key, one) for (key, _), one in self.present.items() if one is not None and key in keys)
        return ratio_figure(((key.client, one.get(upper, 0.0), one.get(lower, 0.0)) for key, one in units), seed=seed)

    @property
    def measures(self) -> dict[str, Measure]:
        """A measure for each figure of the coder, as the judges have it."""
        name = self.rubric.name
        renamed = (
            replace(
                MEASURES[one], id=f"{name}/{one}", title=f"judged: {MEASURES[one].title}", family=name, low=0, high=1
            )
            for one in FIGURES
        )
        return {measure.id: measure for measure in renamed}

    @cached_property
    def means(self) -> tuple[SubscaleMean, ...]:
        """The figures of each session, over samples and then judges; None where no sample has one."""
        rows: dict[SessionKey, dict[tuple[str, int], list[Coding]]] = defaultdict(lambda: defaultdict(list))
        for row in self.codings.rows:
            if row.speaker == "counselor":
                rows[row.key][row.judge, row.sample].append(row)
        return tuple(mean for key, by_sample in rows.items() for mean in self._means(key, by_sample))

    def _means(self, key: SessionKey, by_sample: Mapping[tuple[str, int], Sequence[Coding]]) -> Iterable[SubscaleMean]:
        values: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in FIGURES}
        for (judge, _), rows in by_sample.items():
            coded = [kinds_of_codes(frozenset(row.codes)) for row in rows if row.codes]
            if len(coded) >= ENOUGH * len(rows):
                for name, value in counselor_figures(coded).items():
                    values[name][judge].append(value)
        for name, of_judges in values.items():
            samples = sum(map(len, of_judges.values()))
            yield SubscaleMean(
                key=key,
                scale=self.rubric.name,
                occasion="session",
                subscale=name,
                mean=fmean(map(fmean, of_judges.values())) if of_judges else None,
                judges=len(of_judges),
                samples=samples,
                missing=len(by_sample) - samples,
            )

    @cached_property
    def agreements(self) -> tuple[CodeAgreement, ...]:
        """How far each code is agreed on; messages are the units, and intervals leave out clients."""
        usual = {name: {place: _usual(of) for place, of in by.items()} for name, by in self.samples.items()}
        together = {place: [one for by in usual.values() if (one := by[place]) is not None] for place in self.sides}
        several = [
            name for name in self.judges if any(row.judge == name and row.sample > 1 for row in self.codings.rows)
        ]
        return tuple(
            CodeAgreement(
                side,
                code,
                {name: self._kappa(side, code, usual[name]) for name in self.judges},
                {name: self._alpha(side, code, self.samples[name]) for name in several},
                self._alpha(side, code, together) if len(self.judges) > 1 else None,
            )
            for side in get_args(Speaker)
            for code in codebook().of(side)
        )

    def _kappa(self, side: Speaker, code: str, judge: Mapping[Place, Kinds | None]) -> Figure:
        places = [place for place, speaker in self.sides.items() if speaker == side and place in self.coder]
        both = np.array(
            [(code in self.coder[place], -1 if (one := judge[place]) is None else code in one) for place in places],
            dtype=np.int64,
        ).reshape(-1, 2)
        columns, kappa = mean_cohen_kappa([both], np.eye(2))
        kept = np.asarray((both >= 0).all(axis=1), dtype=np.bool_)
        clients, strata = [key.client for key, _ in places], [""] * len(places)
        return coefficient_figure(clients, strata, kept, columns, kappa, need="codes of both")

    def _alpha(self, side: Speaker, code: str, codings: Mapping[Place, Sequence[Kinds]]) -> Figure:
        places = [place for place, speaker in self.sides.items() if speaker == side]
        counts: Counts = np.array([_votes(codings[place], code) for place in places], dtype=np.int64).reshape(-1, 2)
        columns, alpha = alpha_of_categories(counts, ordinal=False)
        kept = np.asarray(counts.sum(axis=1) >= 2, dtype=np.bool_)
        clients, strata = [key.client for key, _ in places], [""] * len(places)
        return coefficient_figure(clients, strata, kept, columns, alpha, need="two codings")

    def unscored(self, groups: Mapping[SessionKey, str]) -> tuple[GroupCount, ...]:
        """What was coded and what was not, by judge and group, in messages of all samples."""
        rows = [
            Score(row.key, self.rubric.name, "session", str(row.number), row.judge, row.sample, unscored=row.unscored)
            for row in self.codings.rows
        ]
        return tuple(count for name in self.judges for count in group_counts(rows, groups, name))

    def on_cards(self, cards: JudgeCards) -> JudgeCards:
        """The cards with the codings among what was wanted and what is unscored."""
        updated = []
        for card in cards.cards:
            mine = [row for row in self.codings.rows if row.judge == card.judge]
            unscored = Counter(card.unscored) + Counter(filter(None, (why_missing(row.unscored) for row in mine)))
            more = {
                "rubrics": card.rubrics | {self.rubric.name: self.rubric.hash},
                "wanted": card.wanted + len(mine),
                "unscored": dict(unscored.most_common()),
            }
            updated.append(card.model_copy(update=more))
        return cards.model_copy(update={"cards": tuple(updated)})


def judged_codes(
    sessions: Iterable[Session], rubric: CodesRubric, judges: Sequence[str], codings: Codings
) -> JudgedCodes:
    """The judges' codings beside those of the coder, which reads the sessions here."""
    coder: dict[Place, Kinds] = {}
    foreign = 0
    for session in sessions:
        coded = code_session(session)
        foreign += coded is None
        for number, message in enumerate(coded.messages if coded else (), 1):
            if message.sentences:
                coder[session.key, number] = message.codes
    return JudgedCodes(rubric, tuple(judges), codings, coder, foreign)


def _usual(samples: Sequence[Kinds]) -> Kinds | None:
    """What more than half of the samples have; None without any."""
    counts = Counter(kind for kinds in samples for kind in kinds)
    return frozenset(kind for kind, count in counts.items() if 2 * count > len(samples)) if samples else None


def _votes(codings: Sequence[Kinds], code: str) -> tuple[int, int]:
    """How many codings lack a code, and how many have it."""
    having = sum(code in kinds for kinds in codings)
    return len(codings) - having, having
