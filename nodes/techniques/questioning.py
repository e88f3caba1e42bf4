"""Questioning: one open question that leads a step deeper or to another point of view."""

from nodes.techniques import Technique

TECHNIQUE = Technique(
    name="questioning",
    phases=("opening", "exploring", "working"),
    cues=(r"\b(?:something|somehow|things|stuff|whatever|kind of|sort of)\b", r"^\W*(?:\w+\W+){0,8}\w*\W*$"),
)
