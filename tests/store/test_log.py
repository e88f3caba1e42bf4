"""Files of lines that only grow: torn lines are ended, what a full disk has cut is taken back, special files are refused."""

import errno
import os
import stat
from pathlib import Path

import pytest

from counseling_sessions.store.log import Log, append
from tests.full_disk import fill_up


def test_lines_are_appended_and_the_size_is_given(tmp_path: Path) -> None:
    with Log(tmp_path / "a") as log:
        assert [log.append(b"one\n"), log.append(b"two\n", sync=True)] == [4, 8]
    assert append(tmp_path / "a", b"three\n") == 14
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\nthree\n"


def test_a_torn_last_line_is_ended_before_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\nhal")
    with Log(tmp_path / "a") as log:
        assert log.append(b"two\n") == 12
        (tmp_path / "a").open("ab").write(b"torn again")
        log.append(b"three\n")
    assert (tmp_path / "a").read_bytes().splitlines() == [b"one", b"hal", b"two", b"torn again", b"three"]


def test_what_a_full_disk_has_cut_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(tmp_path / "a", b"one\n")
    with monkeypatch.context() as patch, Log(tmp_path / "a") as log:
        fill_up(patch, 5)
        with pytest.raises(OSError, match="No space left"):
            log.append(b"two and more\n")
    assert (tmp_path / "a").read_bytes() == b"one\n"


def test_what_another_process_has_written_meanwhile_is_not_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(tmp_path / "a", b"one\n")

    def fails(descriptor: int) -> None:
        with (tmp_path / "a").open("ab") as other:
            other.write(b"theirs\n")
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="Input/output error"):
        append(tmp_path / "a", b"two\n", sync=True)
    assert (tmp_path / "a").read_bytes().endswith(b"theirs\n")


def test_a_private_file_is_its_owners_alone_also_one_that_was_there(tmp_path: Path) -> None:
    append(tmp_path / "a", b"one\n")
    (tmp_path / "a").chmod(0o666)
    append(tmp_path / "a", b"two\n")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666
    append(tmp_path / "a", b"three\n", private=True)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_what_is_no_plain_file_and_a_folder_that_is_gone_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name, why in (("pipe", "a pipe"), ("device", "a device"), ("", "directory"), ("gone/a", "not there any more")):
        with pytest.raises(OSError, match=why):
            append(tmp_path / name, b"one\n")
    with pytest.raises(FileNotFoundError, match="No such file"):
        Log(tmp_path / "a", create=False)
    assert not (tmp_path / "gone").exists()
