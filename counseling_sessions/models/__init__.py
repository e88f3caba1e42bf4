"""Which chat model serves which role: endpoints, limits, usage, the embedded model."""
