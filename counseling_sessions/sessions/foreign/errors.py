"""What is wrong with a record that should be a session."""


class FieldError(ValueError):
    """A record is no session; `field` is the path of what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
