"""Psycho-education: what psychology knows about how the problem works, in everyday words."""

from counseling_sessions.nodes.techniques import Technique

TECHNIQUE = Technique(
    name="psychoeducation",
    phases=("working",),
    held_back=0.5,
    cues=(
        r"\bwhy (?:do|does|is|am|can'?t|would)\b",
        r"\b(?:heart|breath\w*|stomach|shak\w*|sweat\w*|sleep\w*|body)\b",
        r"\b(?:don'?t|do not) understand\b",
    ),
)
