"""Where data lies: folders in folders, archives, packed files; and what of it is refused."""

import errno
import gzip
import io
import random
import warnings
import zipfile
from pathlib import Path

import pytest
import zstandard

from counseling_sessions.profiles.documents import SUFFIXES, Place, Record, files_in, records_of
from counseling_sessions.profiles.documents import archives as of_archives
from counseling_sessions.profiles.documents import packed as of_packed
from counseling_sessions.profiles.problems import Note, ProfileError
from counseling_sessions.sessions.foreign import foreign_sessions


def put(folder, *names, content=b'{"a": 1}'):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def names(folder, *options, **named):
    return [place.name.removeprefix(f"{folder}/") for place in files_in(folder, *options, **named)]


def zipped(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def values(place):
    return [item.value if isinstance(item, Record) else item.message for item in records_of(place)]


def test_a_folder_is_searched_with_its_folders_as_people_count(tmp_path):
    put(tmp_path, "session_10.json", "session_2.json", "b/10.csv", "b/9.txt.gz", "b/c/1.parquet", "a.yaml", "B.TXT")
    put(tmp_path, "x.png", "b/x.py", "noext")
    expected = ["B.TXT", "a.yaml", "b/9.txt.gz", "b/10.csv", "b/c/1.parquet", "session_2.json", "session_10.json"]
    assert sorted(names(tmp_path)) == sorted(expected)
    found_names = names(tmp_path)
    assert found_names.index("session_2.json") < found_names.index("session_10.json")
    assert found_names.index("b/9.txt.gz") < found_names.index("b/10.csv") < found_names.index("b/c/1.parquet")
    assert names(tmp_path, SUFFIXES) == [name for name in found_names if ".txt" not in name.lower()]


def test_hidden_files_and_files_about_the_data_are_passed_over(tmp_path):
    put(
        tmp_path,
        "1.json",
        ".2.json",
        ".git/3.json",
        "index.jsonl",
        "README.md",
        "sub/LICENSE.txt",
        "sub/readme_of_bob.txt",
    )
    assert names(tmp_path) == ["1.json", "sub/readme_of_bob.txt"]


def test_a_run_inside_is_passed_over_and_said(tmp_path):
    put(
        tmp_path,
        "1.json",
        "run/shards/w0-00001.jsonl",
        "run/ledger/w0.jsonl",
        "planned/run.json",
        "planned/profiles.jsonl",
    )
    notes: list[Note] = []
    assert names(tmp_path, notes=notes) == ["1.json"]
    assert [note.file for note in notes] == [str(tmp_path / "planned"), str(tmp_path / "run")]
    (tmp_path / "1.json").unlink()
    with pytest.raises(ProfileError, match="nothing to read here; looked for"):
        files_in(tmp_path)


def test_where_nothing_is_it_says_what_it_looked_for(tmp_path):
    put(tmp_path, "x.png")
    with pytest.raises(ProfileError, match=r"nothing to read here; looked for \.arrow, \.csv, .*\.yml files$"):
        files_in(tmp_path)
    with pytest.raises(ProfileError, match="there is no file or folder"):
        files_in(tmp_path / "none")


def test_a_loop_of_links_ends(tmp_path):
    put(tmp_path, "a/1.json")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert names(tmp_path) == ["a/1.json"]


def test_the_members_of_an_archive_are_places(tmp_path):
    members = {
        "in/s10.json": '{"n": 10}',
        "in/s2.jsonl.gz": gzip.compress(b'{"n": 2}\n{"n": 3}'),
        "x.png": "",
        "__MACOSX/in/._s": "",
        ".h.json": "1",
    }
    archive = zipped(tmp_path / "data.zip", members)
    for path in (archive, tmp_path):
        places = files_in(path)
        assert [place.name for place in places] == [f"{archive}/in/s2.jsonl.gz", f"{archive}/in/s10.json"]
    assert [place.suffix for place in places] == [".jsonl", ".json"]
    assert [item.file for item in records_of(places[0])] == [places[0].name] * 2
    assert values(archive) == [{"n": 2}, {"n": 3}, {"n": 10}]
    wrong_name = tmp_path / "data.json"
    archive.rename(wrong_name)
    assert values(wrong_name) == [{"n": 2}, {"n": 3}, {"n": 10}]


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zstandard.ZstdCompressor().compress(content)])
@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.jsonl.zst", "x.jsonl", "x"])
def test_packed_files_are_read_by_their_content(tmp_path, pack, name):
    lines = b"".join(b'{"n": %d}\n' % number for number in range(20_000))
    put(tmp_path, name, content=pack(lines[:100_000]) + pack(lines[100_000:]))
    assert values(tmp_path / name) == [{"n": number} for number in range(20_000)]


def test_what_is_broken_where_it_is_packed_comes_after_what_is_not(tmp_path):
    generator = random.Random(1)
    lines = b"".join(b'{"n": %d}\n' % generator.getrandbits(60) for _ in range(20_000))
    for pack in (gzip.compress, lambda content: zstandard.ZstdCompressor().compress(content)):
        packed = pack(lines)
        put(tmp_path, "x.jsonl.gz", content=packed[: len(packed) // 2])
        *first, last = values(tmp_path / "x.jsonl.gz")
        assert len(first) > 4_000
        assert isinstance(last, str)
    zipped(tmp_path / "x.zip", {"x.jsonl": lines})
    damaged = bytearray((tmp_path / "x.zip").read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "x.zip").write_bytes(damaged)
    assert any(isinstance(value, str) and "broken" in value for value in values(tmp_path / "x.zip"))


def test_bombs_are_refused(tmp_path, monkeypatch):
    for module in (of_packed, of_archives):
        monkeypatch.setattr(module, "FREE", 100_000)
    zeros = b" " * 1_000_000
    zipped(tmp_path / "x.zip", {"a.json": zeros + b"1", "b.json": '{"a": 1}'})
    assert values(tmp_path / "x.zip") == ["cannot be read: it unpacks to more than 200 times its size", {"a": 1}]
    for pack in (gzip.compress, lambda content: zstandard.ZstdCompressor().compress(content)):
        put(tmp_path, "x.txt.gz", content=pack(zeros + b"1"))
        assert values(tmp_path / "x.txt.gz") == ["cannot be read: it unpacks to more than 200 times its size"]
    monkeypatch.setattr(of_archives, "MOST_UNPACKED", 1000)
    with pytest.raises(ProfileError, match="the archive unpacks to more than 1,000 bytes"):
        files_in(tmp_path / "x.zip")
    monkeypatch.setattr(of_archives, "MOST_MEMBERS", 1)
    with pytest.raises(ProfileError, match="more than 1 files"):
        files_in(tmp_path / "x.zip")


def test_what_an_archive_cannot_give_is_told(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.json", "[1]")
    zipped(tmp_path / "x.zip", {"inner.zip": inner.getvalue()})
    assert values(tmp_path / "x.zip") == ["is an archive inside an archive; unpack it first"]
    content = bytearray(zipped(tmp_path / "y.zip", {"a.json": "[1]"}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "y.zip").write_bytes(content)
    assert values(tmp_path / "y.zip") == ["cannot be read: it is encrypted; unpack it first"]
    zipped(tmp_path / "z.zip", {"a.png": "1"})
    assert values(tmp_path / "z.zip") == ["the archive holds nothing to read"]
    put(tmp_path, "w.zip", content=b"PK\x03\x04 nothing more")
    with pytest.raises(ProfileError, match="it is no zip archive that can be read"):
        files_in(tmp_path / "w.zip")
    assert "it is no zip archive that can be read" in values(tmp_path / "w.zip")[0]


def test_a_place_is_named_as_people_write_it(tmp_path):
    assert str(Place(tmp_path / "a.zip", "b/c.JSON.GZ")) == f"{tmp_path}/a.zip/b/c.JSON.GZ"
    assert Place(tmp_path / "a.zip", "b/c.JSON.GZ").suffix == ".json"


def test_members_with_one_name_are_each_read(tmp_path):
    path = tmp_path / "x.zip"
    for number in (1, 2, 3):
        with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings(action="ignore"):
            archive.writestr("a/b.json", f'{{"a": {number}}}')
    places = files_in(path)
    assert [place.name.removeprefix(str(path)) for place in places] == ["/a/b.json", "/a/b.json#2", "/a/b.json#3"]
    assert [values(place) for place in places] == [[{"a": 1}], [{"a": 2}], [{"a": 3}]]
    assert values(Place(path)) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_a_folder_inside_that_cannot_be_searched_is_named_and_the_others_are_read(tmp_path, monkeypatch):
    put(tmp_path, "a/1.json", "b/2.json", "c/3.json")
    search = Path.iterdir

    def searched(path):
        if path.name == "b":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return search(path)

    monkeypatch.setattr(Path, "iterdir", searched)
    assert names(tmp_path) == ["a/1.json", "b", "c/3.json"]
    [problem] = values(files_in(tmp_path)[1])
    assert problem == "cannot be read: Permission denied; nothing in this folder is read"
    with pytest.raises(ProfileError, match="Permission denied"):
        files_in(tmp_path / "b")
    left_out = [item for item in foreign_sessions(tmp_path) if "folder" in item.message]
    assert [Path(item.file).name for item in left_out] == ["b"]


def test_a_broken_archive_in_a_folder_costs_itself_alone(tmp_path):
    put(tmp_path, "a.json")
    put(tmp_path, "b.zip", content=b"PK\x03\x04 and no more")
    whole, broken = files_in(tmp_path)
    assert values(whole) == [{"a": 1}]
    assert values(broken) == ["cannot be read: it is no zip archive that can be read: File is not a zip file"]
