"""Sessions to train on, as records: from runs' folders, the corpus and foreign files.

Foreign sessions have no picks and no drafts, and give examples of the counselor and of the client. With a client's form they
become records of one counselor without a plan; without one they stay what was said.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from counseling_sessions.graph.provenance import configuration_hash
from counseling_sessions.nodes.context import phase_of
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions.folder import run_folder
from counseling_sessions.sessions.foreign import AS_IT_SAYS, Aside, HowToRead, records_and_sessions
from counseling_sessions.sessions.foreign.assembling import BRIEFING
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import Provenance, SessionRecord, Turn
from counseling_sessions.sessions.session import Message, Session, client_group
from counseling_sessions.settings import MOST_TURNS, SessionConfig
from counseling_sessions.state import Utterance
from counseling_sessions.texts.reasoning import without_reasoning
from counseling_sessions.training.corpus import SPLITS
from counseling_sessions.training.formless import FormlessSession, formless_session


@dataclass(frozen=True)
class Source:
    """A session to train on, and its split if its file is named `train`, `validation` or `test`."""

    session: SessionRecord | FormlessSession
    split: str | None = None

    @property
    def client(self) -> str:
        """The client's group, as `client_group`."""
        return self.session.client if isinstance(self.session, FormlessSession) else client_group(self.session.profile)

    @property
    def has_risk(self) -> bool:
        """Whether it is a session with a risk; only ours say so."""
        return isinstance(self.session, SessionRecord) and self.session.has_risk


def read_sources(
    path: Path, *, left_out: list[Damage] | None = None, how: HowToRead = AS_IT_SAYS
) -> Iterator[Source | Problem]:
    """Every finished session of a place, one by one, and a problem for each that training cannot use.

    A session in which a person took part is such a problem. Raises `ProfileError` or `RunError` where there is nothing to read, or
    sessions are damaged; a list `left_out` takes the damaged ones instead. `how` is how others' files are read.
    """
    if folder := run_folder(path):
        yield from (_ours(record, str(path)) for record in folder.records(left_out=left_out))
    else:
        for file, item in records_and_sessions(path, how):
            split = Path(file).stem if Path(file).stem in SPLITS else None
            if isinstance(item, Aside):
                continue
            if isinstance(item, Problem):
                yield item
            elif isinstance(item, Session):
                yield _adopted(item, split)
            elif item.status == "finished":
                yield _ours(item, file, split)


def _ours(record: SessionRecord, place: str, split: str | None = None) -> Source | Problem:
    if any(utterance.author == "human" for utterance in record.dialogue):
        return Problem(place, f"session {record.session_id}: a person took part in it")
    return Source(record, split)


def _adopted(session: Session, split: str | None) -> Source | Problem:
    if problem := _problem_of(session):
        return Problem(session.source, f"session {session.id} cannot be trained on: {problem}")
    if empty := next((message for message in session.dialogue if not without_reasoning(message.text).strip()), None):
        return Problem(session.source, f"session {session.id}: the {empty.speaker} says nothing in turn {empty.turn}")
    try:
        if session.profile is None:
            return Source(formless_session(session, _id_of(session)), split)
        return Source(_record_of(session), split)
    except ValueError as error:
        return Problem(session.source, f"session {session.id} cannot be trained on: {error}")


def _problem_of(session: Session) -> str | None:
    """Why a session's form keeps it from training: one that is there must be used."""
    if session.profile_problem:
        return session.profile_problem
    if session.profile:
        return None if session.attitude else "no attitude"
    if BRIEFING in session.passed_over:
        return "it is a chat of an export of ours, without its client's form; name its run, or export it as jsonl"
    return None


def _record_of(session: Session) -> SessionRecord:
    """A foreign session as a record of one counselor. Raises `ValueError` where the speakers do not take turns."""
    assert session.profile is not None
    assert session.attitude is not None
    turns = [list(messages) for number, messages in groupby(session.dialogue, lambda message: message.turn) if number]
    # Nobody said there what was heard: a client's answer has no marker of it.
    most = min(max(len(turns), 1), MOST_TURNS)
    config = SessionConfig(method="single", max_turns=most, appraisal="rules")
    for messages in turns[:-1]:
        if [message.speaker for message in messages] != ["counselor", "client"]:
            raise ValueError(f"in turn {messages[0].turn} counselor and client do not take turns")
    closing = turns.pop()[0] if turns and len(turns[-1]) == 1 and turns[-1][0].speaker == "counselor" else None
    if not turns:
        raise ValueError("it has no whole turn")
    return SessionRecord(
        session_id=_id_of(session),
        status="finished",
        profile_id=session.profile.id,
        profile=session.profile,
        attitude=session.attitude,
        configuration=config.model_dump(mode="json"),
        provenance=Provenance(
            configuration_hash=configuration_hash(config), prompt_hashes={}, packages={}, python="", platform="imported"
        ),
        started_at="",
        finished_at="",
        seconds=0.0,
        opening=tuple(_utterance(message) for message in session.dialogue if message.turn == 0),
        turns=tuple(
            Turn(
                turn=number,
                phase=phase_of(number, config.max_turns),
                counselor=_utterance(messages[0], number),
                client=_utterance(messages[1], number),
            )
            for number, messages in enumerate(turns, 1)
        ),
        closing=_utterance(closing, len(turns) + 1).model_copy(update={"closing": True}) if closing else None,
    )


def _id_of(session: Session) -> str:
    """An id for a foreign session, unique for its file and name."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", session.id).lstrip(".-")[:60]
    return f"{name or 'session'}-{hashlib.sha256(f'{session.source}#{session.id}'.encode()).hexdigest()[:12]}"


def _utterance(message: Message, turn: int = 0) -> Utterance:
    return Utterance(turn=turn, speaker=message.speaker, text=without_reasoning(message.text).strip())
