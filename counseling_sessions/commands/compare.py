"""`run.py compare`: which group of sessions is better."""

from dataclasses import replace
from pathlib import Path

from counseling_sessions.commands.evaluate import evaluate
from counseling_sessions.commands.parsing.evaluation import CompareRequest
from counseling_sessions.sessions.folder import RunFolder


def run(request: CompareRequest) -> int:
    """Compare groups of sessions; there is always a page."""
    first = request.sources[0]
    page = request.report.html or (first if RunFolder(first).planned else Path()) / "report.html"
    return evaluate(request, replace(request.report, html=page))
