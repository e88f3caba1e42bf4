"""The driver: what it hands out, when it stops, and what becomes of sessions whose worker dies."""

import asyncio
import errno
import re
from collections import Counter
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace

import pytest

from counseling_sessions.generation.batch import Unit
from counseling_sessions.generation.driver import LOST, MOST_LOST, Driver, WorkerLost
from counseling_sessions.generation.progress import Budget
from counseling_sessions.generation.room import HOPELESS, Room
from counseling_sessions.generation.worker import Pulse, Suspended
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.record import Usage
from counseling_sessions.state import Failure
from counseling_sessions.store.machine import Shortage

Outcome = Callable[[Unit], Entry | Exception]


def unit(number: int) -> Unit:
    return Unit(f"s{number}", number, f"client-{number}", "neutral", "magnet", 1, number)


def units(count: int) -> list[Unit]:
    return [unit(number) for number in range(count)]


def ended(one: Unit, failure: str | Failure | None = None) -> Entry:
    return Entry(
        session_id=one.session_id,
        profile_id=one.profile_id,
        attitude=one.attitude,
        method=one.method,
        session_seed=one.session_seed,
        status="failed" if failure else "finished",
        failure=Failure(stage="client", kind="refused", message=failure) if isinstance(failure, str) else failure,
        turns=6,
        seconds=1.0,
        finished_at="2026-01-01T00:00:00",
        usage={"client": Usage(calls=6, prompt_tokens=100)},
        shard="w0-00001",
        end=1,
    )


class FakeWorker:
    """Ends units as a function says, after a moment."""

    def __init__(self, outcome: Outcome = ended, room: int = 3, seconds: float = 0.001) -> None:
        self.outcome, self.room, self.seconds = outcome, room, seconds
        self.ran: Counter[str] = Counter()
        self.stopped: list[bool] = []
        self.closed = False
        self.running = self.most = 0
        self._pulse = Pulse()
        self._now = asyncio.Event()

    async def run(self, one: Unit) -> Entry:
        self.ran[one.session_id] += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            async with asyncio.timeout(self.seconds):
                await self._now.wait()
            raise Suspended
        except TimeoutError:
            pass
        finally:
            self.running -= 1
        result = self.outcome(one)
        if isinstance(result, Exception):
            raise result
        self._pulse.prompt_tokens += 100
        return result

    def pulse(self) -> Pulse:
        return self._pulse

    def capacity(self) -> int:
        return self.room

    def stop(self, *, now: bool = False) -> None:
        self.stopped.append(now)
        if now:
            self._now.set()

    async def close(self) -> None:
        self.closed = True


async def test_every_unit_is_run_once_and_no_worker_has_more_than_it_can_take() -> None:
    workers = [FakeWorker(room=2), FakeWorker(room=5)]
    entries: list[Entry] = []
    progress = await Driver(workers, iter(units(50)), 50, on_entry=entries.append).run()
    assert (progress.finished, progress.failed, progress.stopped) == (50, 0, None)
    assert workers[0].ran + workers[1].ran == Counter(one.session_id for one in units(50))
    assert [worker.most for worker in workers] == [2, 5]
    assert len(entries) == 50
    assert all(worker.closed for worker in workers)


async def test_nothing_to_do_is_done_at_once() -> None:
    progress = await Driver([FakeWorker()], [], 0).run()
    assert (progress.finished, progress.stopped) == (0, None)


async def test_like_failures_in_a_row_stop_the_batch_with_the_reason() -> None:
    worker = FakeWorker(lambda one: ended(one, "the endpoint answers 401: bad key"), room=1)
    progress = await Driver([worker], units(100), 100, budget=Budget(failures=5)).run()
    assert progress.failed == 5
    assert progress.stopped == "5 sessions in a row failed alike: client: refused: the endpoint answers 401: bad key"


async def test_failures_that_differ_or_come_between_successes_do_not_stop_it() -> None:
    reasons = ("a first reason", "a second one", "something else")
    differing = FakeWorker(lambda one: ended(one, reasons[one.row % 3]), room=1)
    assert (await Driver([differing], units(30), 30, budget=Budget(failures=5)).run()).failed == 30
    now_and_then = FakeWorker(lambda one: ended(one, None if one.row % 4 == 3 else "no"), room=1)
    progress = await Driver([now_and_then], units(40), 40, budget=Budget(failures=5)).run()
    assert (progress.finished, progress.failed, progress.stopped) == (10, 30, None)


def failed(kind: str, message: str, stage: str = "client", status: int | None = None) -> Failure:
    return Failure(stage=stage, kind=kind, message=message, status=status)


ALIKE: list[Callable[[int], Failure]] = [
    lambda row: failed("refused", f"request {row} of req_{row}ab refused"),
    lambda row: failed("refused", f"http://127.0.0.1:{8000 + row}/v1/{'ab' * row} cannot be reached"),
    lambda row: failed("refused", f"the name '{'xy' * row}' is unknown, and so is \"{'z' * row}\""),
    lambda row: failed("refused", f"trace {row:08x}-{row:04x}-4abc: no"),
    lambda row: failed("refused", f"{'word ' * row} is not allowed", status=400),
    lambda row: failed("server_error", f"{'word ' * row} broke", status=500),
    lambda row: failed("context", f"{'word ' * row}", stage=("plan", "client", "questioning")[row % 3]),
]


@pytest.mark.parametrize("failure", ALIKE)
async def test_failures_are_alike_whatever_number_id_or_quoted_word_they_have(
    failure: Callable[[int], Failure],
) -> None:
    worker = FakeWorker(lambda one: ended(one, failure(one.row)), room=1)
    progress = await Driver([worker], units(30), 30, budget=Budget(failures=5)).run()
    assert progress.failed == 5
    assert list(progress.failures.values()) == [5]
    assert "5 sessions in a row failed alike" in str(progress.stopped)


@pytest.mark.parametrize(
    "failure",
    [
        lambda row: failed("refused", "no", status=(401, 404)[row % 2]),
        lambda row: failed("refused", "no", stage=("plan", "client")[row % 2]),
        lambda row: failed(("refused", "malformed")[row % 2], "no"),
    ],
)
async def test_failures_of_another_status_stage_or_kind_are_not_alike(failure: Callable[[int], Failure]) -> None:
    worker = FakeWorker(lambda one: ended(one, failure(one.row)), room=1)
    progress = await Driver([worker], units(20), 20, budget=Budget(failures=5)).run()
    assert (progress.failed, progress.stopped) == (20, None)


async def test_what_a_filter_refuses_is_no_fault_of_the_endpoint() -> None:
    filtered = FakeWorker(
        lambda one: ended(one, failed("filtered", "no", status=400) if one.row < 20 else None), room=1
    )
    progress = await Driver([filtered], units(90), 90, budget=Budget(failures=3)).run()
    assert (progress.finished, progress.failed, progress.stopped) == (70, 20, None)
    between = FakeWorker(lambda one: ended(one, failed("filtered" if one.row % 2 else "refused", "no")), room=1)
    progress = await Driver([between], units(90), 90, budget=Budget(failures=3)).run()
    assert progress.failures == {"client: refused: no": 3, "client: filtered: no": 2}


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(tokens=2000), "tokens are used, of 2,000 allowed"),
        (Budget(cost=0.5), "are spent, of 0.50 allowed"),
        (Budget(hours=0.3 / 3600), "hours are over"),
    ],
)
async def test_a_budget_that_is_used_up_stops_it(budget: Budget, reason: str) -> None:
    worker = FakeWorker(seconds=0.02)
    driver = Driver([worker], units(1000), 1000, budget=budget, cost=lambda pulse: pulse.prompt_tokens / 4000)
    progress = await driver.run()
    assert reason in str(progress.stopped)
    assert 0 < progress.finished < 300
    assert worker.stopped[0] is False


async def test_a_stop_waits_for_the_sessions_for_a_bounded_time() -> None:
    worker = FakeWorker(seconds=60)
    driver = Driver([worker], units(9), 9, drain=0.1)
    asyncio.get_running_loop().call_later(0.05, driver.stop, "stopped by hand")
    progress = await asyncio.wait_for(driver.run(), 5)
    assert worker.stopped == [False, True]
    assert (progress.finished, progress.stopped) == (0, "stopped by hand")


async def test_a_unit_whose_worker_died_is_handed_out_again() -> None:
    lost: list[str] = []

    def outcome(one: Unit) -> Entry | Exception:
        if one.row % 5 == 0 and lost.count(one.session_id) < LOST - 1:
            lost.append(one.session_id)
            return WorkerLost("signal SIGKILL")
        return ended(one)

    progress = await Driver([FakeWorker(outcome), FakeWorker(outcome)], units(20), 20).run()
    assert (progress.finished, progress.failed) == (20, 0)
    assert len(lost) == 4 * (LOST - 1)


async def test_a_unit_that_kills_its_workers_fails_alone() -> None:
    worker = FakeWorker(lambda one: WorkerLost("signal SIGKILL") if one.row == 7 else ended(one))
    progress = await Driver([worker], units(20), 20).run()
    assert (progress.finished, progress.failed, progress.broken, progress.stopped) == (19, 1, 1, None)
    (failure,) = progress.failures
    assert re.fullmatch(r"session: internal: the session has lost its worker \d times: signal SIGKILL", failure)
    assert LOST <= worker.ran["s7"] <= MOST_LOST


async def test_a_worker_that_dies_is_handed_half_as_many_sessions_and_all_end() -> None:
    worker = FakeWorker(room=16, seconds=0.005)
    running: list[int] = []

    def outcome(one: Unit) -> Entry | Exception:
        running.append(worker.running + 1)
        return WorkerLost("signal SIGKILL (out of memory?)") if running[-1] > 5 else ended(one)

    worker.outcome = outcome
    progress = await Driver([worker], units(40), 40).run()
    assert (progress.finished, progress.failed, progress.stopped) == (40, 0, None)


@pytest.mark.parametrize(
    "error",
    [
        Shortage("threads"),
        RuntimeError("can't start new thread"),
        MemoryError(),
        OSError(errno.EMFILE, "Too many open files"),
    ],
)
async def test_a_machine_at_its_end_gets_fewer_sessions_for_a_while_and_loses_none(error: Exception) -> None:
    worker = FakeWorker(room=16, seconds=0.002)
    spells = [3]

    def outcome(one: Unit) -> Entry | Exception:
        if spells[0] and worker.running > 3:
            spells[0] -= 1
            return error
        return ended(one)

    worker.outcome = outcome
    driver = Driver([worker], units(60), 60, pause=0.001)
    progress = await driver.run()
    assert (progress.finished, progress.failed, progress.stopped) == (60, 0, None)
    assert progress.exhausted.total() == 3
    assert worker.most == 16


@pytest.mark.parametrize("step", [0.3, 0.4, 0.6, 0.9])
async def test_a_pause_that_ends_between_two_looks_at_it_ends_no_batch(
    step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count(step=step)  # each look at this clock takes a good part of the pause
    monkeypatch.setattr("counseling_sessions.generation.room.time", SimpleNamespace(monotonic=lambda: next(looks)))
    short = iter([True])
    worker = FakeWorker(lambda one: Shortage("threads") if next(short, False) else ended(one), room=1)
    progress = await Driver([worker], units(3), 3, pause=1.0).run()
    assert (progress.finished, progress.stopped) == (3, None)


def test_a_room_halves_with_each_shortage_and_grows_with_each_session() -> None:
    room = Room(lambda: 16, pause=0)
    first = [room.hand() for _ in range(16)]
    assert [room.shrink(handed) for handed in first] == [False] * 16  # all met the same shortage
    assert room.most == 8
    for _ in range(9):
        room.take_back()
    assert room.shrink(room.hand()) is False
    assert room.most == 4
    for _ in range(12):
        room.grow()
    assert room.most == 16
    for _ in range(8):
        room.take_back()
    for _ in range(HOPELESS):
        assert not room.hopeless
        assert room.shrink(room.hand()) is True  # it was alone
        assert room.most == 1
        room.take_back()
    assert room.hopeless


async def test_a_machine_that_stays_at_its_end_stops_the_batch_and_units_stay_open() -> None:
    worker = FakeWorker(lambda one: Shortage("memory") if one.row > 4 else ended(one), room=4)
    progress = await asyncio.wait_for(Driver([worker], units(20), 20, pause=0.001).run(), 10)
    assert progress.stopped == "the machine has run out of memory"
    assert (progress.finished, progress.failed, progress.left) == (5, 0, 15)


async def test_what_nobody_foresaw_fails_one_unit_with_its_type_and_place() -> None:
    worker = FakeWorker(lambda one: TypeError("'int' object is not iterable") if one.row == 7 else ended(one))
    progress = await Driver([worker], units(20), 20).run()
    assert (progress.finished, progress.failed, progress.broken, progress.stopped) == (19, 1, 1, None)
    (failure,) = progress.failures
    assert re.fullmatch(
        r"session: internal: TypeError at generation\.driver:\d+: 'int' object is not iterable", failure
    )


async def test_an_entry_of_another_session_counts_for_none() -> None:
    worker = FakeWorker(lambda one: ended(unit(99)) if one.row == 3 else ended(one))
    progress = await Driver([worker], units(5), 5).run()
    assert (progress.finished, progress.failed) == (4, 1)
    assert "session s99 came back in place of s3" in next(iter(progress.failures))


async def test_a_batch_whose_units_do_not_all_end_has_stopped_early() -> None:
    progress = await Driver([FakeWorker()], units(3), 5).run()
    assert progress.stopped == "2 sessions have come to no end"


async def test_an_entry_that_cannot_be_noted_is_no_session_lost() -> None:
    def note(entry: Entry) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    driver = Driver([FakeWorker()], units(5), 5, on_entry=note)
    with pytest.raises(OSError, match="No space left"):
        await driver.run()
    assert driver.progress.finished > 0


async def test_workers_that_do_not_end_when_told_to_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counseling_sessions.generation.driver.ABANDON", 0.05)

    class Deaf(FakeWorker):
        async def run(self, one: Unit) -> Entry:
            await asyncio.Event().wait()
            raise AssertionError

    driver = Driver([Deaf()], units(3), 3)
    asyncio.get_running_loop().call_later(0.02, lambda: driver.stop("stopped by hand", now=True))
    progress = await asyncio.wait_for(driver.run(), 5)
    assert (progress.stopped, progress.left) == ("stopped by hand", 3)


async def test_a_disk_that_fails_ends_the_batch_with_what_it_said() -> None:
    worker = FakeWorker(lambda one: RunError("shard cannot be written: No space left") if one.row == 4 else ended(one))
    driver = Driver([worker], units(500), 500)
    with pytest.raises(RunError, match="No space left"):
        await driver.run()
    assert worker.closed
    assert driver.progress.finished < 20


async def test_without_a_worker_that_lives_it_says_so() -> None:
    progress = await Driver([FakeWorker(room=0)], units(3), 3).run()
    assert progress.stopped == "no worker is left"
