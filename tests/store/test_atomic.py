"""Files that are there whole or not at all."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from counseling_sessions.store.atomic import left_behind, replacing, write_atomically, write_named


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", [b"fir", b"st"])

    def fails() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        write_atomically(tmp_path / "a", fails())
    assert (tmp_path / "a").read_bytes() == b"first"
    assert names(tmp_path) == ["a"]


def test_what_a_kill_leaves_is_known_as_such(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as file:
        file.write(b"one")
        assert len(left_behind(tmp_path / "a")) == 1
        assert not (tmp_path / "a").exists()
    assert left_behind(tmp_path / "a") == []
    (tmp_path / f".a.{os.getpid()}.tmp").write_bytes(b"of a process that had this number")
    write_atomically(tmp_path / "a", b"two")
    assert names(tmp_path) == ["a"]


def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"one")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) & 0o044
    write_atomically(tmp_path / "a", b"two", private=True)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_a_folder_that_was_moved_away_does_not_come_into_being_again(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "gone" / "a", b"one")
    assert names(tmp_path) == []


def test_a_file_that_a_person_names_gets_its_folder_and_a_link_or_a_device_stays(tmp_path: Path) -> None:
    write_named(tmp_path / "new" / "a", "é\n")
    assert (tmp_path / "new" / "a").read_bytes() == "é\n".encode()
    (tmp_path / "link").symlink_to(tmp_path / "new" / "a")
    write_named(tmp_path / "link", "other\n", private=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new" / "a").read_text() == "other\n"
    assert stat.S_IMODE((tmp_path / "new" / "a").stat().st_mode) == 0o600
    (tmp_path / "null").symlink_to("/dev/null")
    write_named(tmp_path / "null", "nothing")
    assert names(tmp_path) == ["link", "new", "null"]
