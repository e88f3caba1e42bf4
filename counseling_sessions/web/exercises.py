"""Exercises that a teacher prepares: who comes, how, for how many turns, and which help there is. Each is a YAML file."""

from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counseling_sessions.profiles.library import DEFAULT_ATTITUDE, builtin_ids
from counseling_sessions.profiles.readers import find_profile
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.settings import SettingsError, read_yaml, validation_message
from counseling_sessions.store.atomic import write_atomically

Help = Literal["hint", "why", "magnet", "back"]
"""What a trainee may ask for: a hint, what their last message was, MAGneT's answer, and to take back a message."""
KEPT = "exercise.json"
"""The file beside a session's record that says which exercise it was."""


class Exercise(BaseModel):
    """An exercise. `client` is a built-in id or a file of one profile, beside the exercise's own; `task` says what to practise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    task: str = Field(default="", max_length=4000)
    client: str
    attitude: Attitude = DEFAULT_ATTITUDE
    turns: int | None = Field(default=None, ge=1, le=100)
    help: tuple[Help, ...] = get_args(Help)
    shows_client: bool = True
    folder: Path = Field(default=Path(), exclude=True)

    @cached_property
    def profile(self) -> ClientProfile:
        """Who comes. Raises `ProfileError`."""
        return find_profile(self.client if self.client in builtin_ids() else str(self.folder / self.client))


def read_exercises(place: Path) -> dict[str, Exercise]:
    """The exercises of a file, or of a folder's `.yaml` files, by the file's name. Raises `SettingsError` or `ProfileError`."""
    files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    if not files:
        raise SettingsError(f"{place}: has no exercise (a .yaml file)")
    exercises = {file.stem: _read(file) for file in files}
    for exercise in exercises.values():
        _ = exercise.profile  # a client that is not there is said now
    return exercises


def keep_exercise(exercise: Exercise, folder: Path) -> None:
    """Say beside a session's record which exercise it is."""
    write_atomically(folder / KEPT, exercise.model_dump_json(indent=1).encode(), private=True)


def kept_exercise(folder: Path) -> Exercise | None:
    """The exercise of a session's folder; None where it is none, or is not readable."""
    file = folder / KEPT
    try:
        return Exercise.model_validate_json(file.read_bytes()) if file.is_file() else None
    except ValidationError:
        return None


def _read(file: Path) -> Exercise:
    try:
        data = read_yaml(file)
        return Exercise.model_validate({**data, "folder": file.parent} if isinstance(data, dict) else data)
    except ValidationError as error:
        raise SettingsError(f"{file}: {validation_message(error)}") from None
