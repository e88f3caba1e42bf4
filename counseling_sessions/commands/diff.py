"""`run.py diff`: two sessions side by side."""

from counseling_sessions.commands.parsing.inspection import DiffRequest
from counseling_sessions.commands.replay import session_at
from counseling_sessions.inspection.diff import as_json, compare
from counseling_sessions.inspection.diff_view import show_difference
from counseling_sessions.texts.console import HarmlessConsole, json_text


def run(request: DiffRequest) -> int:
    """Two sessions side by side."""
    one, other = (session_at(place, salvage=request.salvage) for place in (request.a, request.b))
    difference = compare(one, other)
    if request.json:
        print(json_text(as_json(difference, alike=request.all)))
    else:
        show_difference(HarmlessConsole(), difference, (request.a, request.b), alike=request.all)
    return 0
