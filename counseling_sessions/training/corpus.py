"""The corpus: its written sessions become the records that every tool reads, one file a split.

Two collections have the same clients and splits: the corpus itself, and `plain`, short sessions in simple sentences to train the
embedded model.

python -m counseling_sessions.training.corpus        # after a change under corpus/
"""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from counseling_sessions.nodes.examples import CORPUS
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import client_group
from counseling_sessions.training.errors import WrittenError
from counseling_sessions.training.written import read_written

Collection = Literal["corpus", "plain"]
COLLECTIONS: tuple[Collection, ...] = get_args(Collection)
SPLITS = ("train", "validation", "test")


def collection_folder(name: Collection, corpus: Path = CORPUS) -> Path:
    """The folder of a collection's sessions and records. All collections have the corpus's clients and splits."""
    return corpus if name == "corpus" else corpus / name


def corpus_records(name: Collection = "corpus", corpus: Path = CORPUS) -> Iterator[tuple[str, SessionRecord]]:
    """Every written session of a collection as a record, with its split.

    Raises `WrittenError`, `ProfileError` and `SettingsError`.
    """
    held_out = _held_out(corpus / "splits.toml")
    for path in sorted((collection_folder(name, corpus) / "sessions").glob("*.yaml")):
        record = read_written(path, corpus / "clients", name)
        if path.stem != f"{record.profile_id}-{record.attitude}":
            raise WrittenError(f"{path}: should be named {record.profile_id}-{record.attitude}.yaml")
        yield held_out.get(record.profile_id, "train"), record


def build(name: Collection = "corpus", corpus: Path = CORPUS) -> dict[str, int]:
    """Write a collection's records to `train.jsonl`, `validation.jsonl` and `test.jsonl`; returns the count of each split."""
    lines: dict[str, list[str]] = {split: [] for split in SPLITS}
    for split, record in corpus_records(name, corpus):
        lines[split].append(record.model_dump_json() + "\n")
    for split, records in lines.items():
        (collection_folder(name, corpus) / f"{split}.jsonl").write_text(
            "".join(records), encoding="utf-8", newline="\n"
        )
    return {split: len(records) for split, records in lines.items()}


def held_out_clients(corpus: Path = CORPUS) -> dict[str, str]:
    """The split (`validation` or `test`) of every client that the collections hold out, by client group."""
    splits = {}
    for name in COLLECTIONS:
        for split in SPLITS[1:]:
            lines = (collection_folder(name, corpus) / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
            for line in lines:
                splits[client_group(ClientProfile.model_validate(json.loads(line)["profile"]))] = split
    return splits


def _held_out(path: Path) -> dict[str, str]:
    try:
        splits = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WrittenError(f"{path} cannot be read: {error}") from None
    return {client: split for split in SPLITS[1:] for client in splits.get(split, ())}


if __name__ == "__main__":
    for collection in COLLECTIONS:
        print(f"{collection}: " + ", ".join(f"{count} {split}" for split, count in build(collection).items()))
