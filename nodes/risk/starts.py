"""The words that a phrase can begin with: a message is compared with the few phrases that begin with one of its words.

It reads the regular expressions of the lists only: letters, groups, sets, `?`, `*`, `+`, `{m,n}` and looks ahead and behind.
"""

import re
from collections.abc import Iterator

_PART = re.compile(r"\(\?<?[:=!]|[()|?*+]|\\.|\[[^\]]*\]|\{[\d,]*\}|.", re.DOTALL)
_Sequence = list[tuple[set[str], bool]]


def starts_of(pattern: str) -> set[str]:
    """The first words of the texts that a pattern matches. One that ends with `*` begins with these letters."""
    return {
        start.split(" ")[0].split("*")[0] + ("*" if "*" in start.split(" ")[0] else "")
        for start in _group(_parts(pattern))
    }


def _parts(pattern: str) -> Iterator[str]:
    return (match[0] for match in _PART.finditer(pattern))


def _group(parts: Iterator[str]) -> set[str]:
    """The beginnings of a group's alternatives, each up to its first space or open end."""
    starts: set[str] = set()
    sequence: _Sequence = []
    for part in parts:
        if part == ")":
            break
        if part == "|":
            starts |= _beginnings(sequence)
            sequence = []
        elif part in ("?", "*", "+") or part.startswith("{"):
            sequence[-1] = _repeated(*sequence[-1], part)
        elif part.startswith("("):
            inside = _group(parts)
            sequence.append(({""} if part[-1] in "=!" else inside, False))
        else:
            sequence.append((_one(part), False))
    return starts | _beginnings(sequence)


def _one(part: str) -> set[str]:
    if part.startswith("["):
        return {"*"} if "-" in part or "\\" in part else set(part[1:-1])
    if part in ("\\b", "^", "$"):
        return {""}
    return {"*"} if part.startswith("\\") or part == "." else {part}


def _repeated(starts: set[str], optional: bool, times: str) -> tuple[set[str], bool]:
    if times in ("*", "+"):
        starts = {f"{start}*" for start in starts}
    return starts, optional or times in ("?", "*") or times.startswith(("{0", "{,"))


def _beginnings(sequence: _Sequence) -> set[str]:
    open_, closed = {""}, set[str]()
    for starts, optional in sequence:
        longer = {f"{before}{start}" for before in open_ for start in starts}
        closed |= {text for text in longer if " " in text or "*" in text}
        open_ = (longer - closed) | (open_ if optional else set())
        if not open_:
            break
    return closed | open_
