"""What the process that programs are forked from imports (`forked`). Neither it nor they look for garbage among all that."""

import gc
from importlib import import_module

COMMANDS = [f"counseling_sessions.commands.{name}" for name in ("session", "generate", "practice")]
LATER = ["httpcore2", "trio", "truststore"]
"""Else imported at the first request."""

gc.disable()
for name in (*COMMANDS, *LATER):
    import_module(name)
gc.freeze()
gc.enable()
