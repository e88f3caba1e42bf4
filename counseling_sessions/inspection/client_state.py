"""How it was for the client in a turn, in words: for the terminal and the page."""

from counseling_sessions.state import ClientState

DEGREES = ("trust", "belief", "feeling")
Facts = list[tuple[str, str]]


def state_facts(state: ClientState, before: ClientState | None) -> Facts:
    """A client's state as names and values, with what changed since the state `before` it, and what the answer follows."""
    read = state.reading
    differs = read is not None and set(read) != set(state.heard)
    return [
        ("heard", _listed(state.heard)),
        ("the client's model heard", f"{_listed(read or ())} (counts from the next turn on)" if differs else ""),
        *((name, _degree(name, state, before)) for name in DEGREES),
        ("readiness", state.readiness + _since(state.readiness, before.readiness if before else None)),
        ("open", f"level {state.openness} of 3" + _since(state.openness, before.openness if before else None)),
        ("may tell now", _spoken(state.item)),
        ("what was proposed", _spoken(state.step or "")),
        ("answer", f"{_spoken(state.manner)}, {_spoken(state.length)}"),
    ]


def state_line(state: ClientState, before: ClientState | None) -> str:
    """The same as a line."""
    return " · ".join(f"{name}: {value}" for name, value in state_facts(state, before) if value)


def _degree(name: str, state: ClientState, before: ClientState | None) -> str:
    now = getattr(state, name)
    moved = now - getattr(before, name) if before else 0
    return f"{now} of 10" + (f" ({moved:+d})" if moved else "")


def _since(now: str | int, before: str | int | None) -> str:
    return f" (before: {before})" if before not in (None, now) else ""


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(_spoken, names)) or "nothing that moves it"


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace(".", ": ")
