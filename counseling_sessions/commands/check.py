"""`run.py check`: which model serves which role, and what it can do."""

import argparse
import asyncio

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import model_options, names, session_config
from counseling_sessions.inspection.tables import models_table
from counseling_sessions.models.chat import Models
from counseling_sessions.models.roles import check, serving
from counseling_sessions.texts.console import HarmlessConsole


def add(commands: Subparsers) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser("check", help="which model serves which role, and what it can do")
    model_options(parser)
    parser.add_argument("--techniques", type=names, help="comma-separated")
    parser.set_defaults(command=check_models)


def check_models(args: argparse.Namespace) -> int:
    """Which model serves which role, and what it can do."""

    async def run() -> int:
        models = Models(offline=args.offline)
        served = await serving(models, session_config(args), None)
        for item in served:
            if item.endpoint:
                await check(models, item)
        await models.close()
        HarmlessConsole().print(models_table(served))
        return 1 if any(item.problem for item in served) else 0

    return asyncio.run(run())
