"""What the server of measuring processes imports: a session is read here once, so that no process reads the lists again.

A process that this server forks has the lists of phrases, their patterns and the weights from the start.
"""

from typing import get_args

from counseling_sessions.commands.risk_words import RISK_WORDS
from counseling_sessions.evaluation.readings import Measuring, PlainMetric, read_session
from counseling_sessions.sessions import Message, Session

_SAID = (
    Message(turn=1, speaker="counselor", text="Good morning. Are you safe at home? What would you like to talk about?"),
    Message(turn=1, speaker="client", text="Yes, I am. I feel tired, and I do not know what to do about my work."),
)
read_session(Session(id="example", source="", dialogue=_SAID), Measuring(get_args(PlainMetric), words=RISK_WORDS))
