"""Reflection: the client hears their own thoughts and feelings, and can weigh them."""

from counseling_sessions.nodes.techniques import Technique

TECHNIQUE = Technique(
    name="reflection",
    phases=("opening", "exploring", "working", "closing"),
    cues=(
        r"\bfeel\w*\b|\bfelt\b",
        r"\b(?:ashamed|guilt\w*|sad|angry|scared|afraid|lonely|tired|hurt)\b",
        r"\bI (?:don'?t|do not) know\b",
    ),
)
