"""The corpus: its written sessions become the records that every tool reads, one file a split.

python -m training.corpus        # after a change under corpus/sessions, corpus/clients or corpus/splits.toml
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from state import SessionRecord
from training.errors import WrittenError
from training.written import read_written

CORPUS = Path(__file__).parents[1] / "corpus"
SPLITS = ("train", "validation", "test")


def corpus_records(folder: Path = CORPUS) -> Iterator[tuple[str, SessionRecord]]:
    """Every written session of a corpus as a record, with its split. Raises `WrittenError`, `ProfileError`,
    `SettingsError`."""
    held_out = _held_out(folder / "splits.toml")
    for path in sorted((folder / "sessions").glob("*.yaml")):
        record = read_written(path, folder / "clients")
        if path.stem != f"{record.profile_id}-{record.attitude}":
            raise WrittenError(f"{path}: should be named {record.profile_id}-{record.attitude}.yaml")
        yield held_out.get(record.profile_id, "train"), record


def build(folder: Path = CORPUS) -> dict[str, int]:
    """Write the records of a corpus, `train.jsonl`, `validation.jsonl` and `test.jsonl`; returns how many each has."""
    lines: dict[str, list[str]] = {split: [] for split in SPLITS}
    for split, record in corpus_records(folder):
        lines[split].append(record.model_dump_json() + "\n")
    for split, records in lines.items():
        (folder / f"{split}.jsonl").write_text("".join(records), encoding="utf-8")
    return {split: len(records) for split, records in lines.items()}


def _held_out(path: Path) -> dict[str, str]:
    try:
        splits = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WrittenError(f"{path} cannot be read: {error}") from None
    return {client: split for split in SPLITS[1:] for client in splits.get(split, ())}


if __name__ == "__main__":
    print(", ".join(f"{count} {split}" for split, count in build().items()))
