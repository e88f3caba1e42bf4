"""`run.py check`: which model serves which role, and what it can do."""

import asyncio

from counseling_sessions.commands.build import opened_models, session_config, set_fields
from counseling_sessions.commands.parsing.about import CheckRequest
from counseling_sessions.inspection.tables import models_table
from counseling_sessions.models.roles import check, serving
from counseling_sessions.texts.console import HarmlessConsole


def run(request: CheckRequest) -> int:
    """Which model serves which role, and what it can do."""
    return asyncio.run(_check(request))


async def _check(request: CheckRequest) -> int:
    config = session_config(request.models, set_fields(techniques=request.techniques))
    async with opened_models(offline=request.models.offline) as models:
        served = await serving(models, config)
        for item in served:
            if item.endpoint:
                await check(models, item)
    HarmlessConsole().print(models_table(served))
    return 1 if any(item.problem for item in served) else 0
