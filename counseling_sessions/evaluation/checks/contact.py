"""Contact data and numbers that look like identifiers, which no profile gave."""

import re
from collections.abc import Callable

from counseling_sessions.evaluation.checks.spoken import SpokenInSession

# Every repetition is bounded, and a search that begins with any character waits for a rarer one that it needs.
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
_DOMAIN = r"\.(?:com|org|net|edu|gov|co\.uk|org\.uk)\b(?!\.\w)"
_SUSPECT = re.compile(rf"://|www\.|{_DOMAIN}", re.IGNORECASE)
_URL = re.compile(
    rf"\b(?:https?://|www\.)[^\s<>\"')\]]{{3,200}}|(?<![\w@.-])[a-z0-9-]{{2,63}}(?:\.[a-z0-9-]{{1,63}}){{0,3}}?{_DOMAIN}",
    re.IGNORECASE,
)
_CUE = r"(?:call|text|phone|number|dial|reach|ring|hotline|helpline|whatsapp)"
_CODE = (
    r"(?:account|policy|passport|licen[cs]e|insurance|case|membership|social security|reference|patient|student|record)"
)
_NUMBER = re.compile(
    rf"""
    (?P<international>\+\d[\d\ ().\-/]{{6,20}}\d)
    | (?P<phone>(?<![\w.,$€£¥])(?:1[ .-])?\(?\d{{3}}\)?[ .-]{{1,2}}\d{{3}}[ .-]\d{{4}}\b)
    | (?P<trunk>(?<![\w.,$€£¥/-])\(?0\d{{1,4}}\)?[ /-]\d{{3,8}}(?:[ -]\d{{2,4}}){{0,3}}\b)
    | (?P<local>\b{_CUE}\b[^\d\n]{{1,30}}\d{{3}}[ .-]\d{{4}}\b)
    | (?P<social>(?<![\w-])\d{{3}}-\d{{2}}-\d{{4}}\b)
    | (?P<card>(?<![\w-])\d{{4}}(?:[ -]\d{{4}}){{3}}\b)
    | (?P<iban>\b(?-i:[A-Z]{{2}}\d{{2}}(?:[ ]?[A-Z0-9]{{4}}){{3,7}}(?:[ ]?[A-Z0-9]{{1,3}})?)\b)
    | (?P<coded>\b{_CODE}\ (?:number|no\.|id|code)(?:\ is)?:?\ \#?[A-Z]{{0,4}}-?\d{{4,20}}\b)
    | (?P<long>(?<![\w.,$€£¥])\d{{7,20}}(?![\w,]|\.\d))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")


def contact(spoken: SpokenInSession) -> str | None:
    """An e-mail address, URL, phone number, or number like an identifier that does not stand in the profile.

    Not seen: postal addresses, handles, numbers written in words. Clock times, dates, years, ages and round sums are none.
    """
    text = spoken.text
    profile = spoken.setting.profile.casefold
    if "@" in text and (email := _new(_EMAIL, text, profile)):
        return f"e-mail {email}"
    if _SUSPECT.search(text) and (url := _new(_URL, text, profile)):
        return f"URL {url}"
    if not _DIGIT.search(text):
        return None
    digits = _digits(spoken.setting.profile)
    numbers = (match[0] for match in _NUMBER.finditer(text) if _identifies(match))
    return next((f"number {number.strip()}" for number in numbers if _digits(number) not in digits), None)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _new(pattern: re.Pattern[str], text: str, profile: Callable[[], str]) -> str | None:
    return next((match[0] for match in pattern.finditer(text) if match[0].casefold() not in profile()), None)


def _identifies(match: re.Match[str]) -> bool:
    """Whether the digits can be somebody's number, and are not a sum, a row of years or a made-up sequence."""
    digits = _digits(match[0])
    kind = match.lastgroup
    if kind in ("international", "trunk"):
        return 8 <= len(digits) <= 15
    if kind == "long":
        return not digits.endswith("000")
    if kind == "card":
        return not all(digits[start : start + 2] in ("19", "20") for start in range(0, 16, 4))
    return True
