"""The strict rules about one message: what small models often get wrong. They look only where the form's facts are with the message.

Each gives what it saw, short, or None, and prefers to miss: a false refusal costs a model's call.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from counseling_sessions.integrity.facts import DATA, YES_OR_NO, Facts
from counseling_sessions.integrity.kin import kin_said
from counseling_sessions.integrity.phrases import phrase_in
from counseling_sessions.integrity.rules import Rule, short
from counseling_sessions.integrity.spoken import Said, Spoken
from counseling_sessions.texts.words import words

ECHO = {"client": 0.5, "counselor": 0.65}
"""Share of a message's pairs of words that come from the other's last message, from which on it is an echo. In the corpus clients
have 0.44 at most; counselors, who reflect, 0.64."""
ECHO_PAIRS = 7
"""Pairs of words that it has to have for that: a shorter one may take up a phrase."""

_QUOTED = re.compile(r"\"[^\"\n]{0,400}(?:\"|\Z)|“[^”\n]{0,400}(?:”|\Z)|«[^»\n]{0,400}(?:»|\Z)|\*[^*\n]{0,400}\*")
_OF_SOMEBODY = rf"(?:['’]s\b| (?:{'|'.join(DATA['of_somebody'].split())})\b)"
_START = r"(?:\A|[.!?…][\"”']?\s{1,3})"
_NAME = r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]{1,29}"
_GREETED = re.compile(rf"{_START}(?i:{DATA['greeting']}),? (?P<name>{_NAME})(?=[,.!?]|\Z)")
_ADDRESSED = re.compile(rf"{_START}(?P<name>{_NAME}), (?i:{'|'.join(DATA['addressed'].split())})\b")
_NO_NAMES = frozenset(DATA["no_names"].split())
_NUMBERS = {word: number for number, word in enumerate(DATA["ratings"]["numbers"].split())}
_NUMBER = rf"\d{{1,3}}|{'|'.join(_NUMBERS)}"
_RATED, _ASKED, _ANSWERED = (
    re.compile(DATA["ratings"][name].replace("<NUMBER>", _NUMBER), re.IGNORECASE)
    for name in ("rated", "asked", "answered")
)
_TURNED = {word: turned for turned, listed in DATA["turned"].items() for word in listed.split()}
_AT_WORK = {
    speaker: re.compile(rf"\b{pattern.replace('<JOB>', DATA['jobs'])}", re.IGNORECASE)
    for speaker, pattern in DATA["at_work"].items()
}
_PARTNERED = r"\b(?i:{whose}) (?P<word>{words})(?!\w)"


def speech_of(text: str) -> str:
    """What a message says in its speaker's own voice: without what stands between quotation marks, apostrophes straight."""
    return _QUOTED.sub(" … ", text).replace("’", "'")


def mixed_up(spoken: Spoken) -> str | None:
    """People mixed up: kin as another kind of kin, a partner of the other sex than in the form, oneself as somebody else."""
    facts = spoken.facts
    if facts is None:
        return None
    text = speech_of(spoken.bare)
    return _other_kin(spoken, facts) or _other_partner(spoken, facts, text) or _as_somebody(spoken, facts, text)


def _other_kin(spoken: Spoken, facts: Facts) -> str | None:
    if not (said := list(kin_said(spoken.bare))):
        return None
    kin = _kin_so_far(spoken, facts)
    for name, kind in said:
        if name in kin and kind not in kin[name]:
            return f"{kind} {name.title()}, who is {' or '.join(sorted(kin[name]))}"
    return None


def _kin_so_far(spoken: Spoken, facts: Facts) -> dict[str, set[str]]:
    """Who is what kind of kin: as in the form, or else as the client has said."""
    kin: dict[str, set[str]] = {}
    for said in (spoken.past if spoken.speaker == "client" else spoken.others_past).said:
        for name, kind in kin_said(said.text):
            kin.setdefault(name, set()).add(kind)
    return kin | dict(facts.kin or {})


def _other_partner(spoken: Spoken, facts: Facts, text: str) -> str | None:
    if not facts.no_partners:
        return None
    whose = "my" if spoken.speaker == "client" else "your"
    pattern = _PARTNERED.format(whose=whose, words="|".join(sorted(facts.no_partners, key=len, reverse=True)))
    match = re.search(pattern, text)
    return match[0] if match else None


def _as_somebody(spoken: Spoken, facts: Facts, text: str) -> str | None:
    """The client spoken of instead of to; by a counselor also somebody else spoken to."""
    if not facts.names:
        return None
    first, *rest = map(re.escape, facts.names)
    full_name = first + "".join(f"(?: {name})?" for name in rest)
    for match in re.finditer(rf"(?<![,;:–—-] )\b(?P<who>{full_name}){_OF_SOMEBODY}", text, re.IGNORECASE):
        if match["who"][0].isupper():
            return f"{match[0]} …, as of somebody else"
    if spoken.speaker == "client":
        return None
    greeted = (match["name"] for match in _GREETED.finditer(text))
    addressed = [match["name"] for match in _ADDRESSED.finditer(text)]
    people = _kin_so_far(spoken, facts) if addressed else {}
    named = (
        *(name for name in greeted if name.casefold() not in _NO_NAMES),
        *(name for name in addressed if name.casefold() in people),
    )
    # Sam is Samantha.
    other = next((name for name in named if not any(name[:3].casefold() == own[:3] for own in facts.names)), None)
    return f"addressed as {other}" if other else None


def wrong_person(spoken: Spoken) -> str | None:
    """A counselor who speaks of the client's life as its own, or a client who comforts and counsels."""
    listed = "as_client" if spoken.speaker == "counselor" else "as_counselor"
    seen = phrase_in(listed, speech_of(spoken.bare))
    return short(seen) if seen else None


def runs_down(spoken: Spoken) -> str | None:
    """A counselor who runs the client down."""
    seen = phrase_in("runs_down", speech_of(spoken.bare)) if spoken.speaker == "counselor" else None
    return short(seen) if seen else None


def contradicts(spoken: Spoken) -> str | None:
    """Work that is not in the form; a client who denies what its form or an earlier message says of it, or says what these deny."""
    facts = spoken.facts
    if facts is None:
        return None
    text = speech_of(spoken.bare)
    if work := _other_work(spoken, facts, text):
        return work
    if spoken.speaker == "counselor":
        return None
    for fact in YES_OR_NO:
        denies, says = fact.denies.search(text), fact.says.search(text)
        if denies and not says and (fact.name in facts.so or _said_before(fact.says, spoken)):
            return denies[0]
        if says and not denies and (fact.name in facts.not_so or _said_before(fact.denies, spoken)):
            return says[0]
    return None


def _other_work(spoken: Spoken, facts: Facts, text: str) -> str | None:
    heard = spoken.others_past.vocabulary if spoken.speaker == "counselor" else spoken.past.vocabulary
    for match in _AT_WORK[spoken.speaker].finditer(text):
        if facts.names and not set(words(match["job"])) <= facts.words | heard:
            return match[0]
    return None


def _said_before(pattern: re.Pattern[str], spoken: Spoken) -> bool:
    return any(pattern.search(speech_of(said.text)) for said in spoken.past.said)


def rating(spoken: Spoken) -> str | None:
    """A client's number outside of the scale, or far from the one that it gave in the message before."""
    if spoken.speaker != "client":
        return None
    limits = DATA["ratings"]
    asked = spoken.others_past.said[-1].text if spoken.others_past.said else ""
    rated = list(_ratings(spoken.bare, asked))
    for number in rated:
        if number > limits["over"] or number < limits["least"]:
            return f"{number}, on a scale of {limits['most']}"
    heard = [said.text for said in spoken.others_past.said[-2:-1]]
    before = list(_ratings(spoken.past.said[-1].text, *heard)) if spoken.past.said else []
    if len(rated) == len(before) == 1 and abs(rated[0] - before[0]) > limits["jump"]:
        return f"{rated[0]}, and {before[0]} just before"
    return None


def _ratings(text: str, asked: str = "") -> Iterator[int]:
    """The numbers on a scale of ten in a client's message."""
    text = speech_of(text)
    matches = list(_RATED.finditer(text))
    if not matches and _ASKED.search(asked) and (match := _ANSWERED.search(text)):
        matches = [match]
    for match in matches:
        number = match["number"].casefold()
        yield _NUMBERS[number] if number in _NUMBERS else int(number)


def impossible(spoken: Spoken) -> str | None:
    """A counselor who proposes what cannot be: something with itself later on, or that only exists elsewhere."""
    seen = phrase_in("impossible", speech_of(spoken.bare)) if spoken.speaker == "counselor" else None
    return short(seen) if seen else None


def echo(spoken: Spoken) -> str | None:
    """A message that is made of the other's last words, and says nothing new."""
    if spoken.closing or not spoken.others_past.said:
        return None
    share = echoed(spoken, spoken.others_past.said[-1])
    return short(spoken.bare) if share >= ECHO[spoken.speaker] else None


def echoed(spoken: Spoken, last: Said) -> float:
    """The share of a message's pairs of words that the other's last message has, "I" for "you"; 0 where it has too few."""
    pairs = _pairs(spoken.words)
    return len(pairs & _pairs(last.words)) / len(pairs) if len(pairs) >= ECHO_PAIRS else 0.0


def _pairs(normal: str) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(_TURNED.get(word, word) for word in normal.split()))


OF_SENTENCES: tuple[Rule, ...] = (mixed_up, wrong_person, runs_down, contradicts, impossible)
"""The rules that say of a single sentence what is wrong with it: mending leaves that one out."""
