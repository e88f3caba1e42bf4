"""How well the steps of the risk protocol are read in counselors' messages, and how often they are read where nobody is at risk.

    python benchmarks/risk_protocol.py [SESSIONS…]

The first tables are of labelled messages (tests/integrity/protocol_messages.yaml): precision and recall of each step and each way to
drop safety. The signs were tuned on `tune`; `held_out` was set apart from it, and `later` was written after the signs' last change.
With SESSIONS (anything that `run.py evaluate` reads, or a file of AnnoMI) a table counts what is read in all of their counselors'
messages, and in how many sessions a risk was asked about without a sign. No word of a message is shown.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from benchmarks.talk import transcripts
from counseling_sessions.evaluation.risk import RiskCount, RiskWords
from counseling_sessions.integrity.protocol import DROPS, STEPS, drops_safety, steps_in
from counseling_sessions.nodes.risk import answer_of, asks_about_risk, find_listed
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.settings import read_yaml

LABELLED = Path(__file__).parents[1] / "tests" / "integrity" / "protocol_messages.yaml"
Labelled = list[tuple[str, set[str]]]


def main() -> None:
    console = Console(width=120)
    for half, rows in read_yaml(LABELLED).items():
        steps = [(text, set(labels)) for text, labels, _ in rows]
        drops = [(text, {drop} - {None}) for text, _, drop in rows]
        console.print(
            _agreement(f"{half}: steps of {len(rows)} messages", STEPS, steps, lambda text: {*steps_in(text)})
        )
        console.print(
            _agreement(f"{half}: what drops safety", DROPS, drops, lambda text: {drops_safety(text)} - {None})
        )
    if len(sys.argv) > 1:
        console.print(_read([Path(path) for path in sys.argv[1:]]))


def _agreement(title: str, kinds: Iterable[str], labelled: Labelled, read: Callable[[str], set[str | None]]) -> Table:
    table = Table("", "precision", "recall", title=title)
    pooled: Counter[str] = Counter()
    for kind in kinds:
        marks = [(kind in read(text), kind in labels) for text, labels in labelled]
        counts = Counter(
            hits=sum(said and is_so for said, is_so in marks),
            said=sum(said for said, _ in marks),
            are=sum(is_so for _, is_so in marks),
        )
        pooled += counts
        table.add_row(kind, *_shares(counts))
    table.add_row("all", *_shares(pooled))
    return table


def _shares(counts: Counter[str]) -> tuple[str, str]:
    return tuple(
        f"{counts['hits']}/{counts[of]} ({100 * counts['hits'] / counts[of]:.1f} %)" if counts[of] else "–"
        for of in ("said", "are")
    )  # type: ignore[return-value]


def _read(paths: list[Path]) -> Table:
    counted = [_counts(path) for path in paths]
    table = Table("", *(path.name for path in paths), title="Read in counselors' messages")
    for name in ("sessions", "messages", *STEPS, *DROPS, "sessions at risk", "sessions with a false alarm"):
        table.add_row(name, *(f"{counts[name]:,}" for counts in counted))
    return table


def _counts(path: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    risks = RiskCount(RiskWords(find_listed, asks_about_risk, answer_of))
    for session in _sessions(path):
        counts["sessions"] += 1
        risks.add(session)
        for message in session.dialogue:
            if message.speaker == "counselor":
                counts["messages"] += 1
                counts.update(filter(None, (*steps_in(message.text), drops_safety(message.text))))
    counts["sessions at risk"] = sum(map(len, risks.by_level.values()))
    counts["sessions with a false alarm"] = sum(alarm for _, alarm in risks.alarms)
    return counts


def _sessions(path: Path) -> Iterable[Session]:
    if path.suffix == ".csv":
        return (session for _, session in transcripts(path))
    return (session for session in read_sessions(path) if isinstance(session, Session))


if __name__ == "__main__":
    main()
