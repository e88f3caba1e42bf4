"""A message as the checks see it: who said what before, what the profile says, and the language it should be in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from pydantic import BaseModel

from counseling_sessions.evaluation.checks.closed import Closed, Heard
from counseling_sessions.evaluation.checks.numbers import Number, numbers_of
from counseling_sessions.evaluation.form import open_texts
from counseling_sessions.evaluation.languages import UNKNOWN, Expected, expected, language_of, title_of
from counseling_sessions.evaluation.roots import words_of
from counseling_sessions.integrity.kin import kin_in_form
from counseling_sessions.integrity.spoken import Past, Spoken, speaks_of_clients, unmarked
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import words

_NOT_SAID = {"id", "source", "labelled_techniques", "attitude", "severity", "manner", "disclosure"}


class Setting:
    """What holds for all of a session: its profile's words, and the language it should be in."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @cached_property
    def profile(self) -> str:
        """All that the profile says, as one text; empty without a profile."""
        return "\n".join(_texts(self.session.profile)) if self.session.profile else ""

    @cached_property
    def profile_words(self) -> frozenset[str]:
        return frozenset(words(self.profile))

    @cached_property
    def kin(self) -> dict[str, set[str]]:
        """The kinds of kin of everybody whom the profile names as family, by name."""
        return kin_in_form(self.profile)

    @cached_property
    def closed(self) -> Closed | None:
        """What only the client's form holds; None without a profile."""
        return Closed(self.session.profile) if self.session.profile else None

    @cached_property
    def heard(self) -> Heard | None:
        """What has been said so far, or stands where the counselor sees it; None without a profile."""
        return Heard(open_texts(self.session.profile)) if self.session.profile else None

    @cached_property
    def client_names(self) -> list[str]:
        """The parts of the client's name, as they are compared."""
        profile = self.session.profile
        return words(profile.demographics.name) if profile else []

    @cached_property
    def language(self) -> Expected | None:
        """The language that the session should be in: what it says, else what most of it is in, else English."""
        if self.session.language:
            return expected(self.session.language)
        code = language_of(self.session)
        return expected("English" if code == UNKNOWN else title_of(code))

    @cached_property
    def has_clients(self) -> bool:
        """Whether the client speaks of clients of their own, at any time, or the form does: talk of them is no defect."""
        said = (message.text for message in self.session.dialogue if message.speaker == "client")
        return speaks_of_clients(chain(said, [self.profile]))


@dataclass(frozen=True, kw_only=True)
class SpokenInSession(Spoken):
    """A message of a session that was read: `raw` as it stands there, and `text` without the end marker.

    `follows_own`: its speaker did not wait for an answer.
    """

    raw: str
    follows_own: bool
    setting: Setting

    @cached_property
    def words(self) -> str:
        return " ".join(words_of(self.text))

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers that it says."""
        return tuple(numbers_of(self.text, self.words.split()))

    @cached_property
    def has_clients(self) -> bool:
        return self.setting.has_clients


Check = Callable[[SpokenInSession], str | None]
"""Gives what is wrong, short; None where nothing is."""


def spoken(session: Session) -> Iterator[SpokenInSession]:
    """The messages of a session in their order, each with its past. Time and memory are linear in the text."""
    setting = Setting(session)
    pasts: dict[Speaker, Past] = {"counselor": Past(), "client": Past()}
    before: Speaker | None = None
    for message in session.dialogue:
        past, others_past = pasts[message.speaker], pasts["client" if message.speaker == "counselor" else "counselor"]
        said = SpokenInSession(
            *(unmarked(message.text), message.speaker, past, others_past),
            turn=message.turn,
            names=frozenset(setting.client_names) if message.speaker == "client" else frozenset(),
            raw=message.text,
            follows_own=before == message.speaker,
            setting=setting,
        )
        yield said
        past.add(said)
        if setting.heard:
            setting.heard.add(said.words.split(), said.numbers)
        before = message.speaker


def _texts(part: BaseModel) -> Iterator[str]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _texts(value)
        elif value is not None and name not in _NOT_SAID:
            yield str(value)
