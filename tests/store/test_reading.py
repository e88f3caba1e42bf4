"""Files that anybody may have made: plain ones are read within bounds, whatever else is refused at once."""

import os
import socket
from pathlib import Path

import pytest

from counseling_sessions.store.reading import open_plain, parse_json, read_bytes, read_lines, read_text


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf{}\n")
    assert read_bytes(path) == b"\xef\xbb\xbf{}\n"
    assert read_text(path) == "{}\n"


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "device", "missing"])
def test_what_is_no_plain_file_is_refused_at_once_with_its_kind(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "device":
        path.symlink_to("/dev/zero")
    with pytest.raises(OSError) as error:  # noqa: PT011 - what matters is what it says
        read_bytes(path)
    expected = {"missing": "No such file or directory", "socket": "No such device or address"}
    assert error.value.strerror in (expected.get(kind), f"it is a {kind}, not a file")


def test_a_file_over_its_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_bytes(path, 4)


def test_a_line_over_its_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1234\n123\n12345678\n")
    with open_plain(path) as file:
        lines = read_lines(file, 5)
        assert [next(lines), next(lines)] == [b"1234\n", b"123\n"]
        with pytest.raises(OSError, match="longer than 5 bytes"):
            next(lines)


@pytest.mark.parametrize("text", ["[1e999]", '{"a": -1e400}'])
def test_a_number_too_large_for_one_is_refused_where_it_must_be_finite(text: str) -> None:
    parse_json(text)
    with pytest.raises(ValueError, match="too large"):
        parse_json(text, finite=True)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a": NaN}', "[Infinity]", "{", "1" * 5000, ""])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_json(text)
