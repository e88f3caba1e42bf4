"""The coder: behaviour codes for every sentence of a session, by linear models on words and cues.

Our labelled utterances taught it (`training.behaviour_codes`); how far it agrees with people who code, `agreement` says. It knows
English alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.models import FILE, NONE, code_models
from counseling_sessions.evaluation.codes.sentences import Sentence, read_message
from counseling_sessions.evaluation.languages import PIECE, expected, other_language
from counseling_sessions.evaluation.roots import words_of
from counseling_sessions.integrity.linear import LEAST, LinearModel
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

_LANGUAGE = expected("English")


@dataclass(frozen=True, slots=True)
class CodedSentence:
    """A sentence as it stands in the message, its number of words, and its codes, the main one first."""

    text: str
    words: int
    codes: tuple[str, ...]


@dataclass(frozen=True)
class CodedMessage:
    """A message by its sentences; one without a word has none."""

    speaker: Speaker
    sentences: tuple[CodedSentence, ...]

    @property
    def codes(self) -> frozenset[str]:
        """The codes of its sentences."""
        return frozenset(code for one in self.sentences for code in one.codes)


@dataclass(frozen=True)
class CodedSession:
    """The messages of a session, in their order."""

    messages: tuple[CodedMessage, ...]


class Coder:
    """Codes messages of one side; a set of messages at a time is fastest."""

    def __init__(self, models: Sequence[LinearModel]) -> None:
        self.classes = tuple(model.classes for model in models)
        names = sorted({name for model in models for name in model.weights})
        self._place = {self._key(name): place for place, name in enumerate(names, 1)}
        blocks = []
        for model in models:
            nothing = (0,) * len(model.classes)
            blocks.append([nothing, *(model.weights.get(name, nothing) for name in names)])
        self._weights = np.concatenate([np.asarray(block, dtype=np.float32) for block in blocks], axis=1)
        self._bias = np.concatenate([np.asarray(model.bias, dtype=np.float32) for model in models])

    def __call__(self, sentences: Sequence[Sentence]) -> list[tuple[str, ...]]:
        """The most likely class of each model, for every sentence; those that only listen are no different here."""
        if not sentences:
            return []
        sums = self._sums(sentences)
        chosen, start = [], 0
        for classes in self.classes:
            best = sums[:, start : start + len(classes)].argmax(axis=1)
            chosen.append([classes[place] for place in best.tolist()])
            start += len(classes)
        return list(zip(*chosen, strict=True))

    def _sums(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """[sentences, classes of all models], in hundredths, as `LinearModel.probabilities` has them before they become odds."""
        places: list[int] = []
        starts, lengths = [], []
        place = self._place.get
        for sentence in sentences:
            words, cues = sentence.words, sentence.cues
            starts.append(len(places))
            lengths.append(3 * len(words) - 3 + len(cues))
            places.append(0)  # A sum needs something to sum.
            for several in (words, pairwise(words), zip(words, words[1:], words[2:], strict=False), cues):
                places += filter(None, map(place, several))
        sums = np.add.reduceat(self._weights.take(places, axis=0), starts, axis=0)
        length = np.sqrt(np.asarray(lengths) + LEAST).astype(np.float32)
        total: NDArray[np.float32] = self._bias + sums / length[:, None]
        return total

    @staticmethod
    def _key(name: str) -> str | tuple[str, ...]:
        """A feature as it is looked for: a word, a cue, or the words that stand together."""
        return name if name.startswith("=") or " " not in name else tuple(name.split(" "))


@cache
def coders(path: Path = FILE) -> dict[Speaker, Coder]:
    """The coder of each side. Raises `SettingsError` for a file of weights that is none."""
    models = code_models(path)
    return {
        "counselor": Coder([models.counselor]),
        "client": Coder([models.talk, models.disclosure, models.resistance]),
    }


def code_session(session: Session) -> CodedSession | None:
    """The session with its codes; None where it is in another language than English."""
    if not in_english(session):
        return None
    texts = [message.text for message in session.dialogue]
    befores = ["", *texts]
    return CodedSession(
        tuple(
            code_messages([(m.speaker, m.text, before) for m, before in zip(session.dialogue, befores, strict=False)])
        )
    )


def code_messages(said: Sequence[tuple[Speaker, str, str]]) -> list[CodedMessage]:
    """Messages with their codes: of each the speaker, the text, and what the other said just before."""
    read = [read_message(text, before) for _, text, before in said]
    coded = {
        side: iter(
            sentence_codes(
                side, [one for (speaker, *_), part in zip(said, read, strict=True) if speaker == side for one in part]
            )
        )
        for side in get_args(Speaker)
    }
    messages = []
    for (speaker, *_), part in zip(said, read, strict=True):
        sentences = tuple(CodedSentence(one.text, len(one.words) - 2, next(coded[speaker])) for one in part)
        messages.append(CodedMessage(speaker, sentences))
    return messages


def sentence_codes(side: Speaker, sentences: Sequence[Sentence]) -> list[tuple[str, ...]]:
    """The codes of one side's sentences, the main one first."""
    codes_of = _counselor_codes if side == "counselor" else _client_codes
    return list(map(codes_of, sentences, coders()[side](sentences)))


def in_english(session: Session) -> bool:
    """Whether the session is in English, by what it says of itself and by its first words."""
    if session.language and session.language.split()[-1].casefold() != "english":
        return False
    text = " ".join(message.text for message in session.dialogue[:6])
    first = " ".join(words_of(text)[: 3 * PIECE])
    return _LANGUAGE is None or other_language(text, first, _LANGUAGE) is None


def _counselor_codes(sentence: Sentence, classes: tuple[str, ...]) -> tuple[str, ...]:
    return ("facilitate",) if sentence.listens else classes


def _client_codes(sentence: Sentence, classes: tuple[str, ...]) -> tuple[str, ...]:
    talk, discloses, resists = classes
    if sentence.listens:
        return ("neutral",) + ((resists,) if resists in codebook().resistance else ())
    return (talk, *(name for name in (discloses, resists) if name != NONE))
