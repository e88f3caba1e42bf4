"""What a batch costs and gains: sessions an hour, prompt tokens computed, CPU and memory, processes.

    python benchmarks/generation.py [--only time,memory,workers] [--turns 20] [--written-ms 10]

The model is the tests' loopback server in a process of its own: a call takes 30 ms, 0.5 ms for each prompt token that its
bounded prefix cache (blocks of 16, as many as hold 16 sessions' prompts once) does not hold, and 10 ms for each token that it
writes: a server with few calls at once, where writing is what takes time. One that is full, where all tokens cost computing, is nearer
to --written-ms 2. Tokens are words and punctuation marks as it counts them. Sessions an hour say how the layouts compare, not
what a GPU does.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from counseling_sessions.generation.batch import Batch
from counseling_sessions.generation.driver import Driver
from counseling_sessions.generation.processes import ProcessWorker, WorkerSpec
from counseling_sessions.generation.run import Asked, Run, open_run
from counseling_sessions.generation.worker import Worker
from counseling_sessions.settings import ModelSettings, SessionConfig
from tests.loopback import Latency, LoopbackServer
from tests.scripted import Sensible, profile, scripted_models

CACHE_BLOCKS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="time,memory,workers")
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--written-ms", type=float, default=10, help="milliseconds for each token that is written")
    args = parser.parse_args()
    console = Console(width=110)
    if "time" in args.only:
        latency = Latency(base=0.03, per_prompt_token=0.0005, per_completion_token=args.written_ms / 1000)
        console.print(times(args.sessions, args.turns, latency))
    if "memory" in args.only:
        console.print(memory())
    if "workers" in args.only:
        console.print(workers())


def times(sessions: int, turns: int, latency: Latency) -> Table:
    """Wall time, calls and prompt tokens of layouts and fan-outs."""
    rows = [
        ("paper's layout, all five, one call after another*", "separate", "all", 1, 1),
        ("paper's layout, all five", "separate", "all", sessions, sessions),
        ("shared, all five", "shared", "all", sessions, sessions),
        ("shared, selected", "shared", "selected", sessions, sessions),
        ("shared, selected, default concurrency", "shared", "selected", 64, sessions),
    ]
    table = Table(
        "layout and fan-out",
        *("calls at once", "calls", "prompt tokens", "computed", "seconds", "sessions/h"),
        title=f"{sessions} sessions of {turns} turns (* measured on one session)",
        box=None,
    )
    for name, layout, fan_out, at_once, count in rows:
        with Server(latency, CACHE_BLOCKS) as server:
            config = SessionConfig(
                **{"prompt_layout": layout, "fan_out": fan_out, "max_turns": turns, "models": server.models}
            )
            seconds = asyncio.run(local(config, count, at_once))
            calls, prompt, cached = server.totals()
            table.add_row(
                name,
                *(f"{at_once}", f"{calls:,}", f"{prompt:,}", f"{prompt - cached:,}"),
                f"{seconds:.1f}",
                f"{count / seconds * 3600:,.0f}",
            )
    return table


def memory(sessions: int = 1000, turns: int = 5) -> str:
    """CPU a turn, and resident memory a session, with so many sessions in flight."""
    with Server(Latency(base=2.0), 1) as server:
        config = SessionConfig(**{"max_turns": turns, "models": server.models})
        asyncio.run(local(config, 20, 20))  # imports, first connections
        before, began = resident(), time.process_time()
        peak, spent = asyncio.run(watched(config, sessions))
        used = (spent - began) * 1000 / (sessions * turns)
    return (
        f"{sessions} sessions of {turns} turns, all in flight: {used:.1f} ms of CPU a turn, "
        f"{(peak - before) / sessions / 1000:.0f} kB of resident memory a session"
    )


async def watched(config: SessionConfig, sessions: int) -> tuple[int, float]:
    """The peak of resident memory, in bytes, and the CPU time at the end."""
    peak = 0

    async def look() -> None:
        nonlocal peak
        while True:
            peak = max(peak, resident())
            await asyncio.sleep(0.2)

    looking = asyncio.create_task(look())
    await local(config, sessions, sessions)
    looking.cancel()
    return peak, time.process_time()


def workers(sessions: int = 240, turns: int = 10) -> str:
    """Sessions a second of one worker process and of two, with an instant model in each."""
    seconds = [asyncio.run(processes(count, sessions, turns)) for count in (1, 2)]
    return (
        f"{sessions} sessions of {turns} turns with an instant model: one process {seconds[0]:.1f} s, "
        f"two {seconds[1]:.1f} s, {seconds[0] / seconds[1]:.2f} times as fast ({os.cpu_count()} cores)"
    )


async def local(config: SessionConfig, sessions: int, at_once: int) -> float:
    """Seconds that a batch takes in this process."""
    with tempfile.TemporaryDirectory() as folder:
        run = a_run(Path(folder), config, sessions)
        worker = WorkerSpec(run.folder, run.batch, "w0", at_once, offline=True, requests=6, prompts={}).make()
        began = time.perf_counter()
        await finish(Driver([worker], run.todo(), run.total), sessions)
        return time.perf_counter() - began


async def processes(count: int, sessions: int, turns: int) -> float:
    """Seconds that a batch takes in so many processes, from when all of them have begun."""
    with tempfile.TemporaryDirectory() as folder:
        run = a_run(
            Path(folder),
            SessionConfig(
                max_turns=turns, models={"default": ModelSettings(model="scripted", base_url="http://127.0.0.1:1/v1")}
            ),
            sessions,
        )
        pool = [ProcessWorker(InstantSpec(run.folder, run.batch, f"w{number}")) for number in range(count)]  # type: ignore[arg-type]
        while any(worker.capacity() < 2 for worker in pool):  # noqa: ASYNC110 - they tell no one when they have begun
            await asyncio.sleep(0.05)
        began = time.perf_counter()
        driver = Driver(pool, run.todo(), run.total)
        driving = asyncio.create_task(driver.run())
        while driver.progress.finished < sessions:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began
        await driving
        return seconds


@dataclass(frozen=True)
class InstantSpec:
    """A worker whose model is a function in its own process."""

    folder: Path
    batch: Batch
    name: str

    def make(self) -> Worker:
        return Worker(self.folder, self.batch, scripted_models(Sensible())[0], name=self.name, most=16)


async def finish(driver: Driver, sessions: int) -> None:
    progress = await driver.run()
    assert progress.finished == sessions, (progress.stopped, progress.failures)


def a_run(folder: Path, config: SessionConfig, sessions: int) -> Run:
    forms = folder / "forms.jsonl"
    lines = (json.dumps(profile(id=f"client-{number}").model_dump(mode="json")) for number in range(sessions))
    forms.write_text("\n".join(lines), encoding="utf-8")
    return open_run(folder / "run", Asked(config, source=str(forms)))


def resident() -> int:
    """Bytes of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return pages * resource.getpagesize()


class Server:
    """The loopback server in a process of its own, so that its work does not count as ours."""

    def __init__(self, latency: Latency, cache_blocks: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, latency, cache_blocks), daemon=True)

    def __enter__(self) -> "Server":
        self._process.start()
        self._url = self._pipe.recv()
        return self

    def __exit__(self, *unused: object) -> None:
        self._process.kill()
        self._process.join()

    @property
    def models(self) -> dict[str, ModelSettings]:
        return {"default": ModelSettings(model="loopback", base_url=self._url)}

    def totals(self) -> tuple[int, int, int]:
        """Calls, prompt tokens, and how many of them came from the cache."""
        self._pipe.send(None)
        calls, prompt, cached = self._pipe.recv()
        return calls, prompt, cached


def _serve(pipe: Connection, latency: Latency, cache_blocks: int) -> None:
    with LoopbackServer(latency=latency, cache_blocks=cache_blocks, keep=1) as server:
        pipe.send(server.base_url)
        while True:
            pipe.recv()
            pipe.send((server.accepted, server.prompt_tokens, server.cached_tokens))


if __name__ == "__main__":
    main()
