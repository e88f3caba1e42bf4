"""Files at rest. Knows nothing of sessions: whoever reads or writes a file of any kind comes here."""
