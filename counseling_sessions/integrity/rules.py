"""The rules about one message. Each gives what it saw, short, or None; the caller says how far a near-repeat must go."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from counseling_sessions.integrity.phrases import phrase_in
from counseling_sessions.integrity.spoken import Said, Spoken
from counseling_sessions.integrity.thinking import thinks_aloud
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import normalized, overlap, sentences

SHORTEST = 3
"""Words up to which a message may come again."""
Rule = Callable[[Spoken], str | None]

# Every repetition below is bounded: a model that loops on line breaks or dots must not hang the session (a search is then
# linear in the text, not quadratic).
_SPECIALISTS = r"\w{1,30}(?:[ _-]\w{1,30})?\s{1,9}(?:specialist|agent)"
_OWN = {"counselor": r"counsel+or|therapist|assistant", "client": r"client|patient"}
_OTHERS: dict[str, str] = {
    "counselor": r"client|patient|user|human",
    "client": r"counsel+or|therapist|assistant|user|human",
}
"""The roles of the other one, with the name that a model's server has for them: whoever speaks, `user` is who is answered."""
_EMPHASIS = r"[*_#>\s]{0,9}"
_LATER = r"(?:^|\n|(?<=[.?!\"”] ))"
_COLON = rf"(?:\s?[(\[][^()\[\]\n]{{1,40}}[)\]])?{_EMPHASIS}[:：]"
_ENDS_LINE = r"[*_]{0,4}[^\S\n]{0,9}(?:\n|\Z)"
_SPEECH = r"(?:response|reply|message|utterance)"


def _headed(names: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Where one of the names labels what follows: with a colon, and alone on its line, marked as a heading or in capitals."""
    heading = rf"(?:^|\n)\s{{0,9}}(?:[*_#]{{1,4}}\s?(?:the\s)?(?:{names})|(?-i:{names.upper()})){_ENDS_LINE}"
    return (
        re.compile(rf"{_LATER}{_EMPHASIS}(?:the\s{{1,9}})?(?:{names}){_COLON}", re.IGNORECASE),
        re.compile(heading, re.IGNORECASE),
    )


_OTHERS_LABEL = {speaker: _headed(names) for speaker, names in _OTHERS.items()}
_ANY_LABEL = _headed("|".join([*_OWN.values(), "user", "human"]))


@lru_cache(maxsize=256)
def own_label(speaker: Speaker, names: frozenset[str]) -> re.Pattern[str]:
    """What stands in front of a speaker's words: their role or name (`names`, in small letters), or a heading of the answer."""
    named = f"(?:{'|'.join(map(re.escape, sorted(names)))})"
    who = _OWN[speaker] + (rf"|{named}(?:\s{named}){{0,2}}" if names else "")
    labelled = f"{who}|{_SPECIALISTS}" if speaker == "counselor" else who
    speech = rf"(?:(?:final|merged|combined|revised|(?:{who})(?:['’]s)?)\s)?{_SPEECH}"
    here = rf"here(?:['’]s|\sis)\s(?:the\s)?(?:{who})['’]s\s(?:next\s)?{_SPEECH}|here\s(?:you\sgo|it\sis)"
    return re.compile(
        rf"{_EMPHASIS}(?:(?:the\s{{1,9}})?(?:{labelled}){_COLON}|{speech}{_EMPHASIS}[:：]"
        rf"|(?:(?:sure|certainly|of\scourse|okay|ok)[,.!]?\s)?(?:{here})\s?[:：])[*_]{{0,3}}\s{{0,9}}"
        rf"|\s{{0,9}}(?:[*_#]{{1,4}}\s?(?:the\s)?(?:{who}|{speech})|(?-i:{_OWN[speaker].upper()})){_ENDS_LINE}\s{{0,9}}"
        rf"|\s{{0,9}}\*\*(?:{who})\*\*\s{{1,9}}",
        re.IGNORECASE,
    )


_META = re.compile(
    r"""
    \bhere(?:'s|\ is|\ are)\ (?:a|an|the|my|one|some)\s(?:\w{1,30}\s){0,3}(?:response|reply|message|utterance|draft|answer)\b
        (?!\ (?:(?:that|which)\ )?(?:I|you|we|they|s?he|it|my|his|her|their|from)\b)
    | ^\W{0,9}(?:sure|certainly|okay|ok|of\ course)\b[^.?!\n]{0,40}\b(?:response|reply|message|draft)\s?:
    | \bas\ an?\ (?:AI|artificial\ intelligence|(?:large\ )?language\ model)\b
    | \bthis\ (?:response|reply|message|draft)\ (?:aims\ to|combines|acknowledges|validates
        |(?:uses|shows|reflects)\ (?:empathy|reflect|validat|understanding|open-ended|the\ client))
    | ^\W{0,9}(?:\w{1,30}\s){0,3}(?:response|reply|message)\ (?:to|for|from)\ the\ (?:client|counsel+or)\s?(?:[:：]|$)
    | \b(?:intake\ form|drafts?\ from\ (?:your|the)\ specialists?|plan\ step|system\ prompt)\b
    | \b(?:within|under|respects?|respecting|keeps?\ to)\ the\ (?:\d{1,3}-)?word\ limit\b
    | ^\W{0,9}(?:draft|note|notes|output|json|rationale|why\ this\ works)\s?:
    | \((?:note\b(?!\ to\ self)|OOC\b|this\ (?:response|reply|message)\b|word\ count
        |end\ of\ (?:the\ )?(?:session|message|response|reply|dialogue|conversation|transcript)\b)
    | \[(?:insert|name|client|counsel+or|OOC)\b
    | ^\s{0,9}[{\[]\s{0,9}"
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_OFFER = re.compile(
    r"\b(?:you(?:['’]d| would)?|would you) like me to (?:adjust|tweak|change|revise|modify|rewrite|continue|go on with) (?:the|this|my)"
    r" (?:tone|length|style|wording|response|reply|message|draft|dialogue|character|persona|role-?play|scene|simulation)\b",
    re.IGNORECASE,
)
_THIRD_PERSON = re.compile(
    r"\bthe client(?:'s (?:last|words|message|feelings?|thoughts?|statement)|(?: is| has)? (?:feel|seem|express|say|said|mention))",
    re.IGNORECASE,
)
_OTHERS_ROLE = {
    "client": re.compile(
        r"\b(?:as|I am|I'm|I’m)\s+(?:your|the)\s+(?:counsel+or|therapist)\b(?! (?:at|for|of|on|who|with|everyone|in (?!this)))",
        re.IGNORECASE,
    ),
    "counselor": re.compile(
        r"\b(?:as|I am|I'm|I’m)\s+(?:your|the)\s+(?:client|patient)\b|\b(?:thank you|thanks|hello|hi),?\s+(?:counsel+or|therapist)\b",
        re.IGNORECASE,
    ),
}
_SELF_HARM = re.compile(
    r"\bsuicid\w*|\bself[- ]?harm\w*|\b(?:kill|killing|harm|harming)\s+myself\b"
    r"|\bend(?:ing)?\s+(?:my(?:\s+own)?\s+life|it\s+all)\b|\b(?:want|wanted|wish|wished)\s+(?:to\s+die|I\s+were\s+dead|I\s+was\s+dead)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:no|not|never|nor|neither|without|nothing|nobody)\b|n['’]t\b", re.IGNORECASE)
_INTENDED = re.compile(
    r"\bI(?:['’]m| am)? (?:\w+ ){0,2}(?:going to|gonna|will|plan to|intend to|mean to|decided to|ready to)\b|\bI['’]ll\b",
    re.IGNORECASE,
)
_WISHED = re.compile(r"\A(?:want|wish)", re.IGNORECASE)


def empty(spoken: Spoken) -> str | None:
    """A message without a single letter or digit."""
    return None if any(c.isalnum() for c in spoken.bare) else "empty"


def label(spoken: Spoken) -> str | None:
    """A speaker's own label in front of what is said."""
    if not _may_be_labelled(spoken.text):
        return None
    match = own_label(spoken.speaker, spoken.names).match(spoken.text)
    return match[0].strip() if match else None


def _may_be_labelled(text: str) -> bool:
    """Whether a text has what every label needs: a colon, the mark of a heading in front, or a first word in capitals.

    The pattern of a client's names takes longer to make than all messages take to be looked at so.
    """
    begins = text.lstrip()
    return ":" in text or "：" in text or begins[:1] in "*_#" or begins[:2].isupper()


def meta_talk(spoken: Spoken) -> str | None:
    """Talk about the task, or a leftover of the prompt, instead of speech to the other person."""
    match = _META.search(spoken.bare) or ("like me to" in spoken.bare and _OFFER.search(spoken.bare)) or None
    if not match and spoken.speaker == "counselor" and not spoken.has_clients:
        match = _THIRD_PERSON.search(spoken.bare)
    return _seen(match)


def reasoning(spoken: Spoken) -> str | None:
    """What a model thought in place of speech or beside it: between marks, or in plain words."""
    if spoken.apart.reasoning or spoken.apart.unfinished:
        return short(spoken.text)
    seen = thinks_aloud(spoken.bare, spoken.names)
    return short(seen) if seen else None


def refusal(spoken: Spoken) -> str | None:
    """A model that does not play its part: it says so, or its server does (finish reason `refusal`)."""
    if spoken.finish_reason == "refusal":
        return short(spoken.text)
    seen = phrase_in("refusals", spoken.bare)
    return short(seen) if seen else None


def further_session(spoken: Spoken) -> str | None:
    """A counselor who promises another session: there is only this one."""
    seen = phrase_in("further_session", spoken.bare) if spoken.speaker == "counselor" else None
    return short(seen) if seen else None


def is_question(sentence: str) -> bool:
    """Whether a sentence ends as a question."""
    return sentence.rstrip("\"'”’»)* ").endswith(("?", "？", "؟"))


def may_come_again(spoken: Said) -> bool:
    """Whether a message is so short ("Mm.", "I don't know.") that its speaker may say it again."""
    return len(spoken.words.split()) <= SHORTEST


def others_part(spoken: Spoken) -> str | None:
    """The other person's label or role; `nearest` finds their words."""
    if match := _first_label(_OTHERS_LABEL[spoken.speaker], spoken.text):
        return short(match[0].strip())
    return _seen(_OTHERS_ROLE[spoken.speaker].search(spoken.bare))


def before_any_label(text: str) -> str:
    """The text up to where a label begins someone's words."""
    match = _first_label(_ANY_LABEL, text)
    return text[: match.start()] if match else text


def _first_label(labels: tuple[re.Pattern[str], re.Pattern[str]], text: str) -> re.Match[str] | None:
    # Most messages are one line.
    matches = (pattern.search(text) for pattern in (labels if "\n" in text else labels[:1]))
    return min(filter(None, matches), key=re.Match.start, default=None)


def nearest(spoken: Said, others: Iterable[Said], least: float) -> tuple[Said, float] | None:
    """The first of the other messages that shares so much with this one (Jaccard overlap of word 3-grams, 0 to 1), and how much."""
    size = len(spoken.grams)
    for other in others:
        # Sets that differ that much in size cannot overlap that far.
        if least * size <= len(other.grams) <= size / least:
            shared = overlap(spoken.grams, other.grams)
            if shared >= least:
                return other, shared
    return None


def said_twice(text: str) -> str | None:
    """A sentence of three words or more that one message says twice."""
    seen: set[str] = set()
    for sentence in sentences(text):
        key = normalized(sentence)
        if key in seen and len(key.split()) > 2:
            return short(sentence)
        seen.add(key)
    return None


def risk(spoken: Spoken) -> str | None:
    """A client who speaks of harming themselves: most forms give no cause, that of a client at risk gives a level (docs/ethics.md)."""
    if spoken.speaker != "client":
        return None
    if spoken.risk is None:
        return _seen(_SELF_HARM.search(spoken.bare))
    spoken_of = ((sentence, match) for sentence in sentences(spoken.bare) for match in _SELF_HARM.finditer(sentence))
    return next(
        (match[0] for sentence, match in spoken_of if _goes_beyond(spoken.risk, sentence[: match.start()], match[0])),
        None,
    )


def denial(text: str) -> re.Match[str] | None:
    """Where a text first denies something."""
    return _DENIED.search(text)


def _goes_beyond(level: RiskLevel, before: str, said: str) -> bool:
    """Whether words about harming oneself go beyond a level; `before` is what stands before them in the sentence.

    What is denied never does. Passive goes as far as a wish, active as far as all but an intent.
    """
    if level == "immediate" or denial(before):
        return False
    if level == "passive":
        return not _WISHED.match(said)
    return level == "none" or bool(_INTENDED.search(before))


def means(spoken: Spoken) -> str | None:
    """Methods, means, places, plans, encouragement or instructions to do harm, whoever speaks: they enter no dialogue."""
    # The words stay out of the record too.
    return "means, plan or encouragement" if phrase_in("means", spoken.bare) else None


def short(text: str, limit: int = 80) -> str:
    """A text in one line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _seen(match: re.Match[str] | None) -> str | None:
    return match[0] if match else None
