"""Files of other projects, to try importers and metrics on what nobody here wrote. They are not part of this project.

`COUNSELING_SESSIONS_REFERENCE` names a folder with `cactus-intake-forms.json` (the evaluation set of coding-groot/cactus) and
`magnet-released-sessions/` (sessions of UKPLab/arxiv2025-magnet, as released); tests that need them are skipped without it.
"""

import os
from pathlib import Path

import pytest

_FOLDER = Path(os.environ.get("COUNSELING_SESSIONS_REFERENCE", "no-reference-files"))
FORMS = _FOLDER / "cactus-intake-forms.json"
RELEASED = _FOLDER / "magnet-released-sessions"

needs_reference = pytest.mark.skipif(
    not (FORMS.is_file() and RELEASED.is_dir()),
    reason="COUNSELING_SESSIONS_REFERENCE names no folder of reference files",
)
