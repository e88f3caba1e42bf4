"""A counselor who knows what stands in the part of the form that only the client sees, and what nobody has said."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from counseling_sessions.evaluation.checks.capitals import capitalised
from counseling_sessions.evaluation.checks.closed import DATA, Closed, Heard, Thing
from counseling_sessions.evaluation.checks.numbers import Number
from counseling_sessions.evaluation.checks.spoken import SpokenInSession
from counseling_sessions.evaluation.roots import is_rare, root, weight

ENOUGH = 4.2
"""Weight from which on words that come together in form and message are no guess."""
NEAR = 4
"""Words that two of them lie apart at most, in the form and in the message."""
FEW = 2
"""A number up to which anybody may count anything but a length of time."""

_DEFINITE = frozenset(DATA["definite"].split())
_GUESSED = frozenset(map(root, DATA["guessed_units"].split()))
_LASTING = frozenset(map(root, DATA["lasting_units"].split()))


def leak(spoken: SpokenInSession) -> str | None:
    """What the counselor says that only the client's form holds: a name, a number with what it counts, or telling words.

    Telling words are two that stand near each other in form and message, or a rare one that the counselor takes as known ("the
    kiln"). Not seen: what is said in other words, common words, other languages than English, and everything in a session without
    a profile.
    """
    closed, heard = spoken.setting.closed, spoken.setting.heard
    if spoken.speaker == "client" or closed is None or heard is None:
        return None
    said = spoken.words.split()
    certain = [*_names(spoken.text, said, closed, heard), *_numbers(spoken.numbers, closed, heard)]
    return "; ".join(certain or _things(said, closed, heard)) or None


def _names(text: str, said: Sequence[str], closed: Closed, heard: Heard) -> Iterator[str]:
    if closed.names.keys().isdisjoint(said):
        return
    for name, within in capitalised(text):
        if name in closed.names and (within or closed.names[name]) and heard.words.isdisjoint((name, f"{name}s")):
            yield name.title()


def _numbers(numbers: Sequence[Number], closed: Closed, heard: Heard) -> Iterator[str]:
    for number in numbers:
        if number in closed.numbers and not heard.number(number) and _telling(number):
            yield f"{number.value:g} {number.counts} ({closed.numbers[number]})"


def _telling(number: Number) -> bool:
    """Whether nobody comes to a number by chance. A clock time in words ("half past six") is one of many."""
    if number.counts in _LASTING or number.counts.partition(" ")[2]:
        return True
    return number.value > FEW and number.counts not in _GUESSED


def _things(said: Sequence[str], closed: Closed, heard: Heard) -> Iterator[str]:
    """The words of one place in the form that weigh most, or else a rare word that is taken as known."""
    roots = [*map(root, said)]
    new = {word: roots.index(word) for word in closed.roots.intersection(roots) if not heard.thing(word)}
    for thing in closed.things if new else ():
        if together := _together(thing, new):
            yield f"{' … '.join(said[place] for place in sorted(map(new.__getitem__, together)))} ({thing.path})"
            return
        for word in thing.places.keys() & new.keys():
            if is_rare(word) and new[word] and said[new[word] - 1] in _DEFINITE:
                yield f"{said[new[word]]} ({thing.path})"
                return


def _together(thing: Thing, new: dict[str, int]) -> set[str]:
    """The new words of a thing that stand near each other in it and in the message, if they weigh enough."""
    near = {
        word
        for pair in combinations(thing.places.keys() & new.keys(), 2)
        if all(abs(place[pair[0]] - place[pair[1]]) <= NEAR for place in (thing.places, new))
        for word in pair
    }
    return near if sum(weight(word) for word in near) >= ENOUGH else set()
