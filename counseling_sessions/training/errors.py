"""The errors of training; the user sees their messages."""

from collections.abc import Iterator
from contextlib import contextmanager

NEEDED = "this needs the training extra: pip install -e '.[train]' (docs/training.md says how to get a small torch)"


class TrainingError(RuntimeError):
    """A training run, an export or a report is not possible; the message says why and what to do."""


class WrittenError(ValueError):
    """A written session is invalid; the message names the file and the field."""


@contextmanager
def training_extra() -> Iterator[None]:
    """A context for imports of torch, transformers, peft or gguf: raises `TrainingError` if one is missing."""
    try:
        yield
    except ImportError as error:
        raise TrainingError(f"{NEEDED} ({error})") from None
