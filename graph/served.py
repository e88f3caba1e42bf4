"""Graphs that others may call over a network: which servers they reach, and with which keys, their owner decides alone.

The owner's configuration is the server's environment: OPENAI_BASE_URL and OPENAI_API_KEY, or the models file that
COUNSELING_SESSIONS_MODELS names. A caller chooses among its models by name, and how they are sampled.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import to_jsonable_python

from counseling_sessions.ladder.models import embedded_names
from counseling_sessions.models.chat import Models
from counseling_sessions.models.endpoints import environment_url
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.models_file import read_models
from counseling_sessions.models.requests import Reply
from counseling_sessions.settings import (
    ROLE_DEFAULTS,
    ModelSettings,
    SessionConfig,
    SettingsError,
    means_embedded,
)
from counseling_sessions.texts.harmless import one_line

VARIABLE = "COUNSELING_SESSIONS_MODELS"
"""Environment variable that names the owner's models file."""
SAMPLING = ("temperature", "top_p", "max_tokens")
CHOSEN = ("model", *SAMPLING)
"""What a caller may say of a role; the rest of `ModelSettings` is the owner's."""
GROUPS = ("default", "techniques")

LOG = logging.getLogger(__name__)


def _refuse_reach(models: Any) -> Any:
    for role, fields in models.items() if isinstance(models, dict) else ():
        said = to_jsonable_python(fields) if isinstance(fields, ModelSettings) else fields
        for name, value in said.items() if isinstance(said, dict) else ():
            if value is not None and name not in CHOSEN and name in ModelSettings.model_fields:
                raise ValueError(
                    f"{role}.{name}: not a caller's to say; the server's owner sets it, in the models file that "
                    f"{VARIABLE} names, or with OPENAI_BASE_URL and OPENAI_API_KEY"
                )
    return models


def _form() -> dict[str, Any]:
    fields = ModelSettings.model_json_schema()["properties"]
    model = {"title": "Model", "type": "object", "properties": {name: fields[name] for name in CHOSEN}}
    return {"type": "object", "additionalProperties": model | {"additionalProperties": False}}


class ServedConfig(SessionConfig):
    """The configuration that a caller may ask for: that of a session, without how its models are reached."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    models: Annotated[dict[str, ModelSettings], BeforeValidator(_refuse_reach), WithJsonSchema(_form())] = Field(
        default_factory=dict,
        max_length=64,
        description="Model (one of the server's own, by its name) and sampling by role: default, plan, router, merge, "
        "counselor, techniques, a technique, client",
    )


class ServedModels(Models):
    """Models whose failures give a caller kind and status alone; what their servers said goes into this process's log."""

    async def ask(self, role: str, settings: ModelSettings, *args: Any, **options: Any) -> Reply:
        """As `Models.ask`; the server's words and address are neither in the reply nor in a `ModelError`."""
        try:
            reply = await super().ask(role, settings, *args, **options)
        except ModelError as error:
            LOG.warning("%s: %s", role, one_line("; ".join((str(error), *error.errors))))
            raise ModelError(
                error.kind, _message(role, error), requests=error.requests, errors=_counted(error.errors)
            ) from None
        if reply.errors:
            LOG.warning("%s, answered in the end: %s", role, one_line("; ".join(reply.errors)))
        endpoint = reply.endpoint if reply.endpoint in embedded_names() else ""
        return replace(reply, endpoint=endpoint, errors=_counted(reply.errors))


def _message(role: str, error: ModelError) -> str:
    status = f", status {error.status}" if error.status else ""
    return f"the model for {role} gave no answer ({error.kind}{status}); the server's log says more"


def _counted(errors: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"request {number} failed" for number, _ in enumerate(errors, 1))


async def owned(config: SessionConfig) -> SessionConfig:
    """What a caller asks for, served by the owner's models. Raises what `resolve` and `read_models` raise."""
    return resolve(config, await asyncio.to_thread(owners_models))


def owners_models() -> dict[str, ModelSettings]:
    """The models by role of the owner's file; none where the environment alone says which model serves. Read once a file.

    Raises `SettingsError` for a file that cannot be read.
    """
    path = os.environ.get(VARIABLE)
    return _read(path) if path else {}


_read = cache(lambda path: read_models(Path(path)))


def resolve(config: SessionConfig, owner: Mapping[str, ModelSettings]) -> SessionConfig:
    """The configuration with the models that serve each role: the caller's choice, reached as the owner says.

    Every role has an entry, so that none inherits another one's key. Raises `SettingsError` for a model that the owner has not
    configured, and `ValidationError` for a field that is the owner's.
    """
    asked = config if isinstance(config, ServedConfig) else ServedConfig.model_validate(config.model_dump())
    configured = SessionConfig(models=dict(owner))
    roles = dict.fromkeys([*ROLE_DEFAULTS, *asked.techniques, *asked.models, *owner])
    models = {role: _served(role, asked, configured) for role in roles if role not in GROUPS}
    fields = {name: getattr(asked, name) for name in SessionConfig.model_fields}
    return SessionConfig.model_construct(**fields | {"models": models})


def for_caller(config: SessionConfig, owner: Mapping[str, ModelSettings]) -> tuple[SessionConfig, list[str]]:
    """The configuration of a session on record as a caller may ask for it: without how its models are reached.

    A model's name stays where the owner serves a model of that name; the names of the others, which the owner's default
    replaces, come second.
    """
    configured = SessionConfig(models=dict(owner))
    models: dict[str, ModelSettings] = {}
    left: list[str] = []
    for role, model in config.models.items():
        name = model.model if model.model and _is_served(role, config, configured) else None
        left += [model.model] if model.model and not name else []
        chosen = ModelSettings(model=name, **{field: getattr(model, field) for field in SAMPLING})
        if chosen != ModelSettings():
            models[role] = chosen
    return config.model_copy(update={"models": models}), sorted(set(left))


def _is_served(role: str, config: SessionConfig, configured: SessionConfig) -> bool:
    recorded, default = config.named_for(role), configured.named_for("default")
    if recorded.model in {*embedded_names(), *(configured.named_for(name).model for name in configured.models)}:
        return True
    here = default.model is None and not means_embedded(default)
    return here and recorded.base_url in (None, default.base_url or environment_url())


def _over(chosen: ModelSettings, owners: ModelSettings) -> ModelSettings:
    """A caller's choice at an owner's model; what the model does not take, the owner says alone."""
    return chosen.over(owners).model_copy(update={"omit": owners.omit})


def _served(role: str, asked: SessionConfig, configured: SessionConfig) -> ModelSettings:
    chosen, owners = asked.named_for(role), configured.named_for(role)
    if chosen.model in (None, owners.model):
        return _over(chosen, owners)
    sampled = chosen.over(ModelSettings(**{name: getattr(owners, name) for name in SAMPLING}))
    if chosen.model in embedded_names():
        return sampled
    for name in ("default", *configured.models):
        place = configured.named_for(name)
        if place.model == chosen.model:
            return _over(sampled, place)
    if owners.model is None and not means_embedded(owners):
        return _over(chosen, owners)  # the owner leaves it open which of this endpoint's models serves
    names = sorted({str(configured.named_for(name).model) for name in configured.models} - {"None"})
    raise SettingsError(
        f"models: {role}: the model {chosen.model!r} is none of this server's ({', '.join(names) or 'the embedded model'}); "
        f"its owner adds it to the models file that {VARIABLE} names, or sets OPENAI_BASE_URL"
    )
