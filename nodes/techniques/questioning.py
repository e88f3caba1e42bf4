"""Questioning: one open question that leads a step deeper or to another point of view."""

from counseling_sessions.nodes.techniques import Technique

_SHORT = r"^\W*+(?:\w++\W++){0,8}+\w*+\W*+$"
"""A message of up to nine words; nothing is given back, so that a long run of signs is gone through once."""

TECHNIQUE = Technique(
    name="questioning",
    phases=("opening", "exploring", "working"),
    cues=(r"\b(?:something|somehow|things|stuff|whatever|kind of|sort of)\b", _SHORT),
)
