"""An OpenAI-compatible server on a loopback port, for tests and benchmarks.

with LoopbackServer() as server:
    client = AsyncOpenAI(base_url=server.base_url, api_key="any", max_retries=0)
"""

from .answers import sensible_answer
from .faults import FaultKind, Faults
from .prefix_cache import PrefixCache, tokenise
from .raw import Raw, http_answer
from .request import Answer, Latency, Request
from .server import LoopbackServer
from .small_talk import SmallTalk

__all__ = [
    "Answer",
    "FaultKind",
    "Faults",
    "Latency",
    "LoopbackServer",
    "PrefixCache",
    "Raw",
    "Request",
    "SmallTalk",
    "http_answer",
    "sensible_answer",
    "tokenise",
]
