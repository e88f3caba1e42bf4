"""What a data file says of servers and keys is used only where today's options or environment say it too (`models.trust`)."""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from counseling_sessions.commands.options import given_models
from counseling_sessions.models.trust import KEY, Destination, unnamed
from counseling_sessions.settings import SessionConfig, SettingsError
from counseling_sessions.texts.harmless import one_line


def refuse_unnamed(config: SessionConfig, args: argparse.Namespace, source: Path) -> None:
    """Stop a command before anything is sent where a file's configuration names servers that nothing of today names.

    `source` is the file or folder that the configuration was read from. Raises `SettingsError`: what the file wants, and the
    command that allows it.
    """
    if wanted := unnamed(config, given_models(args)):
        places = " and ".join(f"{place.url} with the key in {place.key}" for place in wanted)
        message = (
            f"{source} wants to send to {places}, which neither options nor environment name. "
            f"Nothing was sent. If you mean it: {_allowing(wanted, args)}"
        )
        raise SettingsError(one_line(message))


def naming_options(args: argparse.Namespace) -> str:
    """The options that named today's servers, as they are typed after a command that goes on with what was made; empty where
    it needs none. Raises `SettingsError` where the models file is no longer there."""
    if not unnamed(SessionConfig(models=given_models(args)), {}):
        return ""
    options = {"--base-url": args.base_url, "--models": args.models}
    return "".join(f" {name} {shlex.quote(value)}" for name, value in options.items() if value)


def _allowing(wanted: dict[Destination, list[str]], args: argparse.Namespace) -> str:
    command = f"python run.py {shlex.join(args.arguments)}"
    named = args.base_url or args.models
    if not named and [place.key for place in wanted] == [KEY]:
        return f"{command} --base-url {shlex.quote(next(iter(wanted)).url)}"
    models: dict[str, dict[str, Any]] = {}
    for place, roles in wanted.items():
        for role in roles:
            there = models.setdefault(role, {"base_url": place.url, "api_key_env": place.key})
            if place.url != there["base_url"]:
                there.setdefault("replicas", []).append(place.url)
    return f"{command} --models FILE, with this in FILE: {json.dumps(models)}"
