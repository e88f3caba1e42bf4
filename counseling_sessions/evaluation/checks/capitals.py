"""Words with a capital letter that can be names."""

import re
from collections.abc import Iterator
from pathlib import Path

from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import normalized

_DATA = read_yaml(Path(__file__).with_name("names.yaml"))
NAME = re.compile(r"(?<![\w'’-])[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]{1,29}(?:[-'’][A-Z][a-z]{1,29})?\b")
NO_NAMES = frozenset(_DATA["no_names"].split())
"""Words, as they are compared, that stand where a name can stand and are none."""
_MONTHS = frozenset(_DATA["months"].split())
_TITLE = re.compile(rf"\b(?:{'|'.join(_DATA['titles'].split())})\.\s*\Z")
_ENDED = re.compile(r"(?:\A|[.?!…:;–—]['\"”’)]{0,3})[\s'\"“‘(]*\Z")
_LOOK_BACK = 12


def capitalised(text: str) -> Iterator[tuple[str, bool]]:
    """The words with a capital that can be names, in small letters, each with whether it stands within a sentence."""
    for match in NAME.finditer(text):
        name = normalized(match[0])
        if name in _MONTHS or (name not in NO_NAMES and name.removesuffix("s") not in NO_NAMES):
            before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
            yield name, bool(_TITLE.search(before)) or not _ENDED.search(before)
