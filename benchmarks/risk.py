"""How the lists of the risk check take messages of clients: how many would end a session, and of how many it would ask.

python benchmarks/risk.py                                   # the corpora
python benchmarks/risk.py FILE_OR_FOLDER… TABLE.csv         # any sessions; a table has the columns of AnnoMI
python benchmarks/risk.py tests/nodes/risk_phrases/tune.yaml  # lists of phrases by kind, one row a kind

Each client message is checked as in a practice session, with what was said before. No word of a message is shown.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import yaml
from rich.console import Console
from rich.table import Table

from counseling_sessions.nodes.risk import answer_of, asks_about_risk, find_risk
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions.foreign import foreign_sessions
from counseling_sessions.sessions.session import session_of
from counseling_sessions.training.corpus import COLLECTIONS, corpus_records

Said = tuple[str, str]
"""Who says it ("counselor" or "client"), and the text."""


def taken(dialogue: Iterable[Said]) -> Iterator[str]:
    """What the check makes of each client message of a session: `explicit`, `unclear` or `none`."""
    before = asked = ""
    for speaker, text in dialogue:
        if speaker == "counselor":
            asked = text
            continue
        risk = find_risk(text, before=before, asked=asked)
        yield risk.wording if risk else "none"
        before = text


def of_phrases(kind: str, phrases: Iterable[str]) -> Counter[str]:
    """What the check makes of phrases of one kind: answers and questions by their functions, all others as messages."""
    if kind.startswith("answers"):
        return Counter(f"answer {answer_of(text)}" for text in phrases)
    if "questions" in kind:
        return Counter("question" if asks_about_risk(text) else "none" for text in phrases)
    return Counter(risk.wording if (risk := find_risk(text)) else "none" for text in phrases)


def _dialogues(path: Path) -> Iterator[list[Said]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            for _, rows in groupby(csv.DictReader(file), key=lambda row: row["transcript_id"]):
                yield [
                    ("client" if row["interlocutor"] == "client" else "counselor", row["utterance_text"])
                    for row in rows
                ]
        return
    for session in foreign_sessions(path):
        if not isinstance(session, Problem):
            yield [(said.speaker, said.text) for said in session.dialogue]


def _counts(paths: list[Path]) -> Iterator[tuple[str, int, Counter[str]]]:
    """Names, numbers of sessions, and what the check makes of their messages."""
    for kind in COLLECTIONS if not paths else ():
        sessions = [session_of(record, kind) for _, record in corpus_records(kind)]
        said = ([(said.speaker, said.text) for said in session.dialogue] for session in sessions)
        yield kind, len(sessions), Counter(wording for dialogue in said for wording in taken(dialogue))
    for path in paths:
        listed = yaml.safe_load(path.read_text(encoding="utf-8")) if path.suffix == ".yaml" else None
        if isinstance(listed, dict) and all(isinstance(value, list) for value in listed.values()):
            for kind, phrases in listed.items():
                yield kind, 0, of_phrases(kind, phrases)
        else:
            dialogues = list(_dialogues(path))
            yield path.name, len(dialogues), Counter(wording for dialogue in dialogues for wording in taken(dialogue))


def main() -> None:
    table = Table("messages of", "sessions", "messages", "as what, and how many")
    for name, sessions, counts in _counts([Path(item) for item in sys.argv[1:]]):
        total = counts.total()
        shares = ", ".join(f"{kind} {count} ({count / total:.2%})" for kind, count in sorted(counts.items()))
        table.add_row(name, str(sessions), str(total), shares)
    Console().print(table)


if __name__ == "__main__":
    main()
