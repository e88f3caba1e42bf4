"""What can go wrong in training, as errors that are told to the user."""


class TrainingError(RuntimeError):
    """A training run, an export or a report that cannot be made; the message says why and what to do."""


class WrittenError(ValueError):
    """A written session that is no session; the message names the file and the field."""
