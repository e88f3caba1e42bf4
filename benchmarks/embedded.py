"""The embedded model on held-out clients: without its adapter, with it, and with it but without guards.

    python benchmarks/embedded.py [--size medium] [--sessions 3] [--turns 10] [--answers 6] [--out FOLDER]
    python benchmarks/embedded.py --kinds tuned --sessions 0 --answers 20 --split validation --temperature 0.3     (how to sample)

Sessions are run with clients of the corpus' test split, whom the adapter has never seen, each with the attitude it has in a plain
session there. Of them are counted: integrity findings per 100 messages, how they end, Distinct-2 at equal length, seconds. Then
single answers are asked for in those plain sessions themselves, `--answers` of each role, and held against what stands there
(BLEU, chrF, ROUGE-L).
Perplexity is `python run.py train report ADAPTER --on plain:test`, which needs the training extra.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from counseling_sessions.evaluation.diversity.ngrams import counts_of
from counseling_sessions.evaluation.diversity.pooled import compare_counts
from counseling_sessions.evaluation.diversity.tokens import unicode_words
from counseling_sessions.evaluation.integrity import Integrity
from counseling_sessions.evaluation.reference import Turn, reference_scores
from counseling_sessions.graph.exchanges import Exchange
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.ladder.models import EmbeddedModel, embedded_model, sizes
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes import guards
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import session_of
from counseling_sessions.settings import ModelSettings, SessionConfig
from counseling_sessions.training.corpus import SPLITS, collection_folder
from counseling_sessions.training.data import examples_of
from counseling_sessions.training.roles import chosen_roles

KINDS = ("base", "tuned", "unguarded")


@dataclass
class Sessions:
    """The sessions of one kind of model, and how long each took in seconds."""

    records: list[SessionRecord]
    seconds: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=3, help="held-out sessions of each kind (14 at most)")
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--answers", type=int, default=6, help="answers of each role against the corpus")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--size", choices=sizes(), default=sizes()[-1], help="of the embedded model")
    parser.add_argument("--split", choices=SPLITS[1:], default="test", help="of the plain sessions (default test)")
    parser.add_argument("--temperature", type=float, help="of every role, in place of the usual one")
    parser.add_argument("--at-once", action="store_true", help="also tokens a second with 1 and 4 sessions at once")
    parser.add_argument("--out", type=Path, help="a new folder that keeps the sessions")
    args = parser.parse_args()
    if args.out and args.out.exists() and any(args.out.iterdir()):
        parser.error(f"{args.out} is not empty")
    folder = args.out or Path(mkdtemp())
    lines = (collection_folder("plain") / f"{args.split}.jsonl").read_text(encoding="utf-8").splitlines()
    held_out = by_turns([SessionRecord.model_validate_json(line) for line in lines])
    console = Console(highlight=False)
    kinds = args.kinds.split(",")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        parser.error(f"there is no kind {', '.join(unknown)}; there are {', '.join(KINDS)}")
    asyncio.run(measure(console, folder, kinds, held_out, args))


def by_turns(records: list[SessionRecord]) -> list[SessionRecord]:
    """The records in a seeded order in which the attitudes take turns: the first three have all of them."""
    random.Random(1).shuffle(records)
    seen: Counter[str | None] = Counter()
    places = []
    for record in records:
        places.append(seen[record.attitude])
        seen[record.attitude] += 1
    return [record for _, record in sorted(zip(places, records, strict=True), key=lambda item: item[0])]


async def measure(
    console: Console, folder: Path, kinds: list[str], held_out: list[SessionRecord], args: argparse.Namespace
) -> None:
    models = Models()
    run: dict[str, Sessions] = {}
    for kind in kinds if args.sessions else ():
        run[kind] = await sessions_of(models, folder / kind, kind, held_out, args)
        console.print(f"{kind}: {len(run[kind].records)} sessions")
    if run:
        console.print(sessions_table(run))
    for kind in kinds if args.answers else ():
        if kind != "unguarded":
            console.print(
                kind, await answers_of(models, served_by(args.size, kind, args.temperature), held_out, args.answers)
            )
    if args.at_once:
        for at_once in (1, 4):
            console.print(
                f"{at_once} at once:", await rate(models, args.size, folder / f"at-once-{at_once}", held_out, at_once)
            )
    await models.close()


async def sessions_of(
    models: Models, folder: Path, kind: str, held_out: list[SessionRecord], args: argparse.Namespace
) -> Sessions:
    """One session after another with held-out clients."""
    found = Sessions([], [])
    for record in held_out[: args.sessions]:
        began = time.monotonic()
        with guarded(kind != "unguarded"):
            asked = task(record, args.size, served_by(args.size, kind, args.temperature), args.turns)
            found.records.append(await run_session(asked, folder, models))
        found.seconds.append(time.monotonic() - began)
    (folder / "records.jsonl").write_text("".join(r.model_dump_json() + "\n" for r in found.records), encoding="utf-8")
    return found


def described(size: str) -> EmbeddedModel:
    model = embedded_model(f"embedded-{size}")
    assert model
    return model


def served_by(size: str, kind: str, temperature: float | None = None) -> ModelSettings:
    return ModelSettings(model=described(size).model_name(tuned=kind != "base"), temperature=temperature)


def task(record: SessionRecord, size: str, model: ModelSettings, turns: int, seed: int = 1) -> SessionTask:
    fields = described(size).session | {"max_turns": turns, "min_turns": min(8, turns)}
    config = SessionConfig(seed=seed, models={"default": model}, **fields)
    return SessionTask(profile=record.profile, attitude=record.attitude, config=config)


@contextmanager
def guarded(on: bool) -> Iterator[None]:
    """Guards as they are, or none but the one against empty messages, which no dialogue can hold."""
    kept = dict(guards.GUARDS)
    if not on:
        guards.GUARDS.clear()
        guards.GUARDS["empty"] = kept["empty"]
    try:
        yield
    finally:
        guards.GUARDS.clear()
        guards.GUARDS.update(kept)


def sessions_table(run: dict[str, Sessions]) -> Table:
    shown = Table("", *run, box=None, pad_edge=False)
    rows: dict[str, list[str]] = {}
    for found in run.values():
        integrity = Integrity()
        for record in found.records:
            integrity.add(session_of(record, ""))
        findings = sum(total.findings for total in integrity.totals().values())
        attempts = sum(usage.attempts - usage.calls for record in found.records for usage in record.usage.values())
        told = {
            "sessions": str(len(found.records)),
            "closed": str(sum(record.status == "finished" for record in found.records)),
            "turns": f"{sum(len(record.turns) for record in found.records) / len(found.records):.1f}",
            "messages": str(integrity.messages),
            "findings per 100 messages": f"{100 * findings / max(1, integrity.messages):.1f}",
            "answers refused by guards, a session": f"{attempts / len(found.records):.1f}",
            "seconds a session": f"{sum(found.seconds) / len(found.seconds):.0f}",
            "completion tokens a second": f"{rate_of(found.records, sum(found.seconds)):.0f}",
        }
        for name, value in told.items():
            rows.setdefault(name, []).append(value)
    sessions = {kind: [session_of(record, kind) for record in found.records] for kind, found in run.items()}
    compared = compare_counts({kind: counts_of(found, unicode_words()) for kind, found in sessions.items()})
    distinct = [compared.sets[kind].distinct[1].value or 0.0 for kind in run]
    rows[f"Distinct-2 at {compared.budget:,} tokens"] = [f"{value:.3f}" for value in distinct]
    for name, values in rows.items():
        shown.add_row(name, *values)
    return shown


async def answers_of(models: Models, model: ModelSettings, held_out: list[SessionRecord], each: int) -> Table:
    """Answers to the corpus' own prompts, held against what stands there."""
    by_role: dict[str, list[tuple[str, Exchange]]] = {}
    for record in held_out:
        for item in examples_of(record, chosen_roles("all"), as_embedded=True):
            by_role.setdefault(item.role, []).append((record.profile_id, item))
    shown = Table("role", "answers", "BLEU", "chrF", "ROUGE-L", box=None, pad_edge=False)
    settings = SessionConfig(models={"default": model})
    every = []
    for role, items in sorted(by_role.items()):
        turns = []
        for client, item in random.Random(2).sample(items, min(each, len(items))):
            reply = await models.ask(role, settings.model_for(role), item.messages, seed=1)
            turns.append(Turn(reply.text, item.answer, client))
        every += turns
        shown.add_row(role, *scored(turns))
    shown.add_row("all", *scored(every), style="bold")
    return shown


def scored(turns: list[Turn]) -> list[str]:
    scores = reference_scores(turns).figures
    return [str(len(turns)), *(f"{scores[name].value:.1f}" for name in ("bleu", "chrf", "rougeL"))]


async def rate(models: Models, size: str, folder: Path, held_out: list[SessionRecord], at_once: int) -> str:
    """Completion tokens a second of four-turn sessions that run at once."""
    began = time.monotonic()
    tasks = [task(record, size, served_by(size, "tuned"), 4, seed=at_once) for record in held_out[:at_once]]
    records = await asyncio.gather(*(run_session(one, folder, models) for one in tasks))
    seconds = time.monotonic() - began
    return f"{rate_of(records, seconds):.0f} completion tokens a second, {seconds:.0f} s"


def rate_of(records: list[SessionRecord], seconds: float) -> float:
    return sum(usage.completion_tokens for record in records for usage in record.usage.values()) / seconds


if __name__ == "__main__":
    main()
