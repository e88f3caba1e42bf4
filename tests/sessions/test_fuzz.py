"""Random edits of folders with sessions: read rightly, or refused by name. `benchmarks/fuzz.py` tries thousands."""

import os
from pathlib import Path

import pytest

from tests.damaged import try_edits

EDITS = int(os.environ.get("FUZZ_EDITS", "120"))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "exact"), [("run", True), ("run", False), ("single", True), ("before", True)])
def test_every_edit_is_read_rightly_or_refused_by_name(tmp_path: Path, kind: str, exact: bool) -> None:
    tally = try_edits(tmp_path, kind, EDITS, 1, exact=exact)
    assert tally.right.total() + tally.refused.total() == EDITS
    assert tally.right.total() > EDITS / 5
    assert tally.refused.total() > EDITS / 5
