"""How often the lists of the risk check stop a session without need: on client messages that are not about risk.

    python benchmarks/risk.py FILE_OR_FOLDER…

Each client message is checked as in a practice session, with what was said before. No word of a message is shown.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from counseling_sessions.nodes.risk import find_risk
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions.foreign import foreign_sessions
from counseling_sessions.sessions.session import Session


def stops(session: Session) -> tuple[int, int]:
    """How many client messages a session has, and how many of them count as risk."""
    messages = stopped = 0
    before = asked = ""
    for message in session.dialogue:
        if message.speaker == "counselor":
            asked = message.text
            continue
        messages += 1
        stopped += find_risk(message.text, before=before, asked=asked) is not None
        before = message.text
    return messages, stopped


def main() -> None:
    table = Table("file", "sessions", "stopped", "client messages", "counted as risk")
    for path in map(Path, sys.argv[1:]):
        counts = [stops(item) for item in foreign_sessions(path) if not isinstance(item, Problem)]
        stopped = [count for _, count in counts if count]
        table.add_row(
            path.name, str(len(counts)), str(len(stopped)), str(sum(count for count, _ in counts)), str(sum(stopped))
        )
    Console().print(table)


if __name__ == "__main__":
    main()
