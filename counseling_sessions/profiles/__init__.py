"""Client profiles: the built-in ones as data, and the readers of other formats."""
