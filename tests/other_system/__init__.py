"""Windows as far as a Python program meets it, pretended in processes that have this folder on their path (`sitecustomize`)."""
