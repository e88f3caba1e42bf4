"""What a session costs besides the model: CPU per turn, calls, prompt tokens, and the prefix that a turn's calls share.

    python benchmarks/session.py [--turns 20] [--sessions 20] [--seeds 5]

The model is the tests' loopback server, over HTTP, with no latency and an unbounded prefix cache; tokens are words and
punctuation marks as that server counts them, not a model's own. Calls and tokens are medians over sessions with several seeds: the
server picks by chance.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.models.chat import Models
from counseling_sessions.profiles.library import load_builtin
from counseling_sessions.settings import ModelSettings, SessionConfig
from tests.loopback import LoopbackServer, Request, tokenise
from tests.scripted import Sensible, scripted_models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=20, help="sessions for the CPU figure")
    parser.add_argument("--seeds", type=int, default=5, help="sessions for the figures of prompts")
    args = parser.parse_args()
    console = Console()
    cost = [asyncio.run(cpu_per_turn(args.turns)) for _ in range(args.sessions)]
    console.print(
        f"orchestration with an instant model: {median(cost):.1f} ms of CPU a turn "
        f"(median of {args.sessions} sessions of {args.turns} turns, {min(cost):.1f} to {max(cost):.1f})"
    )
    table = Table(
        "layout", "fan-out", "calls", "prompt tokens", "computed", "share computed", "shared prefix a turn", box=None
    )
    for layout in ("shared", "separate"):
        for fan_out in ("selected", "all"):
            table.add_row(layout, fan_out, *prompts(args.turns, args.seeds, layout, fan_out))
    console.print(table)


async def cpu_per_turn(turns: int) -> float:
    """Milliseconds of CPU that a turn costs, journal included, with a model in the process that answers at once."""
    models, _ = scripted_models(Sensible())
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        record = await run_session(task(turns, "http://127.0.0.1:1/v1"), Path(folder), models)
    assert record.status == "finished", record.failure
    return (time.process_time() - began) * 1000 / turns


def prompts(turns: int, seeds: int, layout: str, fan_out: str) -> list[str]:
    """The median session over HTTP: what it submits, what a server with a prefix cache must compute, what a turn's calls share."""
    calls, submitted, computed, share = map(
        median, zip(*(prompted(turns, seed, layout, fan_out) for seed in range(seeds)), strict=True)
    )
    return [f"{calls:.0f}", f"{submitted:,.0f}", f"{computed:,.0f}", f"{computed / submitted:.0%}", f"{share:.0%}"]


def prompted(turns: int, seed: int, layout: str, fan_out: str) -> tuple[int, int, int, float]:
    """The calls of one session, its prompt tokens, those of them that are computed, and the share of a turn's common prefix."""
    with LoopbackServer() as server, tempfile.TemporaryDirectory() as folder:
        models = Models()
        session = task(turns, server.base_url, seed=seed, prompt_layout=layout, fan_out=fan_out)

        async def run() -> None:
            record = await run_session(session, Path(folder), models)
            await models.close()
            assert record.status == "finished", record.failure

        asyncio.run(run())
        computed = server.prompt_tokens - server.cached_tokens
        return len(server.requests), server.prompt_tokens, computed, shared_prefix(server.requests)


def shared_prefix(requests: list[Request]) -> float:
    """The part of a counselor-side prompt that all the calls of its turn have in common; the median over the turns."""
    by_turn: dict[int, list[list[str]]] = defaultdict(list)
    turn = 0
    for request in requests:
        if "You are the client in a counseling session" in request.prompt:
            turn += 1
        else:
            by_turn[turn].append(list(tokenise(request.prompt)))
    shares = []
    for calls in by_turn.values():
        if len(calls) > 1:
            same = next(
                (at for at, words in enumerate(zip(*calls, strict=False)) if len(set(words)) > 1), min(map(len, calls))
            )
            shares.append(same / median(map(len, calls)))
    return median(shares)


def task(turns: int, base_url: str, **options: str | int) -> SessionTask:
    models = {"default": ModelSettings(model="loopback", base_url=base_url)}
    config = SessionConfig.model_validate({"max_turns": turns, "min_turns": turns, "models": models, **options})
    return SessionTask(profile=load_builtin("amira-exam-panic"), attitude="neutral", config=config)


if __name__ == "__main__":
    main()
