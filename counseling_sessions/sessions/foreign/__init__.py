"""Sessions that others made, in whatever file they are."""

from counseling_sessions.sessions.foreign.reading import (
    AS_IT_SAYS,
    Aside,
    HowToRead,
    foreign_sessions,
    records_and_sessions,
)
from counseling_sessions.sessions.foreign.shapes import USUAL, Shape, shape_named, shapes

__all__ = [
    "AS_IT_SAYS",
    "USUAL",
    "Aside",
    "HowToRead",
    "Shape",
    "foreign_sessions",
    "records_and_sessions",
    "shape_named",
    "shapes",
]
