"""Learns the linear model of the risk check from phrases by kind, and writes its weights.

python -m counseling_sessions.training.risk_words        # after a change of corpus/risk/ or of the corpus

`corpus/risk/` has a file of phrases for each language, and none of the phrases that measure the check. The client messages of
the corpus are harmless ones too. Needs the extra `train`.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from counseling_sessions.integrity.linear import LinearModel
from counseling_sessions.nodes.examples import CORPUS
from counseling_sessions.nodes.risk.learned import FILE, HARMLESS, features
from counseling_sessions.nodes.risk.phrases import LANGUAGES
from counseling_sessions.nodes.risk.spellings import spellings
from counseling_sessions.profiles.library import builtin_ids, load_builtin
from counseling_sessions.profiles.schema import client_form
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import read_yaml, validation_message
from counseling_sessions.training import linear
from counseling_sessions.training.corpus import COLLECTIONS, SPLITS, collection_folder
from counseling_sessions.training.errors import WrittenError
from counseling_sessions.training.linear import as_text, digest, write

STRENGTH = 10.0
"""How closely the model follows its phrases: the inverse of the weight of the squared weights."""
KEPT = 16_000
"""Features that the model keeps, those of the largest weights."""
Labelled = list[tuple[str, str]]
"""Lower-case words, and the class that they belong to."""


class PhraseFile(BaseModel):
    """The phrases of a language by what they are about: a category of the lists, or nothing of risk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    harmless: tuple[str, ...]
    suicide: tuple[str, ...]
    danger: tuple[str, ...]
    harm_to_others: tuple[str, ...]


def phrases(corpus: Path = CORPUS) -> Labelled:
    """What the model learns from. Raises `WrittenError` for a bad file of phrases, and what reading records raises."""
    labelled = [(_words(text), HARMLESS) for text in dict.fromkeys(_harmless(corpus))]
    for language in LANGUAGES:
        read = _read(corpus / "risk" / f"{language.lower()}.yaml")
        labelled += [(_words(text), kind) for kind, texts in read for text in texts]
    return labelled


def _read(path: Path) -> PhraseFile:
    try:
        return PhraseFile.model_validate(read_yaml(path))
    except ValidationError as error:
        raise WrittenError(f"{path}: {validation_message(error)}") from None


def _harmless(corpus: Path) -> Iterator[str]:
    """What the corpus's clients say, and the lines of the built-in clients' forms."""
    for name in COLLECTIONS:
        for split in SPLITS:
            for line in (
                (collection_folder(name, corpus) / f"{split}.jsonl").read_text(encoding="utf-8").strip().split("\n")
            ):
                record = SessionRecord.model_validate_json(line)
                yield from (turn.client.text for turn in record.turns if turn.client)
    for profile in builtin_ids():
        yield from client_form(load_builtin(profile)).splitlines()


def _words(text: str) -> str:
    return spellings(text).exact[0]


def fitted(labelled: Labelled) -> LinearModel:
    """The model that has learned the phrases."""
    texts, classes = zip(*labelled, strict=True)
    return linear.fitted(list(map(features, texts)), classes, digest(labelled), strength=STRENGTH, kept=KEPT)


if __name__ == "__main__":
    write(as_text(fitted(phrases())), FILE)
