"""What `run.py web` serves besides practice, with the models that it was started with."""

from pathlib import Path
from typing import Any

from counseling_sessions.commands.build import checked, refuse_unnamed, serve, serve_new, session_config, set_fields
from counseling_sessions.commands.parsing.web import WebRequest
from counseling_sessions.graph.provenance import refuse_other_prompts
from counseling_sessions.models.chat import Models
from counseling_sessions.models.prices import read_prices
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.settings import MethodName, SessionConfig
from counseling_sessions.web.app import Part
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.watch import Watch
from counseling_sessions.web.watching import Watching


def parts_of(request: WebRequest, models: Models, runs: Runs) -> list[Part]:
    """The further parts of the page. Raises `SettingsError` for a file of prices that cannot be read."""
    prices = read_prices(request.prices) if request.prices else None
    return [Watch(Watching(request.runs, runs, models, Conducting(request, models), prices))]


class Conducting:
    """Configurations of simulated sessions: the options of the command, with what the page may choose."""

    def __init__(self, request: WebRequest, models: Models) -> None:
        self._request, self._models = request, models

    async def new(self, method: MethodName, turns: int | None) -> SessionConfig:
        """The configuration of a new session, with a seed of its own. Raises `UserError` where a model is not served."""
        chosen: dict[str, Any] = {"method": method, "max_turns": turns}
        fields = set_fields(self._request.session) | {name: value for name, value in chosen.items() if value}
        if turns and fields.get("min_turns", 0) > turns:
            fields["min_turns"] = turns
        config, _ = await serve_new(self._models, session_config(self._request.models, fields), fields)
        return config

    async def again(self, content: JournalContent, journal: Path) -> None:
        """Raise `UserError` for a session whose servers the command does not name, or whose prompts have changed since."""
        config = checked(content.head.configuration)
        refuse_unnamed(config, self._request.models, self._request.arguments, journal)
        refuse_other_prompts(journal, content.prompts_on_record, config)
        await serve(self._models, config)
