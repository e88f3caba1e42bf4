"""Many sessions: the batch, the engine that runs it, its state, and its exports."""
