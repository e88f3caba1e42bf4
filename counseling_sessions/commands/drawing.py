"""`run.py graph` and `run.py schema`: the state machine as Mermaid, and the formats as JSON Schema."""

import argparse

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import names, session_config
from counseling_sessions.graph.methods import METHODS
from counseling_sessions.graph.session_graph import build_session_graph, graph
from counseling_sessions.inspection.schemas import SCHEMAS
from counseling_sessions.texts.console import json_text


def add(commands: Subparsers) -> None:
    """Tell the parser about these commands."""
    drawing = commands.add_parser("graph", help="the state machine as Mermaid")
    drawing.add_argument("--method", choices=[*METHODS, "all"], help="default: magnet")
    drawing.add_argument("--techniques", type=names, help="comma-separated")
    drawing.set_defaults(command=draw)
    schemas = commands.add_parser("schema", help="the JSON Schema of a format")
    schemas.add_argument("what", choices=list(SCHEMAS))
    schemas.set_defaults(command=schema)


def draw(args: argparse.Namespace) -> int:
    """The state machine as Mermaid."""
    if args.method == "all":
        drawn = graph
    else:
        config = session_config(args)
        drawn = build_session_graph(method=config.method, specialists=config.techniques)
    print(drawn.get_graph().draw_mermaid())
    return 0


def schema(args: argparse.Namespace) -> int:
    """The JSON Schema of a format."""
    print(json_text(SCHEMAS[args.what]()))
    return 0
