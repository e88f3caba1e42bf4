"""What a client's answer comes to: read by the signs in it and in the counselor's message that it answers."""

from dataclasses import dataclass
from functools import lru_cache

from counseling_sessions.integrity.signs import sentence_with, signs_of
from counseling_sessions.texts.questions import asked, asks_last
from counseling_sessions.texts.words import words

TOPICS = ("situation", "thought", "feeling", "consequence")
"""What exploring is after."""
SUBSTANCE = 2
"""What an answer is worth in which something was tried, found or promised; one that only tells is worth 1."""
_TELLING = 4
"""Words from which an answer tells something."""
_QUOTED = 80
"""Characters of a quotation at most."""
_OUTCOMES = {"tried": "something was tried", "insight": "something was found", "commitment": "something was agreed"}


@dataclass(frozen=True)
class Answer:
    """A client's answer. Texts are quotations or empty.

    `topics` are those of `TOPICS` that it tells of; `substance` is 0 to 2. `outcome` says in words what came of it. `focus` is what the
    answer says to a counselor who asked what the hour is for; `wish` is a wish in any answer.
    """

    topics: frozenset[str] = frozenset()
    substance: int = 0
    outcome: str = ""
    wish: str = ""
    focus: str = ""
    contradiction: str = ""
    assents: bool = False
    refuses: bool = False
    hurts: bool = False
    leaves: bool = False


@lru_cache(maxsize=8192)
def answer_of(counselor: str, client: str, was_asked: bool = False) -> Answer:
    """What an answer comes to; `was_asked`: the counselor's message was there to ask what the hour is for (act `agenda`)."""
    signs, counselor_signs = signs_of(client), signs_of(counselor)
    gains = signs & _OUTCOMES.keys()
    refuses = ("refusal" in signs or ("says_no" in signs and "proposal" in counselor_signs)) and not gains
    objects = refuses or bool(signs & {"unsure", "contradiction"})
    telling = len(words(client)) >= _TELLING and not objects
    topics = {one for one in TOPICS if one in signs or (telling and f"asks_{one}" in counselor_signs)}
    outcome = next((words for sign, words in _OUTCOMES.items() if sign in signs), "")
    if not outcome and "proposal" in counselor_signs:
        outcome = "something was declined" if refuses else "something was agreed" if "assent" in signs else ""
    wish = quoted(sentence_with(client, "wish")) if "wish" in signs and not objects else ""
    answers = (was_asked or "agenda" in counselor_signs) and not objects
    # Of an answer without a wish, one to an open question names what matters; one to a yes-or-no question is half a yes.
    names_it = telling and "assent" not in signs and asked(counselor) != "closed" and not asks_last(client)
    return Answer(
        topics=frozenset(topics),
        substance=SUBSTANCE if gains else int(telling and bool(topics)),
        outcome=outcome,
        wish=wish,
        focus=(wish or (quoted(client) if names_it else "")) if answers else "",
        contradiction=quoted(sentence_with(client, "contradiction")),
        assents="assent" in signs and not objects and not asks_last(client),
        refuses=refuses,
        hurts="pain" in signs,
        leaves="leaving" in signs,
    )


def quoted(text: str) -> str:
    """A text in one line, short enough to be quoted."""
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED else text[: text.rfind(" ", 0, _QUOTED)].rstrip(" ,;:–-") + " …"
