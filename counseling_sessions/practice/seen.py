"""What a client's message shows to the person who answers it: feelings, disclosure, resistance, doubt, a request, a sign of risk.

It is read by signs and cues in English words (`integrity/signs/practice.yaml`, `cues.yaml`), resistance also by the coder of
behaviour. All of them read forms of speech: irony and unusual wording escape them. `docs/practice.md` has figures.
"""

from typing import Literal

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.models import likely_codes
from counseling_sessions.integrity.signs import READ, sentence_with, signs_of
from counseling_sessions.nodes.answers import quoted
from counseling_sessions.nodes.risk import find_listed
from counseling_sessions.practice.cues import feelings_in, moments_in, questions_in
from counseling_sessions.practice.labels import is_push
from counseling_sessions.state import FrozenData
from counseling_sessions.texts.words import sentences, words

LIKELY, LIKELY_PUSHED = 0.6, 0.25
"""How likely the coder has to hold resistance in a sentence, 0 to 1; the second where the counselor has pushed.

Chosen on the messages of corpus/codes that it did not learn from (`benchmarks/practice.py`): after a push half of what resists is
seen so, and five in six of what is seen resist; elsewhere one in seven, and three in five.
"""
FEW = 5
"""Words from which on the coder can tell resistance by a sentence itself."""
Showing = Literal[
    "risk", "disclosure", "feeling", "resistance", "torn", "asks_help", "asks_why", "blames_itself", "gain", "wish", "thought"
]  # fmt: skip
"""What a message can show, what weighs most first."""
_SIGNS = "practice"
_NAMED: dict[Showing, tuple[tuple[str, str], ...]] = {
    "torn": (("torn", _SIGNS),),
    "asks_help": (("asks_help", _SIGNS),),
    "asks_why": (("asks_why", _SIGNS),),
    "blames_itself": (("blames_itself", _SIGNS),),
    "gain": (("insight", "english"), ("tried", "english"), ("commitment", "english")),
    "wish": (("wish", "english"),),
    "thought": (("tells_thought", _SIGNS),),
}
"""What is shown by signs alone: the signs with their lists."""
_GAINS = frozenset({"insight", "tried", "commitment"})


class Seen(FrozenData):
    """One thing that a client's message shows, and the client's words that show it, short enough to be quoted.

    `gain`: the client has found, tried or promised something. `feeling` is the kind of feeling; empty for all else.
    """

    kind: Showing
    words: str
    feeling: str = ""


def seen_in(said: str, before: str = "") -> tuple[Seen, ...]:
    """What a client's message shows, what weighs most first; `before` is the counselor's message that it answers.

    Only as much is read as signs read. A list that cannot be read counts as a risk, as everywhere.
    """
    said, before = said[:READ], before[:READ]
    seen = [Seen(kind="risk", words=quoted(said))] if find_listed(said, asked=before) else []
    moments = moments_in(said)
    seen += [Seen(kind="disclosure", words=quoted(one.sentence)) for one in moments if one.kind == "disclosure"][:1]
    feelings = [one for one in moments if one.kind != "disclosure"]
    seen += [Seen(kind="feeling", words=quoted(one.sentence), feeling=one.kind) for one in feelings][:1]
    if against := resistance_in(said, before):
        seen.append(Seen(kind="resistance", words=quoted(against)))
    for kind, signs in _NAMED.items():
        if kind == "gain" and "to_the_counselor" in signs_of(said, _SIGNS):
            continue
        if sentence := next(filter(None, (sentence_with(said, name, listed) for name, listed in signs)), ""):
            seen.append(Seen(kind=kind, words=quoted(sentence)))
    return tuple(seen)


def resistance_in(said: str, before: str = "") -> str:
    """The words with which a client's message holds against the counselor's message before it; empty where it does not.

    Signs of it count, some only as an answer to a push or to an open question; so does what the coder takes for it.
    """
    said, before = said[:READ], before[:READ]
    said_here = signs_of(said, _SIGNS)
    if "resists" in said_here:
        return sentence_with(said, "resists", _SIGNS)
    pushed = is_push(before)
    if pushed and {"yes_but", "plays_along"} & said_here:
        return said
    asked = questions_in(before)
    if "shuts_down" in said_here and asked.open and not asked.closed and len(sentences(said)) == 1:
        return said
    resists = codebook().resistance
    likely = ((sum(one.codes[code] for code in resists), one.text) for one in likely_codes("client", said, before))
    share, sentence = max(likely, default=(0.0, ""))
    # A feeling that is told is no resistance, nor is a promise; and a few words are some only against a push.
    is_plain = (pushed or len(words(sentence)) >= FEW) and not (feelings_in(sentence) or _GAINS & signs_of(sentence))
    return sentence if is_plain and share >= (LIKELY_PUSHED if pushed else LIKELY) else ""
