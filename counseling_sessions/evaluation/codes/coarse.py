"""A message's codes as the one coarse code that experts give it, by which coder and experts are compared."""

from collections import Counter
from collections.abc import Sequence

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.coder import CodedMessage
from counseling_sessions.state import Speaker

COARSE: dict[Speaker, tuple[str, ...]] = {
    "counselor": ("question", "reflection", "input", "other"),
    "client": ("change", "sustain", "neutral"),
}
"""The coarse codes of each side, those first that go before the others."""
LONG = 25
"""Words from which on information or advice is what a message is about, though a question ends it."""


def coarse_code(message: CodedMessage) -> str:
    """The coarse code of a message.

    A counselor's question goes before a reflection, that before information and advice, unless these are long and longer than
    what is reflected. Of a client's change and sustain talk the longer one counts. (Chosen on the half of AnnoMI that
    nothing is reported of.)
    """
    book = codebook().of(message.speaker)
    words: Counter[str] = Counter()
    for sentence in message.sentences:
        if group := book[sentence.codes[0]].group:
            words[group] += sentence.words
    if message.speaker == "client":
        return (
            "neutral"
            if not words["change"] and not words["sustain"]
            else max(("change", "sustain"), key=words.__getitem__)
        )
    if words["input"] >= LONG and words["input"] > words["reflection"]:
        return "input"
    return next((group for group in COARSE["counselor"] if words[group]), "other")


def coarse_code_of(side: Speaker, codes: Sequence[str], words: int) -> str:
    """The coarse code of a message of which its codes are known, the one that most of it is about first, and its number of words.

    As `coarse_code`, with the order of the codes in place of the lengths of sentences. No codes are other, or neutral.
    """
    book = codebook().of(side)
    groups = [group for code in codes if (group := book[code].group)]
    if side == "client":
        return next((group for group in groups if group != "neutral"), "neutral")
    if groups and groups[0] == "input" and words >= LONG:
        return "input"
    return next((group for group in COARSE["counselor"] if group in groups), "other")
