"""Looking at a session: as it happens, and afterwards."""
