"""The roles that there are examples of, by name."""

from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.settings import SettingsError

COUNSELOR = "counselor"
"""The baselines' one counselor, which knows the plan and neither specialists nor router."""
ALL = "all"


def role_names() -> list[str]:
    """Every role that there are examples of."""
    return ["plan", "router", *techniques(), "merge", "client", COUNSELOR]


def chosen_roles(text: str) -> list[str]:
    """The roles that an option names: `all` is every role of MAGneT, the baselines' counselor not among them."""
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    known = role_names()
    named = [role for name in wanted for role in (known[:-1] if name == ALL else [name])]
    if unknown := [name for name in named if name not in known]:
        raise SettingsError(f"there is no role {', '.join(unknown)}; there are {', '.join(known)}, and all")
    if not named:
        raise SettingsError("name at least one role")
    return list(dict.fromkeys(named))
