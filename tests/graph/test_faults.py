"""Twenty sessions at once, every fifth answer of their server faulty: all finish, and all are well formed."""

import asyncio
from pathlib import Path

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import ModelSettings
from tests.kept import kept_in
from tests.loopback import Faults, LoopbackServer
from tests.scripted import config, profile

SESSIONS = 20
TURNS = 5


async def test_twenty_sessions_with_a_fifth_of_all_answers_faulty(tmp_path: Path) -> None:
    models = Models(backoff=0.01, backoff_cap=0.05)
    with LoopbackServer(faults=Faults(rate=0.2, retry_after=0.01, hold=4, seed=3)) as server:
        endpoint = ModelSettings(
            base_url=server.base_url, model="loopback", timeout=3, max_requests=12, max_in_flight=10
        )
        tasks = [
            SessionTask(
                profile=profile(),
                attitude="neutral",
                config=config(
                    models={"default": endpoint},
                    max_turns=TURNS,
                    min_turns=TURNS,
                    router="llm",
                    guard_attempts=8,
                    seed=seed,
                ),
            )
            for seed in range(SESSIONS)
        ]
        records = await asyncio.gather(*(run_session(task, tmp_path, models) for task in tasks))
        await models.close()
        assert [request.error for request in server.requests if request.error] == []
        seen = {request.fault for request in server.requests} - {None}
        sent = len(server.requests)
    assert len(seen) == 11
    assert len({record.session_id for record in records}) == SESSIONS
    for record in records:
        assert_well_formed(record)
        keep(record, tmp_path)
    assert kept_in(tmp_path) == {record.session_id: record for record in records}
    assert RunFolder(tmp_path).unfinished() == []
    calls = [call for record in records for _, call in record.calls]
    # Nothing was asked that is not on record, and what went wrong is.
    assert sum(call.requests for call in calls) == sent
    assert sum(usage.requests for record in records for usage in record.usage.values()) == sent
    assert sum(len(call.errors) for call in calls) > sent * 0.2 * 6 / 11 / 2
    kinds = {finding.kind for call in calls for finding in call.findings}
    assert {"empty", "truncated", "malformed"} <= kinds
    for words in ("answers 429", "answers 500", "answers 503", "in time", "cannot be reached", "unreadable"):
        assert any(words in error for call in calls for error in call.errors), words


def assert_well_formed(record: SessionRecord) -> None:
    assert record.status == "finished", record.failure
    assert record.end_reason == "turn_limit"
    assert SessionRecord.model_validate_json(record.model_dump_json()) == record
    assert [said.speaker for said in record.dialogue] == ["counselor", "client"] * (TURNS + 1) + ["counselor"]
    turns = [said.turn for said in record.dialogue]
    assert turns == [turn for number in range(TURNS + 1) for turn in (number, number)] + [TURNS + 1]
    assert [turn.turn for turn in record.turns] == list(range(1, TURNS + 1))
    for turn in record.turns:
        assert turn.pick
        assert turn.counselor
        assert turn.client
        assert {candidate.technique for candidate in turn.candidates} == set(turn.pick.techniques)
        assert any(candidate.text for candidate in turn.candidates)
    assert record.plan
    texts = [said.text for said in record.dialogue]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert text.rstrip()[-1] in ".?!"
        assert "<html>" not in text
