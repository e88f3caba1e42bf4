"""Random edits of folders with sessions: how many are read rightly, and how many refused by name. Anything else stops it.

python benchmarks/fuzz.py [--edits 1000] [--seed 1] [--kind run|old|single|before]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.damaged import EDITS, try_edits

KINDS = {"run": ("run", True), "old": ("run", False), "single": ("single", True), "before": ("before", True)}
"""Kinds of folders: a run, a run whose ledger has no checksums, single sessions, and those as they were written before; and whether
whole records are compared."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=1000, help="edits of each kind of folder (default 1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=list(KINDS), action="append", help="default: all")
    args = parser.parse_args()
    for name in args.kind or KINDS:
        kind, exact = KINDS[name]
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            tally = try_edits(Path(folder), kind, args.edits, args.seed, exact=exact)
        table = Table(
            "edit", "edits", "read rightly", "refused by name", title=f"{name}: {args.edits:,} edits", box=None
        )
        for edit in EDITS:
            right, refused = tally.right[edit], tally.refused[edit]
            table.add_row(edit, f"{right + refused:,}", f"{right:,}", f"{refused:,}")
        right, refused = tally.right.total(), tally.refused.total()
        table.add_row("all", f"{right + refused:,}", f"{right:,}", f"{refused:,}")
        Console().print(table, f"{time.perf_counter() - began:.0f} s; no other outcome")


if __name__ == "__main__":
    main()
