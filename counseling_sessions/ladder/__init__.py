"""The embedded models, from the smallest up: each a file of data here, so that a further size is one more file."""
