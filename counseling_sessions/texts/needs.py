"""What a text must hold for a regular expression to match it: many expressions are tried only where they can match at all.

An expression needs a word of each of several sets. A need is a run of letters; `^` before it and `$` after it stand for the ends
of a word. What is not understood (a set of signs, a back reference) needs nothing, so that no match is ever missed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from counseling_sessions.texts.telling import telling_words

Needs = tuple[frozenset[str], ...]
"""A text that matches holds one of each set."""

MOST_WORDS = 20_000
"""Words of which a sieve remembers what they are good for."""
_PART = re.compile(
    r"(?P<around>\(\?<?[=!])|(?P<open>\((?:\?(?::|-?i:|P<\w+>))?(?!\?))|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<times>(?:[?*+]|\{\d*,?\d*\})\??)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<escape>\\.)|(?P<sign>.)",
    re.DOTALL,
)
_APART = re.compile(r"\[(?!\^)-?[^\w\\-]*-?\]")
"""A set without a letter or digit."""
_ODD = re.compile(r"\(\?(?!:|-?i:|P<|<?[=!])|\\[0-9uUxN]")
"""Signs of what is not understood."""
_ENDS = frozenset({r"\b", r"\s", r"\W", r"\A", r"\Z", "^", "$"})
_LIKELY = (1.0, 0.6, 0.2, 0.05, 0.01)
"""How likely a text is to hold a run of so many letters, one at first, as a guess."""
_LETTERS = re.compile(r"[^\W\d_]+")
_CASES = str.maketrans({"İ": "i", "ı": "i", "ſ": "s"})
"""Letters that match an ASCII letter in any case, though they are not its lower case."""


@dataclass(frozen=True)
class _Part:
    """A part of an expression: a `letter`, what surely ends a word (`apart`), alternatives (`ways`), or anything else.

    `optional`: it may be missing; `again`: it may come more than once. `empty`: it takes no text, as a look ahead.
    """

    letter: str = ""
    apart: bool = False
    empty: bool = False
    ways: tuple[tuple["_Part", ...], ...] = ()
    optional: bool = False
    again: bool = False

    @property
    def is_letter(self) -> bool:
        """Whether it is a letter that surely comes, once."""
        return bool(self.letter) and not self.optional and not self.again


@lru_cache(maxsize=8192)
def needs_of(pattern: str, *, at_word: bool = False) -> Needs:
    """What a text must hold to match; `at_word`: the match begins where a word begins, and ends where one ends."""
    if _ODD.search(pattern):
        return ()
    return _needs(_group(_PART.finditer(pattern)), at_word, at_word)


def alternatives(pattern: str) -> tuple[str, ...]:
    """The alternatives of an expression, of which one matches wherever it does; all of it, if it is not understood."""
    if _ODD.search(pattern):
        return (pattern,)
    depth, ways, start = 0, list[str](), 0
    for part in _PART.finditer(pattern):
        depth += part.lastgroup in ("open", "around")
        depth -= part.lastgroup == "close"
        if part.lastgroup == "bar" and not depth:
            ways.append(pattern[start : part.start()])
            start = part.end()
    return (*ways, pattern[start:])


def _group(parts: Iterator[re.Match[str]]) -> tuple[_Part, ...]:
    """The parts up to the end of a group; several alternatives are one part."""
    ways: list[list[_Part]] = [[]]
    for part in parts:
        kind = part.lastgroup
        if kind == "close":
            break
        if kind == "bar":
            ways.append([])
        elif kind == "times":
            last = ways[-1].pop()
            ways[-1].append(_repeated(last, part[0]))
        elif kind == "around":
            _group(parts)
            ways[-1].append(_Part(empty=True))
        elif kind == "open":
            ways[-1].append(_Part(ways=(_group(parts),)))
        else:
            ways[-1].append(_one(part[0]))
    return tuple(ways[0]) if len(ways) == 1 else (_Part(ways=tuple(map(tuple, ways))),)


@lru_cache(maxsize=4096)
def _one(part: str) -> _Part:
    if part.isascii() and part.isalpha():
        return _Part(letter=part.lower())
    if part.startswith("\\"):
        return _Part(apart=part in _ENDS or not (part[1].isalnum() or part[1] == "_"))
    if part.startswith("["):
        return _Part(apart=bool(_APART.fullmatch(part)))
    return _Part(apart=part in _ENDS or not (part == "." or part.isalnum() or part == "_"))


def _repeated(part: _Part, times: str) -> _Part:
    optional = times[0] in "?*" or times.startswith(("{0", "{,"))
    again = times[0] != "?"
    return _Part(part.letter, part.apart, part.empty, part.ways, part.optional or optional, part.again or again)


def _ends(parts: Sequence[_Part], state: bool, order: Callable[[Sequence[_Part]], Sequence[_Part]]) -> bool:
    """Whether a word surely ends after the parts, of which `state` says so before them; with the order turned, the other way."""
    for part in order(parts):
        if part.empty:
            continue
        after = all(_ends(way, state, order) for way in part.ways) if part.ways else part.apart
        state = after and (state or not part.optional)
    return state


def _forward(parts: Sequence[_Part]) -> Sequence[_Part]:
    return parts


def _backward(parts: Sequence[_Part]) -> Sequence[_Part]:
    return parts[::-1]


def _needs(parts: tuple[_Part, ...], left: bool, right: bool) -> Needs:
    """What parts need; `left` and `right`: whether a word surely ends before and after them."""
    needs: list[frozenset[str]] = []
    numbered = list(enumerate(parts))
    for is_run, run in groupby(numbered, lambda item: item[1].is_letter):
        items = list(run)
        if is_run:
            begins = _ends(parts[: items[0][0]], left, _forward)
            ends = _ends(parts[items[-1][0] + 1 :], right, _backward)
            letters = "".join(part.letter for _, part in items)
            needs.append(frozenset({f"{'^' if begins else ''}{letters}{'$' if ends else ''}"}))
            continue
        for place, part in items:
            if part.optional or part.empty:
                continue
            if part.letter:
                needs.append(frozenset({part.letter}))
            elif part.ways:
                before = not part.again and _ends(parts[:place], left, _forward)
                after = not part.again and _ends(parts[place + 1 :], right, _backward)
                needs += _of_ways([_needs(way, before, after) for way in part.ways])
    return tuple(dict.fromkeys(needs))


def _of_ways(ways: Sequence[Needs]) -> Sequence[frozenset[str]]:
    """What alternatives need: all that the only one needs, or of each of several what is least likely."""
    if len(ways) == 1:
        return ways[0]
    return [frozenset().union(*(min(way, key=likely) for way in ways))] if all(ways) else []


def likely(need: frozenset[str]) -> float:
    """A guess at how many of a need's words a text holds."""
    return sum(map(_likely, need))


@lru_cache(maxsize=65536)
def _likely(run: str) -> float:
    letters = run.strip("^$")
    if not telling_words(letters):
        return _LIKELY[0]
    return _LIKELY[min(len(letters) + run.count("^") + run.count("$"), len(_LIKELY)) - 1]


def lowered(text: str) -> str:
    """The text in lower case, in which a run of ASCII letters stands wherever an expression matches it in any case."""
    return text.lower() if text.isascii() else text.translate(_CASES).lower()


def letters_of(text: str) -> list[str]:
    """The words of a text in lower case, as a `Sieve` takes them."""
    return _LETTERS.findall(lowered(text))


class Sieve:
    """Many expressions in one look at the words of a text: which of them can match at all."""

    def __init__(self, needs: Sequence[Needs]) -> None:
        self._always = frozenset(number for number, one in enumerate(needs) if not one)
        sets = {need: place for place, need in enumerate(dict.fromkeys(need for one in needs for need in one))}
        self._needed = [sum(1 << sets[need] for need in set(one)) for one in needs]
        self._bits: dict[str, int] = {}
        for need, place in sets.items():
            for run in need:
                self._bits[run] = self._bits.get(run, 0) | 1 << place
        self._rarest: dict[str, list[int]] = {}
        for number, one in enumerate(needs):
            for run in min(one, key=likely) if one else ():
                self._rarest.setdefault(run, []).append(number)
        self._longest = max(map(len, self._bits), default=0)
        self._seen = _Seen(self._see)

    def passing(self, words: Iterable[str]) -> list[int]:
        """The numbers of the expressions that a text of these words, in lower case, can match, in their order."""
        bits, begun = 0, set(self._always)
        for has, begins in map(self._seen.__getitem__, set(words)):
            bits |= has
            if begins:
                begun.update(begins)
        needed = self._needed
        return sorted(number for number in begun if needed[number] & bits == needed[number])

    def _see(self, word: str) -> tuple[int, tuple[int, ...]]:
        padded = f"^{word}$"
        bits, begun = 0, set[int]()
        for start in range(len(padded)):
            for end in range(start + 1, min(start + self._longest, len(padded)) + 1):
                if has := self._bits.get(padded[start:end]):
                    bits |= has
                    begun.update(self._rarest.get(padded[start:end], ()))
        return bits, tuple(begun)


class _Seen(dict[str, tuple[int, tuple[int, ...]]]):
    """What each word is good for, looked up once."""

    def __init__(self, see: Callable[[str], tuple[int, tuple[int, ...]]]) -> None:
        super().__init__()
        self._see = see

    def __missing__(self, word: str) -> tuple[int, tuple[int, ...]]:
        if len(self) >= MOST_WORDS:
            self.clear()
        self[word] = seen = self._see(word)
        return seen
