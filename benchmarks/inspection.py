"""What looking at sessions costs: rendering one as a page, a page with a list of a thousand, and opening it.

    python benchmarks/inspection.py [--turns 20] [--sessions 1000]

Sessions are run with the tests' scripted model, which answers at once, three specialists a turn; a dozen different ones stand
many times, under ids of their own, in a run directory. Reading it is part of the time. The last figure needs Chromium with
chromedriver, and is the median of three: from navigation to the list on the screen.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.inspection.find import overview
from counseling_sessions.inspection.page import write_page
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter
from tests.browser import CHROMIUM, DRIVER, started_browser, wait
from tests.scripted import Sensible, config, profile, scripted_models

DIFFERENT = 12
PICKED = ("reflection", "questioning", "solutions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=1000)
    args = parser.parse_args()
    console = Console(width=120, highlight=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = [asyncio.run(session(number, args.turns, folder)) for number in range(DIFFERENT)]
        run = folder / "run"
        store = ShardWriter(run, "w0")
        for number in range(args.sessions):
            store.keep(made[number % DIFFERENT].model_copy(update={"session_id": f"{number:08}"}))
        alone = folder / "one.jsonl"
        alone.write_text(made[0].model_dump_json() + "\n", encoding="utf-8")
        page = folder / "trace.html"
        times = [timed(lambda: write_page(alone, None, page)) for _ in range(20)]
        size = page.stat().st_size
        console.print(
            f"a session of {args.turns} turns to a page: {median(times) * 1000:.0f} ms "
            f"(the first {times[0] * 1000:.0f} ms), {size / 1e3:,.0f} kB"
        )
        console.print(f"{args.sessions:,} sessions in lines, from the ledger: {timed(lambda: overview(run)):.2f} s")
        spent = timed(lambda: write_page(run, None, page))
        size = page.stat().st_size
        console.print(f"{args.sessions:,} sessions to a page with a list: {spent:.2f} s, {size / 1e6:,.1f} MB")
        if CHROMIUM and DRIVER:
            console.print(f"that page opened in Chromium, list shown: {opened(page, folder / 'browser'):.2f} s")


async def session(number: int, turns: int, folder: Path) -> SessionRecord:
    """A finished session of so many turns."""
    models, _ = scripted_models(Sensible(picked=PICKED))
    task = SessionTask(
        profile=profile(), attitude="neutral", config=config(max_turns=turns, min_turns=turns, seed=number)
    )
    record = await run_session(task, folder / "journals", models)
    assert record.status == "finished", record.failure
    return record


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def opened(page: Path, profile_folder: Path) -> float:
    """Seconds until Chromium shows the list."""
    browser = started_browser(profile_folder)
    driver = next(browser)
    times = []
    for _ in range(3):
        driver.get("about:blank")
        driver.get(page.as_uri())
        wait(driver, lambda: driver.execute_script("return performance.getEntriesByName('shown').length"))
        times.append(float(driver.execute_script("return performance.getEntriesByName('shown')[0].startTime")) / 1000)
    next(browser, None)
    return median(times)


if __name__ == "__main__":
    main()
