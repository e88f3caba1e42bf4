"""Empathy: the feeling itself is met, named carefully and stayed with. Off unless configured."""

from counseling_sessions.nodes.techniques import Technique

TECHNIQUE = Technique(
    name="empathy",
    phases=("opening", "exploring", "working", "closing"),
    cues=(
        r"\b(?:alone|lonely|cry\w*|tears|hurt\w*|hopeless|miss(?:ed|ing)?|lost|grief|ashamed)\b",
        r"\b(?:can'?t|cannot) (?:any ?more|go on|cope)\b",
    ),
)
