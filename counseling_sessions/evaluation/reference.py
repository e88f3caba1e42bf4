"""Generated counselor turns against reference turns: BLEU, chrF and ROUGE-1, -2, -L, for models on held-out dialogues.

BLEU (Papineni et al. 2002) and chrF (Popović 2015) are sacrebleu's, pooled over the corpus, with its signatures; ROUGE F1 (Lin
2004) is rouge-score's, with stemming, the mean over turns. All from 0 to 100. They say how near the wording is to one answer
among many good ones, not how good a counselor's turn is. ROUGE sees ASCII letters and digits alone: in another script it is 0.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.jackknife import jackknife_figure
from counseling_sessions.settings import SettingsError
from counseling_sessions.store.reading import open_plain, parse_json, read_lines

ROUGE = ("rouge1", "rouge2", "rougeL")
FIELDS = ("generated", "reference", "client")
LISTED = 20
"""Wrong lines that an error's message lists; the rest is counted."""


@dataclass(frozen=True)
class Turn:
    """A turn as a model wrote it, the turn that stands in the dialogue, and whose dialogue it is."""

    generated: str
    reference: str
    client: str


@dataclass(frozen=True)
class ReferenceScores:
    """Each measure, 0 to 100, over the corpus, and of each client's turns alone.

    A figure's `n` counts turns; its interval leaves out one client at a time. `signatures` say how it was computed.
    """

    figures: dict[str, Figure]
    clients: dict[str, dict[str, float]]
    signatures: dict[str, str]


def read_turns(path: Path) -> list[Turn]:
    """Turns from a JSON Lines file whose objects have the texts `generated`, `reference` and `client`; other fields are passed over.

    Raises `SettingsError` that names the lines that are wrong, and what is wrong with them.
    """
    turns, problems = [], []
    try:
        with open_plain(path) as file:
            for number, line in enumerate(read_lines(file), 1):
                if not line.strip():
                    continue
                try:
                    turns.append(_turn(line))
                except ValueError as error:
                    problems.append(f"line {number}: {error}")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    if problems:
        more = [f"… and {len(problems) - LISTED} more"] if len(problems) > LISTED else []
        raise SettingsError("\n  ".join([f"{path} cannot be scored:", *problems[:LISTED], *more]))
    if not turns:
        raise SettingsError(f"{path} holds no turn; each line should be an object with {', '.join(FIELDS)}")
    return turns


def reference_scores(turns: Sequence[Turn]) -> ReferenceScores:
    """Score turns against their references. An empty generated turn scores 0 and counts. Raises `ValueError` without turns."""
    if not turns:
        raise ValueError("there are no turns to score")
    scores = {"bleu": _corpus(BLEU(), turns), "chrf": _corpus(CHRF(), turns), **dict(_rouge(turns))}
    return ReferenceScores(
        figures={measure: scored.figure for measure, scored in scores.items()},
        clients={
            client: {measure: scored.clients[client] for measure, scored in scores.items()} for client in _rows(turns)
        },
        signatures={measure: scored.signature for measure, scored in scores.items()},
    )


@dataclass(frozen=True)
class _Scored:
    figure: Figure
    clients: dict[str, float]
    signature: str


def _corpus(metric: Metric, turns: Sequence[Turn]) -> _Scored:
    """A corpus score, each client's, and the corpus score without each client, from statistics that are counted once.

    sacrebleu has no public way to score parts of a corpus without counting it anew; these two methods are what its own
    bootstrap uses.
    """
    references = [[turn.reference for turn in turns]]
    statistics = np.array(
        metric._extract_corpus_statistics([turn.generated for turn in turns], references), dtype=float
    )

    def score(chosen: NDArray[np.float64]) -> float:
        return float(metric._compute_score_from_stats([round(number) for number in chosen.tolist()]).score)

    total = statistics.sum(axis=0)
    parts = {client: statistics[rows].sum(axis=0) for client, rows in _rows(turns).items()}
    without = [score(total - part) for part in parts.values()]
    figure = jackknife_figure(score(total), without, len(turns), bounds=(0, 100))
    return _Scored(figure, {client: score(part) for client, part in parts.items()}, str(metric.get_signature()))


def _rouge(turns: Sequence[Turn]) -> Iterator[tuple[str, _Scored]]:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(ROUGE), use_stemmer=True)
    scores = [scorer.score(turn.reference, turn.generated) for turn in turns]
    rows = _rows(turns)
    for measure in ROUGE:
        values = np.array([100 * score[measure].fmeasure for score in scores])
        rest = [np.delete(values, places) for places in rows.values()]
        without = [part.mean() if len(part) else np.nan for part in rest]
        figure = jackknife_figure(float(values.mean()), without, len(turns), bounds=(0, 100))
        signature = f"{measure}|f1|stemmer:yes|mean over turns|rouge-score:{version('rouge-score')}"
        yield measure, _Scored(figure, {client: float(values[of].mean()) for client, of in rows.items()}, signature)


def _rows(turns: Sequence[Turn]) -> dict[str, list[int]]:
    """Where the turns of each client stand."""
    rows: dict[str, list[int]] = defaultdict(list)
    for place, turn in enumerate(turns):
        rows[turn.client].append(place)
    return rows


def _turn(line: bytes) -> Turn:
    """A line's turn. Raises `ValueError` that says what is wrong with it."""
    try:
        record = parse_json(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON, column {error.colno}: {error.msg}") from None
    except ValueError as error:
        raise ValueError(f"broken JSON: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"should be an object with {', '.join(FIELDS)}")
    for field in FIELDS:
        if field not in record:
            raise ValueError(f"{field!r} is missing")
        if not isinstance(record[field], str):
            raise ValueError(f"{field!r} should be text")
        if field != "generated" and not record[field].strip():
            raise ValueError(f"{field!r} is empty")
    return Turn(*(record[field] for field in FIELDS))
