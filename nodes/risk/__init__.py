"""Risk in what a person writes: a check before anything is sent to a model, and the help that is shown instead.

The check is no clinical instrument. It is made to err on one side: what it cannot decide, or cannot read, counts as risk.
"""

from counseling_sessions.nodes.risk.check import check_message
from counseling_sessions.nodes.risk.help_lines import Help, help_text, read_help
from counseling_sessions.nodes.risk.phrases import Risk, find_risk, phrase_lists

__all__ = ["Help", "Risk", "check_message", "find_risk", "help_text", "phrase_lists", "read_help"]
