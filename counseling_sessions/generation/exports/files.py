"""The folder of an export: filled in a hidden place first, so that what a crash leaves never looks whole.

All files get their names when all are written, and the card last: a folder with a card is a whole export.
"""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from counseling_sessions.errors import UserError
from counseling_sessions.store.system import replace, sync_all

CARD = "README.md"
MARK = "<!-- An export of counseling-sessions. -->"
"""Stands in every card, so that no other README.md is ever replaced."""
SPLITS = ("train", "validation", "test")
STAGING = ".export.partial"

RISK = "risk"
"""The configuration, and the folder, of the sessions with a risk."""

_PATTERNS = tuple(
    f"{configuration}{pattern}"
    for configuration in ("", f"{RISK}/")
    for pattern in (
        *(f"{split}.{suffix}" for split in SPLITS for suffix in ("jsonl", "parquet")),
        *(f"{folder}session_*.json" for folder in ("", *(f"{split}/" for split in SPLITS))),
        "index.jsonl",
    )
)


class ExportError(UserError, RuntimeError):
    """An export that cannot be made; the message says why and what to do."""


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn an `OSError` of writing into an `ExportError` that names the folder and says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ExportError(
                f"{out}: the disk is full; nothing was exported, free some space and try again"
            ) from error
        raise ExportError(f"{out} cannot be written: {error.strerror or error}") from error


@contextmanager
def staged(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a hidden folder to write an export into; when the block ends well, its files take their places in `out`.

    With `overwrite` they replace an older export, whatever its format; other files in `out` stay. Raises `ExportError` if
    `out` holds an export already, or a README.md that is none of ours, and where it cannot be written.
    """
    _refuse(out, overwrite)
    staging = out / STAGING
    with writing(out):
        created = not out.exists()
        if staging.exists():
            shutil.rmtree(staging)  # a crash has left it
        staging.mkdir(parents=True)
    try:
        yield staging
        with writing(out):
            sync_all()  # what gets its name below is on the disk, also after a power cut
            _publish(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if created:
            with suppress(OSError):
                out.rmdir()  # goes only if it is empty: nothing was published


def _refuse(out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise ExportError(f"{out} is a file; an export is a folder")
    with writing(out):
        card = out / CARD
        if card.exists() and MARK not in card.read_text(encoding="utf-8", errors="replace"):
            raise ExportError(f"{card} is not the card of an export; move it away or give another folder")
        if not overwrite and (card.exists() or _data_files(out)):
            raise ExportError(f"{out} holds an export already; give another folder, or replace it with --overwrite")


def _publish(staging: Path, out: Path) -> None:
    for old in [out / CARD, *_data_files(out)]:
        old.unlink(missing_ok=True)
    files = [path for path in staging.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda file: file.name == CARD):
        target = out / path.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(path, target)


def _data_files(out: Path) -> list[Path]:
    return [path for pattern in _PATTERNS for path in out.glob(pattern)]
