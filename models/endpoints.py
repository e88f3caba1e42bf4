"""From settings to an endpoint: which server and model a role's settings mean, and with which key."""

import asyncio
import os
from dataclasses import dataclass

import openai

from models.embedded import shared_server
from models.embedded_file import EmbeddedModelError
from models.errors import ModelError, describe
from settings import EMBEDDED, ModelSettings

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-4o-mini"


@dataclass(frozen=True)
class Endpoint:
    """A model behind an OpenAI-compatible server. `key` never leaves the process but to that server."""

    base_url: str
    model: str
    key: str
    embedded: bool = False

    def __repr__(self) -> str:
        return f"Endpoint({self.label})"

    @property
    def label(self) -> str:
        """The endpoint as it is shown and recorded: the embedded model's port changes with every start and says nothing."""
        return "embedded" if self.embedded else self.base_url

    @property
    def is_openai(self) -> bool:
        return self.base_url.startswith("https://api.openai.com")


def means_embedded(settings: ModelSettings) -> bool:
    """Whether these settings mean the embedded model: by name, or because nothing else is configured."""
    if settings.model == EMBEDDED:
        return True
    configured = settings.base_url or settings.api_key_env or os.environ.get("OPENAI_BASE_URL")
    return not configured and not os.environ.get("OPENAI_API_KEY")


async def find_endpoint(settings: ModelSettings, *, offline: bool = False) -> Endpoint:
    """Resolve settings to an endpoint; starts the embedded server if that is what they mean.

    With an endpoint and no model name, the first model that the endpoint lists is taken (a vLLM or llama.cpp server has
    one). Raises `ModelError` of kind "configuration", "connection" or "refused".
    """
    if means_embedded(settings):
        if settings.model not in (None, EMBEDDED):
            raise ModelError(
                "configuration",
                f"the model {settings.model!r} needs an endpoint: give --base-url, or set OPENAI_BASE_URL or OPENAI_API_KEY",
            )
        try:
            server = await asyncio.to_thread(shared_server, offline=offline)
        except EmbeddedModelError as error:
            raise ModelError("configuration", str(error)) from error
        return Endpoint(server.base_url, server.model_name, "none", embedded=True)
    base_url = (settings.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL).rstrip("/")
    key = _key(settings, base_url)
    if settings.model:
        return Endpoint(base_url, settings.model, key)
    if base_url == OPENAI_URL:
        return Endpoint(base_url, OPENAI_MODEL, key)
    return Endpoint(base_url, await _first_model(base_url, key), key)


def _key(settings: ModelSettings, base_url: str) -> str:
    name = settings.api_key_env or "OPENAI_API_KEY"
    if key := os.environ.get(name, "").strip():
        return key
    if settings.api_key_env or base_url == OPENAI_URL:
        raise ModelError("configuration", f"{base_url} needs a key: the environment variable {name} is not set")
    return "none"  # local servers ask for no key, but the client insists on sending one


async def _first_model(base_url: str, key: str) -> str:
    client = openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=1, timeout=20)
    try:
        listed = await client.models.list()
    except openai.OpenAIError as error:
        kind = "refused" if isinstance(error, openai.APIStatusError) else "connection"
        raise ModelError(kind, describe(error, base_url, key) + "; name the model with --model") from None
    finally:
        await client.close()
    if not listed.data:
        raise ModelError("configuration", f"{base_url} lists no model: name one with --model")
    return listed.data[0].id
