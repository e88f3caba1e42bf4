"""Tests that take long run where they are asked for: CI has ten minutes."""

import os

VARIABLE = "COUNSELING_SESSIONS_LONG"
ASKED_FOR = bool(os.environ.get(VARIABLE))
