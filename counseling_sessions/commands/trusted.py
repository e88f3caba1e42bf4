"""What a data file says of servers and keys is used only where today's options or environment say it too (`models.trust`)."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from counseling_sessions.commands.build import named_models
from counseling_sessions.commands.parsing.options import ModelOptions
from counseling_sessions.models.trust import KEY, Destination, unnamed
from counseling_sessions.settings import SessionConfig, SettingsError
from counseling_sessions.texts.harmless import one_line


def refuse_unnamed(config: SessionConfig, options: ModelOptions, arguments: Sequence[str], source: Path) -> None:
    """Stop a command before anything is sent where a file's configuration names servers that nothing of today names.

    `arguments` are what was typed, `source` is the file or folder of the configuration. Raises `SettingsError`: what the file
    wants, and the command that allows it.
    """
    if wanted := unnamed(config, named_models(options)):
        places = " and ".join(f"{place.url} with the key in {place.key}" for place in wanted)
        message = (
            f"{source} wants to send to {places}, which neither options nor environment name. "
            f"Nothing was sent. If you mean it: {_allowing(wanted, options, arguments)}"
        )
        raise SettingsError(one_line(message))


def naming_options(options: ModelOptions) -> str:
    """The options that named today's servers, as they are typed after a command that goes on with what was made; empty where
    it needs none. Raises `SettingsError` where the models file is no longer there."""
    if not unnamed(SessionConfig(models=named_models(options)), {}):
        return ""
    typed = {"--base-url": options.base_url, "--models": options.file}
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in typed.items() if value)


def _allowing(wanted: dict[Destination, list[str]], options: ModelOptions, arguments: Sequence[str]) -> str:
    command = f"python run.py {shlex.join(arguments)}"
    named = options.base_url or options.file
    if not named and [place.key for place in wanted] == [KEY]:
        return f"{command} --base-url {shlex.quote(next(iter(wanted)).url)}"
    models: dict[str, dict[str, Any]] = {}
    for place, roles in wanted.items():
        for role in roles:
            there = models.setdefault(role, {"base_url": place.url, "api_key_env": place.key})
            if place.url != there["base_url"]:
                there.setdefault("replicas", []).append(place.url)
    return f"{command} --models FILE, with this in FILE: {json.dumps(models)}"
