"""From a role's settings to an endpoint: the server, the model and the key."""

import asyncio
import os
from dataclasses import dataclass, field

import openai
from pydantic import ValidationError

from counseling_sessions.ladder.models import BASE, EMBEDDED, EmbeddedModel, embedded_model, embedded_names
from counseling_sessions.models.embedded import shared_server
from counseling_sessions.models.embedded_choice import fitting_model
from counseling_sessions.models.embedded_file import EmbeddedModelError
from counseling_sessions.models.errors import RETRIED, FailedCall, ModelError, failure_of, unreadable
from counseling_sessions.models.model_list import read_model_list
from counseling_sessions.models.transport import NO_KEY, ModelClient, without_surroundings
from counseling_sessions.settings import (
    ModelSettings,
    means_embedded,
    validation_message,
)
from counseling_sessions.store.machine import Shortage

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-6-luna"
OPENAI_EFFORT = "none"
"""How much OpenAI's model reasons unless the settings say: with thoughts, answers would not fit the roles' limits."""
LISTED_WITHIN = 20.0
"""Seconds for a server's list of models."""
MOST_LISTED = 8
"""Models that a message names."""
LIST_PAUSE = 0.5
"""Seconds before the second request for the list, if the server names no time."""


@dataclass(frozen=True)
class Endpoint:
    """A model behind an OpenAI-compatible server, which alone gets `key`.

    `embedded` describes an embedded one, which is `tuned` if it has its adapter.
    """

    base_url: str
    model: str
    key: str
    embedded: EmbeddedModel | None = field(default=None, compare=False)
    tuned: bool = False

    def __repr__(self) -> str:
        return f"Endpoint({self.label})"

    @property
    def label(self) -> str:
        """The endpoint in messages and records. The embedded model's changing port says nothing."""
        return "embedded" if self.embedded else self.base_url

    @property
    def is_openai(self) -> bool:
        return f"{self.base_url}/".startswith("https://api.openai.com/")


async def find_endpoint(settings: ModelSettings, *, offline: bool = False) -> Endpoint:
    """Resolve settings to an endpoint; starts the embedded server if they mean it.

    An endpoint without a model name serves the first listed model that chats (a vLLM or llama.cpp server has one). Raises
    `ModelError` of kind "configuration", "connection" or "refused".
    """
    if means_embedded(settings):
        if settings.model not in (None, *embedded_names()):
            raise ModelError(
                "configuration",
                f"the model {settings.model!r} needs an endpoint: give --base-url, or set OPENAI_BASE_URL or OPENAI_API_KEY",
            )
        return await _embedded(settings.model, offline)
    base_url = settings.base_url or environment_url(settings.api_key_env)
    key = _key(settings, base_url)
    if settings.model:
        return Endpoint(base_url, settings.model, key)
    if base_url == OPENAI_URL:
        return Endpoint(base_url, OPENAI_MODEL, key)
    return Endpoint(base_url, await _first_model(base_url, key), key)


async def _embedded(model: str | None, offline: bool) -> Endpoint:
    try:
        here = embedded_model(model or EMBEDDED)
        if here is None:
            here = await asyncio.to_thread(fitting_model, offline=offline)
        server = await asyncio.to_thread(shared_server, here, offline=offline)
        tuned = None if (model or "").endswith(BASE) else server.tuned_name
        return Endpoint(server.base_url, tuned or here.name, NO_KEY, embedded=here, tuned=tuned is not None)
    except EmbeddedModelError as error:
        problem = str(error)
    raise ModelError("configuration", problem)


def environment_url(api_key_env: str | None = None) -> str:
    """OPENAI_BASE_URL, else OpenAI's address; checked as a URL in the settings: it goes on record, so it must hold no secret.

    Raises `ModelError` of kind "configuration".
    """
    try:
        url = os.environ.get("OPENAI_BASE_URL") or None
        return ModelSettings(base_url=url, api_key_env=api_key_env).base_url or OPENAI_URL
    except ValidationError as error:
        problem = validation_message(error)
    # Outside the handler: the library's error holds the URL.
    raise ModelError("configuration", f"OPENAI_BASE_URL: {problem}")


def _key(settings: ModelSettings, base_url: str) -> str:
    name = settings.api_key_env or "OPENAI_API_KEY"
    if key := os.environ.get(name, "").strip():
        if not (key.isascii() and key.isprintable()):
            # The HTTP client would quote it in its error.
            raise ModelError("configuration", f"the key in the environment variable {name} holds characters no key has")
        return key
    if settings.api_key_env or base_url == OPENAI_URL:
        raise ModelError("configuration", f"{base_url} needs a key: the environment variable {name} is not set")
    return NO_KEY


async def _first_model(base_url: str, key: str) -> str:
    async with ModelClient(read_model_list) as http:
        names = await _listed(http, base_url, key)
        if isinstance(names, FailedCall) and names.kind in RETRIED:
            await asyncio.sleep(min(names.retry_after or LIST_PAUSE, LISTED_WITHIN))
            names = await _listed(http, base_url, key)
    if isinstance(names, Shortage):
        raise names
    if isinstance(names, FailedCall):
        key_advice = "; is the key right (OPENAI_API_KEY, or what api_key_env names)?"
        advice = key_advice if names.status in (401, 403) else "; name the model with --model"
        raise ModelError(names.kind, f"{base_url} {names}, asked for its models{advice}", status=names.status)
    if not names:
        raise ModelError("configuration", f"{base_url} lists no model: name one with --model")
    chatting = [name for name, chats in names.items() if chats]
    if not chatting:
        listed = ", ".join(list(names)[:MOST_LISTED]) + (", …" if len(names) > MOST_LISTED else "")
        raise ModelError("configuration", f"{base_url} lists no model that chats ({listed}): name one with --model")
    return chatting[0]


async def _listed(http: ModelClient, base_url: str, key: str) -> dict[str, bool] | FailedCall | Shortage:
    """The names of a server's models, each with whether it chats; or why it does not list them."""
    try:
        client = openai.AsyncOpenAI(
            base_url=base_url, api_key=key, max_retries=0, timeout=LISTED_WITHIN, http_client=http
        )
        without_surroundings(client, is_openai=False)  # OpenAI has a default model, and gets no request for a list.
        async with asyncio.timeout(LISTED_WITHIN):
            return {
                model.id: bool((model.model_extra or {}).get("chats")) for model in (await client.models.list()).data
            }
    except Exception as error:
        return failure_of(error, key) or unreadable(type(error).__name__)
