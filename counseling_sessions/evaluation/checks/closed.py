"""What only the client's form holds, and what has been said of it: the two sides of a leak."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from counseling_sessions.evaluation.checks.capitals import capitalised
from counseling_sessions.evaluation.checks.numbers import Number, numbers_of
from counseling_sessions.evaluation.form import items
from counseling_sessions.evaluation.roots import root
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import sentences, words

DATA = read_yaml(Path(__file__).with_name("leaks.yaml"))
_STEM = 4
"""Letters of a word that tell that another form of it was said."""


@dataclass(frozen=True)
class Thing:
    """A sentence of the form: its field, and the place of each word that tells something, by the word's root."""

    path: str
    places: dict[str, int]


class Closed:
    """The part of a form that only its client sees, in the forms in which a message is compared with it.

    `names` says of each name whether it is capitalised within a sentence, and so surely is one.
    """

    def __init__(self, profile: ClientProfile) -> None:
        self.names: dict[str, bool] = {}
        self.numbers: dict[Number, str] = {}
        self.things: list[Thing] = []
        for item in items(profile):
            for name, within in capitalised(item.text):
                self.names[name] = self.names.get(name, False) or within
            for sentence in sentences(item.text):
                said = words(sentence)
                self.numbers.update((number, item.path) for number in numbers_of(sentence, said) if number.counts)
                self.things.append(Thing(item.path, places(said)))
        self.roots = frozenset(word for thing in self.things for word in thing.places)


class Heard:
    """What has been said so far, or stands where the counselor sees it."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.words: set[str] = set()
        self.numbers: set[Number] = set()
        self._stems: set[str] = set()
        for text in texts:
            said = words(text)
            self.add(said, numbers_of(text, said))

    def add(self, said: Sequence[str], numbers: Iterable[Number]) -> None:
        """Go on by the words and the numbers of a message."""
        new = {*said} - self.words
        self.words |= new
        self._stems.update(stem[:_STEM] for stem in map(root, new))
        self.numbers.update(numbers)

    def number(self, number: Number) -> bool:
        """Whether a number was said of the same, or by itself, as an age is."""
        return not {number, Number(number.value, "")}.isdisjoint(self.numbers)

    def thing(self, stem: str) -> bool:
        """Whether a word of this root was said, in any form."""
        return stem[:_STEM] in self._stems


def places(said: Sequence[str]) -> dict[str, int]:
    """Where each word that tells something stands, by its root."""
    return {stem: place for place, stem in enumerate(map(root, said)) if stem}
