"""The commands of `run.py`: `parsing` makes a request of what was typed, and names the function that runs it."""
