"""Served graphs: whoever calls them has no say in which servers are asked with which keys, and hears no server's words."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from counseling_sessions.graph.deployed import practice, session
from counseling_sessions.graph.practice_graph import build_practice_graph
from counseling_sessions.graph.served import CHOSEN, VARIABLE, ServedConfig, ServedModels, for_caller, resolve
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.settings import ModelSettings, SessionConfig, SettingsError
from tests.loopback import Faults, LoopbackServer

CANARY = "canary-of-a-database-password-0123456789"
OWNER = {
    "default": ModelSettings(
        model="small", base_url="http://a/v1", api_key_env="A_KEY", extra_body={"a": 1}, top_p=0.9
    ),
    "client": ModelSettings(model="large", base_url="http://b/v1", api_key_env="B_KEY", temperature=1.1),
    "spare": ModelSettings(model="huge", base_url="http://c/v1", replicas=("http://d/v1",), api_key_env="C_KEY"),
}
REACH = sorted(ModelSettings.model_fields.keys() - set(CHOSEN))
VALUES: dict[str, Any] = {
    "base_url": "http://elsewhere/v1",
    "api_key_env": "SOME_DB_PASSWORD",
    "replicas": ["http://elsewhere/v1"],
    "extra_body": {"x": 1},
    "omit": ["seed"],
    "reasoning_effort": "high",
    "system_role": "fold",
}


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, no_surroundings: None) -> None:
    monkeypatch.setenv("SOME_DB_PASSWORD", CANARY)
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def elsewhere() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@pytest.mark.parametrize("field", REACH)
@pytest.mark.parametrize("role", ["default", "client", "spare"])
def test_how_a_model_is_reached_is_refused_by_name(field: str, role: str) -> None:
    models = {role: {field: VALUES.get(field, 7)}}
    with pytest.raises(ValidationError, match=f"{role}.{field}: not a caller's to say; .*{VARIABLE}"):
        ServedConfig.model_validate({"models": models})
    with pytest.raises(ValidationError, match=f"{role}.{field}"):
        resolve(SessionConfig.model_validate({"models": models}), OWNER)


def test_what_a_model_does_not_take_is_the_owners_to_say() -> None:
    owner = {name: model.model_copy(update={"omit": ("temperature",)}) for name, model in OWNER.items()}
    asked = {"default": ModelSettings(temperature=0.3), "client": ModelSettings(model="huge", temperature=0.2)}
    models = resolve(SessionConfig(models=asked), owner).models
    assert {models[role].omit for role in ("plan", "client", "reflection")} == {("temperature",)}


@pytest.mark.parametrize("build", [build_session_graph, build_practice_graph])
async def test_nothing_is_sent_to_an_address_in_the_context(build: Any, elsewhere: LoopbackServer) -> None:
    reach = {"default": {"base_url": elsewhere.base_url, "api_key_env": "SOME_DB_PASSWORD"}}
    served = build(served=True)
    begin: dict[str, Any] = {"part": "client"} if build is build_practice_graph else {}
    for context in ({"models": reach}, SessionConfig.model_validate({"models": reach})):
        with pytest.raises(ValidationError, match=r"default\.base_url"):
            await served.ainvoke(begin, context=context)
    assert elsewhere.requests == []


async def test_the_graphs_that_are_served_by_name_are_served_ones(elsewhere: LoopbackServer) -> None:
    for module_level in (session, practice):
        form = module_level.get_context_jsonschema()
        assert form is not None
        assert set(form["properties"]["models"]["additionalProperties"]["properties"]) == set(CHOSEN)
    with pytest.raises(ValidationError, match=r"default\.base_url"):
        await session.ainvoke({}, context={"models": {"default": {"base_url": elsewhere.base_url}}})  # type: ignore[arg-type]
    assert elsewhere.requests == []


def test_each_role_is_reached_as_the_owner_says_and_inherits_no_other_ones_key() -> None:
    asked = ServedConfig.model_validate({"models": {"client": {"temperature": 0.3}, "techniques": {"model": "huge"}}})
    made = resolve(asked, OWNER)

    def where(role: str) -> tuple[Any, ...]:
        model = made.model_for(role)
        return model.model, model.base_url, model.api_key_env, model.replicas, model.temperature, model.top_p

    assert where("plan") == ("small", "http://a/v1", "A_KEY", None, 0.7, 0.9)
    assert where("client") == ("large", "http://b/v1", "B_KEY", None, 0.3, 0.9)
    assert where("reflection") == ("huge", "http://c/v1", "C_KEY", ("http://d/v1",), 0.7, 0.9)
    assert "risk" not in made.models


def test_a_model_is_chosen_among_the_owners_by_its_name() -> None:
    for role in ("default", "client", "router"):
        made = resolve(ServedConfig.model_validate({"models": {role: {"model": "large"}}}), OWNER)
        model = made.model_for("client" if role == "default" else role)
        assert (model.base_url, model.api_key_env) == ("http://b/v1", "B_KEY")
    with pytest.raises(SettingsError, match=r"'other' is none of this server's \(huge, large, small\).*" + VARIABLE):
        resolve(ServedConfig.model_validate({"models": {"plan": {"model": "other"}}}), OWNER)
    embedded = resolve(ServedConfig.model_validate({"models": {"plan": {"model": "embedded"}}}), OWNER).model_for(
        "plan"
    )
    assert (embedded.base_url, embedded.api_key_env, embedded.extra_body) == (None, None, None)


def test_without_a_file_the_environments_server_is_asked_for_a_name_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = ServedConfig.model_validate({"models": {"default": {"model": "any"}}})
    with pytest.raises(SettingsError, match="'any' is none of this server's"):
        resolve(asked, {})
    monkeypatch.setenv("OPENAI_BASE_URL", "http://here/v1")
    model = resolve(asked, {}).model_for("client")
    assert (model.model, model.base_url, model.api_key_env) == ("any", None, None)


async def test_the_owners_file_says_where_a_served_session_is_sent(
    tmp_path: Path, elsewhere: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer(models=("own",)) as server:
        path = tmp_path / "models.yaml"
        path.write_text(f"default: {{model: own, base_url: '{server.base_url}', api_key_env: OWN_KEY}}\n")
        monkeypatch.setenv(VARIABLE, str(path))
        monkeypatch.setenv("OWN_KEY", "sk-of-the-owner")
        monkeypatch.setenv("OPENAI_BASE_URL", elsewhere.base_url)
        context: Any = {"max_turns": 1, "method": "single", "models": {"client": {"temperature": 0.1}}}
        state = await build_session_graph(served=True).ainvoke({}, context=context)
        assert state["end_reason"] == "turn_limit"
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer sk-of-the-owner"}
    assert elsewhere.requests == []


async def test_a_failure_tells_kind_and_status_and_the_log_has_the_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with LoopbackServer() as server:
        server.fail_with(403, "words-of-an-internal-service")
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        context: Any = {"models": {"default": {"model": "loopback"}}}
        with caplog.at_level(logging.WARNING):
            state = await build_session_graph(served=True).ainvoke({}, context=context)
        assert "(refused, status 403)" in state["failure"]["message"]
        assert "words-of-an-internal-service" not in str(state)
        assert server.base_url not in str(state)
        assert "words-of-an-internal-service" in caplog.text


async def test_requests_that_failed_on_the_way_are_counted_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer(faults=Faults.script(["500", "429"], retry_after=0)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        context: Any = {"max_turns": 1, "models": {"default": {"model": "loopback"}}}
        state = await build_session_graph(served=True, models=ServedModels(backoff=0.001)).ainvoke({}, context=context)
        call = state["plan"]["call"]
        assert (call["requests"], call["errors"]) == (3, ["request 1 failed", "request 2 failed"])
        assert server.base_url not in str(state)


@pytest.mark.parametrize("session_id", ["a\r\nAuthorization: Bearer b", "a\nX-Other: b", "a\x00b"])
async def test_a_session_id_brings_no_header_with_it(session_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        graph = build_session_graph(served=True, models=ServedModels(backoff=0.001, requests=2))
        context: Any = {"max_turns": 1, "models": {"default": {"model": "m"}}}
        with pytest.raises(ValidationError, match="session_id"):
            await graph.ainvoke({"session_id": session_id}, context=context)
        assert not [request for request in server.requests if request.path.endswith("completions")]


def test_a_recorded_configuration_is_asked_for_without_its_reach() -> None:
    recorded = SessionConfig(seed=3, models=OWNER)
    asked, left = for_caller(recorded, {"default": OWNER["client"]})
    assert left == ["huge", "small"]
    assert asked.models == {
        "default": ModelSettings(top_p=0.9),
        "client": ModelSettings(model="large", temperature=1.1),
    }
    assert resolve(asked, {"default": OWNER["client"]}).model_for("plan").base_url == "http://b/v1"
