"""What a judge of pairs is, in words that a paper can use: one or more sentences for each judge, from its figures.

Texts and thresholds are in `preference_verdicts.yaml`. Of a judge that answers by position or by chance nothing is said on length.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from counseling_sessions.evaluation.aspects import RubricPart, RubricText
from counseling_sessions.evaluation.judged_pairs import JudgedPairs, LostAnswers
from counseling_sessions.evaluation.judging.controls import ControlResult
from counseling_sessions.evaluation.judging.position import Position
from counseling_sessions.evaluation.judging.verdicts import reason_words
from counseling_sessions.evaluation.report.format import NONE, number, p_words
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.settings import read_yaml


class Thresholds(RubricPart):
    """From which shares on a sentence holds; the file says what each is."""

    lost: float
    undecided: float
    leans: float
    position: float
    certain: float
    longer: float
    padded: float
    identical: float
    consistent: float
    above: float


class VerdictWords(RubricPart):
    """The thresholds, and the sentences by the name of what they say."""

    thresholds: Thresholds
    texts: dict[str, RubricText]


@dataclass(frozen=True)
class JudgeFigures:
    """What a verdict rests on: position, how often the longer one is preferred, control pairs (if any), and answers that were lost."""

    position: Position
    longer: Figure | None = None
    identical: ControlResult | None = None
    padded: ControlResult | None = None
    lost: LostAnswers | None = None


@dataclass(frozen=True)
class PreferenceVerdict:
    """What a judge is: the names of the sentences that hold (as in the file), and the sentences with their figures."""

    judge: str
    kinds: tuple[str, ...]
    text: str


@cache
def verdict_words() -> VerdictWords:
    """Thresholds and sentences."""
    return VerdictWords.model_validate(read_yaml(Path(__file__).with_name("preference_verdicts.yaml")))


def preference_verdicts(judged: JudgedPairs) -> list[PreferenceVerdict]:
    """The verdicts on all judges."""
    results = {(result.judge, result.kind): result for result in judged.controls}
    return [
        preference_verdict(
            JudgeFigures(
                position,
                judged.longer.get(position.judge),
                results.get((position.judge, "identical")),
                results.get((position.judge, "padded")),
                judged.lost.get(position.judge),
            )
        )
        for position in judged.positions
    ]


def preference_verdict(judge: JudgeFigures) -> PreferenceVerdict:
    """The verdict on one judge."""
    kinds = tuple(_kinds(judge, verdict_words().thresholds))
    values = _values(judge)
    texts = [verdict_words().texts[kind].format_map(values) for kind in kinds]
    return PreferenceVerdict(judge.position.judge, kinds, " ".join(texts))


def _kinds(judge: JudgeFigures, limit: Thresholds) -> Iterator[str]:
    position = judge.position
    if judge.lost and judge.lost.share >= limit.lost:
        yield "lost"
    if position.undecided.value is None:
        yield "silent"
        return
    if position.undecided.value >= limit.undecided:
        yield "undecided"
        return
    by_place = _by_place(position, limit)
    faults = [by_place] if by_place else []
    if not by_place.startswith(("position", "stays")):
        by_chance = _by_chance(position, limit)
        faults += [by_chance] if by_chance else _by_length(judge, limit)
    if judge.identical and (judge.identical.tied.value or 0) <= 1 - limit.identical and judge.identical.answers:
        faults.append("identical")
    yield from faults
    # Longer sessions may be better ones, which is no fault.
    if not set(faults) - {"longer", "longer_unsure"} and position.consistent.value is not None:
        yield "consistent" if position.consistent.value >= limit.consistent else "noisy"
        if "longer_unsure" not in faults:
            yield "no_pull"


def _by_place(position: Position, limit: Thresholds) -> str:
    share = position.first.value
    if share is None:
        return ""
    side, pull = ("first", share) if share > 0.5 else ("second", 1 - share)
    shown = position.test.value is not None and position.test.value < 0.05
    if pull >= limit.certain or (shown and pull >= limit.position):
        return f"position_{side}"
    if position.above.value is not None and position.above.value <= -limit.above:
        return "stays"
    return f"leans_{side}" if shown and pull >= limit.leans else ""


def _by_chance(position: Position, limit: Thresholds) -> str:
    consistent, above = position.consistent.value, position.above
    if consistent is None or above.value is None or consistent >= limit.consistent:
        return ""
    if above.value < limit.above:
        return "chance"
    return "perhaps_chance" if above.low is None or above.low <= 0 else ""


def _by_length(judge: JudgeFigures, limit: Thresholds) -> list[str]:
    longer = judge.longer.value if judge.longer else None
    padded = judge.padded.one.value if judge.padded else None
    wins = padded is not None and padded >= limit.padded
    if longer is None or longer < limit.longer:
        return ["padding"] if wins else []
    return ["longer_unsure" if padded is None else "words" if wins else "longer"]


def _values(judge: JudgeFigures) -> Mapping[str, str]:
    position, counts = judge.position, judge.position.counts
    first = position.first.value
    identical = judge.identical.tied.value if judge.identical else None
    shares = {
        "share": None if first is None else max(first, 1 - first),
        "longer": judge.longer.value if judge.longer else None,
        "padded": judge.padded.one.value if judge.padded else None,
        "identical": None if identical is None else 1 - identical,
        "consistent": position.consistent.value,
        "expected": position.expected,
        "undecided": position.undecided.value,
        "lost": judge.lost.share if judge.lost else None,
        "stayed": (counts.stayed_first + counts.stayed_second) / counts.both if counts.both else None,
    }
    written = {name: NONE if value is None else number(value, share=True) for name, value in shares.items()}
    reasons = reason_words(judge.lost.lost) if judge.lost else ""
    return written | {"p": p_words(position.test.value), "reasons": reasons}
