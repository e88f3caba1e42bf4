"""`run.py merge`: parts of a run put together."""

import re
from pathlib import Path

from counseling_sessions.commands.parsing.runs import MergeRequest
from counseling_sessions.commands.status import picture
from counseling_sessions.commands.telling import warn
from counseling_sessions.generation.merging import merge
from counseling_sessions.generation.state import StateReader
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.texts.console import HarmlessConsole


def run(request: MergeRequest) -> int:
    """Put parts of a run together."""
    out = request.out or _common(request.parts)
    _, missing = merge(list(request.parts), out)
    if missing:
        warn(f"missing parts: {', '.join(map(str, missing))}; the merged run has their sessions to do")
    HarmlessConsole().print(picture(StateReader(out).read()))
    return 1 if missing else 0


def _common(parts: tuple[Path, ...]) -> Path:
    names = {re.sub(r"-\d+-of-\d+$", "", str(part).rstrip("/")) for part in parts}
    if len(names) != 1 or names == {str(part) for part in parts}:
        raise RunError("say with --out where the merged run is to go")
    return Path(names.pop())
