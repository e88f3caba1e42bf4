"""What a person who practises as the client waits for: the lists of phrases are read, which takes over a second."""

import gc

from counseling_sessions.nodes.risk import find_risk

find_risk("It was a quiet day.")
gc.freeze()
