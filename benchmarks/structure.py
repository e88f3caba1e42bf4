"""The paper's question in miniature: does a team of specialists counsel better than one counselor, of the same small model?

    python run.py train data corpus/plain --out sft/ --roles all,counselor
    python run.py train lora sft/ --out team/ --roles plan,router,…,merge,client        (all roles but counselor)
    python run.py train lora sft/ --out one/ --roles counselor --epochs …               (as many tokens)
    python run.py train export team/ --gguf team.gguf; python run.py train export one/ --gguf one.gguf
    python benchmarks/structure.py team.gguf one.gguf --out FOLDER [--sessions 14] [--turns 10] [--every 2]

Both have the same base, the same sessions and the same number of tokens to learn from. `team` was tuned on plan, pick, drafts and
merge, `one` on the merged utterances alone; it has the team's plan and meets the team's client, so that the counselor is all that
differs. Clients are those of the test split.

First, every `--every`-th turn of the held-out sessions is answered by both, on the words that stand there, and compared with what the
counselor says there. Then whole sessions are run; `python run.py compare FOLDER/sessions.jsonl --by method` is their comparison.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from evaluation.reference import Turn as Scored
from evaluation.reference import reference_scores
from evaluation.statistics.paired import compare
from graph.answered import Answered, parts
from graph.session import SessionTask, run_session
from models.chat import Models
from models.embedded import ADAPTER_VARIABLE, EmbeddedServer
from models.requests import EMBEDDED_BODY, EMBEDDED_MAX_TOKENS
from settings import EMBEDDED, MethodName, ModelSettings, SessionConfig
from state import SessionRecord, Turn
from training.corpus import collection_folder
from training.data import COUNSELOR, examples_of

MEASURES = {"bleu": "BLEU", "chrf": "chrF", "rougeL": "ROUGE-L"}
METHODS: tuple[MethodName, ...] = ("magnet", "single-plan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("team", type=Path, help="adapter that was tuned on plan, picks, drafts and merges, as GGUF")
    parser.add_argument("one", type=Path, help="adapter that was tuned on the merged utterances alone, as GGUF")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sessions")
    parser.add_argument("--sessions", type=int, default=14, help="held-out sessions (14 at most)")
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--every", type=int, default=2, help="answer every so-manieth turn of the held-out sessions")
    args = parser.parse_args()
    lines = (collection_folder("plain") / "test.jsonl").read_text(encoding="utf-8").splitlines()
    held_out = [SessionRecord.model_validate_json(line) for line in lines][: args.sessions]
    with serving(args.one) as single:
        os.environ[ADAPTER_VARIABLE] = str(args.team)
        asyncio.run(study(held_out, settings(single), args))


def serving(adapter: Path) -> EmbeddedServer:
    os.environ[ADAPTER_VARIABLE] = str(adapter)
    server = EmbeddedServer()
    server.start()
    return server


def settings(single: EmbeddedServer) -> dict[str, ModelSettings]:
    """All roles on the embedded model, which has the team's adapter; the one counselor on the other server, sampled alike."""
    body = EMBEDDED_BODY | {"id_slot": 0, "lora": [{"id": 0, "scale": 1.0}]}
    one = ModelSettings(
        model=single.model_name,
        base_url=single.base_url,
        max_tokens=EMBEDDED_MAX_TOKENS[COUNSELOR],
        extra_body=body,
        max_in_flight=1,
    )
    return {"default": ModelSettings(model=EMBEDDED), COUNSELOR: one}


async def study(held_out: list[SessionRecord], roles: dict[str, ModelSettings], args: argparse.Namespace) -> None:
    console = Console(highlight=False)
    models = Models()
    console.print(await answers(models, held_out, roles, args.every))
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "sessions.jsonl").open("w", encoding="utf-8") as file:
        for record in held_out:
            for method in METHODS:
                config = SessionConfig(method=method, max_turns=args.turns, router="rules", seed=1, models=roles)
                one = SessionTask(profile=record.profile, attitude=record.attitude, config=config)
                made = await run_session(one, args.out / method, models)
                file.write(made.model_dump_json() + "\n")
    console.print(f"{len(held_out)} pairs of sessions: python run.py compare {args.out / 'sessions.jsonl'} --by method")
    await models.close()


async def answers(
    models: Models, held_out: Iterable[SessionRecord], roles: dict[str, ModelSettings], every: int
) -> Table:
    """Both counselors' answers to what stands in the held-out sessions, held against the counselor's there."""
    found: dict[str, list[Scored]] = {method: [] for method in METHODS}
    config = SessionConfig(models=roles)

    async def said(item: Answered) -> str:
        return (await models.ask(item.role, config.model_for(item.role), item.messages, seed=1)).text.strip()

    for record in held_out:
        turns = [turn for turn in record.turns if turn.turn % every == 0]
        wanted = {turn.turn for turn in turns}
        by_one = {item.turn: item for item in examples_of(record, [COUNSELOR])}
        drafted = [turn for turn in record.turns if turn.turn not in wanted]
        for turn in turns:
            drafts = {item.role: await said(item) for item in drafts_of(record, turn)}
            drafted.append(with_drafts(turn, drafts))
        drafted.sort(key=lambda turn: turn.turn)
        merges = parts(record.model_copy(update={"turns": tuple(drafted)}))
        merged = {item.turn: item for item in merges if item.role == "merge" and item.turn in wanted}
        for turn in turns:
            if turn.counselor is None:
                continue
            for method, item in zip(METHODS, (merged[turn.turn], by_one[turn.turn]), strict=True):
                found[method].append(Scored(await said(item), turn.counselor.text, record.profile_id))
    return table(found)


def drafts_of(record: SessionRecord, turn: Turn) -> Iterator[Answered]:
    picked = turn.pick.techniques if turn.pick else ()
    yield from (item for item in parts(record) if item.turn == turn.turn and item.role in picked)


def with_drafts(turn: Turn, drafts: dict[str, str]) -> Turn:
    """A turn with what the model drafted in place of what was written."""
    kept = tuple(
        candidate.model_copy(update={"text": drafts[candidate.technique]})
        for candidate in turn.candidates
        if candidate.technique in drafts
    )
    return turn.model_copy(update={"candidates": kept})


def table(found: dict[str, list[Scored]]) -> Table:
    team, one = METHODS
    scores = {method: reference_scores(turns) for method, turns in found.items()}
    shown = Table("", team, one, "difference by client", "p", box=None, pad_edge=False)
    for measure, name in MEASURES.items():
        rows = [
            (method, client, None, None, figures[measure])
            for method, scored in scores.items()
            for client, figures in scored.clients.items()
        ]
        compared = compare(rows, team, one)
        difference = compared.difference
        shown.add_row(
            name,
            *(str(_rounded(scores[method].figures[measure].value)) for method in METHODS),
            f"{_rounded(difference.value)} [{_rounded(difference.low)}, {_rounded(difference.high)}]",
            str(_rounded(compared.test.value, 3)),
        )
    shown.title = f"{len(found[team])} answers to {len(scores[team].clients)} held-out clients"
    return shown


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


if __name__ == "__main__":
    main()
