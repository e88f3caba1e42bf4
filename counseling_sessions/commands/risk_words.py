"""How words about a risk are read in evaluation: by the lists of the check, without what is learned."""

from counseling_sessions.evaluation.risk import RiskWords
from counseling_sessions.nodes.risk import answer_of, asks_about_risk, find_listed

RISK_WORDS = RiskWords(find_listed, asks_about_risk, answer_of)
