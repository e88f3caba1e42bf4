"""The built-in profiles: one YAML file each in `builtin/`, named by its id; apart from them, those of clients at risk in `risk/`."""

import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from counseling_sessions.profiles.documents import read_document
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.records import profile_of
from counseling_sessions.profiles.risk_part import RISK_LEVELS, RiskLevel
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.store.yaml_text import parse_yaml

BUILTIN = Path(__file__).parent / "builtin"
RISK = Path(__file__).parent / "risk"
RISK_SOURCE = "risk"
"""What stands for the clients at risk where a batch says where its profiles come from."""
DEFAULT_CLIENT = "amira-exam-panic"
DEFAULT_ATTITUDE: Attitude = "neutral"


@cache
def builtin_ids() -> tuple[str, ...]:
    """The ids of the built-in profiles, sorted."""
    return tuple(sorted(path.stem for path in BUILTIN.glob("*.yaml")))


def builtin_profiles() -> list[ClientProfile]:
    """All built-in profiles, sorted by id."""
    return [load_builtin(profile_id) for profile_id in builtin_ids()]


def risk_ids(levels: Iterable[RiskLevel] = RISK_LEVELS) -> tuple[str, ...]:
    """The ids of the clients at risk of these levels, sorted. They are not among `builtin_ids`."""
    wanted = set(levels)
    return tuple(name for name, level in _risk_levels().items() if level in wanted)


@cache
def load_builtin(profile_id: str) -> ClientProfile:
    """The built-in profile of this id. Raises `ProfileError`, with similar ids, where there is none, and for a client at risk."""
    if profile_id in _risk_files():
        raise ProfileError(refused(profile_id))
    if profile_id not in builtin_ids():
        near = difflib.get_close_matches(profile_id[:100], builtin_ids())
        hint = f"did you mean {' or '.join(near)}?" if near else "`profiles list` shows them"
        raise ProfileError(f"there is no built-in profile {profile_id[:100]!r}; {hint}")
    return _load(BUILTIN / f"{profile_id}.yaml")


@cache
def load_risk(profile_id: str) -> ClientProfile:
    """The client at risk of this id, one of `risk_ids`. Raises `ProfileError` where there is none."""
    if profile_id not in _risk_files():
        raise ProfileError(f"there is no client at risk {profile_id[:100]!r}; `profiles list --risk all` shows them")
    return _load(RISK / f"{profile_id}.yaml")


def misfit(profile: ClientProfile, levels: Iterable[RiskLevel]) -> str:
    """Why a profile may not be used where clients at risk of these levels were asked for (none: ordinary ones); empty if it may."""
    levels = tuple(levels)
    if profile.risk and not levels:
        return refused(profile.id)
    if levels and not (profile.risk and profile.risk.level in levels):
        asked, there_are = ", ".join(levels), ", ".join(risk_ids(levels))
        return f"{profile.id} is no client at risk of the levels asked for ({asked}); built in are {there_are}"
    return ""


def refused(name: str) -> str:
    """What is said where a client at risk is named and none was asked for."""
    return f"{name} {_texts()['refused']}"


def risk_notice() -> str:
    """What is said before clients at risk are used."""
    return _texts()["notice"]


@cache
def _texts() -> dict[str, str]:
    (texts,) = parse_yaml((Path(__file__).parent / "risk_notice.yaml").read_text(encoding="utf-8"))
    return dict(texts)


@cache
def _risk_files() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in RISK.glob("*.yaml")))


@cache
def _risk_levels() -> dict[str, RiskLevel]:
    profiles = [load_risk(name) for name in _risk_files()]
    return {profile.id: profile.risk.level for profile in profiles if profile.risk}


def _load(path: Path) -> ClientProfile:
    document = read_document(path)
    if document.problems or len(document.records) != 1:
        raise ProfileError.of(document.problems) if document.problems else ProfileError(f"{path.stem}: not one record")
    profile = profile_of(document.records[0], 1)
    if profile.id != path.stem:
        raise ProfileError(f"the built-in file {path.name} holds the id {profile.id!r}")
    return profile
