"""Sessions whose traces have everything in them: merges that take sentences over, drafts lost, answers refused and asked again."""

import asyncio
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.record import SessionRecord
from tests.scripted import Answer, Asked, Sensible, config, profile, scripted_models


def rich_answer(seed: int = 0) -> Answer:
    """Answers with what goes wrong now and then; the merge is the first sentence of every draft, and one of its own."""
    sensible, number = Sensible(), seed

    def answer(asked: Asked) -> Any:
        nonlocal number
        number += 1
        if asked.role == "merge":
            drafts = re.findall(r"^- (?!one )\w+: (.*)$", asked.prompt.rsplit("Drafts from your", 1)[-1], re.MULTILINE)
            return " ".join(re.split(r"(?<=[.?!]) ", draft)[0] for draft in drafts) + f" Thank you, said {number}."
        if asked.role == "questioning" and number % 5 == 0:
            return TimeoutError("too slow")
        if asked.role == "client" and number % 3 == 0:
            return "Counselor: Here is a possible response."
        if asked.role == "router" and number % 4 == 0:
            return "no JSON at all"
        return sensible(asked)

    return answer


def made(answer: Callable[[Asked], Any], **options: Any) -> tuple[SessionRecord, bytes]:
    """A session's record and its journal. In a thread of its own, since a test may have an event loop already."""

    async def run(folder: Path) -> SessionRecord:
        models, _ = scripted_models(answer)
        task = SessionTask(profile=profile(), attitude="negative", config=config(**options))
        return await run_session(task, folder, models)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        record: SessionRecord = pool.submit(asyncio.run, run(Path(folder))).result()
        return record, next(Path(folder).glob(f"*{SUFFIX}")).read_bytes()


@cache
def rich(seed: int = 0, **options: Any) -> SessionRecord:
    """A finished session of four turns in which drafts are lost and answers refused."""
    record, _ = made(rich_answer(seed), **{"max_turns": 4, "min_turns": 4, "fan_out": "all", **options})
    return record


@cache
def journal(seed: int, **options: Any) -> bytes:
    """The journal of such a session."""
    return made(rich_answer(seed), **options)[1]
