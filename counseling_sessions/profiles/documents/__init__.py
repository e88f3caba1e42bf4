"""From any file to its records: JSON, JSON Lines, YAML, tables and plain text, streamed, in whatever encoding.

Content decides how a file is read, then its suffix. What cannot be read becomes a `Problem`. Nothing here looks at what a
record means. docs/formats.md lists formats and limits.
"""

from counseling_sessions.profiles.documents.hub import hub_name
from counseling_sessions.profiles.documents.places import SUFFIXES, TEXT_SUFFIXES, Place, files_in
from counseling_sessions.profiles.documents.reading import read_document, records_of
from counseling_sessions.profiles.documents.values import Document, Record

__all__ = [
    "SUFFIXES",
    "TEXT_SUFFIXES",
    "Document",
    "Place",
    "Record",
    "files_in",
    "hub_name",
    "read_document",
    "records_of",
]
