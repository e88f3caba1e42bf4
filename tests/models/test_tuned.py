"""The embedded model's adapter: which one is served, what a role asks of it, and that it makes a difference."""

from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from counseling_sessions.ladder.models import EmbeddedModel, ladder
from counseling_sessions.models.chat import Models
from counseling_sessions.models.dialect import PLAIN
from counseling_sessions.models.embedded import ADAPTER, ADAPTER_VARIABLE, TUNED, EmbeddedServer, adapter_file
from counseling_sessions.models.embedded_file import EmbeddedModelError
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.models.requests import wire_request
from counseling_sessions.models.roles import Served, pinned, serving_line
from counseling_sessions.settings import ModelSettings, SessionConfig

SETTINGS = ModelSettings(temperature=0.0, max_tokens=24, timeout=120)
TUNED_NAME, BASE_NAME = "embedded-small", "embedded-small-base"
CLIENT_SAYS = "My exam is in three weeks, and I can't sleep."


SMALL = ladder()[0]


@pytest.mark.parametrize("model", [model for model in ladder() if model.automatic], ids=lambda model: str(model.size))
def test_the_shipped_adapters_are_small_and_taken_by_default(model: EmbeddedModel) -> None:
    path = adapter_file(model)
    assert path == TUNED / model.size / ADAPTER
    assert path.stat().st_size < 40e6


def test_another_adapter_can_be_named_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADAPTER_VARIABLE, "none")
    assert adapter_file(SMALL) is None
    path = tmp_path / "own.gguf"
    monkeypatch.setenv(ADAPTER_VARIABLE, str(path))
    with pytest.raises(EmbeddedModelError, match=r"own\.gguf cannot be read: No such file"):
        adapter_file(SMALL)
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(EmbeddedModelError, match="is no GGUF; make one with: run.py train export"):
        adapter_file(SMALL)
    path.write_bytes(b"GGUF\x03\x00")
    assert adapter_file(SMALL) == path


@pytest.mark.parametrize(("tuned", "scale"), [(True, 1.0), (False, 0.0)])
def test_every_request_says_how_much_of_the_adapter_counts(tuned: bool, scale: float) -> None:
    endpoint = Endpoint("http://127.0.0.1:1/v1", "small", "key", embedded=SMALL, tuned=tuned)
    elsewhere = Endpoint("http://127.0.0.1:1/v1", "m", "key")
    here, there = (
        wire_request("client", SETTINGS, one, [HumanMessage(CLIENT_SAYS)], 1, None, PLAIN, "").options["extra_body"]
        for one in (endpoint, elsewhere)
    )
    assert here["lora"] == [{"id": 0, "scale": scale}]
    assert "lora" not in there


@pytest.mark.parametrize(("tuned", "name"), [(True, "embedded-small"), (False, "embedded-small-base")])
def test_a_resumed_session_meets_the_same_of_the_two(tuned: bool, name: str) -> None:
    endpoint = Endpoint("http://127.0.0.1:1/v1", "small", "key", embedded=SMALL, tuned=tuned)
    served = [Served(["plan", "client"], endpoint)]
    assert pinned(SessionConfig(), served).models["default"].model == name


def test_people_read_how_long_a_session_takes() -> None:
    served = [Served(["plan", "client"], Endpoint("http://127.0.0.1:1/v1", "small", "key", embedded=SMALL))]
    minutes = f"{SMALL.speed.minutes:g} minutes"
    assert serving_line(served) == f"small (embedded; 10 turns take about {minutes} on two cores) serves all roles"


@pytest.mark.slow
async def test_the_adapter_makes_the_difference_and_the_record_tells_which_model_it_was() -> None:
    models = Models()
    said: dict[str, str] = {}
    names: dict[str, str] = {}
    try:
        for name in (TUNED_NAME, BASE_NAME, TUNED_NAME):
            settings = SETTINGS.model_copy(update={"model": name})
            reply = await models.ask("merge", settings, [HumanMessage(CLIENT_SAYS)], seed=1)
            assert said.setdefault(name, reply.text) == reply.text  # the other one leaves nothing behind in the cache
            names[name] = reply.model
    finally:
        await models.close()
    assert said[TUNED_NAME] != said[BASE_NAME]
    assert names[BASE_NAME] == SMALL.name
    assert names[TUNED_NAME].startswith(f"{SMALL.tuned_name}-")


@pytest.mark.slow
def test_without_an_adapter_the_server_serves_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADAPTER_VARIABLE, "none")
    with EmbeddedServer(SMALL) as server:
        assert server.tuned_name is None
