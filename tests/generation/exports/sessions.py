"""Sessions for the exports' tests: run with the scripted model, or made from one by changing who comes."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions.record import SessionRecord
from tests.scripted import Answer, Asked, Sensible, config, profile, scripted_models


async def run(
    answer: Answer, who: ClientProfile | None = None, attitude: Any = "neutral", **options: Any
) -> tuple[SessionRecord, list[Asked]]:
    models, asked = scripted_models(answer)
    task = SessionTask(profile=who or profile(), attitude=attitude, config=config(**options))
    with tempfile.TemporaryDirectory() as folder:
        return await run_session(task, Path(folder), models), asked


@cache
def session(method: str = "magnet", **options: Any) -> SessionRecord:
    """A finished session of two turns; `options` are the configuration's."""
    record, _ = asyncio.run(run(Sensible(), method=method, max_turns=2, **options))
    assert record.status == "finished"
    return record


def client(number: int, **changes: Any) -> ClientProfile:
    return profile(id=f"client-{number}", reason_for_counseling=f"I lost my key {number} times this week.", **changes)


def of(who: ClientProfile, record: SessionRecord | None = None, **changes: Any) -> SessionRecord:
    """A session with another client, and whatever else is to be different."""
    base = record or session()
    changes = {"profile": who, "profile_id": who.id, "session_id": f"{base.session_id}-{who.id}"} | changes
    return base.model_copy(update=changes)


def stream(*records: SessionRecord) -> Callable[[], Iterator[SessionRecord]]:
    return lambda: iter(records)
