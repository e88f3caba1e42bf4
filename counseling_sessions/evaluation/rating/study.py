"""A study with human raters: which pairs or sessions each of them sees, in which order and on which side. It is the key to the answers.

Raters compare the sessions of a pair, or rate single sessions on a scale. A study is one file, `study.json`, with the sessions' text:
pages can be made again from it alone.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.settings import SettingsError, validation_message
from counseling_sessions.state import Speaker
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.reading import parse_json, read_text

STUDY_FORMAT: Final = 1
STUDY_KIND: Final = "counseling-sessions rating study"
SCALE_STUDY_KIND: Final = "counseling-sessions scale study"
STUDY_FILE = "study.json"

Place = Literal["first", "second"]
"""One of a pair's two sessions, in the pair's order."""
Repeat = Literal["none", "same", "swapped"]
"""Whether a showing is a pair's first to this rater, or its second: with the sides as before, or with the other session left."""


SIDE_CHOICES = ("a", "b", "tie", "cannot_say")
"""The answers about a pair, by the side of the sessions."""
CANNOT_SAY = "cannot_say"


class StudyError(SettingsError):
    """A study that cannot be drawn or read; the message says what to do."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Said(_Data):
    """A message of a session."""

    speaker: Speaker
    text: str


class StudySession(_Data):
    """A session of a pair: what raters read of it (`dialogue`), and what they must not know (`id`, `method`)."""

    id: str
    method: str
    language: str | None = None
    dialogue: tuple[Said, ...]


class StudyPair(_Data):
    """Two sessions with one client.

    `information` and `reason` are what the counselor knew of the client before the session, as lines of `Title: value`
    and as one text (empty for nothing); raters see both. They never see attitude, methods or seed.
    """

    id: str
    client: str
    attitude: str
    seed: int
    information: tuple[str, ...] = ()
    reason: str = ""
    first: StudySession
    second: StudySession

    @property
    def methods(self) -> tuple[str, str]:
        return self.first.method, self.second.method


class Showing(_Data):
    """A pair as a rater sees it: `number` counts the rater's showings from 1; `left` is the session shown as A.

    `repeats` is the number of the pair's first showing to this rater, where this is its second.
    """

    number: int = Field(ge=1)
    pair: str
    left: Place
    repeat: Repeat = "none"
    repeats: int | None = None


class Sheet(_Data):
    """All that one rater is shown, in order."""

    rater: str
    showings: tuple[Showing, ...]


class RatedSession(_Data):
    """A session that is rated by itself.

    `about` is what raters read of the client, as lines of `Title: value`: what the counselor knew, or the intake form where the scale
    needs it. They never see attitude, method or seed.
    """

    id: str
    client: str
    attitude: str
    seed: int
    about: tuple[str, ...] = ()
    session: StudySession


class SessionShowing(_Data):
    """A session as a rater sees it: `number` and `repeats` as in `Showing`."""

    number: int = Field(ge=1)
    session: str
    repeat: Literal["none", "same"] = "none"
    repeats: int | None = None


class SessionSheet(_Data):
    """All that one rater of sessions is shown, in order."""

    rater: str
    showings: tuple[SessionShowing, ...]


class _Drawn(_Data):
    """What every study has: the options and seed of the draw, and its name.

    `hash` names the study: 12 hexadecimal digits of the SHA-256 of all the rest. Pages and answers carry it.
    """

    format: Literal[1] = STUDY_FORMAT
    hash: str = ""
    seed: int
    options: dict[str, int | float]

    def hashed(self) -> Self:
        """The study with its hash."""
        return self.model_copy(update={"hash": _hash(self.model_dump(mode="json"))})


class Study(_Drawn):
    """A study that compares: its pairs, aspects and raters' sheets."""

    kind: Literal["counseling-sessions rating study"] = STUDY_KIND
    aspects: Aspects
    pairs: tuple[StudyPair, ...]
    sheets: tuple[Sheet, ...]

    @property
    def by_id(self) -> dict[str, StudyPair]:
        """The pairs by their ids."""
        return {pair.id: pair for pair in self.pairs}

    @property
    def nouns(self) -> tuple[str, str]:
        """What is shown, and what is asked about it."""
        return "pair", "aspect"

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """The answers that each aspect has."""
        return {aspect.id: SIDE_CHOICES for aspect in self.aspects.items}


class ScaleStudy(_Drawn):
    """A study that rates sessions on a scale: the scale, its sessions and the raters' sheets."""

    kind: Literal["counseling-sessions scale study"] = SCALE_STUDY_KIND
    scale: Scale
    sessions: tuple[RatedSession, ...]
    sheets: tuple[SessionSheet, ...]

    @property
    def by_id(self) -> dict[str, RatedSession]:
        """The sessions by their ids in the study."""
        return {session.id: session for session in self.sessions}

    @property
    def nouns(self) -> tuple[str, str]:
        """What is shown, and what is asked about it."""
        return "session", "item"

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """The answers that each item has: the points of the scale, as text."""
        points = tuple(map(str, range(self.scale.low, self.scale.high + 1)))
        return {item.id: (*points, CANNOT_SAY) for item in self.scale.items}


AnyStudy = Study | ScaleStudy


def write_study(study: AnyStudy, path: Path) -> None:
    """Write `study.json`, making its folder where there is none. It is the key: raters must not get it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(study.model_dump(mode="json"), ensure_ascii=False, indent=1)
    write_atomically(path, f"{text}\n".encode())


def read_study(path: Path) -> AnyStudy:
    """Read a study from its file, or from the folder that holds `study.json`.

    Raises `StudyError` where there is none, where a later version wrote it, or where it changed after the draw: its sides and
    pairs are then unreliable.
    """
    file = path / STUDY_FILE if path.is_dir() else path
    try:
        data = parse_json(read_text(file))
    except OSError as error:
        raise StudyError(f"{file}: the study cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise StudyError(f"{file}: not a study: broken JSON: {error}") from None
    if not is_study(data):
        raise StudyError(f"{file}: not a study; give the {STUDY_FILE} that was written with the raters' pages")
    if data.get("format") != STUDY_FORMAT:
        raise StudyError(
            f"{file}: a study of format {data.get('format')!r}; this version reads format {STUDY_FORMAT}: use the version that drew it"
        )
    kind = Study if data["kind"] == STUDY_KIND else ScaleStudy
    try:
        study = kind.model_validate(data)
    except ValidationError as error:
        raise StudyError(f"{file}: not as it was drawn: {validation_message(error)}") from None
    if study.hash != _hash(data):
        raise StudyError(
            f"{file}: changed since it was drawn, so that its key is unreliable; restore the original file"
        )
    return study


def is_study(data: Any) -> bool:
    """Whether the content of a JSON file says that it is a study."""
    return isinstance(data, dict) and data.get("kind") in {STUDY_KIND, SCALE_STUDY_KIND}


def _hash(data: dict[str, Any]) -> str:
    # Over the plain JSON: a field that a later version adds with a default must not change the hash.
    rest = {name: value for name, value in data.items() if name != "hash"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
