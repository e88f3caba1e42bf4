"""The coder's linear models, and how likely they hold each code of a sentence. It needs no further library, unlike the fast `coder`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from counseling_sessions.evaluation.codes.sentences import features, read_message
from counseling_sessions.integrity.linear import LinearModel, read_weights
from counseling_sessions.state import Speaker

FILE = Path(__file__).with_name("weights.json")
NONE = "none"
"""The class of a client's sentence that tells nothing new, or does not resist."""


class CodeModels(BaseModel):
    """The models, one for each choice. A counselor's sentence has one code; a client's has one kind of talk (change, sustain,
    neutral), and may disclose and resist besides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    counselor: LinearModel
    talk: LinearModel
    disclosure: LinearModel
    resistance: LinearModel


@dataclass(frozen=True)
class LikelySentence:
    """A sentence as it stands in its message, and how likely each code is: 0 to 1, those of one choice together 1."""

    text: str
    codes: Mapping[str, float]


@cache
def code_models(path: Path = FILE) -> CodeModels:
    """The models of a file. Raises `SettingsError` for a file that is none."""
    return read_weights(path, CodeModels)


def likely_codes(side: Speaker, text: str, before: str) -> list[LikelySentence]:
    """How likely each code of one side is, sentence by sentence; `before` is what the other said just before.

    A counselor's sentence that only listens is `facilitate` for sure. Takes time linear in the text.
    """
    models = code_models()
    choices = (models.counselor,) if side == "counselor" else (models.talk, models.disclosure, models.resistance)
    likely = []
    for sentence in read_message(text, before):
        seen = features(sentence)
        codes = {code: share for model in choices for code, share in model.probabilities(seen).items() if code != NONE}
        if side == "counselor" and sentence.listens:
            codes = {"facilitate": 1.0}
        likely.append(LikelySentence(sentence.text, codes))
    return likely
