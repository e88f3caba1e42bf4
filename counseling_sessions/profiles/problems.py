"""What can be wrong with a file of profiles, and how a message says it."""

from collections.abc import Sequence
from dataclasses import dataclass

from counseling_sessions.errors import UserError

LISTED = 20
"""Problems that an error's message lists; it counts the rest."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where: `record` is a 1-based position, or the line in a file of JSON lines."""

    file: str
    message: str
    record: int | None = None
    field: str = ""

    def __str__(self) -> str:
        record = f"record {self.record}" if self.record is not None else ""
        place = ", ".join(filter(None, [self.file, record, self.field]))
        return " ".join(f"{place}: {self.message}".split())


@dataclass(frozen=True)
class Note:
    """What was assumed about a file that does not say it itself: its encoding, its delimiter, how it is read."""

    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


class ProfileError(UserError, ValueError):
    """No profile, or not the right one, could be read. `problems` holds every problem."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "ProfileError":
        """An error whose message lists the first problems and counts the rest."""
        if len(problems) == 1:
            return cls(str(problems[0]), problems)
        lines = [f"{len(problems)} problems:", *(f"  {problem}" for problem in problems[:LISTED])]
        if len(problems) > LISTED:
            lines.append(f"  … and {len(problems) - LISTED} more")
        return cls("\n".join(lines), problems)
