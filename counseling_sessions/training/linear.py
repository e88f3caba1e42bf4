"""Linear models are learned from features, and their weights are written."""

import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from counseling_sessions.integrity.linear import LinearModel, length_of
from counseling_sessions.training.errors import training_extra


def digest(learned_from: Any) -> str:
    """A digest of what a model learns from, which its file names."""
    return hashlib.sha256(json.dumps(learned_from).encode()).hexdigest()[:16]


def fitted(
    seen: Sequence[Collection[str]], classes: Sequence[str], source: str, *, strength: float, kept: int
) -> LinearModel:
    """A logistic regression on the features of texts, each text's features together of length one. Weights are whole hundredths.

    `strength` is the inverse of the weight of the squared weights; the model keeps so many features, those of the largest
    weights. Of two classes too, each has a weight.
    """
    with training_extra():
        import numpy as np
        from scipy.sparse import diags
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression

    vectorizer = CountVectorizer(analyzer=_as_it_is, min_df=2)
    lengths = [1 / length_of(features) for features in seen]
    model: Any = LogisticRegression(C=strength, max_iter=2_000)
    model.fit(diags(lengths) @ vectorizer.fit_transform(seen), classes)
    exact, start = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # One row of weights, for the second class.
        exact, start = np.vstack([-exact / 2, exact / 2]), np.concatenate([-start / 2, start / 2])
    weights, bias = np.rint(100 * exact).astype(int), np.rint(100 * start).astype(int)
    largest = np.argsort(-abs(weights).max(axis=0), kind="stable")[:kept]
    names = vectorizer.get_feature_names_out()
    return LinearModel(
        source=source,
        classes=tuple(map(str, model.classes_)),
        bias=tuple(map(int, bias)),
        weights={str(names[place]): tuple(map(int, weights[:, place])) for place in largest if weights[:, place].any()},
    )


def as_text(model: LinearModel) -> str:
    """A model as JSON, one feature a line, as `integrity.linear` reads it."""
    head = json.dumps(model.model_dump(exclude={"weights"}))[:-1]
    lines = (f"{json.dumps(name, ensure_ascii=False)}: {list(model.weights[name])}" for name in sorted(model.weights))
    return f'{head}, "weights": {{\n' + ",\n".join(lines) + "\n}}"


def write(text: str, path: Path) -> None:
    """Write a file of weights, the same on every system."""
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _as_it_is(seen: Collection[str]) -> Collection[str]:
    return seen
