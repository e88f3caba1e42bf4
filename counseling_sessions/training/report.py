"""How well an adapter predicts held-out answers: nats per token and perplexity by role, against its base or another adapter."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure
from counseling_sessions.store.reading import open_plain, read_lines
from counseling_sessions.training.base import load_adapter, load_base, use_adapter
from counseling_sessions.training.card import read_card
from counseling_sessions.training.corpus import COLLECTIONS, SPLITS, collection_folder
from counseling_sessions.training.data import example_rows, read_examples
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.loss import Loss, SessionPacks, pack_sessions, score
from counseling_sessions.training.roles import chosen_roles, role_names
from counseling_sessions.training.sources import Source, read_sources

ALL_ROLES = "all"
BASE = "base"


class RoleReport(BaseModel):
    """One role, or all: answer tokens, nats per token of both, and the mean difference over sessions with its interval."""

    model_config = ConfigDict(extra="forbid")

    role: str
    tokens: int
    sessions: int
    clients: int
    adapter: float
    against: float
    difference: float | None
    low: float | None
    high: float | None

    @property
    def perplexity(self) -> float:
        return math.exp(self.adapter)

    @property
    def perplexity_against(self) -> float:
        return math.exp(self.against)


class Report(BaseModel):
    """An adapter against another one, or the base, on the same examples.

    `clients_trained_on` counts their clients that are also in an adapter's training data.
    """

    model_config = ConfigDict(extra="forbid")

    adapter: str
    against: str
    on: str
    roles: list[RoleReport]
    too_long: int = 0
    clients_trained_on: int = 0


def compare_adapters(
    adapter: Path, against: str, on: str, *, roles: Sequence[str] | None = None, sessions: int | None = None
) -> Report:
    """Score both on held-out examples.

    `on` is `corpus:test` or `plain:test` (or another split), a file of examples, or sessions of any kind.
    Raises `TrainingError`, and `ProfileError` for unreadable examples.
    """
    card = read_card(adapter)
    other_card = None if against == BASE else read_card(Path(against))
    if other_card and other_card.base != card.base:
        raise TrainingError(f"{against} is an adapter for another base; only adapters of one base can be compared")
    recipe = card.recipe
    base = load_base(card.base)
    # The default is the adapter's roles. Older cards have none, and mean all but the baselines' counselor.
    roles = roles or card.roles or chosen_roles("all")
    rows = _rows(on, card.as_embedded)
    packed = pack_sessions(rows, base.tokenizer, recipe.max_length, recipe.pack_tokens, roles)[:sessions]
    if not any(session.packs for session in packed):
        long = f" of at most {recipe.max_length:,} tokens" if packed else ""
        raise TrainingError(f"{on} has no example of these roles{long}")
    before = None if other_card else _losses(base.model, packed)
    model = load_adapter(base, adapter)
    losses = _losses(model, packed)
    if other_card:
        use_adapter(model, Path(against))
    others = before or _losses(model, packed)
    trained_on = {*card.client_groups, *(other_card.client_groups if other_card else ())}
    names = [role for role in role_names() if any(role in loss.nats for loss in losses)]
    return Report(
        adapter=str(adapter),
        against=against,
        on=on,
        roles=[_role(role, packed, losses, others) for role in [*names, ALL_ROLES]],
        too_long=sum(session.too_long for session in packed),
        clients_trained_on=len({session.client for session in packed} & trained_on),
    )


def table(report: Report) -> Table:
    """The report as a table for a terminal."""
    shown = Table(
        "role",
        title=f"{report.adapter} against {report.against} on {report.on}",
        box=None,
        pad_edge=False,
        title_justify="left",
    )
    for name in ("tokens", "perplexity", "against", "nats less a token"):
        shown.add_column(name, justify="right")
    for row in report.roles:
        interval = "" if row.low is None or row.high is None else f" [{-row.high:.2f}, {-row.low:.2f}]"
        gain = "–" if row.difference is None else f"{-row.difference:.2f}{interval}"
        shown.add_row(
            row.role,
            f"{row.tokens:,}",
            f"{row.perplexity:.1f}",
            f"{row.perplexity_against:.1f}",
            gain,
            style="bold" if row.role == ALL_ROLES else "",
        )
    last = report.roles[-1]
    lines = [f"{last.sessions} sessions of {last.clients} clients; in brackets 95 % intervals over clients"]
    if report.clients_trained_on:
        lines.append(f"NOT HELD OUT: {report.clients_trained_on} of these clients in the training data")
    if report.too_long:
        lines.append(f"{report.too_long} examples were too long and are left out")
    shown.caption = "\n".join(lines)
    return shown


def _rows(on: str, as_embedded: bool) -> Iterable[dict[str, Any]]:
    name, _, split = on.partition(":")
    if name in COLLECTIONS and split:
        if split not in SPLITS:
            raise TrainingError(f"{name} has no split {split!r}; it has {', '.join(SPLITS)}")
        return _rows_of(collection_folder(name) / f"{split}.jsonl", as_embedded)
    path = Path(on)
    if path.is_file() and path.suffix == ".jsonl" and '"completion"' in _first_line(path):
        return read_examples(path)
    return _rows_of(path, as_embedded)


def _rows_of(path: Path, as_embedded: bool) -> Iterable[dict[str, Any]]:
    """The examples of sessions, with today's prompts of the kind that the adapter was trained with."""
    for source in read_sources(path):
        if not isinstance(source, Source):
            raise TrainingError(str(source))
        yield from example_rows(source, role_names(), as_embedded=as_embedded)


def _first_line(path: Path) -> str:
    with open_plain(path) as lines:
        return next(read_lines(lines), b"").decode(errors="replace")


def _losses(model: Any, packed: Sequence[SessionPacks]) -> list[Loss]:
    return [score(model, session.packs) for session in packed]


def _role(role: str, packed: Sequence[SessionPacks], losses: Sequence[Loss], others: Sequence[Loss]) -> RoleReport:
    rows = [
        (session.client, *_nats(role, mine), *_nats(role, theirs))
        for session, mine, theirs in zip(packed, losses, others, strict=True)
    ]
    rows = [row for row in rows if row[2]]
    tokens = sum(row[2] for row in rows)
    difference: Figure = mean_figure((client, mine / count - theirs / count) for client, mine, count, theirs, _ in rows)
    return RoleReport(
        role=role,
        tokens=tokens,
        sessions=len(rows),
        clients=difference.clients,
        adapter=sum(row[1] for row in rows) / max(1, tokens),
        against=sum(row[3] for row in rows) / max(1, tokens),
        difference=difference.value,
        low=difference.low,
        high=difference.high,
    )


def _nats(role: str, loss: Loss) -> tuple[float, int]:
    if role == ALL_ROLES:
        return sum(loss.nats.values()), sum(loss.tokens.values())
    return loss.nats.get(role, 0.0), loss.tokens.get(role, 0)
