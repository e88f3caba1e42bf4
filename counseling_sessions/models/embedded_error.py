"""The error of an embedded model that cannot be fetched or served."""

from counseling_sessions.errors import UserError

WITHOUT = "Name an endpoint with --base-url to do without the embedded model."
"""The last sentence of such a message."""


class EmbeddedModelError(UserError, RuntimeError):
    """The embedded model is not available; the message says why and what to do."""
