"""Other people's client profiles: what maps becomes ours, what has no place is kept or named, and nothing is invented."""

from counseling_sessions.profiles.adapting.adapt import Adapted, Supplied, adapt
from counseling_sessions.profiles.adapting.formats import ProfileFormat, format_named, format_of, formats
from counseling_sessions.profiles.adapting.writing import Written, write_as

__all__ = [
    "Adapted",
    "ProfileFormat",
    "Supplied",
    "Written",
    "adapt",
    "format_named",
    "format_of",
    "formats",
    "write_as",
]
