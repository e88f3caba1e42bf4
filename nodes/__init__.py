"""What happens at each step of a session: one file a node."""
