"""What a counselor's message does, by the coder of behaviour: labels with how likely they are, and none where it is unsure."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.models import LikelySentence, likely_codes
from counseling_sessions.evaluation.talk import is_proposal
from counseling_sessions.integrity.signs import READ
from counseling_sessions.nodes.inner import appraising
from counseling_sessions.settings import read_yaml
from counseling_sessions.state import FrozenData
from counseling_sessions.texts.words import sentences

FILE = Path(__file__).with_name("labels.yaml")
LabelName = Literal[
    "question", "reflection", "normalizing", "information", "advice", "affirmation", "agenda", "confrontation"
]
"""What a sentence of a counselor's can be labelled."""
Likelihood = Annotated[float, Field(ge=0, le=1)]


class Label(FrozenData):
    """A label of a message, how likely it is (0 to 1), whether that is more than likely (`sure`), and the sentence that has it most
    clearly.

    `kind` is the code within the label where that is as clear, such as `question_open`; else it is empty. `title` is for people.
    """

    name: LabelName
    title: str
    likely: Likelihood
    sure: bool
    sentence: str
    kind: str = ""


def labels_of(said: str, before: str = "") -> tuple[Label, ...]:
    """The labels of a counselor's message, the likeliest first; `before` is the client's message that it answers.

    A label that is less likely than its threshold is not said. English alone is read, and only as much as signs read.
    """
    best: dict[str, Label] = {}
    for sentence in likely_codes("counselor", said[:READ], before[:READ]):
        for label in _of_sentence(sentence):
            if label.name not in best or best[label.name].likely < label.likely:
                best[label.name] = label
    return tuple(sorted(best.values(), key=lambda label: -label.likely))


def techniques_of(said: str, before: str = "") -> tuple[str, ...]:
    """The techniques that the labels of a counselor's message stand for, as `labels_of` reads it."""
    names = (_labels().labels[label.name].technique for label in labels_of(said, before))
    return tuple(dict.fromkeys(filter(None, names)))


def is_push(said: str) -> bool:
    """Whether a counselor's message proposes that the client do something, or argues."""
    return _proposes(said) or any(label.name in ("advice", "confrontation") for label in labels_of(said))


def _proposes(said: str) -> bool:
    return appraising.proposes(said) or any(map(is_proposal, sentences(said.replace("’", "'"))))


def _of_sentence(sentence: LikelySentence) -> list[Label]:
    labels, plain = [], sentence.text.replace("’", "'")
    for name, rule in _labels().labels.items():
        if any(form.search(plain) for form in rule.clear_forms):
            likely = max(sum(sentence.codes.get(code, 0.0) for code in rule.codes), rule.by_form)
            return [_label(name, min(likely, 1.0), sentence.text, rule.codes[0])]
        shares = {code: sentence.codes.get(code, 0.0) for code in rule.codes}
        likely = min(sum(shares.values()), 1.0)
        if likely >= rule.least or (likely >= rule.hinted and _has_form(name, rule, sentence.text)):
            kind = max(shares, key=shares.__getitem__)
            is_clear = len(shares) > 1 and shares[kind] >= max(rule.least, _labels().clear * likely)
            labels.append(_label(name, likely, sentence.text, kind if is_clear else ""))
    return labels


def _label(name: LabelName, likely: float, sentence: str, kind: str) -> Label:
    title = codebook().counselor[kind].title if kind else _labels().labels[name].title
    sure = likely >= _labels().sure
    return Label(name=name, title=title, likely=round(likely, 3), sure=sure, sentence=sentence, kind=kind)


def _has_form(name: LabelName, rule: "_Rule", text: str) -> bool:
    plain = text.replace("’", "'")
    return any(form.search(plain) for form in rule.forms) or (name == "advice" and _proposes(text))


def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(form, re.IGNORECASE)


_Form = Annotated[re.Pattern[str], BeforeValidator(_compiled)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    codes: tuple[str, ...]
    least: Likelihood
    technique: str = ""
    hinted: Likelihood = 1.0
    by_form: Likelihood = 0.0
    forms: tuple[_Form, ...] = ()
    clear_forms: tuple[_Form, ...] = ()


class _Labels(BaseModel):
    """The labels of the file, compiled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: dict[LabelName, _Rule]
    sure: Likelihood
    clear: Likelihood


@cache
def _labels() -> _Labels:
    return _Labels.model_validate(read_yaml(FILE))
