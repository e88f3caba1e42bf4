"""Servers of today: a session against each of them finishes, and `check` says what it found out."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.graph.check import check
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.inspection.tables import dialect_rows
from counseling_sessions.models.chat import Models
from counseling_sessions.models.roles import serving
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import ModelSettings, SessionConfig
from tests.loopback import LoopbackServer
from tests.loopback.servers import SERVERS, MindChanger, ServerKind
from tests.scripted import config, profile

pytestmark = pytest.mark.usefixtures("no_surroundings")

ROOT = Path(__file__).parents[2]
WORKING = [name for name, kind in SERVERS.items() if kind.works]


def asked(server: LoopbackServer, kind: ServerKind, **options: Any) -> SessionConfig:
    model = ModelSettings(**{"base_url": server.base_url, "model": "m", "timeout": 20, **kind.settings})
    return config(models={"default": model}, **{"max_turns": 2, **options})


async def session_at(
    server: LoopbackServer, kind: ServerKind, models: Models, folder: Path, seed: int = 0
) -> SessionRecord:
    task = SessionTask(profile=profile(), attitude="neutral", config=asked(server, kind, seed=seed))
    return await run_session(task, folder, models)


def refused(server: LoopbackServer) -> int:
    return sum((request.number == -1) for request in server.requests)


@pytest.mark.parametrize("name", WORKING)
async def test_a_session_finishes_and_learning_costs_little(models: Models, name: str, tmp_path: Path) -> None:
    kind = SERVERS[name]
    with kind.server() as server:
        record = await session_at(server, kind, models, tmp_path / "one")
        assert (record.status, record.failure) == ("finished", None)
        server.clear()
        # What the first one found out holds for the second one.
        again = await session_at(server, kind, models, tmp_path / "two", seed=1)
        assert again.status == "finished"
        if name != "mind-changer":
            assert refused(server) == 0


@pytest.mark.parametrize("name", SERVERS)
async def test_check_says_what_it_found_out_and_gives_the_right_verdict(models: Models, name: str) -> None:
    kind = SERVERS[name]
    with kind.server() as server:
        settings = asked(server, kind)
        (served,) = await serving(models, settings)
        await check(models, served, settings)
    assert (served.problem is None) == kind.works, served.problem
    assert kind.problem in (served.problem or "")
    rows = [("structured output", served.structured or ""), *dialect_rows(served.dialect)]
    assert {f"{name}: {done}" for name, done in rows} >= set(kind.learns)


@pytest.mark.parametrize("after", [0, 7, 25, 40])
async def test_six_sessions_finish_at_a_server_that_changes_its_mind(
    models: Models, after: int, tmp_path: Path
) -> None:
    kind = ServerKind(MindChanger(after))
    with kind.server() as server:
        records = [await session_at(server, kind, models, tmp_path / str(seed), seed) for seed in range(6)]
        assert [record.status for record in records] == ["finished"] * 6
        # Each of the two fields is refused once by session and draft in flight at that moment, and never again.
        assert 2 <= refused(server) <= 6
    held = [{*call.sent} & {"temperature", "seed"} for record in records for _, call in record.calls]
    assert held[-1] == set()
    assert (held[0] == set()) == (after == 0)


async def test_what_one_session_learns_holds_for_those_beside_it(models: Models, tmp_path: Path) -> None:
    kind = SERVERS["azure-reasoning"]
    with kind.server() as server:
        asked_for = [session_at(server, kind, models, tmp_path / str(seed), seed) for seed in range(6)]
        records = await asyncio.gather(*asked_for)
        assert [record.status for record in records] == ["finished"] * 6
        # At most the first call of each, which began before anything was known.
        assert refused(server) <= 6 * 3
        last = server.requests[-1].body
    assert not {"temperature", "seed", "max_tokens"} & last.keys()
    assert last["max_completion_tokens"]


async def test_the_record_of_a_call_says_what_was_really_sent(models: Models, tmp_path: Path) -> None:
    sent = {}
    for name in ("plain", "openai-reasoning", "gemma-vllm", "stream-only", "mistral"):
        with SERVERS[name].server() as server:
            record = await session_at(server, SERVERS[name], models, tmp_path / name)
            call = next(call for _, call in record.calls if call.role == "plan")
            body = next(request.body for request in server.requests if request.number == 0)
        sent[name] = call.sent
        kept = {field: value for field, value in body.items() if field in call.sent and not isinstance(value, dict)}
        assert kept.items() <= call.sent.items()
        assert kept
    assert sent["plain"].keys() == {"temperature", "seed", "max_tokens", "response_format"}
    assert sent["openai-reasoning"].keys() == {"seed", "max_completion_tokens", "response_format"}
    assert sent["gemma-vllm"] == sent["plain"] | {"system_role": "folded"}
    assert sent["stream-only"] == sent["plain"] | {"stream": True, "stream_options": True}
    assert sent["mistral"].keys() == {"temperature", "random_seed", "max_tokens", "response_format"}


async def test_a_model_without_seed_and_temperature_never_gets_the_same_request_twice(models: Models) -> None:
    kind = SERVERS["azure-reasoning"]
    with LoopbackServer(lambda request: "As an AI, I cannot.", raw=kind.refuses) as server:
        settings = asked(server, kind, guard_attempts=6)
        (served,) = await serving(models, settings, ["client"])
        await check(models, served, settings)
        bodies = [json.dumps(request.body) for request in server.requests if request.number >= 0]
    assert served.problem
    assert len(bodies) == 6
    assert len(set(bodies)) == 6


def test_the_document_has_a_row_for_every_behaviour_and_none_besides() -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    section = text.split("## Servers and models whose behaviour is handled")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == set(SERVERS)
