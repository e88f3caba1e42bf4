"""Many sessions: what is to be run, the engine that runs it, where it is kept, and what is made of it."""
