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
    every = role_names()
    names = [name.strip() for name in text.split(",") if name.strip()]
    roles = [role for name in names for role in (every[:-1] if name == ALL else [name])]
    if unknown := [name for name in roles if name not in every]:
        raise SettingsError(f"there is no role {', '.join(unknown)}; there are {', '.join(every)}, and all")
    if not roles:
        raise SettingsError("name at least one role")
    return list(dict.fromkeys(roles))
