"""Files at rest: how any file is read, written and locked. Knows nothing of sessions."""
