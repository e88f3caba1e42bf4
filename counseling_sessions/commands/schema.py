"""`run.py schema`: a format as JSON Schema."""

from counseling_sessions.commands.parsing.about import SchemaRequest
from counseling_sessions.inspection.schemas import SCHEMAS
from counseling_sessions.texts.console import json_text


def run(request: SchemaRequest) -> int:
    """The JSON Schema of a format."""
    print(json_text(SCHEMAS[request.what]()))
    return 0
