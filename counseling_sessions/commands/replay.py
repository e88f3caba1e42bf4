"""`run.py replay` and `diff`: the same past with another future, and two sessions side by side."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.text import Text

from counseling_sessions.commands.build import (
    checked,
    named_models,
    naming_options,
    opened_models,
    refuse_unnamed,
    serve,
    set_fields,
)
from counseling_sessions.commands.parsing.inspection import DiffRequest, FutureOptions, ReplayRequest
from counseling_sessions.commands.session import conduct, stopped
from counseling_sessions.commands.telling import tell_left_out, warn
from counseling_sessions.graph.fork import Edits, ForkTask, fork_head, fork_task, refuse_mixed_prompts, run_fork
from counseling_sessions.inspection.diff import as_json, compare
from counseling_sessions.inspection.diff_view import show_difference
from counseling_sessions.inspection.find import find_one
from counseling_sessions.ladder.models import embedded_names
from counseling_sessions.models.roles import pinned
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import NOT_TECHNIQUES, REACH, ModelSettings, SessionConfig
from counseling_sessions.texts.console import HarmlessConsole, json_text, print_json

WHERE = {"model", "extra_body", *REACH} - {"timeout", "max_requests"}
"""The settings of a role that belong to its server; the rest is how it is asked."""


def diff(request: DiffRequest) -> int:
    """Show two sessions side by side."""
    one, other = (_session_at(place, salvage=request.salvage) for place in (request.a, request.b))
    difference = compare(one, other)
    if request.json:
        print_json(json_text(as_json(difference, alike=request.all)))
    else:
        show_difference(HarmlessConsole(), difference, (request.a, request.b), alike=request.all)
    return 0


def replay(request: ReplayRequest) -> int:
    """Fork a session and run the fork to its end."""
    place = request.out or Path()
    try:
        if request.session:
            parent = _named(Path(request.place), request.session, salvage=request.salvage)
        else:
            parent = _session_at(request.place, salvage=request.salvage)
        config = _config(request.future, SessionConfig.model_validate(parent.configuration))
        edits = Edits(client=request.edits.client_says, pick=request.edits.pick, counselor=request.edits.say)
        attitude, seed = request.future.attitude, request.future.seed
        make = partial(fork_task, parent, request.from_turn, attitude=attitude, seed=seed, edits=edits)
        task = make(config)  # raises before any model is started
        refuse_unnamed(config, request.models, request.arguments, Path(request.place))
        if not request.other_prompts:
            refuse_mixed_prompts(task)
        name = f"{datetime.now():%Y%m%d-%H%M%S}-{parent.profile_id}-{task.attitude}-turn-{request.from_turn}"
        place = request.out or Path("runs") / name
        RunFolder(place).refuse_batch()
        return asyncio.run(_play(request, config, make, place))
    except KeyboardInterrupt:
        return stopped(place, naming_options(request.models))


async def _play(
    request: ReplayRequest, config: SessionConfig, make: Callable[[SessionConfig], ForkTask], folder: Path
) -> int:
    async with opened_models(offline=request.models.offline, on_wait=warn) as models:
        served = await serve(models, config)
        task = make(pinned(config, served))
        task.refuse_if_done(folder)
        head = fork_head(task)
        console = HarmlessConsole(quiet=request.quiet or request.json)
        console.print(Text(f"fork of {task.parent.session_id} at turn {task.turn}", style="bold"))
        start = partial(run_fork, head, RunFolder(folder).journals, models)
        return await conduct(request, served, task, folder, start, JournalContent.begun(head))


def _named(place: Path, name: str | None, *, salvage: bool) -> SessionRecord:
    left_out: list[Damage] | None = [] if salvage else None
    record = find_one(place, name, left_out=left_out)
    tell_left_out(left_out)
    return record


def _session_at(place: str, *, salvage: bool) -> SessionRecord:
    """The session at PLACE, or PLACE/SESSION where there is no such file or folder. Raises `RunError`."""
    path = Path(place)
    if path.exists() or not path.parent.exists():
        return _named(path, None, salvage=salvage)
    try:
        return _named(path.parent, path.name, salvage=salvage)
    except RunError as error:
        raise RunError(f"{place} is not there as a file or folder, and as PLACE/SESSION: {error}") from None


def _config(future: FutureOptions, recorded: SessionConfig) -> SessionConfig:
    """The session's configuration with the options on top; the seed is the fork's own affair."""
    fields = set_fields(future.session, method=future.method)
    if "max_turns" in fields and "min_turns" not in fields:
        fields["min_turns"] = max(1, min(recorded.min_turns, fields["max_turns"]))
    models = _models(named_models(future.models), recorded.models)
    return checked(SessionConfig.model_validate(recorded.model_dump() | fields | {"models": models}))


def _models(named: dict[str, ModelSettings], recorded: dict[str, ModelSettings]) -> dict[str, ModelSettings]:
    """The recorded models with the named ones on top.

    Another model or endpoint for a group of roles replaces the recorded servers of that group's roles. How they are asked
    (temperature and so on) stays.
    """
    merged = dict(recorded)
    for group, settings in named.items():
        if settings.model or settings.base_url:
            for role in _roles_of(group, recorded):
                merged[role] = merged[role].model_copy(update=dict.fromkeys(WHERE))
        here = recorded.get(group, ModelSettings())
        elsewhere = settings.model is not None and settings.model not in embedded_names()
        if elsewhere and not settings.base_url and here.model not in embedded_names():
            # Another model's name alone means the same endpoint.
            server = {name: getattr(here, name) for name in WHERE - {"model"}}
            merged[group] = merged.get(group, ModelSettings()).model_copy(update=server)
    for group, settings in named.items():
        merged[group] = settings.over(merged.get(group, ModelSettings()))
    return {role: settings for role, settings in merged.items() if settings != ModelSettings()}


def _roles_of(group: str, roles: Iterable[str]) -> list[str]:
    """The roles among these that a group's settings are for: `default` for all, `techniques` for the specialists."""
    if group == "default":
        return list(roles)
    return [role for role in roles if role == group or (group == "techniques" and role not in NOT_TECHNIQUES)]
