"""Learns the linear model of the risk check from phrases by kind, and writes its weights.

python -m counseling_sessions.training.risk_words        # after a change of corpus/risk/ or of the corpus

`corpus/risk/` has a file of phrases for each language, and none of the phrases that measure the check. The client messages of
the corpus are harmless ones too. Needs the extra `train`.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from counseling_sessions.nodes.examples import CORPUS
from counseling_sessions.nodes.risk.learned import FILE, HARMLESS, LinearModel, features, length_of
from counseling_sessions.nodes.risk.phrases import LANGUAGES
from counseling_sessions.nodes.risk.spellings import spellings
from counseling_sessions.profiles.library import builtin_ids, load_builtin
from counseling_sessions.profiles.schema import client_form
from counseling_sessions.settings import read_yaml, validation_message
from counseling_sessions.training.corpus import COLLECTIONS, corpus_records
from counseling_sessions.training.errors import WrittenError, training_extra

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


def learn(corpus: Path = CORPUS) -> LinearModel:
    """The model. Raises `WrittenError` and `ProfileError` for a bad file, and `TrainingError` without the training extra."""
    return _fitted(_phrases(corpus) + _harmless(corpus))


def write(model: LinearModel, path: Path) -> None:
    """Write a model's weights, one feature a line, as `nodes.risk.learned` reads them."""
    head = json.dumps({"classes": model.classes, "bias": model.bias})[:-1]
    lines = (f"{json.dumps(name, ensure_ascii=False)}: {list(model.weights[name])}" for name in sorted(model.weights))
    path.write_text(f'{head}, "weights": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8", newline="\n")


def _phrases(corpus: Path) -> Labelled:
    labelled: Labelled = []
    for language in LANGUAGES:
        path = corpus / "risk" / f"{language.lower()}.yaml"
        try:
            read = PhraseFile.model_validate(read_yaml(path))
        except ValidationError as error:
            raise WrittenError(f"{path}: {validation_message(error)}") from None
        labelled += [(_words(text), kind) for kind, texts in read for text in texts]
    return labelled


def _harmless(corpus: Path) -> Labelled:
    """What the corpus's clients say, and the lines of the built-in clients' forms."""
    records = [record for name in COLLECTIONS for _, record in corpus_records(name, corpus)]
    said = [turn.client.text for record in records for turn in record.turns if turn.client]
    lines = [line for name in builtin_ids() for line in client_form(load_builtin(name)).splitlines()]
    return [(_words(text), HARMLESS) for text in dict.fromkeys([*said, *lines])]


def _words(text: str) -> str:
    return spellings(text).exact[0]


def _fitted(labelled: Labelled) -> LinearModel:
    """A logistic regression on features, each text's features together of length one. Weights are whole hundredths."""
    with training_extra():
        import numpy as np
        from scipy.sparse import diags
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression

    texts, classes = zip(*labelled, strict=True)
    vectorizer = CountVectorizer(analyzer=features, binary=True, min_df=2)
    seen = vectorizer.fit_transform(texts)
    lengths = [1 / length_of(features(text)) for text in texts]
    model: Any = LogisticRegression(C=STRENGTH, max_iter=2_000)
    model.fit(diags(lengths) @ seen, classes)
    weights, bias = np.rint(100 * model.coef_).astype(int), np.rint(100 * model.intercept_).astype(int)
    largest = np.argsort(-abs(weights).max(axis=0), kind="stable")[:KEPT]
    names = vectorizer.get_feature_names_out()
    return LinearModel(
        tuple(map(str, model.classes_)),
        tuple(map(int, bias)),
        {str(names[place]): tuple(map(int, weights[:, place])) for place in largest if weights[:, place].any()},
    )


if __name__ == "__main__":
    write(learn(), FILE)
