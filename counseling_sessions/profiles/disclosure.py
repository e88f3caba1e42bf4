"""Disclosure: how much trust each field of a form takes, the form up to a level, and the manner that the attitude completes."""

from functools import reduce

from counseling_sessions.profiles.fields import Audience, clean
from counseling_sessions.profiles.manner import Disclosure, Manner
from counseling_sessions.profiles.schema import APART, Attitude, ClientProfile, form_lines

DEFAULT_LEVELS = {
    "presenting_problem.what": 1,
    "presenting_problem.since": 2,
    "presenting_problem.triggers": 1,
    "presenting_problem.tried": 1,
    "history": 3,
    "functioning.work": 1,
    "functioning.relationships": 2,
    "functioning.daily_life": 1,
    "support": 2,
    "automatic_thought": 3,
    "strengths": 2,
    "other": 2,
}
"""The level of each field that can be held back, by its path. Every other field is told at once."""

_MANNERS: dict[Attitude, Manner] = {
    "positive": Manner(verbosity="medium", insight="medium", resists_by=("complies",)),
    "neutral": Manner(verbosity="medium", insight="medium", resists_by=("drifts", "dont_know")),
    "negative": Manner(verbosity="low", insight="low", resists_by=("argues", "few_words")),
}


def levels(profile: ClientProfile) -> dict[str, int]:
    """The level of disclosure of each field that can be held back, by its path, in the order of the form."""
    said = profile.disclosure or Disclosure()
    return {path: getattr(said, path.rpartition(".")[2]) or level for path, level in DEFAULT_LEVELS.items()}


def form_up_to(profile: ClientProfile, level: int) -> str:
    """The form with what may be told from this level on. Left out is also what is nothing to be told (`APART`)."""
    hidden = {path for path, needed in levels(profile).items() if needed > level}
    return "\n".join(form_lines(profile, {Audience.BOTH, Audience.CLIENT}, APART | hidden))


def field_of(profile: ClientProfile, path: str) -> tuple[str, str]:
    """The title of a field, and its clean text: empty where the form has none."""
    *parts, name = path.split(".")
    part = reduce(getattr, parts, profile)
    return str(type(part).model_fields[name].title), clean(str(getattr(part, name) or ""))


def manner_of(profile: ClientProfile, attitude: Attitude) -> Manner:
    """The client's manner without gaps: `verbosity`, `insight` and `resists_by` are always set."""
    said = profile.manner.model_dump() if profile.manner else {}
    return _MANNERS[attitude].model_copy(update={name: value for name, value in said.items() if value})
