"""How control flows: the session graph, its methods and routes, and one session run through it with its journal."""
