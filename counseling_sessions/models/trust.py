"""Which servers and keys a data file may name: those that the command's options or environment name too.

A record, a journal or a run directory can come from anybody. Only the person who runs a command decides where a key goes.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from counseling_sessions.models.endpoints import environment_url
from counseling_sessions.settings import ModelSettings, SessionConfig, means_embedded

KEY = "OPENAI_API_KEY"
"""The variable of the key for settings that name none."""


@dataclass(frozen=True)
class Destination:
    """A server, and the environment variable that holds its key."""

    url: str
    key: str = KEY


def is_loopback(host: str) -> bool:
    """Whether a host's name or address (without port and brackets) is this machine's."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def destinations(config: SessionConfig) -> dict[Destination, list[str]]:
    """The servers of a configuration, and the roles of each; the embedded model is no destination."""
    places: dict[Destination, list[str]] = {}
    for role in dict.fromkeys(["default", *config.models]):
        settings = config.named_for(role)
        if means_embedded(settings):
            continue
        for url in (settings.base_url or environment_url(), *(settings.replicas or ())):
            places.setdefault(Destination(url, settings.api_key_env or KEY), []).append(role)
    return places


def unnamed(config: SessionConfig, models: Mapping[str, ModelSettings]) -> dict[Destination, list[str]]:
    """The destinations of a data file's configuration, with their roles, that the command does not name.

    `models` are those of the command's options, by role. A destination passes if options or environment (OPENAI_BASE_URL, or
    OpenAI's address, with OPENAI_API_KEY) name its address with its key variable. Without a key to send, the address alone is
    enough, and a loopback address need not be named.
    """
    today = {Destination(environment_url()), *destinations(SessionConfig(models=dict(models)))}
    addresses = {place.url for place in today}

    def passes(place: Destination) -> bool:
        secret = place.key != KEY or os.environ.get(KEY, "").strip()
        near = place.url in addresses or is_loopback(urlsplit(place.url).hostname or "")
        return place in today or (near and not secret)

    return {place: roles for place, roles in destinations(config).items() if not passes(place)}
