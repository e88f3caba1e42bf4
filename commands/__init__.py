"""The commands of `run.py`, one module each: `add` tells the parser about a command, which calls and prints."""

import argparse
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
