"""Are the behaviour codes what experts see, and which of our measures tell good counseling from bad? On real, transcribed sessions.

    python benchmarks/codes.py AnnoMI-simple.csv              # agreement with experts, and known groups
    python benchmarks/codes.py AnnoMI-simple.csv --record     # and keep the agreement, which reports show

AnnoMI's experts gave every utterance one main behaviour or kind of client talk, and every session a quality. Nothing was learned from
it. Its transcripts are halved by a hash: errors were read in the first half alone, so the second half is what counts.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from scipy.stats import mannwhitneyu

from benchmarks.talk import SPEAKERS, read_annomi, session_of_annomi
from counseling_sessions.evaluation.codes.agreement import EXPERTS, Agreements, Kappa, kappa_of
from counseling_sessions.evaluation.codes.coarse import COARSE, coarse_code
from counseling_sessions.evaluation.codes.coder import code_messages
from counseling_sessions.evaluation.figures import MEASURES, SessionFigures
from counseling_sessions.evaluation.measure import Measuring, measure
from counseling_sessions.evaluation.report.document import Cell, Document, Row, Section, Table
from counseling_sessions.evaluation.report.format import number, p_cell
from counseling_sessions.evaluation.report.terminal import show
from counseling_sessions.evaluation.statistics.family import holm
from counseling_sessions.evaluation.statistics.intervals import interval_of, resampled
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

EXPERT_CODES = {"therapist_input": "input"}
"""AnnoMI's names that are not ours."""
FEWEST = 20
"""Sessions of each quality that a measure needs."""


@dataclass(frozen=True)
class Utterance:
    """What experts and the coder say of an utterance."""

    transcript: str
    side: Speaker
    expert: str
    coder: str

    @property
    def half(self) -> int:
        return 1 + int(hashlib.sha256(self.transcript.encode()).hexdigest(), 16) % 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--record", action="store_true", help=f"write {EXPERTS.name}")
    args = parser.parse_args()
    said = list(utterances(args.path))
    second = agreement([one for one in said if one.half == 2])
    sections = (
        Section("Agreement with experts", (), (agreement_table({"second half": second, "all": agreement(said)}),)),
        Section("Known groups", (), (known_groups(args.path),)),
    )
    show(Document("Behaviour codes on AnnoMI", "", sections), Console(width=150))
    if args.record:
        EXPERTS.write_text(f"{second.model_dump_json(indent=1)}\n", encoding="utf-8", newline="\n")


def utterances(path: Path) -> Iterator[Utterance]:
    for _, number_, rows in read_annomi(path):
        texts = [row["utterance_text"] for row in rows]
        sides = [SPEAKERS[row["interlocutor"]] for row in rows]
        coded = code_messages(list(zip(sides, texts, ["", *texts], strict=False)))
        for row, message in zip(rows, coded, strict=True):
            named = row["main_therapist_behaviour" if message.speaker == "counselor" else "client_talk_type"]
            yield Utterance(number_, message.speaker, EXPERT_CODES.get(named, named), coarse_code(message))


def agreement(said: Sequence[Utterance]) -> Agreements:
    def kappa(code: str, side: Speaker) -> Kappa:
        return kappa_of((one.transcript, one.expert == code, one.coder == code) for one in said if one.side == side)

    codes = {code: kappa(code, side) for side, listed in COARSE.items() for code in listed}
    return Agreements(units=len(said), conversations=len({one.transcript for one in said}), codes=codes)


def agreement_table(parts: dict[str, Agreements]) -> Table:
    heads = (f"{name}: {one.units:,} utterances of {one.conversations}" for name, one in parts.items())
    rows: list[Row] = [
        (code, *(cell for one in parts.values() for cell in (_kappa(one.codes[code]), f"{one.codes[code].labelled:,}")))
        for listed in COARSE.values()
        for code in listed
    ]
    columns = ("", *(column for head in heads for column in (head, "by experts")))
    return Table("Cohen's kappa, 95 % intervals clustered by transcript", columns, tuple(rows))


def _kappa(one: Kappa) -> Cell:
    if one.kappa is None or one.low is None or one.high is None:
        return Cell("–")
    return Cell(f"{number(one.kappa)} [{number(one.low)}, {number(one.high)}]")


def known_groups(path: Path) -> Table:
    """How well each measure alone tells sessions of high quality from those of low quality."""
    groups: dict[str, list[Session]] = {"high": [], "low": []}
    for quality, session in _sessions(path):
        groups[quality].append(session)
    rows = measure(groups, Measuring(("integrity", "structure", "talk", "codes"))).rows
    length = np.log([row.values["turns"] for row in rows])
    tested = {}
    for name in MEASURES:
        has = [place for place, row in enumerate(rows) if name in row.values]
        some = [rows[place] for place in has]
        if min((sum(row.group == group for row in some) for group in groups), default=0) < FEWEST:
            continue
        values = np.array([row.values[name] for row in some])
        if np.ptp(values) > 0:
            tested[name] = (some, values, _without(values, length[has]))
    p_values = holm("known groups", {name: _p(some, values) for name, (some, values, _) in tested.items()})
    free = holm("without length", {name: _p(some, values) for name, (some, _, values) in tested.items()})
    table = []
    for plain, freed in zip(p_values.comparisons, free.comparisons, strict=True):
        some, values, without = tested[plain.name]
        table.append(
            (
                abs(_auc(some, without) - 0.5),
                (
                    f"{MEASURES[plain.name].family}: {MEASURES[plain.name].title}",
                    f"{len(some)}",
                    *(number(float(values[_high(some) == one].mean())) for one in (True, False)),
                    _auc_cell(some, values),
                    p_cell(plain.adjusted, rejected=plain.rejected),
                    _auc_cell(some, without),
                    p_cell(freed.adjusted, rejected=freed.rejected),
                ),
            )
        )
    table.sort(key=lambda pair: -pair[0])
    return Table(
        f"{len(groups['high'])} sessions of high and {len(groups['low'])} of low quality",
        ("", "n", "mean, high", "mean, low", "AUC", "p (Holm)", "AUC without length", "p (Holm)"),
        tuple(row for _, row in table),
        (
            "AUC: how often a session of high quality has the larger figure; .5 tells nothing. Intervals are bootstraps over sessions, p is "
            "Mann and Whitney's. Without length: of what is left after a regression on the logarithm of the number of turns.",
        ),
    )


def _sessions(path: Path) -> Iterator[tuple[str, Session]]:
    for quality, number_, rows in read_annomi(path):
        yield quality, session_of_annomi(path, number_, rows)


def _without(values: np.ndarray, length: np.ndarray) -> np.ndarray:
    slope, start = np.polyfit(length, values, 1)
    return values - slope * length - start


def _high(rows: Sequence[SessionFigures]) -> np.ndarray:
    return np.array([row.group == "high" for row in rows])


def _p(rows: Sequence[SessionFigures], values: np.ndarray) -> float:
    high = _high(rows)
    return float(mannwhitneyu(values[high], values[~high]).pvalue)


def _auc(rows: Sequence[SessionFigures], values: np.ndarray) -> float:
    return _statistic(_high(rows), values)(np.arange(len(values)))


def _statistic(high: np.ndarray, values: np.ndarray) -> Callable[[np.ndarray], float]:
    def auc(chosen: np.ndarray) -> float:
        of, drawn = high[chosen], values[chosen]
        if of.all() or not of.any():
            return float("nan")
        return float(mannwhitneyu(drawn[of], drawn[~of], method="asymptotic").statistic / (of.sum() * (~of).sum()))

    return auc


def _auc_cell(rows: Sequence[SessionFigures], values: np.ndarray) -> Cell:
    auc = _statistic(_high(rows), values)
    names = [row.key.session for row in rows]
    interval = interval_of(resampled(names, lambda chosen: [auc(chosen)])[:, 0], len(names), 0)
    value = number(auc(np.arange(len(values))))
    if interval.low is None or interval.high is None:
        return Cell(value)
    return Cell(f"{value} [{number(interval.low)}, {number(interval.high)}]")


if __name__ == "__main__":
    main()
