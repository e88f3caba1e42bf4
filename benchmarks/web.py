"""What reading a run on the local page costs: its list from the ledger, all that the records add, a session, and a search.

    python benchmarks/web.py [--sessions 2000] [--turns 20]

The run is made as in `inspection.py`: a dozen different sessions stand many times, under ids of their own. The last figure needs
Chromium with chromedriver, and is the median of three, each with a server that has read nothing yet: from navigation to the list
on the screen.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
from rich.console import Console

from benchmarks.inspection import DIFFERENT, session
from counseling_sessions.sessions.writing import ShardWriter
from tests.browser import CHROMIUM, DRIVER, started_browser, text_of, wait
from tests.web.runs_to_read import served_at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=2000)
    args = parser.parse_args()
    console = Console(width=120, highlight=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "runs"
        made = [asyncio.run(session(number, args.turns, Path(name))) for number in range(DIFFERENT)]
        store = ShardWriter(folder / "run", "w0")
        for number in range(args.sessions):
            store.keep(made[number % DIFFERENT].model_copy(update={"session_id": f"{number:08}"}))
        with served_at(folder) as address, httpx.Client(base_url=f"{address}api/runs/run/", timeout=600) as client:

            def show(what: str, path: str) -> None:
                began, used = time.perf_counter(), time.process_time()
                client.get(path).raise_for_status()
                spent, cpu = time.perf_counter() - began, time.process_time() - used
                console.print(f"{args.sessions:,} sessions, {what}: {spent:.2f} s ({cpu:.2f} s of CPU time)")

            show("the list from the ledger", "rows")
            show("what the records add", "more")
            show("the list once it is read", "rows")
            show("one of them", f"session?id={args.sessions - 1:08}")
            show("two side by side", "compare?a=00000000&b=00000001")
            show("a search for a word that is in none", "search?q=zebra")
            show("a search for words that are in all", "search?q=the+nights")
        if CHROMIUM and DRIVER:
            console.print(f"the list shown in Chromium: {median(opened(folder, Path(name) / 'browser')):.2f} s")


def opened(folder: Path, profile: Path) -> list[float]:
    """Seconds until Chromium shows the list, three times."""
    browser = started_browser(profile)
    driver = next(browser)
    times = []
    for _ in range(3):
        with served_at(folder) as address:
            driver.get("about:blank")
            driver.get(f"{address}read/run")
            wait(driver, lambda: driver.execute_script("return performance.getEntriesByName('shown').length"))
            times.append(
                float(driver.execute_script("return performance.getEntriesByName('shown')[0].startTime")) / 1000
            )
            assert text_of(driver, "#count").endswith("sessions")
            driver.get("about:blank")
    next(browser, None)
    return times


if __name__ == "__main__":
    main()
