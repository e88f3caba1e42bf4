"""The published JSON Schemas of everything the project reads and writes."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, TypeAdapter

from counseling_sessions.profiles.readers import profile_json_schema
from counseling_sessions.sessions.journal_lines import JournalHead, JournalResume, JournalUpdate
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import ModelSettings, SessionConfig


def _of(kind: Any, title: str) -> dict[str, Any]:
    adapter: TypeAdapter[BaseModel] = TypeAdapter(kind)
    document = adapter.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document, "title": title}


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "profile": profile_json_schema,
    "record": lambda: _of(SessionRecord, "Session record"),
    "journal": lambda: _of(JournalHead | JournalUpdate | JournalResume, "A line of a session's journal"),
    "configuration": lambda: _of(SessionConfig, "Session configuration"),
    "models": lambda: _of(dict[str, ModelSettings], "Models by role"),
}
"""A function that makes the schema, by the name of the format."""
