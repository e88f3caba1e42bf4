"""Texts of labelled lines: who speaks stands before a colon, and what follows goes on until the next label."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from counseling_sessions.sessions.foreign.usual import plain, usual

_MARKUP = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_HEADING = re.compile(
    r"[ \t*#_]{0,20}(?:turn|round|exchange|session|第)[ \t]{0,9}\d{1,6}[ \t轮次回]{0,9}[*:：]{0,9}[ \t]{0,9}"
)
# Every repetition is bounded: a line may be a megabyte of any sign.
_LABEL = re.compile(
    r"""
    (?P<before>[ \t*_>\-•]{0,20}(?:[\[(（【]?\d{1,4}(?:[:.]\d{1,2}){0,3}[\])）】.]?[ \t]{0,9}[-–]?[ \t]{0,9})?[*_\[(（【]{0,9})
    (?P<name>(?:(?:Dr|Dra|Prof|Mr|Mrs|Ms|Hr|Fr|Sr|Sra|Mme|Dipl)\.[ ]?)?[^\W\d_][^:：\n\[\](){}<>"“”.!?。！？]{0,38}?(?:[ ][A-Z]\.)?)
    [ \t]{0,9}(?:[ #_]{0,2}(?P<number>\d{1,4})[ \t]{0,9})?(?:\([^()\n]{1,30}\)[ \t]{0,9})?[*_\])）】]{0,9}[ \t]{0,9}
    [:：][*_]{0,9}[ \t]{0,9}
    """,
    re.VERBOSE,
)
_CUE_TIME = re.compile(r"\d[\d:.,]{2,15}[ \t]*-->.{0,80}")
_CUE_VOICE = re.compile(r"^<v(?:\.[\w.]{1,40})?[ \t]([^<>\n]{1,60})>", re.MULTILINE)
_ASIDES = frozenset({"system", "narrator"})
"""What is no speech and may be a label; "Note:" may begin a line of speech."""
NUMBERED = frozenset({"speaker", "person", "participant", "sprecher", "hablante", "话者", "話者", "说话人"})
"""Names that say nothing of the side where a number tells one from another."""
MOST_SPEAKERS = 8
"""Labels of a text, all of whose lines have one, up to which each is a speaker's."""


def labelled(text: str, names: Collection[str] = ()) -> list[tuple[str, str]]:
    """Each message's speaker, as its label says, and text; nothing for a text in which no line has a label.

    Labels are these plain `names`, the usual names of speakers, and the short ones that go together ("T:" beside "C:"); beside
    them every label that comes again, and every one where all lines have a label. Subtitles lose their cues.
    """
    return [(name, "\n".join(parts).strip()) for name, parts in _messages(text, names) if name]


def lines_before(text: str, names: Collection[str] = ()) -> int:
    """The lines with something on them that stand before the first label."""
    first = next(iter(_messages(text, names)), None)
    return sum(bool(line.strip()) for line in first[1]) if first and not first[0] else 0


def _messages(text: str, names: Collection[str]) -> list[tuple[str, list[str]]]:
    """The messages as names and lines; what stands before the first label has the name ""."""
    if ":" not in text and "：" not in text and "<v" not in text:
        return []
    if "\n" not in text:
        text = text.replace("\\n", "\n")  # a cell of a table in which line feeds are written out
    if "-->" in text:
        text = _without_cues(text)
    lines = [_MARKUP.sub("", line) for line in text.split("\n")]
    labels = [_label(match) if (match := _LABEL.match(line)) else None for line in lines]
    speakers = _speakers(labels, lines, names)
    said: list[tuple[str, list[str]]] = [("", [])]
    for line, label in zip(lines, labels, strict=True):
        if label and label.plain in speakers:
            said.append((label.name, [line[label.end :]]))
        elif not _HEADING.fullmatch(line.casefold()):
            said[-1][1].append(line)
    return said if len(said) > 1 else []


@dataclass(frozen=True)
class _Label:
    """A label: the name as it stands, plain, and where the text after it begins. A number is part of it."""

    name: str
    plain: str
    end: int


def _label(match: re.Match[str]) -> _Label:
    name = match["name"].strip()
    if match["number"]:
        name = f"{name} {match['number']}"
    return _Label(name, plain(name), match.end())


def _without_cues(text: str) -> str:
    kept = [line for line in _CUE_VOICE.sub(r"\1: ", text).split("\n") if not _CUE_TIME.match(line.strip())]
    return "\n".join(line for line in kept if not line.strip().isdecimal() and line.strip() != "WEBVTT")


def _speakers(labels: list[_Label | None], lines: list[str], names: Collection[str]) -> set[str]:
    """The labels that name speakers."""
    seen = Counter(label.plain for label in labels if label)
    kinds = usual().kinds
    named = {
        label
        for label in seen
        if label in names or (kind_of(label) and (kinds.get(label) != "aside" or label in _ASIDES))
    }
    short = {label for pair in usual().labels if set(pair) <= set(seen) for label in pair}
    filled = sum(bool(line.strip()) for line in lines)
    all_labelled = seen.total() == filled and 1 < len(seen) <= MOST_SPEAKERS
    again = {label for label, count in seen.items() if count > 1}
    if named or short:
        return named | short | (set(seen) if all_labelled else again)
    if len(seen) == 1 and seen.keys() <= _letters():
        return set(seen)
    covered = sum(seen[label] for label in again)
    return set(seen) if all_labelled else again if len(again) > 1 and covered >= 0.8 * filled else set()


def kind_of(name: str) -> str | None:
    """Whose words a plain name stands for; "client 2" is a client, but "speaker 2" may be either."""
    kinds = usual().kinds
    base = re.sub(r"_?\d+$", "", name)
    return kinds.get(name) or (None if base in NUMBERED else kinds.get(base))


@cache
def _letters() -> frozenset[str]:
    return frozenset(label for pair in usual().labels for label in pair)
