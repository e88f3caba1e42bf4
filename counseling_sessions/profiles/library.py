"""The built-in profiles: one YAML file each in `builtin/`, named by its id."""

import difflib
from functools import cache
from pathlib import Path

from counseling_sessions.profiles.documents import read_document
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.records import profile_of
from counseling_sessions.profiles.schema import Attitude, ClientProfile

BUILTIN = Path(__file__).parent / "builtin"
DEFAULT_CLIENT = "amira-exam-panic"
DEFAULT_ATTITUDE: Attitude = "neutral"


@cache
def builtin_ids() -> tuple[str, ...]:
    """The ids of the built-in profiles, sorted."""
    return tuple(sorted(path.stem for path in BUILTIN.glob("*.yaml")))


def builtin_profiles() -> list[ClientProfile]:
    """All built-in profiles, sorted by id."""
    return [load_builtin(profile_id) for profile_id in builtin_ids()]


@cache
def load_builtin(profile_id: str) -> ClientProfile:
    """The built-in profile of this id. Raises `ProfileError`, with similar ids, where there is none."""
    if profile_id not in builtin_ids():
        near = difflib.get_close_matches(profile_id[:100], builtin_ids())
        hint = f"did you mean {' or '.join(near)}?" if near else "`profiles list` shows them"
        raise ProfileError(f"there is no built-in profile {profile_id[:100]!r}; {hint}")
    document = read_document(BUILTIN / f"{profile_id}.yaml")
    if document.problems or len(document.records) != 1:
        raise ProfileError.of(document.problems) if document.problems else ProfileError(f"{profile_id}: not one record")
    profile = profile_of(document.records[0], 1)
    if profile.id != profile_id:
        raise ProfileError(f"the built-in file {profile_id}.yaml holds the id {profile.id!r}")
    return profile
