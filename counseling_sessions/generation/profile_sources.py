"""Where a batch's profiles come from: read, checked, and written into the run directory, one a line."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from counseling_sessions.generation.batch import Profiles
from counseling_sessions.profiles.library import (
    RISK_SOURCE,
    builtin_ids,
    builtin_profiles,
    load_risk,
    misfit,
    risk_ids,
)
from counseling_sessions.profiles.readers import Problem, ProfileError, find_profile, iter_profiles
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.store.atomic import replacing
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.reading import open_plain, read_lines


def write_profiles(
    source: str, path: Path, *, skip_invalid: bool, kept: Profiles | None = None, risk: tuple[RiskLevel, ...] = ()
) -> list[Problem]:
    """Read the profiles that a source names and write them, one a line; returns the problems with others.

    `source` is a file, a folder, `builtin`, `risk`, or built-in ids, separated by commas. The lines of `kept` profiles come first,
    and no profile with the same id replaces them. `risk`: see `find_profile`. Raises `ProfileError` for a broken record or a client
    that was not asked for, unless `skip_invalid`, and `RunError` if the file cannot be written.
    """
    problems: list[Problem] = []
    seen = set(kept.ids) if kept else set()

    def lines() -> Iterator[bytes]:
        if kept:
            with open_plain(kept.path) as file:
                yield from islice(read_lines(file), len(kept))
        for part in source.split(","):
            for item in _read(part.strip(), risk):
                if isinstance(item, Problem):
                    problems.append(item)
                    if not skip_invalid and len(problems) > 100:
                        return
                elif item.id not in seen:
                    seen.add(item.id)
                    yield item.model_dump_json(exclude_none=True).encode() + b"\n"

    with failing_as(RunError, f"{path} cannot be written"), replacing(path) as file:
        file.writelines(lines())
        if problems and not (skip_invalid and seen):
            raise ProfileError.of(problems)
    return problems


def _read(part: str, risk: tuple[RiskLevel, ...]) -> Iterator[ClientProfile | Problem]:
    if part == RISK_SOURCE:
        return map(load_risk, risk_ids(risk))
    if part in (*builtin_ids(), *risk_ids()):
        return iter([find_profile(part, risk=risk)])
    items = iter(builtin_profiles()) if part == "builtin" else iter_profiles(Path(part))
    return (_fitting(item, part, risk) for item in items)


def _fitting(item: ClientProfile | Problem, part: str, risk: tuple[RiskLevel, ...]) -> ClientProfile | Problem:
    why = "" if isinstance(item, Problem) else misfit(item, risk)
    return Problem(part, why) if why else item
