"""What an update may give to the state's channels, and in which order. A journal with anything else is damaged."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.journal_lines import JournalHead, JournalUpdate
from counseling_sessions.settings import validation_message
from counseling_sessions.state import (
    Candidate,
    ClientState,
    EndReason,
    Failure,
    Pick,
    Plan,
    RiskEntry,
    RiskQuestion,
    SessionId,
    Speaker,
    Utterance,
)


def _items(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) != {"__overwrite__"}:
            raise ValueError("neither a list nor what replaces one")
        value = value["__overwrite__"]
    return value


_Items = BeforeValidator(_items)


class Channels(BaseModel):
    """An update, typed: the channels of a session or of a practice session. A list is appended, or replaces the channel's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session_id: SessionId | None = None
    profile_id: str | None = None
    profile: ClientProfile | None = None
    attitude: Attitude | None = None
    client_information: str = ""
    reason_for_counseling: str = ""
    plan: Plan | None = None
    utterances: Annotated[tuple[Utterance, ...], _Items] = ()
    picks: Annotated[tuple[Pick, ...], _Items] = ()
    candidates: Annotated[tuple[Candidate, ...], _Items] = ()
    client_states: Annotated[tuple[ClientState, ...], _Items] = ()
    risk: Annotated[tuple[RiskEntry, ...], _Items] = ()
    end_reason: EndReason | None = None
    failure: Failure | None = None
    part: Speaker | None = None
    country: str = ""
    help: str = ""
    questions: tuple[RiskQuestion, ...] = ()
    farewell: str = ""


class Misfit(ValueError):
    """An update that no node makes; the message names the field and says why."""


def channels_of(item: JournalUpdate) -> Channels:
    """An update's channels, typed. Raises `Misfit`."""
    try:
        return Channels.model_validate(item.update)
    except ValidationError as error:
        raise Misfit(f"update.{validation_message(error).replace('; ', '; update.')}"[:500]) from None


def _turns_of(channels: Channels) -> Iterator[tuple[str, int]]:
    """Where an update names a turn that has to be the one in progress: a revised plan, and what was noticed."""
    if channels.plan and channels.plan.turn:
        yield "plan", channels.plan.turn
    for number, entry in enumerate(channels.risk):
        yield f"risk.{number}", entry.turn


class Order:
    """Goes through a session's updates, and refuses one that cannot follow those before it."""

    def __init__(self, head: JournalHead) -> None:
        self._head = head
        self._empty = True
        self._last: Utterance | None = None
        self._picked = 0
        self._drafted: set[tuple[int, str]] = set()

    def take(self, item: JournalUpdate) -> None:
        """The next update. Raises `Misfit`."""
        channels = channels_of(item)
        if self._empty and item.node != "intake":
            raise Misfit(f"node: a session begins with its intake, not with {item.node[:40]!r}")
        self._empty = False
        self._of_this_session(channels)
        if isinstance(item.update.get("utterances"), dict):
            self._last = None
        for number, said in enumerate(channels.utterances):
            self._said(said, f"update.utterances.{number}")
        for number, state in enumerate(channels.client_states):
            if not self._last or state.turn != self._last.turn:
                raise Misfit(f"update.client_states.{number}.turn: turn {state.turn} without an answer of the client's")
        for where, turn in _turns_of(channels):
            self._at_turn(turn, f"update.{where}")
        if isinstance(item.update.get("picks"), dict):
            self._picked = 0
        for number, pick in enumerate(channels.picks):
            self._at_turn(pick.turn, f"update.picks.{number}")
            if pick.turn <= self._picked:
                raise Misfit(f"update.picks.{number}.turn: turn {pick.turn} has its pick already")
            self._picked = pick.turn
        if isinstance(item.update.get("candidates"), dict):
            self._drafted.clear()
        for number, drafted in enumerate(channels.candidates):
            self._at_turn(drafted.turn, f"update.candidates.{number}")
            if (drafted.turn, drafted.technique) in self._drafted:
                raise Misfit(
                    f"update.candidates.{number}: turn {drafted.turn} has its {drafted.technique[:40]} already"
                )
            self._drafted.add((drafted.turn, drafted.technique))

    def _of_this_session(self, channels: Channels) -> None:
        head = self._head
        for name, expected in (
            ("session_id", head.session_id),
            ("profile_id", head.profile.id),
            ("profile", head.profile),
            ("attitude", head.attitude),
        ):
            value = getattr(channels, name)
            if value is not None and value != expected:
                raise Misfit(f"update.{name}: another one than in the first line")

    def _at_turn(self, turn: int, where: str) -> None:
        expected = 1 if self._last is None else self._last.turn + (self._last.speaker == "client")
        if self._last and self._last.closing:
            raise Misfit(f"{where}: the session is closed already")
        if turn != expected:
            raise Misfit(f"{where}.turn: turn {turn} where turn {expected} is in progress")

    def _said(self, said: Utterance, where: str) -> None:
        last = self._last
        if last and last.closing:
            raise Misfit(f"{where}: something is said after the closing words")
        if last is None:
            fits = said.speaker == "counselor" and said.turn in (0, 1)
        elif last.speaker == "counselor":
            fits = said.speaker == "client" and said.turn == last.turn
        else:
            fits = said.speaker == "counselor" and said.turn == last.turn + 1
        if not fits:
            after = f"turn {last.turn} of the {last.speaker}" if last else "the beginning"
            raise Misfit(f"{where}: turn {said.turn} of the {said.speaker} after {after}")
        self._last = said
