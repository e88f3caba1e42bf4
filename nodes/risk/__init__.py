"""Risk in what a person writes: a check before a model sees it, and the help that the person sees instead.

The check is no clinical instrument. It errs on one side: what it cannot decide, or cannot read, counts as risk.
"""

from counseling_sessions.nodes.risk.help_lines import (
    check_country,
    farewell_text,
    help_text,
    outdated_lines,
    read_help,
)
from counseling_sessions.nodes.risk.learned import linear_model
from counseling_sessions.nodes.risk.phrases import Risk, phrase_lists
from counseling_sessions.nodes.risk.search import answer_of, asks_about_risk, asks_about_safety, find_listed, find_risk
from counseling_sessions.nodes.risk.texts import read_texts, texts_in

__all__ = [
    "Risk",
    "answer_of",
    "asks_about_risk",
    "asks_about_safety",
    "check_country",
    "farewell_text",
    "find_listed",
    "find_risk",
    "help_text",
    "linear_model",
    "outdated_lines",
    "phrase_lists",
    "read_help",
    "read_texts",
    "texts_in",
]
