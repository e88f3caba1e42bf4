"""Simulated psychological counseling sessions: a LangGraph state machine, batches, evaluation, training."""

from pathlib import Path

if (Path(__file__).parent / "graph").is_file():
    # A checkout without symbolic links, as git makes it on many a Windows: they are texts there, and the folders lie beside us.
    __path__.insert(0, str(Path(__file__).parents[1]))
