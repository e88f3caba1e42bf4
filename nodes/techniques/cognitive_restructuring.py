"""Cognitive restructuring: one thought is tested and given a fairer wording. Off unless configured."""

from counseling_sessions.nodes.techniques import Technique

TECHNIQUE = Technique(
    name="cognitive_restructuring",
    phases=("working",),
    cues=(
        r"\b(?:always|never|everyone|everything|nobody|nothing)\b",
        r"\b(?:must|have to|should|ought to)\b",
        r"\bI(?:'m| am) (?:a |such a )?(?:failure|fraud|burden|bad|useless|worthless)\b",
    ),
)
