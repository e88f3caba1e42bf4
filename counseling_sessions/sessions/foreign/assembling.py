"""From a record to its sessions: sides, turns, client, and what stands beside the dialogue."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.documents import Record
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.records import profile_of
from counseling_sessions.profiles.schema import ATTITUDES, Attitude, ClientProfile
from counseling_sessions.sessions.foreign.errors import FieldError
from counseling_sessions.sessions.foreign.messages import Said, Talk, talk_of
from counseling_sessions.sessions.foreign.metadata import metadata_of
from counseling_sessions.sessions.foreign.shapes import Shape, at
from counseling_sessions.sessions.foreign.sides import sides_of
from counseling_sessions.sessions.foreign.usual import key_in, plain, says_nothing, usual
from counseling_sessions.sessions.session import Message, Session
from counseling_sessions.state import Speaker
from counseling_sessions.texts.reasoning import without_reasoning

_FORM = frozenset({"AI_client", "AI_counselor", "example", "intake_form", "cbt_plan", "cbt_technique"})
"""Fields of MAGneT and CACTUS that are read into a session's fields, or are prompts."""
_REASONING = "<think"


@dataclass(frozen=True)
class Origin:
    """Where a record stands: its file's name, its number there and its place among all that are read, from 1."""

    record: Record
    position: int

    @property
    def stem(self) -> str:
        return Path(self.record.file).stem


def sessions_of(origin: Origin, shape: Shape, client_is: str | None = None) -> Iterator[Session | FieldError]:
    """Every session of a record of a shape, and what is wrong with one that cannot be read."""
    value = origin.record.value
    listed = _listed(value, shape)
    if listed is None:
        yield from _try(origin, value, {}, shape, client_is, None)
        return
    path, sessions = listed
    around = metadata_of(value, {path}) if isinstance(value, dict) else {}
    outer = {name: at(value, name) for name in (shape.client_id, *usual().client_id) if name}
    for number, session in enumerate(sessions, 1):
        for item in _try(origin, session, around, shape, client_is, number, outer):
            if isinstance(item, FieldError):
                item.field = f"{path}.{number - 1}.{item.field}".rstrip(".")
            yield item


def _try(
    origin: Origin,
    value: Any,
    around: dict[str, Any],
    shape: Shape,
    client_is: str | None,
    number: int | None,
    outer: dict[str, Any] | None = None,
) -> Iterator[Session | FieldError]:
    try:
        yield _session(origin, value, around, shape, client_is, number, outer or {})
    except FieldError as error:
        yield error


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


def _session(
    origin: Origin,
    value: Any,
    around: dict[str, Any],
    shape: Shape,
    client_is: str | None,
    number: int | None,
    outer: dict[str, Any],
) -> Session:
    record = value["example"] if isinstance(value, dict) and isinstance(value.get("example"), dict) else value
    talk = talk_of(value, shape)
    briefing = _without_briefing(talk)
    sides = sides_of(talk, shape, client_is)
    said = [(sides.of[plain(item.speaker)], item) for item in _said(talk, shape)]
    profile, problem = _profile(origin, record)
    fields = record if isinstance(record, dict) else {}
    used = {talk.place, talk.place.split("/")[0], *(key for key in (shape.first or shape.last or ())), *_FORM}
    return Session(
        id=_id(origin, value, shape, number),
        source=origin.record.file,
        dialogue=_in_turns(said, opened=bool(briefing) or bool(profile and profile.opening)),
        profile=profile,
        profile_problem=problem,
        attitude=profile.attitude if profile and profile.attitude else _attitude(fields),
        cbt_technique=_text_of(value, fields, "cbt_technique"),
        cbt_plan=_text_of(value, fields, "cbt_plan"),
        client_id=_client_id(origin, value, shape, outer),
        metadata=around | briefing | (metadata_of(value, used) if isinstance(value, dict) else _common(value, shape)),
        passed_over=dict(talk.passed_over),
        assumed=sides.assumed,
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
            talk.passed_over["briefing of the counselor"] += 1
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


def _id(origin: Origin, value: Any, shape: Shape, number: int | None) -> str:
    """The id that the file has, or its name with the record's number; and the number of the session in a record of several."""
    fields = value if isinstance(value, dict) else value[0] if _rows(value) else {}
    named = at(fields, shape.id) if shape.id else None
    if named is None and _rows(value):
        named = group_of(fields, shape)
    if named is None and (key := key_in(fields, usual().id)):
        named = fields[key]
    if named is None or says_nothing(named) or not isinstance(named, str | int) or isinstance(named, bool):
        named = origin.stem if origin.record.number == 1 else f"{origin.stem}-{origin.record.number}"
    if number is None:
        return str(named)
    stated = at(value, shape.number) if shape.number else None
    return f"{named}-{stated if stated is not None else number}"


def group_of(row: Any, shape: Shape) -> Any:
    """What says to which session a row belongs; None where nothing does."""
    if not isinstance(row, dict):
        return None
    if shape.group:
        return at(row, shape.group)
    key = key_in(row, usual().row_group)
    return row[key] if key and isinstance(row[key], str | int) else None


def _rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _common(rows: Any, shape: Shape) -> dict[str, Any]:
    """What all rows of a session say alike."""
    if not _rows(rows):
        return {}
    of_message = set(shape.of_message or ())
    entries = [metadata_of(row, of_message) for row in rows if isinstance(row, dict)]
    if len(entries) == 1:
        return {}
    return {key: value for key, value in entries[0].items() if all(entry.get(key) == value for entry in entries)}


def _client_id(origin: Origin, value: Any, shape: Shape, outer: dict[str, Any]) -> str | None:
    if shape.client_of_file:
        return origin.stem
    fields = value if isinstance(value, dict) else {}
    named = at(fields, shape.client_id) if shape.client_id else None
    key = key_in(fields, usual().client_id)
    candidates = (named, *outer.values(), fields[key] if key else None)
    stated = next((item for item in candidates if isinstance(item, str | int) and not says_nothing(item)), None)
    return None if stated is None else str(stated)


def _profile(origin: Origin, record: Any) -> tuple[ClientProfile | None, str | None]:
    """The client of a session; in CACTUS's own dialogues the form stands beside them, without `AI_client`."""
    if isinstance(record, dict) and "AI_client" not in record and "intake_form" in record:
        client = {name: record[name] for name in ("intake_form", "attitude") if name in record}
        record = {"AI_client": client}
    if not isinstance(record, dict) or "AI_client" not in record:
        return None, "no 'AI_client' and no 'intake_form'"
    try:
        return profile_of(Record(origin.record.file, origin.record.number, record), origin.position), None
    except ProfileError as error:
        return None, "; ".join(f"{problem.field}: {problem.message}" for problem in error.problems)


def _attitude(record: dict[str, Any]) -> Attitude | None:
    client = record.get("AI_client")
    value = (client if isinstance(client, dict) else record).get("attitude")
    word = value.strip().lower() if isinstance(value, str) else None
    return next((attitude for attitude in ATTITUDES if attitude == word), None)


def _text_of(value: Any, record: dict[str, Any], name: str) -> str | None:
    text = record.get(name, value.get(name) if isinstance(value, dict) else None)
    return text.strip() or None if isinstance(text, str) else None
