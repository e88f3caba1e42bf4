"""How an evaluation came about, so that it can be done again and told apart from another."""

import hashlib
import platform
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import distributions
from typing import Any

from counseling_sessions.evaluation.heads import SessionHead, digest_of
from counseling_sessions.evaluation.report.document import Section, Table
from counseling_sessions.sessions import Session

PACKAGES = (
    "counseling-sessions",
    "numpy",
    "scipy",
    "statsmodels",
    "choix",
    "sacrebleu",
    "tokenizers",
    "py3langid",
)


def made_by(
    arguments: list[str], sessions: Iterable[Session | SessionHead] | None = None, *, seed: int | None = None
) -> dict[str, Any]:
    """The command, the time, the versions, and a hash of what the sessions say (12 digits of SHA-256, their order aside).

    Without sessions there is no hash of them, and without a seed none: of reports that read no sessions, or draw nothing.
    """
    return {
        "command": shlex.join(["python", "run.py", *arguments]),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **({} if seed is None else {"seed": seed}),
        **({} if sessions is None else {"sessions_hash": sessions_hash(sessions)}),
        "packages": {name: package.version for name in PACKAGES for package in distributions(name=name)},
        "python": platform.python_version(),
    }


def sessions_hash(sessions: Iterable[Session | SessionHead]) -> str:
    """A hash of all that is said: the same for the same dialogues, wherever they lie and in whatever order."""
    digests = sorted(one.digest if isinstance(one, SessionHead) else digest_of(one) for one in sessions)
    return hashlib.sha256(b"".join(digests)).hexdigest()[:12]


def made_section(made: dict[str, Any]) -> Section:
    """How to do it again."""
    packages = ", ".join(f"{name} {number}" for name, number in made["packages"].items())
    titles = {
        "command": "command",
        "at": "made at",
        "sessions_hash": "sessions' hash",
        "seed": "seed of the resampling",
    }
    rows = (
        *((title, str(made[name])) for name, title in titles.items() if name in made),
        ("versions", f"{packages}, Python {made['python']}"),
    )
    return Section("How this was made", (), (Table("", ("", ""), rows),))
