"""Names of persons that nobody in the session can have given."""

import re

from counseling_sessions.evaluation.checks.capitals import NAME, NO_NAMES
from counseling_sessions.evaluation.checks.spoken import SpokenInSession
from counseling_sessions.texts.words import normalized

_TITLE = r"(?:(?:Dr|Mr|Mrs|Ms|Mx|Miss|Doctor|Prof|Professor)\.?\s)?"
_GREETING = (
    r"(?:hi|hello|hey|dear|welcome(?: back)?|good (?:morning|afternoon|evening)|thanks|thank you(?: so much| very much)?"
    r"|goodbye|bye|take care|you['’]re welcome|(?:nice|good|great) to (?:see|meet|hear from) you(?: again)?"
    r"|I['’]?(?:\sa)?m (?:so |very )?sorry|I (?:hear|understand|appreciate) you|that makes sense|well done|(?:great|good) (?:job|work))"
)
_RELATION = (
    r"(?:wife|husband|partner|boyfriend|girlfriend|fianc[eé]e?|friend|sister|brother|mother|father|mom|mum|dad|son|daughter"
    r"|cousin|aunt|uncle|boss|manager|supervisor|colleague|co-?worker|roommate|neighbou?r|teacher|coach|ex|therapist)"
)
_ADDRESSED = re.compile(rf"(?<!['’\"“‘*])\b(?i:{_GREETING}),?\s{_TITLE}\Z")
_ASKED = re.compile(r"\b(?:[Yy]ou|[Yy]our|[Yy]ou['’]\w{1,2})\b(?:[^.?!\"“”\n]{0,120}[a-z'’])?,\s\Z")
_RELATED = re.compile(rf"\b[Yy]our (?:\w{{1,12}} )?{_RELATION}(?:,| named| called|['’]s name is)?\s{_TITLE}\Z")
_INTRODUCED = re.compile(
    rf"(?:\b(?:[Mm]y name is|[Mm]y name['’]s|[Yy]ou can call me)\s|^(?i:hi|hello|hey)\b[^.!?\n]{{0,30}}\bI(?: a|['’])m ){_TITLE}\Z"
)
_STOP = re.compile(r"(?:\s[A-Z][\w'’-]{0,29})?\s?(?:[,.!?…:;)—–]|$)")
# Not a list ("yoga, Pilates, and swimming"): after the comma the sentence goes on.
_AFTER = re.compile(
    r"[.?!](?:\s|$)|,\s(?:and\s|but\s|so\s)?(?:I|it|that|this|there|you|we|is|as|to|what|how|because|can|could|would)\b"
)
_GOES_ON = re.compile(r"(?:\s[A-Z][\w'’-]{0,29})?(?:[,.!?;:…]|\s(?:and|from|here|your)\b|$)")

_LOOK_BACK = 130


def name(spoken: SpokenInSession) -> str | None:
    """A name that is neither in the profile nor said by the other before, where it plainly is a person's.

    It is plain where a message addresses somebody ("Thank you, Mara."), where the counselor says who one of the client's
    people is ("your sister Mara"), and where somebody introduces themselves ("my name is Mara"). Not seen: names anywhere
    else in a sentence, at its beginning, in other scripts than Latin, in other languages than English, names that are also
    words the client used, and everything in a session without a profile. A client may name its people as it likes, and
    short forms of the client's own name are the client's.
    """
    setting = spoken.setting
    if not setting.session.profile:
        return None
    text = spoken.text
    for match in NAME.finditer(text):
        key = normalized(match[0])
        if key in NO_NAMES or key in setting.profile_words or key in spoken.others_past.vocabulary:
            continue
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        if _names(before, text[match.end() : match.end() + 40], spoken.speaker == "counselor") and not any(
            _short_for(key, name) for name in setting.client_names
        ):
            return match[0]
    return None


def _names(before: str, after: str, counselor: bool) -> bool:
    """Whether what stands around a capitalised word makes it somebody's name."""
    if _INTRODUCED.search(before):
        return bool(_GOES_ON.match(after))
    if _ADDRESSED.search(before):
        # A client may quote what was said to others; only with its first words does it speak to the counselor for sure.
        return bool(_STOP.match(after)) and (counselor or len(before) < 40)
    if not counselor:
        return False
    return bool(_RELATED.search(before)) or (bool(_AFTER.match(after)) and bool(_ASKED.search(before)))


def _short_for(said: str, name: str) -> bool:
    """Whether a name is a short form of another, or the other of it: Sam, Samantha; Beth, Elizabeth; Danny, Daniel."""
    short, long = sorted((re.sub(r"(?<=\w\w)(?:ie|y|i)$", "", said), name), key=len)
    if len(short) > 3 and short[-1] == short[-2]:  # Dann(y)
        short = short[:-1]
    return len(short) > 1 and (short in long or said in name)
