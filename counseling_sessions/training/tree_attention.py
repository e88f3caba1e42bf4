"""Attention in a packed tree: every chain of a pack attends to its ancestors and, causally, to itself.

transformers knows it as `tree`. A model with this attention takes one pack at a time, with its chains as the keyword `chains` of
the forward call. It computes nothing that a mask would discard.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.packing import Chain

NAME = "tree"


def tree_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    chains: Sequence[Chain] | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **unused: Any,
) -> tuple[Tensor, None]:
    """Query (1, heads, tokens, width), key and value with as many heads or a divisor of it; gives (1, tokens, heads, width).

    Raises `TrainingError` for a base with another kind of attention.
    """
    chains = chains or [Chain(0, query.shape[2], ())]
    if softcap is not None or s_aux is not None:
        raise TrainingError("this base caps its attention, or has sinks in it; take another base")
    longest = max(chain.stop - chain.start + sum(stop - start for start, stop in chain.prefix) for chain in chains)
    if sliding_window is not None and longest > sliding_window:
        raise TrainingError(
            f"this base attends to {sliding_window:,} tokens at most, and an example has {longest:,}; give a smaller --max-length"
        )
    parts = []
    for chain in chains:
        run = slice(chain.start, chain.stop)
        ranges = [*(slice(*ends) for ends in chain.prefix), run]
        keys = torch.cat([key[:, :, part] for part in ranges], dim=2) if chain.prefix else key[:, :, run]
        values = torch.cat([value[:, :, part] for part in ranges], dim=2) if chain.prefix else value[:, :, run]
        length, width = chain.stop - chain.start, keys.shape[2]
        mask = None
        if chain.prefix and length > 1:
            mask = torch.ones(length, width, dtype=torch.bool, device=query.device).tril(width - length)
        parts.append(
            scaled_dot_product_attention(
                query[:, :, run],
                keys,
                values,
                attn_mask=mask,
                is_causal=not chain.prefix,
                scale=scaling,
                dropout_p=dropout if module.training else 0.0,
                enable_gqa=True,
            )
        )
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


def _no_mask(*args: Any, **kwargs: Any) -> None:
    return None


def register() -> None:
    """Register the attention with transformers; a second call changes nothing."""
    AttentionInterface.register(NAME, tree_attention)
    AttentionMaskInterface.register(NAME, _no_mask)
