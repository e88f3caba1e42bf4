"""What evaluating without a judge costs: reading, integrity and diversity of 250, 1,000 and 4,000 sessions.

    python benchmarks/evaluation.py [--sessions 1000] [--messages 42]
    python benchmarks/evaluation.py --copies-of FOLDER [--metrics integrity,diversity] [--jobs 2]

Sessions are made up: words by Zipf's law from a few thousand that do not exist, with real function words between them, a third
of them from the client's own few; one message in 25 is said again. They lie in one file a session, in the form of the released
MAGneT sessions, three with each client. Each size is evaluated by a process of its own, whose peak memory is all that it ever
held. "to linear" is the CPU time by four times that of a quarter of the sessions: 1 is linear, and less where what it takes
to begin still counts.

With `--copies-of` it runs `run.py evaluate` on 442 and 4,420 copies of a folder's released sessions, each round of copies with
clients of other names. CPU and peak memory are of all processes together.
"""

import argparse
import contextlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate, product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from rich.console import Console
from rich.table import Table

SPOKEN = """
    i you it the a and to of that in is was not my your me what when how this so but for with about be have do at on
    if can would could there they we as more some then out because or from like just even
"""
FUNCTION_WORDS = SPOKEN.split()
SYLLABLES = [
    "".join(parts) for parts in product("bdfgklmnprstvz", "aeiou", ("", "n", "r", "l")) if parts != ("t", "o", "")
]
ATTITUDES = ("positive", "neutral", "negative")
FIRST_NAMES = [f"{first}{last}" for first in ("Bel", "Dor", "Kal", "Mir", "Nev", "Sol") for last in ("an", "ia", "os")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000, help="also a quarter and four times as many")
    parser.add_argument("--messages", type=int, default=42)
    parser.add_argument("--copies-of", type=Path, help="a folder of released sessions")
    parser.add_argument("--metrics", help="of the copies (default: all that need no judge)")
    parser.add_argument("--jobs", help="processes that measure the copies (default: one a core)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[442, 4420], help="how many copies")
    parser.add_argument("--evaluate", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.copies_of:
        options = [f"--{name}={value}" for name, value in (("metrics", args.metrics), ("jobs", args.jobs)) if value]
        copied = Table("sessions", "wall s", "CPU s", "peak MB", box=None)
        for size in args.sizes:
            copied.add_row(f"{size:,}", *evaluated(args.copies_of, size, options))
        Console(width=120).print(copied)
        return
    if args.evaluate:
        print(json.dumps(evaluate(args.evaluate)))
        return
    sizes = [max(1, args.sessions // 4), args.sessions, args.sessions * 4]
    table = Table(
        "sessions",
        *("words", "reading s", "integrity s", "diversity s", "wall s", "CPU s", "to linear", "peak MB"),
        title=f"{args.messages} messages a session",
        box=None,
    )
    before: dict[str, float] | None = None
    for size in sizes:
        found = measured(size, args.messages)
        ratio = "" if before is None else f"{found['cpu'] / before['cpu'] / size * before['sessions']:.2f}"
        table.add_row(
            f"{size:,}",
            f"{found['words']:,.0f}",
            *(f"{found[name]:.1f}" for name in ("reading", "integrity", "diversity", "wall", "cpu")),
            ratio,
            f"{found['peak'] / 1e6:,.0f}",
        )
        before = found
    Console(width=120).print(table)


def measured(sessions: int, messages: int) -> dict[str, float]:
    """What a process of its own needed for so many sessions."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), sessions, messages)
        command = [sys.executable, __file__, "--evaluate", folder]
        found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        assert found["sessions"] == sessions, found
        return found


def evaluated(released: Path, sessions: int, options: list[str]) -> tuple[str, str, str]:
    """Wall time, CPU time and peak memory of the command on so many copies of released sessions."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(released.glob("*.json"))]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(sessions):
            # Everything about a client is the same but the name in front of the form.
            text = texts[number % len(texts)].replace("Name:\\n", f"Name:\\nNo{number // len(texts)} ", 1)
            (Path(folder) / f"session_{number + 1}.json").write_text(text, encoding="utf-8")
        began = time.perf_counter()
        command = psutil.Popen([sys.executable, "run.py", "evaluate", folder, "--quiet", *options])
        seconds: dict[int, float] = {}
        peak = 0.0
        while command.poll() is None:
            time.sleep(0.1)
            memory = 0.0
            for process in family(command):
                with contextlib.suppress(psutil.Error):
                    used = process.cpu_times()
                    seconds[process.pid] = used.user + used.system
                    memory += getattr(process.memory_full_info(), "pss", process.memory_info().rss)
            peak = max(peak, memory)
        assert command.returncode == 0, command.returncode
        wall = time.perf_counter() - began
    return f"{wall:.1f}", f"{sum(seconds.values()):.1f}", f"{peak / 1e6:,.0f}"


def family(process: psutil.Popen) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def evaluate(folder: Path) -> dict[str, float]:
    """Read, check and count the sessions of a folder in one pass, and say what it took."""
    began = time.perf_counter()
    from counseling_sessions.evaluation.diversity.ngrams import counts_of
    from counseling_sessions.evaluation.diversity.pooled import diversity_of_counts
    from counseling_sessions.evaluation.diversity.tokens import unicode_words
    from counseling_sessions.evaluation.integrity import Integrity
    from counseling_sessions.sessions import Session, read_sessions

    integrity = Integrity()
    spent = {"reading": 0.0, "integrity": 0.0}

    def checked() -> Iterator[Session]:
        sessions = read_sessions(folder)
        while True:
            start = time.perf_counter()
            session = next(sessions, None)
            read = time.perf_counter()
            spent["reading"] += read - start
            if session is None:
                return
            assert isinstance(session, Session), session
            integrity.add(session)
            spent["integrity"] += time.perf_counter() - read
            yield session

    start = time.perf_counter()
    found = diversity_of_counts(counts_of(checked(), unicode_words()))
    diversity = time.perf_counter() - start - sum(spent.values())
    assert all(0 < figure.value < 1 for figure in found.distinct if figure.value is not None), found
    assert integrity.totals()["repeat"].findings, "the repeats that were planted are not found"
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        **{"sessions": found.sessions, "words": found.tokens, **spent, "diversity": diversity},
        "wall": time.perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }


def write(folder: Path, sessions: int, messages: int) -> None:
    """Sessions in the form of the released ones; the same for the same numbers."""
    rng = random.Random(7)
    words = ["".join(rng.choices(SYLLABLES, k=rng.choice((2, 2, 3)))) for _ in range(6000)]
    chances = [*accumulate(1 / rank for rank in range(1, len(words) + 1))]
    for number in range(sessions):
        client, attitude = divmod(number, 3)
        theme = random.Random(f"client {client}").choices(words, k=40)
        rng = random.Random(f"session {number}")
        dialogue: list[dict[str, str]] = []
        for place in range(messages):
            role = "client" if place % 2 else "counselor"
            said = [message["message"] for message in dialogue if message["role"] == role]
            again = said and rng.random() < 0.04
            text = rng.choice(said) if again else message(rng, words, chances, theme, 60 if role == "client" else 90)
            dialogue.append({"role": role, "message": text})
        name = f"{FIRST_NAMES[client % len(FIRST_NAMES)]} {theme[0].title()}{client}"
        about, reason = " ".join(theme[1:12]), " ".join(theme[12:22])
        form = f"Name:\n{name}\nAge:\n{20 + client % 50}\nGender:\nfemale\nOccupation: {theme[0]}\n\n"
        form += f"2. Presenting Problem\n{about}.\n\n3. Reason for Seeking Counseling\n{reason}.\n"
        told = {"client_information": f"Name: {name}", "reason_counseling": reason}
        session = {
            "AI_client": {"intake_form": form, "attitude": ATTITUDES[attitude]},
            "AI_counselor": {"CBT": told, "Response": {"cbt_plan": None}},
            "cbt_technique": "Reality Testing",
            "cbt_plan": "Test what is real.",
            "dialogue": dialogue,
        }
        (folder / f"session_{number + 1}.json").write_text(json.dumps(session), encoding="utf-8")


def message(rng: random.Random, words: list[str], chances: list[float], theme: list[str], length: int) -> str:
    """A few sentences of about so many words."""
    count = max(3, round(rng.gauss(length, length / 3)))
    drawn = rng.choices(words, cum_weights=chances, k=count)
    said = [
        rng.choice(FUNCTION_WORDS) if (kind := rng.random()) < 0.5 else rng.choice(theme) if kind < 0.65 else word
        for word in drawn
    ]
    sentences = [said[start : start + 12] for start in range(0, count, 12)]
    return " ".join(" ".join(sentence).capitalize() + rng.choice(".....?!") for sentence in sentences)


if __name__ == "__main__":
    main()
