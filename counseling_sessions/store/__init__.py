"""Files at rest, and the system they lie on: how any file is read, written and locked. Knows nothing of sessions."""
