"""Are the behaviour codes what experts see, and which of our measures tell good counseling from bad? On real, transcribed sessions.

    python benchmarks/codes.py AnnoMI-simple.csv              # agreement with experts, and known groups
    python benchmarks/codes.py AnnoMI-simple.csv --record     # and keep the agreement, which reports show
    python benchmarks/codes.py AnnoMI-simple.csv --judge judge.yaml --transcripts 20   # judges beside the coder

AnnoMI's experts gave every utterance one main behaviour or kind of client talk, and every session a quality. Nothing was learned from
it. Its transcripts are halved by a hash: errors were read in the first half alone, so the second half is what counts.
"""

import argparse
import asyncio
import hashlib
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from scipy.stats import mannwhitneyu

from benchmarks.talk import SPEAKERS, read_annomi, session_of_annomi
from counseling_sessions.commands.build import opened_models
from counseling_sessions.evaluation.codes.agreement import EXPERTS, Agreements, Kappa, kappa_of
from counseling_sessions.evaluation.codes.coarse import COARSE, coarse_code, coarse_code_of
from counseling_sessions.evaluation.codes.coder import code_messages
from counseling_sessions.evaluation.figures import MEASURES
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.codes import judge_codes, read_codes_rubric
from counseling_sessions.evaluation.judging.judges import Judge, read_judges
from counseling_sessions.evaluation.measure import measure
from counseling_sessions.evaluation.readings import Measuring
from counseling_sessions.evaluation.report.document import Cell, Document, Row, Section, Table
from counseling_sessions.evaluation.report.format import number, p_cell
from counseling_sessions.evaluation.report.terminal import show
from counseling_sessions.evaluation.statistics.family import holm
from counseling_sessions.evaluation.statistics.intervals import Floats, Interval, draws, interval_of
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

EXPERT_CODES = {"therapist_input": "input"}
"""AnnoMI's names that are not ours."""
FEWEST = 15
"""Sessions of each quality that a measure needs."""
CUT = 20
"""Utterances that all sessions are cut to, so that length tells nothing."""
DRAWS = 4000
LENGTHS = ("turns",)
"""Measures that are length itself, and so no family's."""


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
    parser.add_argument(
        "--judge", type=Path, help="YAML with one judge or several: their agreement with experts, and no more"
    )
    parser.add_argument("--transcripts", type=int, help="with --judge, only so many of the second half")
    parser.add_argument("--cache", type=Path, help="where judges' answers are kept (default: nowhere)")
    args = parser.parse_args()
    if args.judge:
        with tempfile.TemporaryDirectory() as folder:
            cache = JudgeCache(args.cache or Path(folder))
            table = asyncio.run(judges_beside(args.path, read_judges(args.judge), cache, args.transcripts))
        show(Document("Behaviour codes on AnnoMI, judged", "", (Section("Judges", (), (table,)),)), Console(width=150))
        return
    said = list(utterances(args.path))
    second = agreement([one for one in said if one.half == 2])
    sections = (
        Section("Agreement with experts", (), (agreement_table({"second half": second, "all": agreement(said)}),)),
        Section("Known groups", (), (known_groups(args.path, said),)),
    )
    show(Document("Behaviour codes on AnnoMI", "", sections), Console(width=150))
    if args.record:
        EXPERTS.write_text(f"{second.model_dump_json(indent=1)}\n", encoding="utf-8", newline="\n")


async def judges_beside(path: Path, judges: Sequence[Judge], cache: JudgeCache, most: int | None) -> Table:
    """The kappas of coder and judges with experts on the same utterances, those of the second half that all of them coded."""
    said: dict[tuple[str, int], Utterance] = {}
    last: Counter[str] = Counter()
    for one in utterances(path):
        last[one.transcript] += 1
        said[one.transcript, last[one.transcript]] = one
    chosen = list(dict.fromkeys(one.transcript for one in said.values() if one.half == 2))[:most]
    sessions = [session_of_annomi(path, number_, rows) for _, number_, rows in read_annomi(path) if number_ in chosen]
    async with opened_models() as models:
        codings = await judge_codes(sessions, read_codes_rubric(), judges, models, cache)
    words = {(one.id, place): len(m.text.split()) for one in sessions for place, m in enumerate(one.dialogue, 1)}
    coarse: dict[str, dict[tuple[str, int], str]] = {judge.name: {} for judge in judges}
    for row in codings.rows:
        place = (row.key.session, row.number)
        if row.sample == 1 and row.codes:
            coarse[row.judge][place] = coarse_code_of(row.speaker, row.codes, words[place])
    wanted = [place for place, one in said.items() if one.transcript in chosen]
    common = [place for place in wanted if all(place in by_place for by_place in coarse.values())]
    parts = {"coder": agreement([said[place] for place in common])}
    for name, by_place in coarse.items():
        parts[name] = agreement([replace(said[place], coder=by_place[place]) for place in common])
    table = agreement_table(parts)
    left = f"{len(wanted) - len(common):,} of {len(wanted):,} utterances have no words, or some judge left them uncoded. First samples."
    return replace(table, notes=(left,))


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


def known_groups(path: Path, said: Sequence[Utterance]) -> Table:
    """How well each measure alone tells sessions of high quality from those of low quality."""
    groups: dict[str, list[Session]] = {"high": [], "low": []}
    cut: dict[str, list[Session]] = {"high": [], "low": []}
    for quality, number_, rows in read_annomi(path):
        groups[quality].append(session_of_annomi(path, number_, rows))
        if len(rows) >= CUT:
            cut[quality].append(session_of_annomi(path, number_, rows[:CUT]))
    columns = [_separations(rows_of(groups, said)), _separations(rows_of(cut, said, CUT))]
    names = sorted(columns[0], key=lambda name: -abs(columns[0][name].auc - 0.5))
    rows: list[Row] = []
    for name in names:
        one = columns[0][name]
        cells = [cell for column in columns for cell in _auc_cells(column.get(name))]
        rows.append((_title(name), f"{one.high:.2f}", f"{one.low:.2f}", *cells))
    shorter = " and ".join(f"{len(sessions)} of {quality}" for quality, sessions in cut.items())
    return Table(
        f"{len(groups['high'])} sessions of high and {len(groups['low'])} of low quality",
        ("", "mean, high", "mean, low", "AUC", "p (Holm)", f"first {CUT} utterances", "p (Holm)"),
        tuple(rows),
        (
            "AUC: how often a session of high quality has the larger figure; .5 tells nothing. Intervals are bootstraps over sessions, "
            f"p is Mann and Whitney's. Sessions of high quality are longer; of equal length are the first {CUT} utterances ({shorter} "
            "quality are as long). Experts: the same from the experts' codes.",
        ),
    )


def rows_of(
    groups: dict[str, list[Session]], said: Sequence[Utterance], until: int | None = None
) -> list[tuple[str, dict[str, float]]]:
    """The quality and the figures of each session, those of the experts' codes too."""
    expert = defaultdict(list)
    for one in said:
        expert[one.transcript].append(one)
    metrics = measure(groups, Measuring(("integrity", "structure", "talk", "codes")))
    return [(row.group, row.values | _of_experts(expert[row.key.session][:until])) for row in metrics.rows]


def _of_experts(said: Sequence[Utterance]) -> dict[str, float]:
    counts = Counter(one.expert for one in said)
    counselor = sum(one.side == "counselor" for one in said)
    parts = {
        "reflections among reflections and questions": ("reflection", counts["reflection"] + counts["question"]),
        "counselor messages of input": ("input", counselor),
        "change talk among change and sustain talk": ("change", counts["change"] + counts["sustain"]),
    }
    return {f"experts: {name}": counts[code] / total for name, (code, total) in parts.items() if total}


@dataclass(frozen=True)
class Separation:
    """Means of both qualities, AUC with its interval, and p before and after Holm's correction."""

    high: float
    low: float
    auc: float
    interval: Interval
    p: float
    adjusted: float | None = None


def _separations(rows: Sequence[tuple[str, dict[str, float]]]) -> dict[str, Separation]:
    measured = {}
    for name in dict.fromkeys(name for _, values in rows for name in values):
        high, low = (
            np.array([values[name] for group, values in rows if group == quality and name in values])
            for quality in ("high", "low")
        )
        if min(len(high), len(low)) >= FEWEST and np.ptp(np.concatenate([high, low])) > 0:
            measured[name] = _separation(high, low)
    family = holm("known groups", {name: one.p for name, one in measured.items() if name not in LENGTHS})
    adjusted = {one.name: one.adjusted for one in family.comparisons}
    return {name: replace(one, adjusted=adjusted.get(name)) for name, one in measured.items()}


def _separation(high: Floats, low: Floats) -> Separation:
    wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    drawn = np.einsum("rh,hl,rl->r", draws(len(high), 0, DRAWS), wins, draws(len(low), 1, DRAWS)) / wins.size
    interval = interval_of(drawn, len(low), 0)
    return Separation(
        float(high.mean()), float(low.mean()), float(wins.mean()), interval, float(mannwhitneyu(high, low).pvalue)
    )


def _title(name: str) -> str:
    return f"{MEASURES[name].family}: {MEASURES[name].title}" if name in MEASURES else name


def _auc_cells(one: Separation | None) -> tuple[Cell, Cell]:
    if one is None:
        return Cell("–"), Cell("–")
    ends = (
        ""
        if one.interval.low is None or one.interval.high is None
        else f" [{one.interval.low:.2f}, {one.interval.high:.2f}]"
    )
    return Cell(f"{one.auc:.2f}{ends}"), p_cell(one.adjusted, rejected=(one.adjusted or 1) < 0.05)


if __name__ == "__main__":
    main()
