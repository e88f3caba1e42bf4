"""JSON Lines: the session records, one a line (docs/formats.md), without addresses of model servers and names of keys."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from counseling_sessions.generation.exports.writers import Row, json_lines
from counseling_sessions.sessions.record import SessionRecord

PRIVATE = frozenset({"base_url", "replicas", "api_key_env", "extra_body"})
"""Settings of a model that name servers and keys."""
UNSAID = "the model gave no answer"
"""Stands for an error's words that name a server or a key."""


def rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """The session record as JSON, without addresses of model servers, names of key variables and server-specific fields.

    Each field keeps its place: the settings become null, a call's endpoint empty (the embedded model's name stays).
    """
    row = record.model_dump(mode="json")
    keys = key_variables(record.configuration)
    for part in ("plan", "revisions", "opening", "turns", "closing", "risk"):
        _clean(row.get(part), keys)
    for settings in _models(row["configuration"]):
        settings.update(dict.fromkeys(PRIVATE & settings.keys()))
    yield row


def key_variables(configuration: dict[str, Any]) -> frozenset[str]:
    """The names of the key variables in a configuration."""
    named = (settings.get("api_key_env") for settings in _models(configuration))
    return frozenset(str(name) for name in named if name)


def without_server(error: str | None, keys: frozenset[str]) -> str | None:
    """The words of an error, or `UNSAID` if they name an address or one of the key variables."""
    if error and ("://" in error or any(key in error for key in keys)):
        return UNSAID
    return error


def _models(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    models = configuration.get("models")
    return [item for item in models.values() if isinstance(item, dict)] if isinstance(models, dict) else []


def _clean(part: Any, keys: frozenset[str]) -> None:
    for item in part if isinstance(part, list) else ():
        _clean(item, keys)
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        if name == "endpoint":
            part[name] = value if value == "embedded" else ""
        elif name == "errors":
            part[name] = [without_server(error, keys) for error in value]
        elif name in ("error", "fallback"):
            part[name] = without_server(value, keys)
        else:
            _clean(value, keys)


FORMAT = json_lines("jsonl", rows)
