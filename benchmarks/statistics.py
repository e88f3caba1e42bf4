"""Whether the statistics keep their word: simulated studies of methods whose true difference is known.

    python benchmarks/statistics.py [--studies 200] [--only candidates,coverage,tests,ties,skewed,raters]

The studies are in `simulation.py`; what is counted is in `simulated_studies.py`, `simulated_ties.py`,
`simulated_skewness.py` and `simulated_raters.py`.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # In place of this folder, where `import statistics` would find this file.
    sys.path[0] = str(Path(__file__).parents[1])
    from benchmarks.simulated_studies import main

    main(__doc__)
elif __name__ == "statistics":
    # The scripts next to this one have this folder on their path, and they or their libraries mean the standard library's.
    import importlib.util
    import os

    found = importlib.util.spec_from_file_location(__name__, Path(os.__file__).with_name("statistics.py"))
    assert found is not None
    assert found.loader is not None
    sys.modules[__name__] = importlib.util.module_from_spec(found)
    found.loader.exec_module(sys.modules[__name__])
