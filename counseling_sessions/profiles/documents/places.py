"""Where data lies: a file, the files of a folder and of the folders in it, the members of a zip archive."""

import errno
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from counseling_sessions.profiles.documents.archives import member_names, open_member
from counseling_sessions.profiles.documents.hub import hub_name
from counseling_sessions.profiles.documents.packed import PACKED, unpacked
from counseling_sessions.profiles.problems import Note, ProfileError
from counseling_sessions.store.reading import open_plain

JSON_LINES = {".jsonl", ".ndjson"}
YAML = {".yaml", ".yml"}
TABLES = {".csv", ".tsv", ".tab"}
ARROW = {".parquet", ".arrow"}
SUFFIXES = {".json"} | JSON_LINES | YAML | TABLES | ARROW
"""Suffixes of the files of records that a folder is searched for, besides `TEXT_SUFFIXES`."""
TEXT_SUFFIXES = {".txt", ".md", ".log"}
"""Suffixes of plain text."""
ZIP = ".zip"
EVERY_SUFFIX = frozenset(SUFFIXES | TEXT_SUFFIXES)

_NO_DATA = re.compile(r"index\.jsonl|(readme|license|licence|citation|changelog|notice)(\.\w+)?", re.IGNORECASE)
"""Names of files that are about the data beside them, such as the card and the index of our exports."""
_OF_ARROW = {"dataset_info.json", "state.json", "dataset_dict.json"}
_OURS = {"judgements", "making"}
"""Folders that this program puts beside sessions and profiles: a judge's answers, and what became of those that wrote clients."""
_SPLITS = {"train", "validation", "test"}
"""Names of files that are a data set with its splits: what lies in folders beside them is what it was made from."""
_RUN_MARKS = ("run.json", "shards", "ledger", "sessions.ledger", "journals")
"""What a folder holds that is a run of this program; `sessions.folder` reads those."""


@dataclass(frozen=True)
class Place:
    """A file, a member of a zip archive, or a data set of the Hub, which only `records_of` opens.

    `copy` counts the members of one name from 1. `refused` is why a folder that lies inside cannot be searched: reading it says so.
    """

    path: Path
    member: str = ""
    copy: int = 1
    refused: str = ""

    @property
    def name(self) -> str:
        """How messages name it: a member as `archive.zip/inner/file.json`, a second one of that name with `#2`."""
        again = f"#{self.copy}" if self.copy > 1 else ""
        return f"{self.path}/{self.member}{again}" if self.member else str(self.path)

    @property
    def suffix(self) -> str:
        """The suffix in small letters, of what lies in `.gz` and `.zst`."""
        return _suffix(self.member or str(self.path))

    def open(self) -> IO[bytes]:
        """Its bytes, unpacked. Raises `OSError` here and at every read."""
        if self.refused:
            raise OSError(errno.EACCES, self.refused)
        return unpacked(open_member(self.path, self.member, self.copy) if self.member else open_plain(self.path))

    def __str__(self) -> str:
        return self.name


def files_in(path: Path, suffixes: Collection[str] = EVERY_SUFFIX, *, notes: list[Note] | None = None) -> list[Place]:
    """A file, the members of a zip archive, or what a folder and the folders in it hold, session_2 before session_10.

    Of folders and archives it takes the files with one of `suffixes`, packed or not. It passes over hidden files, files about
    the data (`README.md`, the `index.jsonl` of an export), folders beside the files of splits, and the folders of our runs, which
    `notes` are told of. A folder or an archive inside that cannot be searched is a place, and its reading says why. A data set of
    the Hub is one place. Raises `ProfileError` if there is nothing to read.
    """
    if hub_name(str(path)):
        return [Place(path)]
    try:
        if path.is_file():
            return members_of(path, suffixes) if path.suffix.lower() == ZIP else [Place(path)]
        if not path.is_dir():
            raise ProfileError(f"there is no file or folder {str(path)!r}")
        runs: list[Path] = []
        places = [place for found in _walk(path, path, runs, set()) for place in _of_file(found, suffixes)]
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not places:
        raise ProfileError(f"{path}: nothing to read here; looked for {', '.join(sorted(suffixes))} files")
    if notes is not None:
        notes += [Note(str(run), "is a run's folder and was passed over; name it by itself") for run in runs]
    return sorted(places, key=lambda place: natural(place.name))


def natural(name: str) -> list[list[tuple[int, str]]]:
    """A key that sorts names as people count: folder by folder, 2 before 10."""
    return [
        [(int(part), "") if part.isdecimal() and len(part) < 20 else (-1, part) for part in re.split(r"(\d+)", folder)]
        for folder in name.split("/")
    ]


def _of_file(place: Place, suffixes: Collection[str]) -> list[Place]:
    if place.refused:
        return [place]
    if place.suffix == ZIP:
        try:
            return members_of(place.path, suffixes)
        except OSError:
            return [place]  # its reading says why
    return [place] if place.suffix in suffixes else []


def members_of(archive: Path, suffixes: Collection[str] = EVERY_SUFFIX) -> list[Place]:
    """The members that a folder would be searched for; nested archives too, which are refused when read. Raises `OSError`."""
    names = [name for name in member_names(archive) if not any(map(_is_hidden, name.split("/")))]
    wanted = {*suffixes, ZIP}
    copies: Counter[str] = Counter()
    places = []
    for name in sorted(names, key=natural):
        if _suffix(name) in wanted and not _NO_DATA.fullmatch(name.rpartition("/")[2]):
            copies[name] += 1
            places.append(Place(archive, name, copies[name]))
    return places


def _walk(folder: Path, top: Path, runs: list[Path], seen: set[Path]) -> Iterator[Place]:
    """Every file that may hold data, and every folder inside that cannot be searched. Links are followed, each folder once."""
    if (real := folder.resolve()) in seen:
        return
    seen.add(real)
    try:
        inside = _inside(folder)
    except OSError as error:
        if folder == top:
            raise
        yield Place(folder, refused=f"{error.strerror or error}; nothing in this folder is read")
        return
    names = {path.name for path, _ in inside}
    if folder != top and not names.isdisjoint(_RUN_MARKS):
        runs.append(folder)
        return
    is_data_set = any(is_file and path.stem in _SPLITS and _suffix(path.name) in SUFFIXES for path, is_file in inside)
    is_arrow = "dataset_dict.json" in names or any(name.endswith(".arrow") for name in names)
    for path, is_file in inside:
        if is_file:
            if not _NO_DATA.fullmatch(path.name) and not (is_arrow and path.name in _OF_ARROW):
                yield Place(path)
        elif not is_data_set and path.name not in _OURS:
            yield from _walk(path, top, runs, seen)


def _inside(folder: Path) -> list[tuple[Path, bool]]:
    """The files and folders in a folder in order, hidden ones and special ones not among them; True for a file. Raises `OSError`."""
    paths = sorted(path for path in folder.iterdir() if not _is_hidden(path.name))
    return [(path, is_file) for path in paths if (is_file := path.is_file()) or path.is_dir()]


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _suffix(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2].lower()
    for packed in PACKED:
        last = last.removesuffix(packed)
    return Path(last).suffix
