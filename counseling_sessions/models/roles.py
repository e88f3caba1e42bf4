"""The model of each role, for people: the first line of a session, and the table of `run.py check`."""

from dataclasses import dataclass, field

from counseling_sessions.models.chat import Models
from counseling_sessions.models.dialect import PLAIN, Dialect
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.models.errors import ModelError
from counseling_sessions.settings import ModelSettings, SessionConfig

ROLES = ("plan", "router", "merge", "counselor", "client")
"""The roles besides the techniques."""


@dataclass
class Served:
    """A model that serves some roles, and the results of a check; None where there is none."""

    roles: list[str]
    endpoint: Endpoint | None = None
    settings: ModelSettings = field(default_factory=ModelSettings)
    problem: str | None = None
    seconds: float | None = None
    structured: str | None = None
    usage: bool | None = None
    cached: bool | None = None
    dialect: Dialect = PLAIN


async def serving(models: Models, config: SessionConfig, roles: list[str] | None = None) -> list[Served]:
    """The models of a configuration's roles, roles of one model together. A model that cannot be resolved has a problem."""
    served: dict[tuple[str, str, str | None], Served] = {}
    for role in roles or [*ROLES[:3], *config.techniques, *ROLES[3:]]:
        settings = config.model_for(role)
        name = (settings.base_url or "", settings.model or "", settings.api_key_env)
        if name not in served:
            served[name] = Served([], settings=settings)
            try:
                served[name].endpoint = await models.endpoint(settings)
            except ModelError as error:
                served[name].problem = str(error)
        served[name].roles.append(role)
    return list(served.values())


def pinned(config: SessionConfig, served: list[Served]) -> SessionConfig:
    """The configuration with every role's model and endpoint by name, so that a resumed session has the same models."""
    models = dict(config.models)
    by_role = {role: item.endpoint for item in served if item.endpoint for role in item.roles}
    endpoints = set(by_role.values())
    # One model for all is the default; several are named role by role.
    targets = {"default": next(iter(endpoints))} if len(endpoints) == 1 else by_role
    for role, endpoint in targets.items():
        fields = {"model": endpoint.model, "base_url": endpoint.base_url}
        if endpoint.embedded:
            fields = {"model": endpoint.embedded.model_name(tuned=endpoint.tuned)}
        models[role] = models.get(role, ModelSettings()).model_copy(update=fields)
    return config.model_copy(update={"models": models})


def serving_line(served: list[Served]) -> str:
    """One line that says which model serves which roles."""
    parts = []
    for item in served:
        if item.endpoint is None:
            continue
        where = item.endpoint.base_url
        if here := item.endpoint.embedded:
            turns, minutes = here.session["max_turns"], here.speed.minutes
            where = f"embedded; {turns} turns take about {minutes:g} minutes on two cores"
        roles = "all roles" if len(served) == 1 else ", ".join(item.roles)
        parts.append(f"{item.endpoint.model} ({where}) serves {roles}")
    return "; ".join(parts)
