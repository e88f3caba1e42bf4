"""What a command needs of a configuration and of models, made out of its request: once, for every command."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from counseling_sessions.commands.parsing.options import ModelOptions, SessionOptions
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.models_file import read_models
from counseling_sessions.models.roles import Served, pinned, serving
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.techniques import technique
from counseling_sessions.settings import EMBEDDED_SESSION, EMBEDDED_TURNS, ModelSettings, SessionConfig


@asynccontextmanager
async def opened_models(*, offline: bool = False) -> AsyncIterator[Models]:
    """The models of a command, closed at its end."""
    models = Models(offline=offline)
    try:
        yield models
    finally:
        await models.close()


def named_models(options: ModelOptions) -> dict[str, ModelSettings]:
    """The models that the options name, by role. Raises `SettingsError`."""
    models = read_models(options.file) if options.file else {}
    named = {name: value for name in ("model", "base_url") if (value := getattr(options, name))}
    if named:
        models["default"] = ModelSettings(**named).over(models.get("default", ModelSettings()))
    return models


def set_fields(options: SessionOptions, **more: Any) -> dict[str, Any]:
    """The fields of a `SessionConfig` that the options set, and `more` of them; what is None is left open."""
    return {name: value for name, value in {**vars(options), **more}.items() if value is not None}


def session_config(options: ModelOptions, fields: dict[str, Any]) -> SessionConfig:
    """A new configuration with these fields and the named models; raises `SettingsError` or `ValidationError`."""
    seed = random.randrange(2**31)
    return checked(SessionConfig.model_validate({"seed": seed, "models": named_models(options), **fields}))


def checked(config: SessionConfig) -> SessionConfig:
    """The configuration itself. Raises `SettingsError` where its techniques or its examples are not there."""
    for name in config.techniques:
        technique(name)
    check_examples(config)
    return config


async def serve(models: Models, config: SessionConfig, roles: list[str] | None = None) -> list[Served]:
    """The models behind a configuration's roles. Raises `ModelError` where a role is not served."""
    served = await serving(models, config, roles)
    for item in served:
        if item.problem:
            who = "" if len(served) == 1 else f"{', '.join(item.roles)}: "
            raise ModelError("configuration", who + item.problem)
    return served


async def serve_new(
    models: Models, config: SessionConfig, fields: dict[str, Any], roles: list[str] | None = None
) -> tuple[SessionConfig, list[Served]]:
    """A new configuration with its models by name, fitted to the embedded model but for the set `fields`; and who serves."""
    served = await serve(models, config, roles)
    return for_embedded(pinned(config, served), fields, served), served


def all_embedded(served: Sequence[Served]) -> bool:
    """Whether the embedded model serves every role."""
    return all(item.endpoint and item.endpoint.embedded for item in served)


def for_embedded(config: SessionConfig, fields: dict[str, Any], served: Sequence[Served]) -> SessionConfig:
    """What is left open, fitted to the embedded model where it serves every role: shorter sessions and `EMBEDDED_SESSION`."""
    if not all_embedded(served):
        return config
    fitted = config.model_dump() | {name: value for name, value in EMBEDDED_SESSION.items() if name not in fields}
    if "max_turns" not in fields:
        fitted["max_turns"] = EMBEDDED_TURNS
        if "min_turns" not in fields:
            del fitted["min_turns"]  # the minimum follows the shorter session
    return SessionConfig.model_validate(fitted)
