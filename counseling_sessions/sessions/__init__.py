"""Sessions at rest: those of a run's folder, and those that others made, in one form."""

from counseling_sessions.sessions.reading import read_sessions
from counseling_sessions.sessions.session import Message, Session, SessionKey, client_group

__all__ = ["Message", "Session", "SessionKey", "client_group", "read_sessions"]
