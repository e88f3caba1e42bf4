"""The commands of `run.py`: `parsing` makes a request of what was typed, a module named as the command runs it."""
