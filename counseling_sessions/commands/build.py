"""Configurations and models out of a command's request, once for every command."""

import json
import random
import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from counseling_sessions.commands.parsing.options import ModelOptions, SessionOptions
from counseling_sessions.ladder.models import EMBEDDED
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.models_file import read_models
from counseling_sessions.models.roles import Served, pinned, serving
from counseling_sessions.models.trust import KEY, Destination, unnamed
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.techniques import technique
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.settings import REACH, ModelSettings, RiskPolicy, SessionConfig, SettingsError
from counseling_sessions.texts.harmless import one_line


@asynccontextmanager
async def opened_models(
    *, offline: bool = False, on_wait: Callable[[str], None] | None = None
) -> AsyncIterator[Models]:
    """The models of a command, closed at its end; `on_wait` is as in `Models`."""
    models = Models(offline=offline)
    models.on_wait = on_wait
    try:
        yield models
    finally:
        await models.close()


def named_models(options: ModelOptions) -> dict[str, ModelSettings]:
    """The models that the options name, by role. Raises `SettingsError`."""
    models = read_models(options.file) if options.file else {}
    named = {name: value for name in ("model", "base_url") if (value := getattr(options, name))}
    if options.embedded and named:
        raise SettingsError("--embedded names the model; leave --model and --base-url out")
    default = models.get("default", ModelSettings())
    if options.embedded:
        named["model"] = f"{EMBEDDED}-{options.embedded}"
        default = default.model_copy(update=dict.fromkeys(REACH))
    if named:
        models["default"] = ModelSettings(**named).over(default)
    if options.counselor:
        chatbot = ModelSettings(base_url=options.counselor, model=options.counselor_model)
        models["counselor"] = chatbot.over(models.get("counselor", ModelSettings()))
    elif options.counselor_model:
        raise SettingsError("--counselor-model is the model of a chatbot: name its endpoint with --counselor")
    return models


def names_models(options: ModelOptions) -> bool:
    """Whether the options name a model or where it is: a person who does so has looked at the server."""
    return bool(options.file or options.model or options.base_url or options.embedded or options.counselor)


def set_fields(options: SessionOptions | None = None, **more: Any) -> dict[str, Any]:
    """The fields of a `SessionConfig` that the options set, and `more` of them; None leaves a field open."""
    return {name: value for name, value in {**(vars(options) if options else {}), **more}.items() if value is not None}


def noticed_by(options: SessionOptions, levels: Sequence[RiskLevel] | None) -> RiskPolicy | None:
    """Who notices a risk: as the options say, and a model beside the rules where clients at risk are asked for."""
    return options.risk or ("llm" if levels else None)


def session_config(options: ModelOptions | None, fields: dict[str, Any]) -> SessionConfig:
    """A new configuration with these fields and the named models; raises `SettingsError` or `ValidationError`."""
    models = named_models(options) if options else {}
    if options and options.counselor:
        fields = {"method": "single", "chatbot": True} | fields
    return checked(SessionConfig.model_validate({"seed": random.randrange(2**31), "models": models, **fields}))


def checked(config: SessionConfig) -> SessionConfig:
    """The configuration itself. Raises `SettingsError` if its techniques or examples are missing."""
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
    """Whether embedded models serve every role."""
    return all(item.endpoint and item.endpoint.embedded for item in served)


def for_embedded(config: SessionConfig, fields: dict[str, Any], served: Sequence[Served]) -> SessionConfig:
    """The configuration, with its open fields fitted to the embedded model if that serves every role; the smallest of several."""
    here = [item.endpoint.embedded for item in served if item.endpoint and item.endpoint.embedded]
    if not all_embedded(served) or not here:
        return config
    defaults = min(here, key=lambda model: model.file.size).session
    fitted = config.model_dump() | {name: value for name, value in defaults.items() if name not in fields}
    if "max_turns" not in fields and "min_turns" not in fields:
        del fitted["min_turns"]  # the minimum follows the shorter session
    return SessionConfig.model_validate(fitted)


def refuse_unnamed(config: SessionConfig, options: ModelOptions, arguments: Sequence[str], source: Path) -> None:
    """Raise `SettingsError` before a command sends anything to servers that only the file `source` names.

    The message says what the file wants, and how to allow it with the `arguments` typed now.
    """
    if wanted := unnamed(config, named_models(options)):
        places = " and ".join(f"{place.url} with the key in {place.key}" for place in wanted)
        message = (
            f"{source} wants to send to {places}, which neither options nor environment name. "
            f"Nothing was sent. If you mean it: {_allowing(wanted, options, arguments)}"
        )
        raise SettingsError(one_line(message))


def naming_options(options: ModelOptions) -> str:
    """The options that a command needs to go on with the same servers, as text; empty if it needs none.

    Raises `SettingsError` if the models file is gone.
    """
    if not unnamed(SessionConfig(models=named_models(options)), {}):
        return ""
    typed = {"--base-url": options.base_url, "--models": options.file, "--counselor": options.counselor}
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in typed.items() if value)


def _allowing(wanted: dict[Destination, list[str]], options: ModelOptions, arguments: Sequence[str]) -> str:
    command = f"python run.py {shlex.join(arguments)}"
    named = options.base_url or options.file
    if not named and [place.key for place in wanted] == [KEY]:
        return f"{command} --base-url {shlex.quote(next(iter(wanted)).url)}"
    models: dict[str, dict[str, Any]] = {}
    for place, roles in wanted.items():
        for role in roles:
            model = models.setdefault(role, {"base_url": place.url, "api_key_env": place.key})
            if place.url != model["base_url"]:
                model.setdefault("replicas", []).append(place.url)
    return f"{command} --models FILE, with this in FILE: {json.dumps(models)}"
