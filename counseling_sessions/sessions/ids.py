"""The ids of sessions: they follow from profile, attitude, configuration and seed, so that no session is run twice."""

import uuid

SESSIONS = uuid.uuid5(uuid.NAMESPACE_URL, "counseling-sessions/session")


def session_id_of(profile_id: str, attitude: str, hashed: str, seed: int) -> str:
    """The id of a session whose configuration has this hash, a UUID."""
    return str(uuid.uuid5(SESSIONS, "/".join([profile_id, attitude, hashed, str(seed)])))
