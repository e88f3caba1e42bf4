"""The owner's models file: which model and server serve each role, in YAML."""

from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from counseling_sessions.settings import (
    ModelSettings,
    Omitted,
    SessionConfig,
    SettingsError,
    read_yaml,
    validation_message,
)


def read_models(path: Path) -> dict[str, ModelSettings]:
    """Read models by role from a YAML file: a mapping from role names to the fields of `ModelSettings`.

    Raises `SettingsError`, which names file, role and field. A role must not send the key of one server to another.
    """
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: expected a mapping from roles (default, plan, router, client, …) to models")
    models = {}
    for role, fields in data.items():
        if isinstance(fields, dict) and any("key" in str(name) and name != "api_key_env" for name in fields):
            raise SettingsError(
                f"{path}: {role}: keys never stand in a file; name their environment variable: api_key_env"
            )
        problem = ""
        try:
            models[str(role)] = ModelSettings.model_validate(omitting_nulls(fields))
        except ValidationError as error:
            problem = validation_message(error, ModelSettings.model_fields)
        if problem:  # Outside of `except`, so that the error does not hold the values: one can be a key.
            raise SettingsError(f"{path}: {role}: {problem}")
    for role in models:
        _refuse_inherited_key(path, role, models)
    return models


def omitting_nulls(fields: Any) -> Any:
    """The fields of a file's model, with a null for one of `Omitted` as an entry of `omit`: `temperature: null` leaves it out."""
    if not isinstance(fields, dict):
        return fields
    nulls = [name for name in get_args(Omitted) if name in fields and fields[name] is None]
    if not nulls:
        return fields
    said = {name: value for name, value in fields.items() if name not in nulls}
    return {**said, "omit": [*(said.get("omit") or ()), *nulls]}


def _refuse_inherited_key(path: Path, role: str, models: dict[str, ModelSettings]) -> None:
    settings = models[role]
    above = SessionConfig(models={name: model for name, model in models.items() if name != role}).named_for(role)
    urls = {url for url in (settings.base_url, *(settings.replicas or ())) if url}
    new_urls = urls - {above.base_url, *(above.replicas or ())}
    if new_urls and above.api_key_env and not settings.api_key_env:
        raise SettingsError(
            f"{path}: {role}: api_key_env: name the key of {min(new_urls)}; {above.api_key_env} is for another server"
        )
