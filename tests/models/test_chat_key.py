"""Asking a model over real HTTP: the key never leaves the process."""

from pathlib import Path

import pytest

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.models.chat import Models
from counseling_sessions.models.roles import pinned, serving
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import ModelSettings
from tests.loopback import Faults, LoopbackServer
from tests.models.asking import HELLO, Body, refused, settings
from tests.models.canary import everything_of
from tests.scripted import config, profile

pytestmark = pytest.mark.usefixtures("no_surroundings")


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_a_server_that_says_the_key_is_not_quoted(models: Models, key: str, status: int) -> None:
    with LoopbackServer() as server:
        server.fail_with(status, f"Incorrect API key provided: {key}. Bearer {key}")
        error = await refused(models, settings(server, max_requests=2))
    assert "***" in str(error)
    assert key not in everything_of(error)


async def test_a_garbled_body_with_the_key_is_not_quoted(models: Models, key: str) -> None:
    async with Body(f'{{"error": {{"message": "bad key {key}"}}}}'.encode()) as url:
        error = await refused(models, ModelSettings(base_url=url, model="m", max_requests=2))
        nameless = await refused(models, ModelSettings(base_url=url))
    assert error.kind == "garbled"
    assert key not in f"{error} {error.errors} {nameless} {nameless.errors}"


async def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer() as server:
        for bad in ("sk-planted\nsecond-line", "sk-planted-\x7f", "sk-planted-é", "sk-planted-“quoted”"):
            monkeypatch.setenv("OPENAI_API_KEY", bad)
            error = await refused(Models(), settings(server))
            assert error.kind == "configuration"
            assert "OPENAI_API_KEY" in str(error)
            assert "planted" not in everything_of(error)
        assert server.requests == []


@pytest.mark.parametrize("url", ["http://user:planted-secret@127.0.0.1:1/v1", "127.0.0.1:1/planted-secret"])
async def test_a_base_url_with_a_secret_or_without_a_scheme_is_refused(
    models: Models, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    error = await refused(models, ModelSettings(model="m"))
    assert error.kind == "configuration"
    assert str(error).startswith("OPENAI_BASE_URL: base_url: ")
    assert "planted" not in everything_of(error)


async def test_the_key_shows_in_no_repr(models: Models, key: str) -> None:
    with LoopbackServer(api_key=key) as server:
        asked = settings(server)
        await models.ask("client", asked, HELLO)
        endpoint = await models.endpoint(asked)
        (state,) = models._loops.values()
    assert endpoint.key == key
    for thing in (endpoint, models, state, asked, *state.chats.values(), dict(state.endpoints)):
        assert key not in f"{thing!r} {thing!s}"


@pytest.mark.parametrize("well", [True, False])
async def test_the_key_is_in_no_file_of_a_session(models: Models, key: str, tmp_path: Path, well: bool) -> None:
    with LoopbackServer(faults=Faults.script(["500", "html", None, "cut"])) as server:
        if not well:
            server.fail_with(401, f"Incorrect API key provided: {key}")
        settings = config(
            models={"default": ModelSettings(base_url=server.base_url, model="m", timeout=5)}, max_turns=2
        )
        settings = pinned(settings, await serving(models, settings))
        task = SessionTask(profile=profile(), attitude="neutral", config=settings)
        record = await run_session(task, tmp_path, models)
        journal = task.journal_path(tmp_path).read_text()
        keep(record, tmp_path)
        assert key in server.requests[0].headers["authorization"]
    assert record.status == ("finished" if well else "failed")
    assert key not in journal + repr(record)
    assert_nowhere(key, tmp_path)


def assert_nowhere(key: str, folder: Path) -> None:
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert written
    assert all(key.encode() not in path.read_bytes() for path in written)
