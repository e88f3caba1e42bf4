"""The risk check without a large model: the lists' phrases in several spellings of a message, and what a linear model has learned.

Negation never cancels a match: of "I am not suicidal", said alone, a person is asked. An answer to a question about risk
counts unless it is a clear no.
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from counseling_sessions.nodes.risk.index import PhraseIndex
from counseling_sessions.nodes.risk.learned import HARMLESS, features, linear_model
from counseling_sessions.nodes.risk.patterns import Phrases
from counseling_sessions.nodes.risk.phrases import Risk, phrase_lists
from counseling_sessions.nodes.risk.spellings import Spellings, in_other_letters, spellings

MOST = 10_000
"""Characters of the longest message that is checked; a longer one counts as risk. No session accepts one."""
MOST_APART = 600
"""Letters of all the parts of a message with their letters apart; more count as risk, as the search would take too long."""
MOST_OF_A_NO = 300
"""Characters of the longest clear no: who denies at length is asked."""
SURE_OF_RISK = 0.65
"""How likely a message has to be about risk, from 0 to 1, so that the person is asked. Lower would see more, and ask so often that
people answer without reading."""
_BEFORE = 200
"""Characters at the end of the last message, and at the beginning of this one, that can belong to a phrase over both."""
_MESSAGES = 256
"""Messages of which what was read is kept: a session looks at each several times."""
_CLAUSES = re.compile(r"[.,;:!()\n…–—]+| -+ ")


def find_risk(text: str, *, before: str = "", asked: str = "") -> Risk | None:
    """The risk that the rules find in a message, or None. Never raises: an error counts as risk (`check_failed`, explicit).

    So do words in letters that no list has. `before` is the same person's last message, as a phrase can run over two
    messages; `asked` is the other side's last message. If that asks about harm, a clear no is no risk, a yes is explicit,
    and every other answer is unclear; if about safety, yes and no change places; if about both, or it only speaks
    of risk, no yes is explicit. Explicit wording goes before unclear wording, then the order of `LANGUAGES` counts.
    """
    return _checked(text, before, asked, learned=True)


def find_listed(text: str, *, before: str = "", asked: str = "") -> Risk | None:
    """The risk that the lists alone find, as `find_risk`: for measures, which must not move with what is learned."""
    return _checked(text, before, asked, learned=False)


def asks_about_risk(text: str) -> str | None:
    """The category of risk that a counselor's message asks the client about directly, or None.

    Raises `SettingsError` for a list that cannot be read.
    """
    return (_harm_asked(text) or _safety_asked(text)) if _is_question(text) else None


def asks_about_safety(text: str) -> bool:
    """Whether a counselor's message asks about safety alone, so that a no is what counts.

    Raises `SettingsError` for a list that cannot be read.
    """
    return _is_question(text) and _harm_asked(text) is None and _safety_asked(text) is not None


def answer_of(text: str) -> Literal["no", "yes", "unclear"]:
    """What a message answers to a question about risk. A no is clear from end to end; all else is no no.

    Raises `SettingsError` for a list that cannot be read.
    """
    lists = phrase_lists()
    readings, denial = _spelled(text[:MOST]).exact, lists.denial.exact
    if any(lists.index.is_in(words, lists.admission) for words in readings):
        return "unclear" if any(map(denial.fullmatch, _clauses(text))) else "yes"
    if "?" in text or len(text) > MOST_OF_A_NO or any(lists.index.is_in(words, lists.doubt) for words in readings):
        return "unclear"
    clauses = _clauses(text)
    is_no = any(map(denial.fullmatch, clauses)) and all(
        denial.fullmatch(words) or _may_follow(words) for words in clauses
    )
    return "no" if is_no else "unclear"


def _checked(text: str, before: str, asked: str, *, learned: bool) -> Risk | None:
    if max(len(text), len(asked)) > MOST:
        return Risk("check_failed", "too long to be checked")
    try:
        return _find(text, before, asked, learned)
    except Exception as error:  # Any error counts as risk.
        return Risk("check_failed", type(error).__name__)


def _find(text: str, before: str, asked: str, learned: bool) -> Risk | None:
    harm, safety = (_harm_asked(asked), _safety_asked(asked)) if asked else (None, None)
    about, both = harm or safety, bool(harm and safety)
    if about and not both and _clears(text, harm):
        return None
    lists, spelled = phrase_lists(), _spelled(text)
    if category := _found(spelled, text, before, lists.explicit):
        return Risk("rules", category, "unclear" if answer_of(text) == "no" else "explicit")
    if about and not both and _is_question(asked) and answer_of(text) == ("yes" if harm else "no"):
        return Risk("rules", f"answer to a question about {about}")
    if problem := _undecidable(text, spelled):
        return Risk("check_failed", problem)
    if about:
        return Risk("rules", f"answer to a question about {about}", "unclear")
    category = _found(replace(spelled, apart=()), text, before, lists.unclear)
    if category is None and learned:
        category = _learned(spelled)
    return Risk("rules", category, "unclear") if category else None


def _learned(spelled: Spellings) -> str | None:
    """The category that a message is about, by the learned model; None where that finds it harmless, or not sure enough."""
    likely = linear_model().probabilities(features(spelled.exact[0]))
    if 1 - likely.pop(HARMLESS) < SURE_OF_RISK:
        return None
    return max(likely, key=lambda category: likely[category])


def _undecidable(text: str, spelled: Spellings) -> str | None:
    """Why the lists say nothing about a message, or None."""
    if in_other_letters(text):
        return "letters that no list is written in"
    return None if _can_be_searched(spelled) else "too many letters apart"


def _clears(text: str, harm: str | None) -> bool:
    """Whether an answer is a clear no to a question about harm, or a clear yes to one about safety."""
    if harm:
        return answer_of(text) == "no"
    clauses = _clauses(text)
    return bool(clauses) and all(phrase_lists().safe.exact.fullmatch(words) for words in clauses)


def _clauses(text: str) -> list[str]:
    return [words for clause in _CLAUSES.split(text) if (words := spellings(clause).exact[0])]


def _can_be_searched(spelled: Spellings) -> bool:
    return sum(len(run.text) for run in spelled.apart) <= MOST_APART


def _index() -> PhraseIndex:
    return phrase_lists().index


def _found(spelled: Spellings, text: str, before: str, lists: tuple[Phrases, ...]) -> str | None:
    if not _can_be_searched(spelled):
        spelled = replace(spelled, apart=())
    if category := _index().first_match(spelled, lists):
        return category
    if not before:
        return None
    end = before[-_BEFORE:]
    category = _index().first_match(_spelled(f"{end} {text[:_BEFORE]}"), lists)
    # What the last message says by itself was found there.
    return None if category is None or category == _index().first_match(_spelled(end), lists) else category


def _is_question(text: str) -> bool:
    return "?" in text or _index().is_in(spellings(text).exact[0], phrase_lists().asking)


@lru_cache(maxsize=_MESSAGES)
def _harm_asked(asked: str) -> str | None:
    """The category of harm that a counselor's message speaks of: by the lists' questions, or explicit in the second person."""
    lists, spelled = phrase_lists(), _spelled(asked)
    if category := lists.index.first_match(spelled, lists.questions):
        return category
    said = spelled.exact[0].split()
    turned = dict.fromkeys(
        spelled.exact[0] if words.keys().isdisjoint(said) else " ".join([words.get(word, word) for word in said])
        for words in lists.turned
    )
    return lists.index.first_match(Spellings(tuple(turned), (), ()), lists.explicit)


@lru_cache(maxsize=_MESSAGES)
def _safety_asked(asked: str) -> str | None:
    """The category of risk that a counselor's message asks about by its opposite, as in "Are you safe?"."""
    return _index().first_match(_spelled(asked), phrase_lists().safety)


def _may_follow(words: str) -> bool:
    """Whether a clause beside a no leaves it clear."""
    lists = phrase_lists()
    return bool(lists.after_denial.exact.fullmatch(words)) and not lists.index.first_match(
        spellings(words), lists.explicit + lists.unclear
    )


@lru_cache(maxsize=_MESSAGES)
def _spelled(text: str) -> Spellings:
    """The spellings of a message, and one more with slips of the key put right."""
    spelled, slips = spellings(text), phrase_lists().slips
    words = spelled.exact[1].split() if len(spelled.exact) > 1 else spelled.exact[0].split()
    if slips.keys().isdisjoint(words):
        return spelled
    return replace(spelled, exact=(*spelled.exact, " ".join(slips.get(word, word) for word in words)))
