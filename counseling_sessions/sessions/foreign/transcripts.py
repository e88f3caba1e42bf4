"""Texts of labelled lines: who speaks stands before a colon, and what follows goes on until the next label."""

import re
from collections import Counter
from functools import cache

from counseling_sessions.sessions.foreign.usual import plain, usual

_MARKUP = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_HEADING = re.compile(r"[ \t*#_]{0,20}(?:turn|round|exchange|session|第)[ \t]{0,9}\d{1,6}[ \t轮次回]{0,9}[*:：]{0,9}[ \t]{0,9}")
# Every repetition is bounded: a line may be a megabyte of any sign.
_LABEL = re.compile(
    r"""
    (?P<before>[ \t*_>\-•]{0,20}(?:[\[(（【]?\d{1,4}(?:[:.]\d{1,2}){0,3}[\])）】.]?[ \t]{0,9}[-–]?[ \t]{0,9})?[*_\[(（【]{0,9})
    (?P<name>[^\W\d_][^:：\n\[\](){}<>"“”.!?。！？]{0,38}?)
    [ \t]{0,9}(?:\d{1,4}[ \t]{0,9})?(?:\([^()\n]{1,30}\)[ \t]{0,9})?[*_\])）】]{0,9}[ \t]{0,9}[:：][*_]{0,9}[ \t]{0,9}
    """,
    re.VERBOSE,
)
_TWO = 2
_ASIDES = frozenset({"system", "narrator"})
"""What is no speech and may be a label; "Note:" may begin a line of speech."""


def labelled(text: str) -> list[tuple[str, str]]:
    """Each message's speaker, as its label says, and text; nothing for a text in which no line has a label.

    Labels are the usual names of speakers and the short ones that go together ("T:" beside "C:"). Where there are none of these,
    two names count that begin nearly every line. What stands before the first label is no message.
    """
    if ":" not in text and "：" not in text:
        return []
    if "\n" not in text:
        text = text.replace("\\n", "\n")  # a cell of a table in which line feeds are written out
    lines = [_MARKUP.sub("", line) for line in text.split("\n")]
    matches = [_LABEL.match(line) for line in lines]
    names = _speakers([(plain(match["name"]) if match else None) for match in matches], lines)
    said: list[tuple[str, list[str]]] = []
    for line, match in zip(lines, matches, strict=True):
        if match and plain(match["name"]) in names:
            said.append((match["name"].strip(), [line[match.end() :]]))
        elif said and not _HEADING.fullmatch(line.casefold()):
            said[-1][1].append(line)
    return [(name, "\n".join(parts).strip()) for name, parts in said]


def _speakers(labels: list[str | None], lines: list[str]) -> set[str]:
    """The labels that name speakers."""
    seen = Counter(label for label in labels if label)
    kinds = usual().kinds
    named = {label for label in seen if label in kinds and (kinds[label] != "aside" or label in _ASIDES)}
    short = {label for pair in usual().labels if set(pair) <= set(seen) for label in pair}
    if named or short:
        return named | _other_side(seen, named) if named else short
    alone = [label for label in seen if label in _letters()]
    if alone and len(seen) == 1:
        return set(alone)
    filled = sum(bool(line.strip()) for line in lines)
    common = [label for label, count in seen.most_common(_TWO) if count > 1]
    covered = sum(seen[label] for label in common)
    return set(common) if len(common) == _TWO and covered >= 0.8 * filled else set()


def _other_side(seen: Counter[str], named: set[str]) -> set[str]:
    """Where only one side has a usual name: the label that stands about as often, such as a first name or a letter."""
    sides = {usual().kinds[name] for name in named} & {"counselor", "client", "assistant", "user"}
    others = [(count, label) for label, count in seen.items() if label not in named]
    if len(sides) != 1 or not others:
        return set()
    count, label = max(others)
    return {label} if 2 * count >= sum(seen[name] for name in named) else set()


@cache
def _letters() -> frozenset[str]:
    return frozenset(label for pair in usual().labels for label in pair)
