"""`run.py reference`: generated turns against those of held-out dialogues."""

from pydantic_core import to_jsonable_python

from counseling_sessions.commands.parsing.evaluation import ReferenceRequest
from counseling_sessions.commands.reports import give_report
from counseling_sessions.evaluation.reference import read_turns, reference_scores
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.measured import reference_section
from counseling_sessions.settings import SettingsError


def run(request: ReferenceRequest) -> int:
    """Score generated turns against reference turns, and report."""
    turns = read_turns(request.turns)
    if not turns:
        raise SettingsError(f"{request.turns} holds no turns")
    scores = reference_scores(turns)
    document = Document(
        "Generated turns against reference turns", f"Read from {request.turns}.", (reference_section(scores),)
    )
    give_report(request.report, document, dict(to_jsonable_python(scores)))
    return 0
