"""The graphs that a server offers, as langgraph.json names them. They are built on import, with every technique: nothing else
imports this module, so a broken technique file stops a server, and no command."""

from counseling_sessions.graph.practice_graph import build_practice_graph
from counseling_sessions.graph.session_graph import build_session_graph

session = build_session_graph(served=True)
practice = build_practice_graph(served=True)
