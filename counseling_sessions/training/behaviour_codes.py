"""Learns the coder of behaviour from labelled utterances, and writes its weights and how far it agrees with the labels.

python -m counseling_sessions.training.behaviour_codes        # after a change of corpus/codes/

`corpus/codes/` has a file for each hand that labelled. One conversation in five is set apart by a hash of its first words: nothing is
learned from it, and agreement is measured on it. Needs the extra `train`.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from counseling_sessions.evaluation.codes.agreement import FILE as AGREEMENT
from counseling_sessions.evaluation.codes.agreement import HeldOut, held_out_agreement
from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.models import FILE, NONE, CodeModels
from counseling_sessions.evaluation.codes.sentences import Sentence, features, pieces, read_message
from counseling_sessions.integrity.linear import LinearModel
from counseling_sessions.nodes.examples import CORPUS
from counseling_sessions.settings import validation_message
from counseling_sessions.state import Speaker
from counseling_sessions.training import linear
from counseling_sessions.training.errors import WrittenError
from counseling_sessions.training.linear import as_text, digest, write

STRENGTH = 30.0
"""How closely the models follow their labels: the inverse of the weight of the squared weights."""
KEPT = 7_000
"""Features that a model keeps, those of the largest weights."""
APART = 5
"""One conversation in so many is set apart."""
LITTLE = 0.05
"""How much a word of a sentence's part counts that only listens, or leans neither way: the other part says what the sentence is."""


class LabelledUtterance(BaseModel):
    """A message with codes for its sentences or clauses, what the other said just before, and the hand that labelled it.

    A line without `before` goes on from the line before it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Speaker
    before: str | None = None
    segments: tuple[tuple[str, tuple[str, ...]], ...]
    hand: str

    @property
    def text(self) -> str:
        """The message."""
        return " ".join(text for text, _ in self.segments)


@dataclass(frozen=True)
class LabelledSentence:
    """A sentence as the coder reads it, its conversation, and its codes, the main one first."""

    side: Speaker
    sentence: Sentence
    codes: tuple[str, ...]
    hand: str
    conversation: str

    @property
    def apart(self) -> bool:
        """Whether it is set apart."""
        return is_apart(self.conversation)


def labelled(corpus: Path = CORPUS) -> list[LabelledUtterance]:
    """All labelled utterances. Raises `WrittenError` for a bad line, or a code that the side does not have."""
    return [one for path in sorted((corpus / "codes").glob("*.jsonl")) for one in _lines(path)]


def is_apart(conversation: str) -> bool:
    """Whether a conversation is set apart: nothing is learned from it."""
    return int(hashlib.sha256(conversation.encode()).hexdigest(), 16) % APART == 0


def in_context(utterances: Sequence[LabelledUtterance]) -> Iterator[tuple[LabelledUtterance, str, str]]:
    """Utterances, each with what the other said just before and with its conversation."""
    conversation = last = ""
    for one in utterances:
        if one.before is not None:
            conversation = f"{one.hand}: {one.text}"
        yield one, last if one.before is None else one.before, conversation
        last = one.text


def sentences_of(utterances: Sequence[LabelledUtterance]) -> Iterator[LabelledSentence]:
    """The sentences of utterances, each with the codes of the parts that it has, the longest part's first."""
    for one, before, conversation in in_context(utterances):
        for sentence, codes in zip(read_message(one.text, before), _aligned(one), strict=True):
            yield LabelledSentence(one.side, sentence, codes, one.hand, conversation)


def source_of(utterances: Sequence[LabelledUtterance]) -> str:
    """A digest of labelled utterances."""
    return digest([one.model_dump() for one in utterances])


def models_of(sentences: Sequence[LabelledSentence], source: str) -> CodeModels:
    """The models that have learned from sentences."""
    fit = partial(linear.fitted, source=source, strength=STRENGTH, kept=KEPT)
    counselor = [one for one in sentences if one.side == "counselor"]
    client = [one for one in sentences if one.side == "client"]
    seen = [features(one.sentence) for one in client]
    return CodeModels(
        counselor=fit([features(one.sentence) for one in counselor], [one.codes[0] for one in counselor]),
        talk=fit(seen, [_chosen(one.codes, ("change", "sustain"), "neutral") for one in client]),
        disclosure=fit(seen, [_chosen(one.codes, ("disclosure",), NONE) for one in client]),
        resistance=fit(seen, [_chosen(one.codes, codebook().resistance, NONE) for one in client]),
    )


def _lines(path: Path) -> Iterator[LabelledUtterance]:
    for number, line in enumerate(path.read_text(encoding="utf-8").strip().split("\n"), 1):
        try:
            one = LabelledUtterance.model_validate_json(line)
        except ValidationError as error:
            raise WrittenError(f"{path}, line {number}: {validation_message(error)}") from None
        if unknown := {code for _, codes in one.segments for code in codes} - {*codebook().of(one.side)}:
            raise WrittenError(f"{path}, line {number}: {', '.join(sorted(unknown))}: no code of the {one.side}")
        yield one


def _aligned(one: LabelledUtterance) -> Iterator[tuple[str, ...]]:
    """The codes of each sentence, by the characters that the labelled parts and the sentence share."""
    spans = zip(_places([text for text, _ in one.segments], one.text), one.segments, strict=True)
    parts = [_Part(*span, codes) for span, (_, codes) in spans]
    for start, end in _places(pieces(one.text), one.text):
        counts: defaultdict[str, float] = defaultdict(float)
        for part in parts:
            shared = min(part.end, end) - max(part.start, start)
            for place, code in enumerate(part.codes if shared > 0 else ()):
                little = LITTLE if code in {"facilitate", "neutral"} else 1.0
                counts[code] += shared * little / (place + 1)
        yield tuple(sorted(counts, key=lambda code: -counts[code]))


@dataclass(frozen=True)
class _Part:
    start: int
    end: int
    codes: tuple[str, ...]


def _places(parts: Sequence[str], text: str) -> Iterator[tuple[int, int]]:
    """Where each part begins and ends in a text that has them in this order."""
    end = 0
    for part in parts:
        start = text.index(part, end)
        end = start + len(part)
        yield start, end


def _chosen(codes: Sequence[str], wanted: Sequence[str], otherwise: str) -> str:
    return next((code for code in codes if code in wanted), otherwise)


def _as_file(models: CodeModels) -> str:
    of: dict[str, LinearModel] = dict(models)
    return "{" + ",\n".join(f'"{name}": {as_text(model)}' for name, model in of.items()) + "}"


def main() -> None:
    """Learn, write the weights, and write how far they agree with the labels that were set apart."""
    utterances = labelled()
    sentences = list(sentences_of(utterances))
    write(_as_file(models_of([one for one in sentences if not one.apart], source_of(utterances))), FILE)
    apart = [HeldOut(one.side, one.sentence, one.codes, one.conversation) for one in sentences if one.apart]
    write(held_out_agreement(apart).model_dump_json(indent=1), AGREEMENT)


if __name__ == "__main__":
    main()
