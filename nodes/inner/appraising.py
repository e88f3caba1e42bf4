"""What a counselor's message is to the client who hears it: read by rules, from signs and from what was said before."""

from collections.abc import Iterator

from counseling_sessions.integrity.signs import read_signs, sentence_with, signs_of
from counseling_sessions.nodes.inner.tables import moves
from counseling_sessions.state import Appraisal, ClientView
from counseling_sessions.texts.questions import asked
from counseling_sessions.texts.telling import telling_words
from counseling_sessions.texts.words import sentences, words

GOOD: frozenset[Appraisal] = frozenset({"understood", "asked_well", "normalized", "gave_choice"})
BAD: frozenset[Appraisal] = frozenset({"pushed", "advised_early", "misnamed_feeling", "lectured", "ignored"})

_LECTURE, _SHORT_LECTURE = 60, 40
"""Words from which on a message is a lecture; the second where it also explains."""
_MANY_QUESTIONS = 3
_UNDERSTOOD_BEFORE = 2
"""Messages that have to be understanding before advice is not early."""
_MUCH = 8
"""Words of an answer from which on a counselor should take something up."""
_GUESS = frozenset({"maybe", "perhaps", "might", "wonder", "guess", "seem", "sound", "or", "could"})


def appraise(view: ClientView) -> tuple[Appraisal, ...]:
    """What the counselor's last message is to the client. `client_states` of the view are those of the turns before."""
    return tuple(dict.fromkeys(_appraisals(view, view.last_of("counselor"), view.last_of("client"))))


def proposes(message: str) -> bool:
    """Whether a message proposes something to do."""
    return bool({"proposal", "advice"} & signs_of(message))


def _appraisals(view: ClientView, message: str, answer: str) -> Iterator[Appraisal]:
    signs, said = signs_of(message), sentences(message)
    questions = [sentence for sentence in said if "?" in sentence]
    statements = " ".join(sentence for sentence in said if "?" not in sentence)
    answered = telling_words(answer)
    took_up = telling_words(statements) & answered
    wrong = _misnamed(view, message)
    understands = not wrong and (len(took_up) >= 3 or bool(took_up and "understanding" in signs))
    if understands:
        yield "understood"
    asks_well = len(questions) == 1 and _asks_well(questions[0], answered, bool(took_up))
    if asks_well:
        yield "asked_well"
    if "normalizing" in signs:
        yield "normalized"
    if "choice" in signs:
        yield "gave_choice"
    yield from _pressures(view, message, answer, len(questions))
    if wrong:
        yield "misnamed_feeling"
    if len(message.split()) > (_SHORT_LECTURE if "lecture" in signs else _LECTURE):
        yield "lectured"
    warm = {"understanding", "normalizing", "choice"} & signs
    passes_by = not (warm or asks_well or telling_words(message) & answered)
    if len(answer.split()) >= _MUCH and passes_by:
        yield "ignored"


def _pressures(view: ClientView, message: str, answer: str, questions: int) -> Iterator[Appraisal]:
    signs = signs_of(message)
    again = proposes(message) and "refusal" in signs_of(answer)
    if ("choice" not in signs and ("advice" in signs or again)) or questions >= _MANY_QUESTIONS:
        yield "pushed"
    understood = sum(
        "understood" in (state.heard if state.reading is None else state.reading) for state in view.client_states
    )
    if proposes(message) and understood < _UNDERSTOOD_BEFORE:
        yield "advised_early"


def _asks_well(question: str, answered: frozenset[str], took_up: bool) -> bool:
    """Whether it is an open question on what was just said."""
    points_back = {"that", "it", "this", "then", "there", "them"} & set(words(question))
    fits = took_up or bool(telling_words(question) & answered) or bool(points_back)
    return asked(question) == "open" and fits and not proposes(question)


def _misnamed(view: ClientView, message: str) -> bool:
    """Whether the message tells the client a feeling that the client has not named. A guess or a question may be wrong."""
    sentence = sentence_with(message, "feeling_named")
    if not sentence or "?" in sentence or _GUESS & set(words(sentence)):
        return False
    sign = next(sign for sign in read_signs("english") if sign.name == "feeling_named")
    named = set(words(" ".join(match[0] for match in sign.pattern.finditer(sentence))))
    heard = set(words(" ".join(view.said_by("client"))))
    return any(named & family and not heard & family for family in moves().feelings)
