"""Trains an adapter: examples become packs, packs become steps, and the folder gets the adapter with its card.

adapter_model.safetensors, adapter_config.json      the adapter, as peft reads it
training.json                                       its data and recipe, with every step's loss
README.md, curve.png                                the same for people
"""

import hashlib
import json
import platform
import random
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from counseling_sessions.store.atomic import left_behind, write_atomically
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.machine import cores
from counseling_sessions.store.reading import sha256_of
from counseling_sessions.training.base import Base, adapter_model, base_name, load_base
from counseling_sessions.training.card import CARD_DATA, TrainingCard, write_card
from counseling_sessions.training.data import is_as_embedded, read_examples
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.loop import CHECKPOINT, Progress, remove_checkpoint, schedule, train
from counseling_sessions.training.loss import SessionPacks, pack_sessions
from counseling_sessions.training.recipe import Recipe
from counseling_sessions.training.roles import role_names

WEIGHTS = "adapter_model.safetensors"


def train_adapter(
    data: Path,
    out: Path,
    base: str,
    recipe: Recipe,
    *,
    roles: Sequence[str] | None = None,
    offline: bool = False,
    on_stage: Callable[[str], None] = lambda message: None,
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> TrainingCard:
    """Train an adapter on a folder of examples, or go on with a killed run; returns its card.

    Raises `TrainingError`, `ProfileError` for broken examples, `RunError` if another process works in `out`.
    """
    _refuse(out)
    rows = shared_examples(_rows(data / "train.jsonl", roles), recipe)
    validation_file = data / "validation.jsonl"
    learned = [role for role in role_names() if (roles is None or role in roles) and recipe.shares.get(role, 1.0)]
    validation_rows = _rows(validation_file, learned) if validation_file.exists() else []
    on_stage(f"loading {base}")
    loaded = load_base(base, four_bit=recipe.four_bit, offline=offline)
    on_stage(f"packing {len(rows):,} examples")
    packed = pack_sessions(rows, loaded.tokenizer, recipe.max_length, recipe.pack_tokens)
    validation = pack_sessions(validation_rows, loaded.tokenizer, recipe.max_length, recipe.pack_tokens)
    out.mkdir(parents=True, exist_ok=True)
    with Lock(out / "lock"):
        files = {name: data / f"{name}.jsonl" for name in ("train", "validation")}
        hashes = {name: sha256_of(path) if path.exists() else "" for name, path in files.items()}
        fingerprint = _fingerprint(hashes, loaded, recipe, roles)
        model = adapter_model(loaded, recipe)
        on_stage("training")
        steps = schedule(packed, recipe)
        history = train(model, steps, _look_packs(validation, recipe), recipe, out, fingerprint, on_step=on_step)
        model.save_pretrained(str(out), save_embedding_layers=False)  # They are not trained.
        (out / "README.md").unlink(missing_ok=True)  # peft's, which is an empty form
        card = _card(
            loaded,
            packed,
            model,
            data_sha256=hashes,
            roles=sorted({row["role"] for row in rows}),
            as_embedded=is_as_embedded(data),
            recipe=recipe,
            history=history,
        )
        write_card(card, out)
        # Last and atomically: this file says that the adapter is finished.
        write_atomically(out / CARD_DATA, f"{card.model_dump_json(indent=1)}\n".encode())
        remove_checkpoint(out)
    (out / "lock").unlink(missing_ok=True)
    return card


def _refuse(out: Path) -> None:
    """Refuse every folder but a new or empty one, or that of a run that was cut off."""
    if (out / CARD_DATA).exists():
        raise TrainingError(f"{out} holds an adapter already; give another --out")
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out} is a file; give a folder as --out")
    leftovers = {out / "lock", *left_behind(out / CHECKPOINT)}
    if out.exists() and not (out / CHECKPOINT).exists() and set(out.iterdir()) - leftovers:
        raise TrainingError(f"{out} is not empty and holds no run to go on with; give another --out")


def _rows(path: Path, roles: Sequence[str] | None) -> list[dict[str, Any]]:
    return [row for row in read_examples(path) if roles is None or row["role"] in roles]


def shared_examples(rows: list[dict[str, Any]], recipe: Recipe) -> list[dict[str, Any]]:
    """A seeded share of each role's examples. It keeps every session's closing words, which come only once."""
    draw = random.Random(recipe.seed)
    return [row for row in rows if draw.random() < recipe.shares.get(row["role"], 1.0) or row.get("closes")]


def _look_packs(validation: Sequence[SessionPacks], recipe: Recipe) -> list[Any]:
    packs = [pack for session in validation for pack in session.packs]
    random.Random(recipe.seed).shuffle(packs)
    return packs[: recipe.look_packs]


def _fingerprint(hashes: dict[str, str], base: Base, recipe: Recipe, roles: Sequence[str] | None) -> str:
    """A hash of all that must be the same for a run to go on from a checkpoint."""
    parts = [hashes, base.name, base.sha256, recipe.model_dump(mode="json"), sorted(roles) if roles else None]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _card(loaded: Base, packed: Sequence[SessionPacks], model: Any, **fields: Any) -> TrainingCard:
    clients = sorted({session.client for session in packed})
    return TrainingCard(
        base=loaded.name,
        base_name=base_name(loaded),
        base_sha256=loaded.sha256,
        sessions=len(packed),
        clients=len(clients),
        client_groups=clients,
        examples=sum(session.examples for session in packed),
        too_long=sum(session.too_long for session in packed),
        packs=sum(len(session.packs) for session in packed),
        trainable=sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
        machine=_machine(),
        packages={name: version(name) for name in ("torch", "transformers", "peft")},
        **fields,
    )


def _machine() -> str:
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    return f"{cores()} CPU cores ({_processor()}), {torch.get_num_threads()} threads"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
