"""Who is what kind of kin to the client, as a form has it and as messages say it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from counseling_sessions.settings import read_yaml

_DATA = read_yaml(Path(__file__).with_name("kin.yaml"))
_KINDS = {word: kind for kind, listed in _DATA["kin"].items() for word in listed.split()}
_KIN = rf"(?:(?:{'|'.join(_DATA['which'].split())}) )?(?P<kin>{'|'.join(_KINDS)})"
_NAME = r"(?P<name>[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]{1,29})\b"
# Not "your father, Rita and Paulo", which is a list.
_ALONE = r"(?!,? (?:and|or) |, [A-ZÀ-ÖØ-Þ])"
_IN_FORM = (
    re.compile(rf"(?<!['’]s )(?<!s['’] )\b{_KIN}(?: named| called|,)? {_NAME}"),
    re.compile(rf"\b{_NAME}, (?:my|his|her|their) {_KIN}\b"),
)
_PARTNER = re.compile(rf"(?:^|: )(?:{_DATA['partner_of']}) {_NAME}", re.MULTILINE)
_SAID = (
    re.compile(rf"\b(?:[Mm]y|[Oo]ur|[Yy]our) {_KIN}(?: named| called|,)? {_NAME}{_ALONE}"),
    re.compile(rf"\b{_NAME}(?:,| is| was) (?:my|our|your) {_KIN}\b(?!['’]s)"),
)


def kin_in_form(text: str) -> dict[str, set[str]]:
    """The kinds of kin that a form has somebody as, by the name in small letters."""
    form: defaultdict[str, set[str]] = defaultdict(set)
    for name, kind in _kin(text, _IN_FORM):
        form[name].add(kind)
    for match in _PARTNER.finditer(text):
        form[match["name"].casefold()].add("partner")
    return dict(form)


def kin_said(text: str) -> Iterator[tuple[str, str]]:
    """Each name, in small letters, that a message says to be somebody's of the client's family, and its kind of kin."""
    return _kin(text, _SAID)


def _kin(text: str, patterns: Iterable[re.Pattern[str]]) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield match["name"].casefold(), _KINDS[match["kin"]]
