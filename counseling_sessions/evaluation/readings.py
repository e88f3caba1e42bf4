"""What takes time in measuring a session, by itself: done by several processes, and always in the order of the sessions."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from counseling_sessions.evaluation.codes.coder import CodedSession, code_session
from counseling_sessions.evaluation.disclosure import Disclosure, disclosure_of
from counseling_sessions.evaluation.diversity.ngrams import SessionNgrams, ngrams_of
from counseling_sessions.evaluation.diversity.tokens import Tokenizer, unicode_words
from counseling_sessions.evaluation.integrity import Finding, check_session
from counseling_sessions.evaluation.judged_in import is_judged
from counseling_sessions.evaluation.languages import language_of
from counseling_sessions.evaluation.risk import RiskWords, SessionRisk, risk_of
from counseling_sessions.evaluation.structure import Labels
from counseling_sessions.evaluation.talk import SessionTalk, talk_of
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

PlainMetric = Literal["integrity", "structure", "talk", "codes", "course", "risk", "diversity", "self-bleu", "semantic"]

FEW = 32
"""Sessions up to which other processes would take longer to begin than the work takes."""
CHUNK = 8
"""Sessions that a process is handed at a time."""
AHEAD = 3
"""Chunks for each process that are under way or done ahead of the one that is waited for."""


@dataclass(frozen=True)
class Measuring:
    """What is measured, and how. `speaker`: whose messages diversity is of, None for both's; `keep`: findings kept of each kind.

    `words` reads what is said of a risk; without it none is measured. `exact`: self-BLEU of all messages, not of samples.
    """

    metrics: tuple[PlainMetric, ...]
    tokenizer: Tokenizer = field(default_factory=unicode_words)
    vocabulary: int | None = None
    speaker: Speaker | None = None
    labels: Labels = field(default_factory=dict)
    keep: int | None = 100
    seed: int = 0
    words: RiskWords | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class SessionReading:
    """What was read of a session, by the code of its language; None for what was not asked for, or has no rules in that language."""

    language: str
    findings: list[Finding] | None
    risk: SessionRisk | None
    talk: SessionTalk | None
    codes: CodedSession | None
    disclosure: Disclosure | None
    ngrams: SessionNgrams | None


_COUNTED = frozenset({"talk"})
"""Metrics of which some figures are the same in every language."""


def read_session(session: Session, how: Measuring) -> SessionReading:
    """Read a session for all that is asked for, and for nothing else."""
    language = language_of(session)
    wanted = frozenset(metric for metric in how.metrics if metric in _COUNTED or is_judged(metric, language))
    return SessionReading(
        language=language,
        findings=check_session(session) if "integrity" in wanted else None,
        risk=risk_of(session, how.words) if "risk" in wanted and how.words else None,
        talk=talk_of(session) if "talk" in wanted else None,
        codes=code_session(session) if "codes" in wanted else None,
        disclosure=disclosure_of(session) if "course" in wanted else None,
        ngrams=ngrams_of(session, how.tokenizer, speaker=how.speaker) if "diversity" in wanted else None,
    )


def readings(
    sessions: Iterable[tuple[str, Session]], how: Measuring, jobs: int = 1
) -> Iterator[tuple[str, Session, SessionReading]]:
    """Each session, with its group and its reading, in the order in which they come; few are in memory at a time.

    With `jobs` over 1 so many processes read, unless there are few sessions. What is read does not depend on how many.
    """
    coming = iter(sessions)
    first = list(islice(coming, FEW + 1)) if jobs > 1 else []
    if len(first) <= FEW:
        for sessions_left in (first, coming):
            for group, session in sessions_left:
                yield group, session, read_session(session, how)
        return
    yield from _by_processes(_chunks(first, coming), how, jobs)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Chunk = list[tuple[str, Session]]


def _chunks(first: Chunk, coming: Iterator[tuple[str, Session]]) -> Iterator[Chunk]:
    for start in range(0, len(first), CHUNK):
        yield first[start : start + CHUNK]
    while chunk := list(islice(coming, CHUNK)):
        yield chunk


def _by_processes(chunks: Iterator[Chunk], how: Measuring, jobs: int) -> Iterator[tuple[str, Session, SessionReading]]:
    pool = ProcessPoolExecutor(jobs, mp_context=_context(how), initializer=_begin, initargs=(how,))
    under_way: deque[tuple[Chunk, Future[list[SessionReading]]]] = deque()
    try:
        while True:
            for chunk in islice(chunks, jobs * AHEAD - len(under_way)):
                under_way.append((chunk, pool.submit(_read_chunk, [session for _, session in chunk])))
            if not under_way:
                return
            chunk, future = under_way.popleft()
            for (group, session), reading in zip(chunk, future.result(), strict=True):
                yield group, session, reading
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _context(how: Measuring) -> multiprocessing.context.BaseContext:
    """New processes by a server that has imported what they need, where the system has one; never a fork of this process."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *({how.words.find.__module__} if how.words else ())])
    return context


_HOW: list[Measuring] = []
"""What this process was told to read when it began."""


def _begin(how: Measuring) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who stops the command stops the parent, which ends the others
    _HOW[:] = [how]


def _read_chunk(sessions: list[Session]) -> list[SessionReading]:
    return [read_session(session, _HOW[0]) for session in sessions]
