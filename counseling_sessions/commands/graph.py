"""`run.py graph`: the state machine as Mermaid."""

from counseling_sessions.commands.build import session_config, set_fields
from counseling_sessions.commands.parsing.about import GraphRequest
from counseling_sessions.graph.session_graph import build_session_graph, graph


def run(request: GraphRequest) -> int:
    """The state machine as Mermaid."""
    if request.method == "all":
        drawn = graph
    else:
        config = session_config(None, set_fields(method=request.method, techniques=request.techniques))
        drawn = build_session_graph(method=config.method, specialists=config.techniques)
    print(drawn.get_graph().draw_mermaid())
    return 0
