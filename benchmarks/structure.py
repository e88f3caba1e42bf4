"""The paper's question in miniature: does a team of specialists counsel better than one counselor, of the same small model?

    python run.py train data corpus/plain --out sft/ --roles all,counselor
    python run.py train lora sft/ --out one/ --roles counselor --epochs 2.18            (as many tokens as the team had)
    python run.py train export one/ --gguf one.gguf
    python benchmarks/structure.py TEAM.gguf ONE.gguf --out FOLDER [--sessions 14] [--turns 10] [--every 2]

Both have the same base, the same sessions and the same number of tokens to learn from. The team was tuned on plan, picks, drafts,
merges and the client's replies, the one counselor on the merged utterances alone. Clients are those of the test split.

First, every `--every`-th turn of the held-out sessions is answered by both, on the words and the plan that stand there, and
compared with what the counselor says there. Then whole sessions are run that begin as those did, with their plan and their first
words; both counselors meet the client of the team's adapter. `python run.py compare FOLDER/sessions.jsonl --by method` is their
comparison.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from counseling_sessions.evaluation.reference import Turn as Scored
from counseling_sessions.evaluation.reference import reference_scores
from counseling_sessions.evaluation.statistics.paired import compare
from counseling_sessions.graph.fork import fork_head, fork_task, run_fork
from counseling_sessions.ladder.models import EmbeddedModel, embedded_model, sizes
from counseling_sessions.models.chat import Models
from counseling_sessions.models.embedded import ADAPTER_VARIABLE, EmbeddedServer
from counseling_sessions.nodes.router import router
from counseling_sessions.nodes.single import single
from counseling_sessions.nodes.specialist import specialist
from counseling_sessions.sessions.record import SessionRecord, Turn
from counseling_sessions.settings import (
    MethodName,
    ModelSettings,
    SessionConfig,
)
from counseling_sessions.state import Candidate, CounselorView, Pick
from counseling_sessions.training.corpus import collection_folder
from counseling_sessions.training.roles import COUNSELOR

MEASURES = {"bleu": "BLEU", "chrf": "chrF", "rougeL": "ROUGE-L"}
METHODS: tuple[MethodName, ...] = ("magnet", "single-plan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("team", type=Path, help="adapter that was tuned on plan, picks, drafts and merges, as GGUF")
    parser.add_argument("one", type=Path, help="adapter that was tuned on the merged utterances alone, as GGUF")
    parser.add_argument("--size", choices=sizes(), default=sizes()[-1], help="of the embedded model, the base of both")
    parser.add_argument("--out", type=Path, required=True, help="a new folder for the sessions")
    parser.add_argument("--sessions", type=int, default=14, help="held-out sessions (14 at most)")
    parser.add_argument("--turns", type=int, default=10, help="of a whole session, at most (0: no whole sessions)")
    parser.add_argument("--every", type=int, default=2, help="answer every n-th turn of the held-out sessions")
    parser.add_argument("--router", choices=("rules", "llm"), default="rules", help="who picks for the team")
    args = parser.parse_args()
    if args.out.exists() and any(args.out.iterdir()):
        parser.error(f"{args.out} is not empty")
    lines = (collection_folder("plain") / "test.jsonl").read_text(encoding="utf-8").splitlines()
    held_out = [SessionRecord.model_validate_json(line) for line in lines][: args.sessions]
    args.base = embedded_model(f"embedded-{args.size}")
    with serving(args.one, args.base) as single_server:
        os.environ[ADAPTER_VARIABLE] = str(args.team)
        asyncio.run(study(held_out, settings(single_server), args))


def serving(adapter: Path, base: EmbeddedModel) -> EmbeddedServer:
    os.environ[ADAPTER_VARIABLE] = str(adapter)
    server = EmbeddedServer(base)
    server.start()
    return server


def settings(server: EmbeddedServer) -> dict[str, ModelSettings]:
    """All roles on the embedded model, which has the team's adapter; the one counselor on the other server, sampled alike."""
    one = ModelSettings(
        model=server.model.name,
        base_url=server.base_url,
        temperature=server.model.temperature,
        max_tokens=server.model.max_tokens[COUNSELOR],
        extra_body=server.model.body | {"id_slot": 0, "lora": [{"id": 0, "scale": 1.0}]},
        max_in_flight=1,
    )
    return {"default": ModelSettings(model=server.model.model_name()), COUNSELOR: one}


def asked(args: argparse.Namespace, method: MethodName) -> dict[str, Any]:
    """A method as the embedded model is asked, but for who picks."""
    session = {name: value for name, value in args.base.session.items() if name != "max_turns"}
    return session | {"method": method, "router": args.router}


async def study(held_out: list[SessionRecord], roles: dict[str, ModelSettings], args: argparse.Namespace) -> None:
    console = Console(highlight=False)
    models = Models()
    console.print(await answers(models, held_out, roles, args))
    if args.turns:
        await whole_sessions(models, held_out, roles, args)
        console.print(
            f"{len(held_out)} pairs of sessions: python run.py compare {args.out / 'sessions.jsonl'} --by method"
        )
    await models.close()


async def whole_sessions(
    models: Models, held_out: Iterable[SessionRecord], roles: dict[str, ModelSettings], args: argparse.Namespace
) -> None:
    """Two sessions with each held-out client, one of either counselor, after the same plan and the same first words."""
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "sessions.jsonl").open("w", encoding="utf-8") as file:
        for record in held_out:
            for method in METHODS:
                config = SessionConfig(max_turns=args.turns, models=roles, **asked(args, method))
                head = fork_head(fork_task(record, 1, config, seed=1))
                made = await run_fork(head, args.out / method, models)
                file.write(made.model_dump_json() + "\n")
                file.flush()


async def answers(
    models: Models, held_out: Iterable[SessionRecord], roles: dict[str, ModelSettings], args: argparse.Namespace
) -> Table:
    """Both counselors' answers to what stands in the held-out sessions, held against the counselor's there."""
    found: dict[str, list[Scored]] = {method: [] for method in METHODS}
    for record in held_out:
        longest = SessionConfig.model_validate(record.configuration).max_turns
        team, one = (
            SessionConfig(max_turns=longest, seed=1, models=roles, **asked(args, method)) for method in METHODS
        )
        for turn in record.turns:
            if turn.turn % args.every or turn.counselor is None:
                continue
            view = before(record, turn)
            said = await by_team(models, view, team), text(await single(models, view, one))
            if not all(said):
                continue  # what one of them could not say is compared for neither
            for method, words in zip(METHODS, said, strict=True):
                found[method].append(Scored(words, turn.counselor.text, record.profile_id))
    return table(found)


def before(record: SessionRecord, turn: Turn) -> CounselorView:
    """What the counselor's side knows when a turn begins."""
    past = [one for one in record.turns if one.turn < turn.turn]
    return CounselorView.of(
        record.profile,
        session_id=record.session_id,
        plan=record.plan,
        utterances=tuple(said for said in record.dialogue if said.turn < turn.turn),
        picks=tuple(one.pick for one in past if one.pick),
    )


async def by_team(models: Models, view: CounselorView, config: SessionConfig) -> str:
    """A turn of the team: pick, drafts, merge."""
    picked = Pick.model_validate((await router(models, view, config))["picks"][0])
    view = view.model_copy(update={"picks": (*view.picks, picked)})
    drafted = [await specialist(models, view, config, technique) for technique in picked.techniques]
    candidates = tuple(Candidate.model_validate(draft["candidates"][0]) for draft in drafted)
    return text(await router(models, view.model_copy(update={"candidates": candidates}), config))


def text(update: dict[str, Any]) -> str:
    """What a node has said; nothing where it could not."""
    said = update.get("utterances") or [{"text": ""}]
    return str(said[0]["text"])


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
