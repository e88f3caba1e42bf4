"""The loss of a model on the answers in packs, in total and by role."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from counseling_sessions.training.packing import Pack, pack_examples
from counseling_sessions.training.tokens import tokenize


@dataclass
class Loss:
    """Sums over answer tokens, by role: nats, and the number of tokens."""

    nats: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    tokens: Counter[str] = field(default_factory=Counter)

    @property
    def mean(self) -> float:
        """Nats per answer token."""
        return sum(self.nats.values()) / max(1, sum(self.tokens.values()))

    def by_role(self) -> dict[str, float]:
        """Nats per answer token, role by role."""
        return {role: nats / max(1, self.tokens[role]) for role, nats in sorted(self.nats.items())}


@dataclass
class SessionPacks:
    """The packs of one session. `examples` counts those in the packs, `too_long` those without room for their answer."""

    session_id: str
    client: str
    packs: list[Pack]
    examples: int
    too_long: int


def pack_sessions(
    rows: Iterable[dict[str, Any]],
    tokenizer: Any,
    max_length: int,
    pack_tokens: int,
    roles: Sequence[str] | None = None,
) -> list[SessionPacks]:
    """The examples of a file as packs, session by session, in order; all, or only those of `roles`."""
    by_session: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if roles is None or row["role"] in roles:
            by_session.setdefault(row["session_id"], []).append(row)
    packed = []
    for session_id, examples in by_session.items():
        tokenized = [tokenize(tokenizer, row["role"], row["prompt"], row["completion"], max_length) for row in examples]
        good = [tokens for tokens in tokenized if tokens]
        packs = pack_examples(good, pack_tokens)
        client = str(examples[0].get("client_group", session_id))
        packed.append(SessionPacks(session_id, client, packs, len(good), len(tokenized) - len(good)))
    return packed


def pack_loss(model: Any, pack: Pack) -> torch.Tensor:
    """The sum of nats over a pack's answer tokens, with its gradient."""
    losses, weights = _losses(model, pack)
    return (losses * weights).sum()


def score(model: Any, packs: Iterable[Pack]) -> Loss:
    """The loss of packs without a gradient, in evaluation mode."""
    was_training = model.training
    model.eval()
    total = Loss()
    with torch.no_grad():
        for pack in packs:
            losses, _ = _losses(model, pack)
            for target, nats in zip(pack.targets, losses.tolist(), strict=True):
                total.nats[target.role] += nats * target.weight
                total.tokens[target.role] += target.weight
    model.train(was_training)
    return total


def _losses(model: Any, pack: Pack) -> tuple[torch.Tensor, torch.Tensor]:
    device = model.device
    at = torch.tensor([target.position for target in pack.targets], device=device)
    tokens = torch.tensor([target.token for target in pack.targets], device=device)
    weights = torch.tensor([float(target.weight) for target in pack.targets], device=device)
    logits = model(
        input_ids=torch.tensor([pack.ids], device=device),
        position_ids=torch.tensor([pack.depths], device=device),
        chains=pack.chains,
        logits_to_keep=at,
        use_cache=False,
    ).logits[0]
    return cross_entropy(logits.float(), tokens, reduction="none"), weights
