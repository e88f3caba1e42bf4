"""Solution provision: one small concrete step, grounded in CBT, that the client shapes."""

from counseling_sessions.nodes.techniques import Technique

TECHNIQUE = Technique(
    name="solutions",
    phases=("working", "closing"),
    held_back=0.5,
    cues=(
        r"\bwhat (?:can|could|should|do) I\b",
        r"\bhow (?:can|could|do|should) I\b",
        r"\b(?:try|trying|practice|help me)\b",
    ),
)
