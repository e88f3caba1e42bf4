"""What can go wrong in training, as errors that are told to the user."""

from collections.abc import Iterator
from contextlib import contextmanager

NEEDED = "this needs the training extra: pip install -e '.[train]' (docs/training.md says how to get a small torch)"


class TrainingError(RuntimeError):
    """A training run, an export or a report that cannot be made; the message says why and what to do."""


class WrittenError(ValueError):
    """A written session that is no session; the message names the file and the field."""


@contextmanager
def training_extra() -> Iterator[None]:
    """Around all that imports torch, transformers, peft or gguf: raises `TrainingError` where they are missing."""
    try:
        yield
    except ImportError as error:
        raise TrainingError(f"{NEEDED} ({error})") from None
