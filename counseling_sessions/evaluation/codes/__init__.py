"""Behaviour codes: what a counselor does and what a client says of change, message by message."""
