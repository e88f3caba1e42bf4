"""Sessions in anybody's files, read one by one: MAGneT's, CACTUS dialogues, chat formats, and our records.

A session of MAGneT is an object with its messages under `dialogue` (the released files) or `history` (the released scripts),
by itself or nested under `example`; CACTUS has one text of labelled lines instead. Chat formats have `messages` with `role` and
`content` (OpenAI) or `conversations` with `from` and `value` (ShareGPT); there the assistant is the counselor, and system
messages are passed over. Files may be JSON, JSON Lines or YAML.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.documents import SUFFIXES, Record, records_of
from counseling_sessions.profiles.problems import Problem, ProfileError
from counseling_sessions.profiles.records import profile_of
from counseling_sessions.profiles.schema import ATTITUDES, Attitude, ClientProfile
from counseling_sessions.sessions.entries import record_of_value
from counseling_sessions.sessions.folder import runs_inside
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import Message, Session, session_of
from counseling_sessions.state import Speaker

SPEAKERS: dict[str, Speaker] = {
    **{"counselor": "counselor", "counsellor": "counselor", "therapist": "counselor"},
    **{"client": "client", "patient": "client", "seeker": "client"},
}
CHAT_SPEAKERS: dict[str, Speaker] = SPEAKERS | {
    "assistant": "counselor",
    "gpt": "counselor",
    "user": "client",
    "human": "client",
}
FIELDS = {
    "dialogue": ("role", "message"),
    "history": ("role", "message"),
    "messages": ("role", "content"),
    "conversations": ("from", "value"),
}
"""The fields of a session that may hold its messages, and the names of speaker and text in a message there."""
_LINE = re.compile(rf"^[ \t]*({'|'.join(SPEAKERS)})[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE)


class _FieldError(ValueError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def foreign_sessions(path: Path) -> Iterator[Session | Problem]:
    """Every session of a file or of a folder's files (session_2 before session_10), and every problem, in their order.

    A record that is no session becomes a `Problem` with file, record and field. JSON Lines are read line by line. In a
    folder, the `index.jsonl` of an export is passed over. Raises `ProfileError` if there is nothing to read.
    """
    for file, item in records_and_sessions(path):
        yield session_of(item, file) if isinstance(item, SessionRecord) else item


def records_and_sessions(path: Path) -> Iterator[tuple[str, SessionRecord | Session | Problem]]:
    """The same, each with its file, and our records unchanged, with all that led to the dialogue."""
    position = 0
    for file in _files(path):
        for item in records_of(file):
            if isinstance(item, Problem):
                yield str(file), item
                continue
            position += 1
            try:
                yield str(file), _read(item, position)
            except ValueError as error:
                field = error.field if isinstance(error, _FieldError) else ""
                yield str(file), Problem(item.file, str(error), item.number, field)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ProfileError(f"there is no file or folder {str(path)!r}")
    candidates = (file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.name != "index.jsonl")
    files = [file for file in candidates if file.is_file()]
    if not files:
        raise ProfileError(
            f"{path}: no sessions in this folder; looked for {', '.join(sorted(SUFFIXES))} files{runs_inside(path)}"
        )
    return sorted(files, key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _read(item: Record, position: int) -> SessionRecord | Session:
    value = item.value
    if not isinstance(value, dict):
        raise _FieldError("", "should be an object with a session's fields")
    if "session_id" in value and "turns" in value:
        return record_of_value(value)
    record = value["example"] if isinstance(value.get("example"), dict) else value
    messages = _messages(value, record)
    profile, problem = _profile(item, record, position)
    name = Path(item.file).stem
    return Session(
        id=name if item.number == 1 else f"{name}-{item.number}",
        source=item.file,
        dialogue=_in_turns(messages, profile),
        profile=profile,
        profile_problem=problem,
        attitude=profile.attitude if profile and profile.attitude else _attitude(record),
        cbt_technique=_text(value, record, "cbt_technique"),
        cbt_plan=_text(value, record, "cbt_plan"),
    )


def _messages(value: dict[str, Any], record: dict[str, Any]) -> list[tuple[Speaker, str]]:
    """The messages; the scripts put them beside `example` as well as into it."""
    for holder in (record, value):
        for field in FIELDS:
            if holder.get(field) is not None:
                return _said(holder[field], field)
    raise _FieldError("dialogue", "is missing, and there is no 'history', 'messages' or 'conversations' either")


def _said(value: Any, field: str) -> list[tuple[Speaker, str]]:
    if isinstance(value, str):
        parts = _LINE.split(value)[1:]
        said = [(SPEAKERS[who.lower()], text.strip()) for who, text in zip(parts[::2], parts[1::2], strict=True)]
    elif isinstance(value, list):
        messages = (_message(message, f"{field}.{place}", *FIELDS[field]) for place, message in enumerate(value))
        said = [message for message in messages if message]
    else:
        raise _FieldError(field, "should be a list of messages or a text of labelled lines")
    if not said:
        raise _FieldError(field, "holds no message")
    return said


def _message(value: Any, where: str, who: str, what: str) -> tuple[Speaker, str] | None:
    if not isinstance(value, dict):
        raise _FieldError(where, f"should be an object with {who!r} and {what!r}")
    role = value.get(who)
    role = role.strip().lower() if isinstance(role, str) else ""
    if role in ("system", "developer", "tool"):
        return None
    speaker = CHAT_SPEAKERS.get(role)
    if speaker is None:
        raise _FieldError(f"{where}.{who}", "should be 'counselor' or 'client'")
    text = value.get(what)
    if not isinstance(text, str):
        raise _FieldError(f"{where}.{what}", "should be text")
    return speaker, text


def _in_turns(said: list[tuple[Speaker, str]], profile: ClientProfile | None) -> tuple[Message, ...]:
    """Number the turns: a counselor's message begins one.

    Where the form has an opening, the counselor's first message begins turn 0, whatever its words: how a greeting is worded
    must not decide how many turns there are.
    """
    opened = bool(profile and profile.opening) and said[0][0] == "counselor"
    turn, messages = 0 if opened else 1, []
    for place, (speaker, text) in enumerate(said):
        turn += place > 0 and speaker == "counselor"
        messages.append(Message(turn=turn, speaker=speaker, text=text))
    return tuple(messages)


def _profile(item: Record, record: dict[str, Any], position: int) -> tuple[ClientProfile | None, str | None]:
    """The client of a session; in CACTUS's own dialogues the form stands beside them, without `AI_client`."""
    if "AI_client" not in record and "intake_form" in record:
        client = {name: record[name] for name in ("intake_form", "attitude") if name in record}
        record = {"AI_client": client}
    if "AI_client" not in record:
        return None, "no 'AI_client' and no 'intake_form'"
    try:
        return profile_of(Record(item.file, item.number, record), position), None
    except ProfileError as error:
        return None, "; ".join(f"{problem.field}: {problem.message}" for problem in error.problems)


def _attitude(record: dict[str, Any]) -> Attitude | None:
    client = record.get("AI_client")
    value = (client if isinstance(client, dict) else record).get("attitude")
    word = value.strip().lower() if isinstance(value, str) else None
    return next((attitude for attitude in ATTITUDES if attitude == word), None)


def _text(value: dict[str, Any], record: dict[str, Any], name: str) -> str | None:
    text = record.get(name, value.get(name))
    return text.strip() or None if isinstance(text, str) else None
