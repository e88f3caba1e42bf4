"""Fine-tuning data made in a test: records written into a file, and the examples that come out of it."""

import json
from pathlib import Path
from typing import Any

from counseling_sessions.generation.exports import Splits
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.training.data import DataReport, prepare
from counseling_sessions.training.roles import chosen_roles


def written(path: Path, *records: SessionRecord) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(record.model_dump_json() + "\n" for record in records), encoding="utf-8")
    return path


def made(source: Path, out: Path, roles: str = "all", **options: Any) -> DataReport:
    """Examples of a source, all of them for training unless told otherwise."""
    return prepare([source], out, chosen_roles(roles), **({"splits": Splits(train=1, validation=0, test=0)} | options))


def lines(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def text_of(row: dict[str, Any]) -> str:
    return "\n".join(message["content"] for message in row["prompt"])
