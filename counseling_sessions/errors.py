"""What all errors have in common that a person can do something about."""


class UserError(Exception):
    """An error whose message says, in words for the person who called, what is wrong and what can be done."""
