"""What `run.py web` serves besides practice, with the models that it was started with."""

from functools import partial
from pathlib import Path
from typing import Any

from counseling_sessions.commands.build import checked, refuse_unnamed, serve, serve_new, session_config, set_fields
from counseling_sessions.commands.evaluating import evaluate_into
from counseling_sessions.commands.generate import REQUESTS, served_as_begun
from counseling_sessions.commands.parsing.web import WebRequest
from counseling_sessions.generation.batch import begun_batch
from counseling_sessions.generation.driver import WorkerHandle
from counseling_sessions.generation.processes import WorkerSpec
from counseling_sessions.generation.run import Run
from counseling_sessions.graph.provenance import refuse_other_prompts
from counseling_sessions.models.chat import Models
from counseling_sessions.models.prices import read_prices
from counseling_sessions.models.roles import ROLES
from counseling_sessions.nodes.prompt_set import prompt_set
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.settings import MethodName, SessionConfig, means_embedded
from counseling_sessions.web.app import Part
from counseling_sessions.web.batches import Batches
from counseling_sessions.web.batching import Batching
from counseling_sessions.web.evaluating import Evaluating, Evaluation
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.watch import Watch
from counseling_sessions.web.watching import Watching

AT_ONCE = 16
"""Sessions of a batch that run at once, at most: the page is to answer meanwhile."""


def parts_of(request: WebRequest, models: Models, runs: Runs) -> list[Part]:
    """The further parts of the page. Raises `SettingsError` for a file of prices that cannot be read."""
    prices = read_prices(request.prices) if request.prices else None
    conducting = Conducting(request, models)
    batching = Batching(request.runs, runs, conducting, partial(_worker, request), prices)
    return [
        Watch(Watching(request.runs, runs, models, conducting, prices)),
        Batches(batching, runs),
        Evaluation(Evaluating(runs, evaluate_into)),
    ]


def _worker(request: WebRequest, run: Run) -> WorkerHandle:
    """A worker for a batch in this process, with models of its own: it closes them at its end."""
    config, offline = run.batch.configuration, request.models.offline
    at_once = 1 if all(means_embedded(config.named_for(role)) for role in ROLES) else AT_ONCE
    return WorkerSpec(run.folder, run.batch, "w0", at_once, offline, REQUESTS, prompt_set(config)).make()


class Conducting:
    """Configurations of simulated sessions: the options of the command, with what the page may choose."""

    def __init__(self, request: WebRequest, models: Models) -> None:
        self._request, self._models = request, models

    async def new(self, method: MethodName, turns: int | None) -> SessionConfig:
        """The configuration of a new session, with a seed of its own. Raises `UserError` where a model is not served."""
        return await self._new(turns, method=method)

    async def again(self, content: JournalContent, journal: Path) -> None:
        """Raise `UserError` for a session whose servers the command does not name, or whose prompts have changed since."""
        config = checked(content.head.configuration)
        refuse_unnamed(config, self._request.models, self._request.arguments, journal)
        refuse_other_prompts(journal, content.prompts_on_record, config)
        await serve(self._models, config)

    async def of_batch(self, turns: int | None) -> SessionConfig:
        """The configuration of a new batch. Raises `UserError` where a model is not served."""
        return await self._new(turns, seed=0)

    async def of_run(self, folder: Path) -> SessionConfig:
        """The configuration of a batch that goes on as it was begun. Raises `UserError` as `again` does."""
        batch = begun_batch(folder)
        config, _ = await served_as_begun(
            folder, batch, self._request.models, self._request.arguments, {}, self._models
        )
        return config

    async def _new(self, turns: int | None, **chosen: Any) -> SessionConfig:
        fields = set_fields(self._request.session, **chosen)
        if turns:
            fields["max_turns"] = turns
            if "min_turns" in fields:
                fields["min_turns"] = min(fields["min_turns"], turns)
        config, _ = await serve_new(self._models, session_config(self._request.models, fields), fields)
        return config
