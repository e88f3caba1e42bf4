"""With which models the page's sessions are conducted: those that the command was started with, whatever a file says."""

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'web' is not installed")

from counseling_sessions.commands.build import opened_models
from counseling_sessions.commands.parsing.options import ModelOptions, SessionOptions
from counseling_sessions.commands.parsing.web import WebRequest
from counseling_sessions.commands.web import Configuring
from counseling_sessions.commands.web_parts import Conducting
from counseling_sessions.generation.run import Asked, open_run
from counseling_sessions.graph.session import SessionTask
from counseling_sessions.models.errors import ModelError
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.settings import ModelSettings, SettingsError
from tests.loopback import LoopbackServer
from tests.scripted import config, profile


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def of(url: str, **session: object) -> WebRequest:
    return WebRequest(models=ModelOptions(base_url=url, model="m"), session=SessionOptions(**session))


def content(url: str) -> JournalContent:
    models = {"default": ModelSettings(model="m", base_url=url)}
    return JournalContent(SessionTask(profile=profile(), attitude="neutral", config=config(models=models)).head())


async def test_a_new_session_has_the_method_and_turns_of_the_page_and_the_models_of_the_command() -> None:
    with LoopbackServer() as server:
        async with opened_models() as models:
            conducting = Conducting(of(server.base_url, min_turns=6, router="rules"), models)
            made = await conducting.new("single-plan", 4)
            assert (made.method, made.max_turns, made.min_turns, made.router) == ("single-plan", 4, 4, "rules")
            assert made.models["default"].base_url == server.base_url
            assert (await conducting.new("magnet", None)).seed != made.seed


async def test_a_model_that_is_not_served_is_told_before_a_session_begins() -> None:
    async with opened_models() as models:
        conducting = Conducting(WebRequest(models=ModelOptions(base_url="http://127.0.0.1:9/v1")), models)
        with pytest.raises(ModelError, match="127.0.0.1:9"):
            await conducting.new("magnet", None)


async def test_a_session_goes_on_only_with_servers_that_the_command_names() -> None:
    with LoopbackServer() as server, LoopbackServer() as other:
        async with opened_models() as models:
            conducting = Conducting(of(server.base_url), models)
            await conducting.again(content(server.base_url), Path("a.journal.jsonl"))
            with pytest.raises(SettingsError, match="Nothing was sent"):
                await conducting.again(content(other.base_url), Path("a.journal.jsonl"))
        assert other.requests == []


async def test_a_session_with_other_prompts_does_not_go_on() -> None:
    with LoopbackServer() as server:
        async with opened_models() as models:
            changed = content(server.base_url)
            made = changed.head.provenance
            hashes = dict.fromkeys(made.prompt_hashes, "0" * 16)
            changed.head = changed.head.model_copy(
                update={"provenance": made.model_copy(update={"prompt_hashes": hashes})}
            )
            with pytest.raises(RunError, match="other prompts"):
                await Conducting(of(server.base_url), models).again(changed, Path("a.journal.jsonl"))


async def test_a_batch_goes_on_as_it_was_begun_and_only_with_servers_that_the_command_names(tmp_path: Path) -> None:
    with LoopbackServer() as server, LoopbackServer() as other:
        async with opened_models() as models:
            begun = await Conducting(of(server.base_url), models).of_batch(4)
            open_run(tmp_path, Asked(begun, source="amira-exam-panic"))
            again = await Conducting(of(server.base_url, max_turns=9), models).of_run(tmp_path)
            assert again.max_turns == 4
            open_run(tmp_path, Asked(again))
            elsewhere = WebRequest(models=ModelOptions(base_url=other.base_url), session=SessionOptions())
            moved = await Conducting(elsewhere, models).of_run(tmp_path)
            assert moved.models["default"].base_url == other.base_url
            with pytest.raises(SettingsError, match="Nothing was sent"):
                await Conducting(WebRequest(), models).of_run(tmp_path)


async def test_a_practice_session_is_taken_up_only_with_servers_that_the_command_names() -> None:
    url, other = "http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"
    async with opened_models() as models:
        configuring = Configuring(of(url), models)
        configuring.allow(Path("a.journal.jsonl"), content(url))
        with pytest.raises(SettingsError, match="Nothing was sent"):
            configuring.allow(Path("a.journal.jsonl"), content(other))
