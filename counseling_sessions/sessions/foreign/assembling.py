"""From a record to its sessions: sides, turns, client, and what stands beside the dialogue."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.documents import Record
from counseling_sessions.profiles.documents.paths import at
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.records import profile_of
from counseling_sessions.profiles.schema import ATTITUDES, Attitude, ClientProfile
from counseling_sessions.sessions.foreign.errors import FieldError
from counseling_sessions.sessions.foreign.identity import client_named, id_of, rows_without_session
from counseling_sessions.sessions.foreign.messages import Said, Talk, talk_of
from counseling_sessions.sessions.foreign.metadata import Scalar, common_metadata, metadata_of
from counseling_sessions.sessions.foreign.shapes import Shape
from counseling_sessions.sessions.foreign.sides import sides_of
from counseling_sessions.sessions.foreign.usual import key_in, plain, usual
from counseling_sessions.sessions.session import Message, Session
from counseling_sessions.state import Speaker
from counseling_sessions.texts.reasoning import without_reasoning

_FORM = frozenset({"AI_client", "AI_counselor", "example", "intake_form", "cbt_plan", "cbt_technique"})
"""Fields of MAGneT and CACTUS that are read into a session's fields, or are prompts."""
_REASONING = "<think"
BRIEFING = "briefing of the counselor"
"""What the chats that we export have before the first words, and nobody else's; a kind of what is passed over."""
ONE_SESSION = "no column says to which session a row belongs: all rows of the file are one; a shape's group names it"


@dataclass(frozen=True)
class Origin:
    """A record, its place among all that are read (from 1), the shape that it has, and whom its file calls the client."""

    record: Record
    position: int
    shape: Shape
    client_is: str | None = None


@dataclass(frozen=True)
class _Part:
    """What holds one session: a record, or one of the sessions in it, with what stands around it there."""

    value: Any
    number: int | None = None
    around: Mapping[str, Scalar] = field(default_factory=dict)
    client: Any = None

    @property
    def fields(self) -> dict[str, Any]:
        return self.value if isinstance(self.value, dict) else {}

    @property
    def form(self) -> dict[str, Any]:
        """The fields of the part that has an intake form; MAGneT's scripts nest it."""
        nested = self.fields.get("example")
        return nested if isinstance(nested, dict) else self.fields


def sessions_of(origin: Origin) -> Iterator[Session | FieldError]:
    """Every session of a record, and what is wrong with one that cannot be read."""
    try:
        parts = [*_parts(origin)]
    except FieldError as error:
        yield error
        return
    for place, part in parts:
        try:
            yield _session(origin, part)
        except FieldError as error:
            yield FieldError(f"{place}{error.field}".rstrip("."), str(error))


def _parts(origin: Origin) -> Iterator[tuple[str, _Part]]:
    """Each part of a record that holds a session, and the path at which it stands."""
    value = origin.record.value
    listed = _listed(value, origin.shape)
    if listed is None:
        yield "", _Part(value)
        return
    path, sessions = listed
    around = metadata_of(value, {path})
    client = client_named(value, origin.shape)
    for number, session in enumerate(sessions, 1):
        yield f"{path}.{number - 1}.", _Part(session, number, around, client)


def _listed(value: Any, shape: Shape) -> tuple[str, Sequence[Any]] | None:
    """The sessions that a record holds in a list, and the list's path."""
    if not isinstance(value, dict):
        return None
    if shape.sessions:
        sessions = at(value, shape.sessions)
        if not isinstance(sessions, list) or not sessions:
            raise FieldError(shape.sessions, "should be a list of sessions")
        return shape.sessions, sessions
    if shape.messages:
        return None
    for name in usual().sessions:
        key = key_in(value, [name])
        items = value[key] if key else None
        if key and isinstance(items, list) and items and all(_may_be_session(item) for item in items):
            return key, items
    return None


def _may_be_session(item: Any) -> bool:
    return isinstance(item, dict) and any(isinstance(inner, list) for inner in item.values())


def _session(origin: Origin, part: _Part) -> Session:
    shape, file = origin.shape, origin.record.file
    talk = talk_of(part.value, shape, origin.client_is)
    briefing = _without_briefing(talk)
    sides = sides_of(talk, shape, origin.client_is)
    said = [(sides.of[plain(item.speaker)], item) for item in _said(talk, shape)]
    profile, problem = _profile(origin, part.form)
    used = {talk.place, talk.place.split("/")[0], *(shape.first or shape.last or ()), *_FORM}
    stated = metadata_of(part.value, used) if part.fields else common_metadata(part.value, shape)
    client = client_named(part.value, shape) or part.client
    return Session(
        id=id_of(part.value, shape, origin.record, part.number),
        source=file,
        dialogue=_in_turns(said, opened=bool(briefing) or bool(profile and profile.opening)),
        profile=profile,
        profile_problem=problem,
        attitude=profile.attitude if profile and profile.attitude else _attitude(part.form),
        cbt_technique=_text_of(part, "cbt_technique"),
        cbt_plan=_text_of(part, "cbt_plan"),
        client_id=Path(file).stem if shape.client_of_file else client,
        metadata={**part.around, **briefing, **stated},
        passed_over=dict(talk.passed_over),
        assumed=(*sides.assumed, *([ONE_SESSION] if rows_without_session(part.value, shape) else [])),
        speakers={item.speaker: speaker for speaker, item in said},
        shape=shape.name,
    )


def _said(talk: Talk, shape: Shape) -> list[Said]:
    """The messages without reasoning, where it goes."""
    said = talk.said
    reasons = [item.text.lstrip().startswith(_REASONING) for item in said]
    if shape.reasoning == "left out" and any(reasons):
        talk.passed_over["reasoning before a message"] += sum(reasons)
        said = [Said(item.speaker, without_reasoning(item.text).strip(), item.codes) for item in said]
    if not said:
        raise FieldError(talk.place, "holds no message")
    return said


def _without_briefing(talk: Talk) -> dict[str, str]:
    """Take away the briefing of our exports, which stands as the user's first message; its lines `Title: value` are returned."""
    first = talk.said[0]
    for mark in usual().briefings:
        briefing, ends, spoken = first.text.partition(mark.ends)
        if ends and first.text.startswith(mark.begins):
            talk.passed_over[BRIEFING] += 1
            talk.said[:1] = [Said(first.speaker, spoken.strip(), first.codes)] if spoken.strip() else []
            lines = (line.partition(": ") for line in briefing.splitlines())
            return {f"briefing/{title.strip()}": value.strip() for title, _, value in lines if value.strip()}
    return {}


def _in_turns(said: Sequence[tuple[Speaker, Said]], *, opened: bool) -> tuple[Message, ...]:
    """Number the turns: a counselor's message after a client's begins one.

    Where the form has an opening, the counselor's first message begins turn 0, whatever its words: how a greeting is worded
    must not decide how many turns there are.
    """
    turn, messages = 0 if opened and said[0][0] == "counselor" else 1, []
    before: Speaker = "counselor"
    for speaker, item in said:
        turn += speaker == "counselor" and before == "client"
        messages.append(Message(turn=turn, speaker=speaker, text=item.text, codes=item.codes))
        before = speaker
    return tuple(messages)


def _profile(origin: Origin, record: dict[str, Any]) -> tuple[ClientProfile | None, str | None]:
    """The client of a session, or why its form cannot be read; neither where there is no form.

    In CACTUS's own dialogues the form stands beside them, without `AI_client`.
    """
    if "AI_client" not in record and "intake_form" in record:
        client = {name: record[name] for name in ("intake_form", "attitude") if name in record}
        record = {"AI_client": client}
    if "AI_client" not in record:
        return None, None
    try:
        return profile_of(Record(origin.record.file, origin.record.number, record), origin.position), None
    except ProfileError as error:
        return None, "; ".join(f"{problem.field}: {problem.message}" for problem in error.problems)


def _attitude(record: dict[str, Any]) -> Attitude | None:
    client = record.get("AI_client")
    value = (client if isinstance(client, dict) else record).get("attitude")
    word = value.strip().lower() if isinstance(value, str) else None
    return next((attitude for attitude in ATTITUDES if attitude == word), None)


def _text_of(part: _Part, name: str) -> str | None:
    text = part.form.get(name, part.fields.get(name))
    return text.strip() or None if isinstance(text, str) else None
