"""Data sets of the Hub: their names, and their rows, from a copy on disk that the same library opens."""

import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from counseling_sessions.profiles.documents import Record, files_in, hub, records_of
from counseling_sessions.profiles.documents.hub import HubName, hub_name, hub_records
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.readers import read_profiles

TRAIN, TEST = '{"a": 1, "m": [{"role": "user"}]}\n{"a": 2, "m": []}\n', '{"a": 3, "m": []}\n'


@pytest.fixture
def copy(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text(TRAIN)
    (tmp_path / "data" / "test.jsonl").write_text(TEST)
    return tmp_path / "data"


def rows(name):
    return [(item.file.rpartition(":")[2], item.number, item.value["a"], item.value["m"]) for item in hub_records(name)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf://datasets/owner/name", HubName("owner/name")),
        ("hf://datasets/owner/na-me.1/conf:test", HubName("owner/na-me.1", "conf", "test")),
        ("hf://datasets/owner/name:train", HubName("owner/name", None, "train")),
        (str(Path("hf://datasets/owner/name:train")), HubName("owner/name", None, "train")),
        ("hf://datasets/owner", None),
        ("hf://datasets/../name", None),
        ("hf://models/owner/name", None),
        ("sessions.jsonl", None),
    ],
)
def test_a_name_says_what_of_which_data_set(text, expected):
    assert hub_name(text) == expected


def test_every_split_or_the_one_that_is_named(copy):
    assert rows(HubName(str(copy), split="test")) == [("test", 1, 3, [])]
    assert sorted(rows(HubName(str(copy)))) == [
        *[("test", 1, 3, []), ("train", 1, 1, [{"role": "user"}]), ("train", 2, 2, [])]
    ]


def test_what_cannot_be_opened_or_read_is_told(copy):
    with pytest.raises(ProfileError, match="cannot be opened: .*nope"):
        rows(HubName(str(copy), split="nope"))
    with pytest.raises(ProfileError, match="cannot be opened: .*conf"):
        rows(HubName(str(copy), "conf"))
    (copy / "test.jsonl").write_text(TEST + '{"a"')
    *_, problem = hub_records(HubName(str(copy), split="test"))
    assert not isinstance(problem, Record)
    assert problem.message.startswith("cannot be read on: ")


def test_without_the_network_or_the_library_it_says_so(monkeypatch):
    pytest.importorskip("datasets")
    path = Path("hf://datasets/owner/name:train")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for read in (lambda: list(records_of(*files_in(path))), lambda: read_profiles(path)):
        with pytest.raises(ProfileError, match="^hf://datasets/owner/name cannot be opened: "):
            read()
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ProfileError, match="needs the library datasets; install it with: pip install"):
        list(records_of(path))


@pytest.fixture
def loads(monkeypatch):
    """What the library is asked to load; it finds nothing."""
    datasets = pytest.importorskip("datasets")
    asked = []

    def load(repository, *args, **options):
        asked.append(repository)
        raise FileNotFoundError("no such data set")

    monkeypatch.setattr(datasets, "load_dataset", load)
    return asked


def at(monkeypatch, address):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{address}")


def test_a_hub_out_of_reach_is_asked_once(loads, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        at(monkeypatch, closed.getsockname()[1])
        with pytest.raises(ProfileError, match="owner/name cannot be opened: the Hub cannot be reached: "):
            rows(HubName("owner/name"))
    assert loads == []


def test_a_hub_that_says_nothing_is_given_up_in_seconds(loads, monkeypatch):
    monkeypatch.setattr(hub, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at(monkeypatch, silent.getsockname()[1])
        began = time.monotonic()
        with pytest.raises(ProfileError, match="the Hub cannot be reached: "):
            rows(HubName("owner/name"))
        assert time.monotonic() - began < 10
    assert loads == []


def test_what_the_hub_answers_is_the_librarys_to_tell(loads, monkeypatch):
    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Nothing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        at(monkeypatch, server.server_port)
        with pytest.raises(ProfileError, match="cannot be opened: no such data set"):
            rows(HubName("owner/name"))
        server.shutdown()
    assert loads == ["owner/name"]
