"""Data sets of the Hugging Face Hub, streamed: `hf://datasets/OWNER/NAME[/CONFIG][:SPLIT]`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.documents.values import Items, Record
from counseling_sessions.profiles.problems import Problem, ProfileError

_NAME = r"[A-Za-z0-9][\w.-]*"
_HUB_NAME = re.compile(rf"hf:/{{1,2}}datasets/({_NAME}/{_NAME})(?:/({_NAME}))?(?::({_NAME}))?", re.ASCII)
"""A path takes two slashes in a row for one."""
PATIENCE = 3.0
"""Seconds for which the Hub may not answer, at an address of it, before it counts as out of reach."""
NEEDED = "needs the library datasets; install it with: pip install -e '.[hub]'"


@dataclass(frozen=True)
class HubName:
    """A data set: its repository (or a folder), its configuration, its split; None for the only one and for all splits."""

    repository: str
    configuration: str | None = None
    split: str | None = None

    def __str__(self) -> str:
        configuration = f"/{self.configuration}" if self.configuration else ""
        return f"hf://datasets/{self.repository}{configuration}"


def hub_name(text: str) -> HubName | None:
    """The data set that a text names; None if it names something else, such as a file."""
    return HubName(*match.groups()) if (match := _HUB_NAME.fullmatch(text)) else None


def hub_records(name: HubName) -> Items:
    """The rows of a data set, split by split, as they come over the network; each split counts its own.

    Nothing of a repository is run. Raises `ProfileError` if the data set cannot be opened; a row that cannot be read ends a
    split with a problem.
    """
    try:
        import datasets
        from datasets.exceptions import DatasetsError
    except ImportError:
        raise ProfileError(f"{name} {NEEDED}") from None
    if not Path(name.repository).exists():  # which the library takes for a data set too
        _reach(name)
    try:
        opened: Any = datasets.load_dataset(name.repository, name.configuration, split=name.split, streaming=True)
    except (DatasetsError, OSError, ValueError) as error:
        raise ProfileError(f"{name} cannot be opened: {_in_short(error)}") from None
    splits = {name.split: opened} if name.split else dict(opened)
    for split, rows in splits.items():
        file, number = f"{name}:{split}", 0
        try:
            for number, value in enumerate(rows, 1):
                yield Record(file, number, value)
        except (DatasetsError, OSError, ValueError) as error:
            yield Problem(file, f"cannot be read on: {_in_short(error)}", number + 1)
        else:
            if not number:
                yield Problem(file, "the split has no row")


def _reach(name: HubName) -> None:
    """Ask the Hub for the data set once, in seconds. Raises `ProfileError` if nothing answers.

    `load_dataset` asks six times, with longer and longer pauses. Whatever the Hub answers, such as that there is no such data set,
    and offline mode, are its to tell.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        HfApi().dataset_info(name.repository, timeout=PATIENCE)
    except (HfHubHTTPError, OfflineModeIsEnabled, ValueError):
        return
    except Exception as error:  # of requests, httpx or httpx2: the client's version decides
        raise ProfileError(f"{name} cannot be opened: the Hub cannot be reached: {_in_short(error)}") from None


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
