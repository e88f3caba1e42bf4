"""A panel of judges at work: every question to every judge as often as it is sampled, many at a time, with progress and accounts.

The cache keeps every answer at once: run again what was stopped, and it goes on from there.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakValueDictionary

from counseling_sessions.evaluation.judging.ask import Outcome, Question, ask, key_of
from counseling_sessions.evaluation.judging.cache import NONE, JudgeCache, Tokens
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.models.errors import ModelError
from counseling_sessions.settings import SettingsError, means_embedded
from counseling_sessions.texts.words import counted

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from counseling_sessions.models.chat import Models

FAILURES_IN_A_ROW = 12
"""After so many failures of an endpoint in a row the run stops."""
SESSIONS_IN_A_ROW = 3
"""These failures concern at least so many sessions: one that is too long for a model fails alone."""
AT_ONCE = 32
"""Questions in flight per judge where its settings name no `max_in_flight`; the endpoint's adaptive limit bounds them further."""

T = TypeVar("T")


class JudgeStopped(RuntimeError):
    """A judge's endpoint refuses or fails everything; the message says why."""


@dataclass(frozen=True)
class Seat:
    """A judge and the model that answers for it, by the name its endpoint knows."""

    judge: Judge
    model: str


@dataclass(frozen=True)
class Progress:
    """How far a run is, in questions: `unscored` counts those with a part that has no score."""

    done: int
    total: int
    hits: int
    unscored: int
    tokens: Tokens


@dataclass
class Account:
    """What one judge's answers took. `used`: all answers behind the results, of this run or earlier, each counted once.

    `spent`: this run's requests, those without an answer included. `questions` counts all, `hits` those that the cache answered,
    `retries` the answers beyond the first, `drafts` the questions whose answer holds a draft before it.
    """

    model: str
    questions: int = 0
    hits: int = 0
    retries: int = 0
    drafts: int = 0
    used: Tokens = NONE
    spent: Tokens = NONE


def summed(accounts: Iterable[Account]) -> Account:
    """What several parts of one judge's work took together."""
    total = Account("")
    for account in accounts:
        total.model = total.model or account.model
        total.questions += account.questions
        total.hits += account.hits
        total.retries += account.retries
        total.drafts += account.drafts
        total.used += account.used
        total.spent += account.spent
    return total


@dataclass(frozen=True)
class Answered(Generic[T]):
    """The outcome of the question with this place in the judge's plan, by one of its samples (from 1)."""

    place: int
    judge: str
    sample: int
    outcome: Outcome[T]


OnProgress = Callable[[Progress], None]
Ask = Callable[[Judge], Question[T]]
"""Builds one question for a judge."""


async def seats(judges: Sequence[Judge], models: "Models", *, i_know: bool = False) -> list[Seat]:
    """Find out which model each judge is.

    Raises `SettingsError` for the embedded model (unless `i_know`), for a judge whose endpoint does not answer, and for two judges
    that are one model sampled alike: their answers would be one answer under two names.
    """
    seated: list[Seat] = []
    if not judges:
        raise SettingsError("no judge is given: name a model in judge.yaml")
    for judge in judges:
        if means_embedded(judge.settings) and not i_know:
            raise SettingsError(
                f"judge {judge.name}: the embedded model is too small to judge: its ratings hardly depend on the session. "
                "Name a model and its endpoint in judge.yaml, or say --i-know to try the machinery out with it"
            )
        try:
            endpoint = await models.endpoint(judge.settings)
        except ModelError as error:
            raise SettingsError(f"judge {judge.name}: {error}") from error
        seated.append(Seat(judge, endpoint.model))
    names: dict[tuple[object, ...], str] = {}
    for seat in seated:
        name, judge = seat.judge.name, seat.judge
        sampled = seat.model, judge.sent_temperature, judge.top_p, str(judge.extra_body)
        if sampled in names:
            raise SettingsError(
                f"judges {names[sampled]} and {name} are both {seat.model}, sampled alike: raise samples instead"
            )
        names[sampled] = name
    return seated


@dataclass
class Panel:
    """Judges at work into one cache."""

    seats: list[Seat]
    models: "Models"
    cache: JudgeCache
    on_progress: OnProgress | None = None
    again: bool = False
    accounts: dict[str, Account] = field(init=False)
    _counted: set[tuple[str, str]] = field(default_factory=set)
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _failures: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _done: int = 0
    _total: int = 0
    _unscored: int = 0
    _answered: int = 0

    def __post_init__(self) -> None:
        self.accounts = {seat.judge.name: Account(seat.model) for seat in self.seats}

    async def ask(
        self,
        plan: Callable[[Judge], Sequence[Ask[T]]],
        samples: int | None = None,
        only: Container[tuple[str, int, int]] | None = None,
    ) -> list[Answered[T]]:
        """Ask each judge every question of its plan; the answers are sorted by judge, place in the plan, and sample.

        A question is built when its turn comes. `samples` replaces the judges' number; `only` names the judge, place and sample of
        the answers that are wanted, by default all. Raises `JudgeStopped`, and `RunError` where the cache cannot be written or another
        process writes it.
        """
        plans = {seat.judge.name: plan(seat.judge) for seat in self.seats}
        numbers = {seat.judge.name: number for number, seat in enumerate(self.seats)}
        self._done = self._unscored = self._answered = 0
        wanted = {
            (name := seat.judge.name): [
                (place, sample)
                # A session's questions stand together: the first has the session's prefix cached for the others.
                for place, sample in product(range(len(plans[name])), range(1, 1 + (samples or seat.judge.samples)))
                if only is None or (name, place, sample) in only
            ]
            for seat in self.seats
        }
        self._total = sum(map(len, wanted.values()))
        answered: list[Answered[T]] = []

        async def work(seat: Seat, waiting: Iterator[tuple[int, int]]) -> None:
            for place, sample in waiting:
                outcome = await self._ask(plans[seat.judge.name][place](seat.judge), seat, sample)
                answered.append(Answered(place, seat.judge.name, sample, outcome))

        try:
            with self.cache.writing():
                async with asyncio.TaskGroup() as group:
                    for seat in self.seats:
                        waiting = iter(wanted[seat.judge.name])  # which all of the judge's workers share
                        for _ in range(min(seat.judge.max_in_flight or AT_ONCE, self._total)):
                            group.create_task(work(seat, waiting))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return sorted(answered, key=lambda answer: (numbers[answer.judge], answer.place, answer.sample))

    async def _ask(self, question: Question[T], seat: Seat, sample: int) -> Outcome[T]:
        key = key_of(question, seat.judge, seat.model, sample)
        # Two sessions can ask the same (an intake form before its sessions): the second waits for the cache.
        async with self._locks.setdefault(key, asyncio.Lock()):
            again = self.again and (seat.judge.name, key) not in self._counted
            outcome = await ask(question, seat.judge, seat.model, sample, self.models, self.cache, again=again)
            self._count(seat, key, question.session_id, outcome)
        return outcome

    def _count(self, seat: Seat, key: str, session_id: str, outcome: Outcome[T]) -> None:
        name, account = seat.judge.name, self.accounts[seat.judge.name]
        account.questions += 1
        account.hits += outcome.hit
        account.spent += outcome.spent
        if outcome.record and (name, key) not in self._counted:
            self._counted.add((name, key))
            account.used += outcome.record.tokens
            account.retries += len(outcome.record.answers) - 1
            account.drafts += outcome.reading.drafts > 0
        self._done += 1
        self._unscored += bool(outcome.reading.wrong)
        self._answered += not outcome.error
        if not outcome.hit and not outcome.error:
            self._failures[name].clear()
        if outcome.error and self._gives_up(name, session_id, outcome.error):
            kept = (
                f"the answers to {counted(self._answered, 'question')} are kept, and running it again asks for the others alone"
                if self._answered
                else "none was answered; put that right, and run it again"
            )
            raise JudgeStopped(
                f"judge {name}: {str(outcome.error).rstrip('.')}. Stopped after {self._done} of {self._total} questions; {kept}"
            )
        if self.on_progress:
            hits = sum(account.hits for account in self.accounts.values())
            spent = sum((account.spent for account in self.accounts.values()), NONE)
            self.on_progress(Progress(self._done, self._total, hits, self._unscored, spent))

    def _gives_up(self, name: str, session_id: str, error: ModelError) -> bool:
        if error.kind == "filtered":  # The session's fault, not the endpoint's.
            return False
        failed = self._failures[name]
        failed.append(session_id)
        everywhere = len(failed) >= FAILURES_IN_A_ROW and len(set(failed)) >= SESSIONS_IN_A_ROW
        return error.hopeless or everywhere
