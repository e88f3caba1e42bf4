"""Which embedded model serves: the largest that this machine can run, unless the user names a size."""

import os
import shutil
from pathlib import Path

import psutil

from counseling_sessions.ladder.models import EmbeddedModel, ladder, sizes
from counseling_sessions.models.embedded_error import EmbeddedModelError
from counseling_sessions.models.embedded_file import cache_folder, is_here, room_for
from counseling_sessions.store.machine import cores
from counseling_sessions.texts.console import HarmlessConsole

SIZE_VARIABLE = "COUNSELING_SESSIONS_EMBEDDED"
"""Environment variable that names the size of `embedded`, as `--embedded` does for one command."""


def fitting_model(*, offline: bool = False) -> EmbeddedModel:
    """The model that `embedded` means here. Where it is not the largest, a line on standard error says why.

    Raises `EmbeddedModelError` if the environment names a size that there is not.
    """
    if wanted := os.environ.get(SIZE_VARIABLE, "").strip():
        if wanted not in sizes():
            raise EmbeddedModelError(f"{SIZE_VARIABLE} is {wanted!r}, and the sizes are {', '.join(sizes())}")
        return ladder()[sizes().index(wanted)]
    *smaller, largest = (model for model in ladder() if model.automatic)
    chosen, reason = largest, ""
    while smaller and (missing := _missing(chosen, offline)):
        reason = reason or f"{chosen.name} {missing}"
        chosen = smaller.pop()
    if reason:
        line = f"{reason}: {chosen.name} serves in its place (--embedded {largest.size} takes it all the same)"
        HarmlessConsole(stderr=True).print(line, soft_wrap=True, highlight=False, markup=False)
    return chosen


def _missing(model: EmbeddedModel, offline: bool) -> str | None:
    """What a machine lacks to run a model, in words; None if it lacks nothing."""
    if (count := cores()) < model.needs.cores:
        return f"needs {model.needs.cores} cores, and there is {count}"
    if (memory := psutil.virtual_memory().available) < model.needs.memory:
        return f"needs {_gigabytes(model.needs.memory)} of free memory, and there are {_gigabytes(memory)}"
    if is_here(model):
        return None
    if offline:
        return "is not here yet, and --offline fetches nothing"
    room = room_for(model)
    free = shutil.disk_usage(_existing(cache_folder())).free
    return None if free >= room else f"needs {_gigabytes(room)} of free disk, and there are {_gigabytes(free)}"


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB"
