"""How far the coder agrees with people who code, code by code: on our labelled sentences that were set apart, and with experts.

Experts' codes are those of AnnoMI, of which nothing was learned (`benchmarks/codes.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from counseling_sessions.evaluation.codes.codebook import Codebook, codebook
from counseling_sessions.evaluation.codes.coder import sentence_codes
from counseling_sessions.evaluation.codes.sentences import Sentence
from counseling_sessions.evaluation.statistics.intervals import Floats, draws, interval_of, totals_by_client
from counseling_sessions.integrity.linear import read_weights
from counseling_sessions.state import Speaker

FILE = Path(__file__).with_name("agreement.json")
EXPERTS = Path(__file__).with_name("experts.json")
FAIR = 0.4
"""The kappa from which on a code's agreement is fair (Fleiss: .40 to .75 is fair to good)."""


class Kappa(BaseModel):
    """Cohen's kappa of a code, present or not, with its 95 % interval, and how many units have it by the labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kappa: float | None
    low: float | None
    high: float | None
    labelled: int


class Agreements(BaseModel):
    """Kappas by code (or coarser code), and how many sentences or messages of how many conversations they rest on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units: int
    conversations: int
    codes: dict[str, Kappa]


@dataclass(frozen=True)
class HeldOut:
    """A labelled sentence that nothing was learned from."""

    side: Speaker
    sentence: Sentence
    codes: tuple[str, ...]
    conversation: str


def held_out_agreement(apart: Sequence[HeldOut]) -> Agreements:
    """The coder's agreement with labels on sentences that were set apart; intervals resample conversations."""
    kappas: dict[str, Kappa] = {}
    for side in ("counselor", "client"):
        of_side = [one for one in apart if one.side == side]
        coded = sentence_codes(side, [one.sentence for one in of_side])
        for code in codebook().of(side):
            both = [
                (one.conversation, code in one.codes, code in codes) for one, codes in zip(of_side, coded, strict=True)
            ]
            kappas[code] = kappa_of(both)
    return Agreements(units=len(apart), conversations=len({one.conversation for one in apart}), codes=kappas)


def kappa_of(both: Iterable[tuple[str, bool, bool]], *, seed: int = 0) -> Kappa:
    """Cohen's kappa of units, each with its conversation, whether the labels have the code, and whether the coder has it."""
    rows = sorted(both)
    conversations = [conversation for conversation, *_ in rows]
    labels, coder = (np.array([row[place] for row in rows], dtype=np.float64) for place in (1, 2))
    totals = totals_by_client(conversations, np.ones(len(rows)), labels, coder, labels * coder)
    drawn = _kappas(draws(len(totals), seed) @ totals)
    value, interval = float(_kappas(totals.sum(axis=0))), interval_of(drawn, len(totals), seed)
    ends = (
        None if end is None or not np.isfinite(end) else round(end, 3) for end in (value, interval.low, interval.high)
    )
    return Kappa(**dict(zip(("kappa", "low", "high"), ends, strict=True)), labelled=int(labels.sum()))


def _kappas(sums: Floats) -> Floats:
    """Cohen's kappas of [..., 4] sums over units: how many there are, have the code by the labels, by the coder, by both.

    Of all resamples at once; statsmodels has it for one table. NaN where neither label nor coder has it, or both always.
    """
    units, labelled, coded, both = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = (labelled * coded + (units - labelled) * (units - coded)) / units**2
        kappas: Floats = ((units - labelled - coded + 2 * both) / units - chance) / (1 - chance)
    return kappas


@cache
def agreements(path: Path = FILE) -> Agreements:
    """The agreements of a file. Raises `SettingsError` for a file that is none."""
    return read_weights(path, Agreements)


def is_fair(code: str) -> bool:
    """Whether the coder agrees well enough with labels set apart, and with experts where these have a code like it.

    A code that few sentences set apart have, so that its interval reaches below 0, is not.
    """
    held_out = agreements().codes[code]
    if held_out.kappa is None or held_out.kappa < FAIR or (held_out.low is not None and held_out.low <= 0):
        return False
    group = _group(codebook(), code)
    experts = agreements(EXPERTS).codes.get(group or "")
    return experts is None or experts.kappa is None or experts.kappa >= FAIR


def _group(book: Codebook, code: str) -> str | None:
    return next(listed[code].group for listed in (book.counselor, book.client) if code in listed)
