"""Normalizing: the reaction is human and understandable in this situation."""

from counseling_sessions.nodes.techniques import Technique

TECHNIQUE = Technique(
    name="normalizing",
    phases=("exploring", "working"),
    held_back=0.8,  # said in every other turn it fits anybody; written sessions have it in one of seven
    cues=(
        r"\b(?:weird|crazy|stupid|silly|pathetic|abnormal|ridiculous|weak)\b",
        r"\b(?:wrong with me|only one|nobody else|no one else|everyone else|ashamed|embarrass\w*)\b",
        r"\bshould(?:n'?t)? (?:be able|feel|have)\b",
    ),
)
