"""What can be wrong with a message, one module per group; every check is pure and looks at one message and what came before.

A check takes a `SpokenInSession` and gives what it saw, short, or None. `CHECKS` names them in the order in which they are reported.
"""

from counseling_sessions.evaluation.checks.contact import contact
from counseling_sessions.evaluation.checks.contradictions import contradiction
from counseling_sessions.evaluation.checks.form import empty, label, non_alternation, truncated, wrong_language
from counseling_sessions.evaluation.checks.leaks import leak
from counseling_sessions.evaluation.checks.names import name
from counseling_sessions.evaluation.checks.repeats import near_repeat, repeat, said_twice
from counseling_sessions.evaluation.checks.role import meta_talk, reasoning, refusal, role_flip
from counseling_sessions.evaluation.checks.spoken import Check, SpokenInSession, spoken

CHECKS: dict[str, Check] = {
    "repeat": repeat,
    "near_repeat": near_repeat,
    "said_twice": said_twice,
    "label": label,
    "meta_talk": meta_talk,
    "reasoning": reasoning,
    "refusal": refusal,
    "role_flip": role_flip,
    "truncated": truncated,
    "wrong_language": wrong_language,
    "contact": contact,
    "name": name,
    "leak": leak,
    "contradiction": contradiction,
}
"""The checks of what a message says; of an empty one there is nothing to say but `empty` and `non_alternation`."""

__all__ = ["CHECKS", "Check", "SpokenInSession", "empty", "non_alternation", "spoken"]
