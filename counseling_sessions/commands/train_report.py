"""`run.py train report`: how well an adapter predicts held-out answers."""

from counseling_sessions.commands.parsing.training import TrainReportRequest
from counseling_sessions.store.atomic import write_named
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.training.errors import training_extra
from counseling_sessions.training.roles import chosen_roles


def run(request: TrainReportRequest) -> int:
    """Compare an adapter with its base, or with another, on held-out examples."""
    roles = chosen_roles(request.roles) if request.roles else None
    with training_extra():
        from counseling_sessions.training.report import compare_adapters, table

        found = compare_adapters(request.adapter, request.against, request.on, roles=roles, sessions=request.sessions)
    HarmlessConsole().print(table(found))
    if request.json:
        write_named(request.json, found.model_dump_json(indent=1) + "\n")
    return 0
