"""The trace of a session: from any journal, whole or cut anywhere, and nothing in it that does not add up."""

import json
import tempfile
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from counseling_sessions.graph.record import make_record, usage_of
from counseling_sessions.inspection.trace import as_json, prompts_of, span_seconds, total, trace_session, union_seconds
from counseling_sessions.inspection.trace_data import CallTrace, SessionTrace
from counseling_sessions.inspection.trace_view import find_turn, show_session, show_turn
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.prices import Price, Prices
from counseling_sessions.sessions.errors import JournalError, RunError
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import SessionRecord, Usage
from counseling_sessions.settings import SettingsError
from counseling_sessions.state import Call
from tests import long
from tests.generation.exports.sessions import session
from tests.inspection.test_diff import fork, parent
from tests.inspection.traced import journal, made, rich
from tests.scripted import Asked, Sensible

OPTIONS = (
    {"method": "magnet", "fan_out": "all"},
    {"method": "magnet", "router": "rules"},
    {"method": "magnet-no-router"},
    {"method": "magnet-no-plan"},
    {"method": "single-plan"},
    {"method": "single"},
)


def call(started: float, seconds: float, role: str = "client", **more: object) -> Call:
    return Call.model_validate({"role": role, "started": started, "seconds": seconds, **more})


def placed(*times: tuple[float, float]) -> list[CallTrace]:
    return [
        CallTrace(number, 1, "client", begin, call(100 + begin, end - begin))
        for number, (begin, end) in enumerate(times)
    ]


def adds_up(trace: SessionTrace, record: SessionRecord) -> None:
    """Calls, tokens and times are the record's, by role, by turn and in all."""
    used = {role.role: role.usage for role in trace.roles}
    assert used.keys() == record.usage.keys()
    for role, usage in record.usage.items():
        mine, theirs = used[role].model_dump(), usage.model_dump()
        assert mine.pop("seconds") == pytest.approx(theirs.pop("seconds"), abs=0.002)
        assert mine == theirs
    by_turn = [item for turn in trace.turns for item in turn.calls]
    by_turn += [item for item in trace.calls if item.turn == 0]
    assert sorted(item.number for item in by_turn) == list(range(len(trace.calls)))
    again = usage_of(item.call for item in by_turn)
    assert (
        total(list(again.values())).prompt_tokens
        == trace.total.prompt_tokens
        == total(list(used.values())).prompt_tokens
    )


def shows(record: SessionRecord, trace: SessionTrace) -> str:
    console = Console(file=StringIO(), width=80, highlight=False)
    prompts = prompts_of(record, trace)
    show_session(console, trace, full=True, prompts=prompts)
    show_session(console, trace)
    json.dumps(as_json(trace))
    out = console.file
    assert isinstance(out, StringIO)
    return out.getvalue()


@settings(max_examples=60 if long.ASKED_FOR else 20, deadline=None)
@given(data=st.data(), seed=st.integers(0, 7), options=st.sampled_from(OPTIONS))
def test_any_journal_cut_anywhere_and_taken_up_again_has_a_trace_that_adds_up(
    data: st.DataObject, seed: int, options: dict[str, str]
) -> None:
    whole = journal(seed, max_turns=3, **options)
    cut = data.draw(st.integers(whole.index(b"\n") + 1, len(whole)))
    with tempfile.TemporaryDirectory() as folder:
        name = json.loads(whole[: whole.index(b"\n")])["session_id"]
        path = Path(folder) / f"{name}{SUFFIX}"
        path.write_bytes(whole[:cut])
        if data.draw(st.booleans()):
            opened, _ = Journal.resume(path)
            opened.close()
        record = make_record(read_journal(path))
    trace = trace_session(record)
    adds_up(trace, record)
    text = shows(record, trace)
    for said in record.dialogue:
        assert " ".join(said.text.split())[:20] in " ".join(text.split())
    assert trace.cut_off == (record.failure is not None and record.failure.kind == "unfinished")


def test_a_turn_shows_what_was_seen_picked_drafted_merged_and_answered() -> None:
    record = rich()
    trace = trace_session(record)
    turn, before = trace.turns[1], record.turns[0]
    assert before.client
    assert turn.saw == before.client.text
    assert trace.turns[0].saw == record.opening[1].text
    assert record.plan
    assert turn.step_text == record.plan.steps[0]
    assert [item.picked for item in turn.candidates] == [True, False, False, False, False]
    assert turn.counselor
    origins = turn.counselor.origins
    drafted = {place for place, item in enumerate(turn.candidates) if item.candidate.text}
    assert {0, 1} < {item.candidate for item in origins} <= drafted  # what was too long was left out
    for item in origins:
        piece = turn.counselor.utterance.text[item.start : item.end]
        assert piece in turn.candidates[item.candidate].candidate.text
    nodes = Counter(item.node for item in turn.calls)
    assert nodes["router"] == (2 if turn.pick and turn.pick.call else 1)
    assert nodes["client"] == 1


def test_the_closing_is_the_last_turn_and_saw_the_clients_last_words() -> None:
    trace = trace_session(rich())
    closing = trace.turns[-1]
    assert [turn.closing for turn in trace.turns] == [False] * 4 + [True]
    assert closing.counselor
    assert closing.counselor.utterance.closing
    last = rich().turns[-1].client
    assert last
    assert closing.saw == last.text


def test_what_was_lost_and_asked_again_is_counted() -> None:
    record = rich()
    trace = trace_session(record)
    use = {item.technique: item for item in trace.techniques}
    lost = [turn.turn for turn in record.turns for item in turn.candidates if item.error]
    assert lost
    assert list(use["questioning"].lost) == lost
    assert use["reflection"].picked == (1, 2, 3, 4)
    assert use["solutions"].picked == ()
    assert use["solutions"].drafted == (1, 2, 3, 4)
    assert all(
        (item.kept is None) == (item.candidate.text == "") for turn in trace.turns[:4] for item in turn.candidates
    )
    assert 0 < use["reflection"].kept < use["reflection"].words
    assert sum(role.retries for role in trace.roles) == len(lost)
    assert sum(role.findings for role in trace.roles) == sum(len(item.call.findings) for item in trace.calls) > 0
    assert sum(item.regenerations for item in trace.calls) > 0


def test_times_overlap_and_pauses() -> None:
    calls = placed((0, 2), (1, 3), (10, 11))
    assert union_seconds(calls) == 4
    assert span_seconds(calls) == 11
    assert union_seconds([]) == span_seconds([]) == 0
    record = session()
    turn = record.turns[0]
    first = turn.candidates[0].call
    assert first
    times = {"reflection": (10.0, 2.0), "questioning": (11.0, 2.0)}
    candidates = tuple(
        item.model_copy(update={"call": call(*times[item.technique], role=item.technique)}) for item in turn.candidates
    )
    alone = turn.model_copy(update={"candidates": candidates, "pick": None, "counselor": None, "client": None})
    cut = record.model_copy(update={"turns": (alone,), "closing": None, "plan": None})
    trace = trace_session(cut)
    assert (trace.turns[0].seconds, trace.turns[0].overlap) == (3, 1)
    assert [item.offset for item in trace.calls] == [0, 1]
    assert trace.busy == 3


def test_a_call_without_a_time_is_counted_but_not_placed() -> None:
    record = session()
    assert record.plan
    plan = record.plan.model_copy(update={"call": call(0, 1.5, role="plan")})
    record = record.model_copy(update={"plan": plan})
    trace = trace_session(record)
    assert trace.plan_call
    assert trace.plan_call.offset is None
    assert trace.plan_call.call.seconds == 1.5
    assert next(role for role in trace.roles if role.role == "plan").usage.seconds == 1.5
    assert "1.50 s" in shows(record, trace)


def test_a_fork_has_its_past_from_another_session_and_no_prompts_of_it() -> None:
    record = fork(3, router="rules")
    trace = trace_session(record)
    adds_up(trace, record)
    assert [turn.inherited for turn in trace.turns] == [True, True, False, False, False, False]
    offsets = [item.offset for item in trace.calls if item.offset is not None]
    assert offsets == sorted(offsets)
    assert offsets[0] >= 0
    own = {item.number for turn in trace.turns if not turn.inherited for item in turn.calls}
    assert prompts_of(record, trace).by_call.keys() == own
    text = shows(record, trace)
    assert f"a fork of {parent().session_id} at turn 3" in text
    # Two turns, in full and in brief; a line breaks elsewhere where a session took longer.
    assert " ".join(text.split()).count("shared with its parent") == 4


def test_what_a_person_said_has_no_call_and_is_told_as_theirs() -> None:
    record = session()
    own = {"author": "human", "call": None}
    turns = tuple(
        turn.model_copy(
            update={
                "pick": None,
                "candidates": (),
                "counselor": turn.counselor and turn.counselor.model_copy(update=own),
            }
        )
        for turn in record.turns
    )
    record = record.model_copy(update={"turns": turns, "plan": None})
    trace = trace_session(record)
    assert [item.node for turn in trace.turns[:2] for item in turn.calls] == ["client", "client"]
    assert trace.techniques == ()
    text = shows(record, trace)
    assert "Counselor (a person): " in text
    assert "Techniques over the turns" not in text


def test_a_failure_stands_where_it_happened() -> None:
    def silent_client(asked: Asked) -> object:
        return TimeoutError("gone") if asked.role == "client" else Sensible()(asked)

    def no_plan(asked: Asked) -> object:
        return TimeoutError("gone") if asked.schema == "plan" else Sensible()(asked)

    record, _ = made(silent_client)
    trace = trace_session(record)
    adds_up(trace, record)
    assert [turn.failure is not None for turn in trace.turns] == [True]
    assert "failed at client in turn 1" in shows(record, trace)
    record, _ = made(no_plan)
    trace = trace_session(record)
    adds_up(trace, record)
    assert trace.turns == ()
    assert trace.plan_call
    assert trace.plan_call.call.errors
    text = shows(record, trace)
    assert "failed at plan" in text
    assert text.count("failed: ") >= 1


def test_a_failed_pick_is_a_turn_of_its_own() -> None:
    calls = 0

    def refused(asked: Asked) -> object:
        nonlocal calls
        calls += asked.schema == "pick"
        if asked.schema == "pick" and calls > 1:
            return ModelError("refused", "no such model", requests=1)
        return sensible(asked)

    sensible = Sensible()
    record, _ = made(refused)
    trace = trace_session(record)
    adds_up(trace, record)
    assert record.failure
    assert record.failure.stage == "router"
    assert [turn.turn for turn in trace.turns] == [1, 2]
    assert trace.turns[-1].failure == record.failure
    assert not trace.turns[-1].closing
    assert "failed at router in turn 2" in shows(record, trace)


def test_costs_are_of_the_prices_given() -> None:
    prices = Prices({"scripted": Price(input=1.0, cached=0.5, output=2.0)})
    trace = trace_session(session(), prices)
    used = trace.total
    fresh = used.prompt_tokens - used.cached_tokens
    assert trace.cost == pytest.approx((fresh + used.cached_tokens * 0.5 + used.completion_tokens * 2) / 1e6)
    assert trace.cost == pytest.approx(sum(role.cost or 0 for role in trace.roles))
    assert trace_session(session()).cost is None
    with pytest.raises(SettingsError, match="no price for the model"):
        trace_session(session(), Prices({}))


def test_json_has_each_call_once_and_no_less_than_the_record() -> None:
    record = rich()
    told = json.loads(json.dumps(as_json(trace_session(record))))
    assert [item["number"] for item in told["calls"]] == list(range(len(told["calls"])))
    numbers = [number for turn in told["turns"] for number in turn["calls"]]
    assert sorted([told["plan_call"], *numbers]) == list(range(len(told["calls"])))
    assert sum(item["prompt_tokens"] or 0 for item in told["calls"]) == told["total"]["prompt_tokens"]
    first = told["turns"][0]
    assert told["calls"][first["counselor"]["call"]]["role"] == "merge"
    assert "call" not in first["counselor"]["utterance"]


def test_prompts_are_those_that_were_sent_and_none_where_prompts_have_changed() -> None:
    asked: list[Asked] = []

    def listening(item: Asked) -> object:
        asked.append(item)
        return sensible(item)

    sensible = Sensible()
    record, _ = made(listening)
    trace = trace_session(record)
    sent = prompts_of(record, trace)
    assert sent.problem == ""
    assert sent.by_call.keys() == {item.number for item in trace.calls}
    known = {"\n".join(message.text for message in messages) for messages in sent.by_call.values()}
    assert known == {item.prompt for item in asked}
    assert {message.role for messages in sent.by_call.values() for message in messages} == {
        "system",
        "user",
        "assistant",
    }
    changed = dict(record.provenance.prompt_hashes) | {"counselor/merge": "0000"}
    other = record.model_copy(update={"provenance": record.provenance.model_copy(update={"prompt_hashes": changed})})
    told = prompts_of(other, trace_session(other))
    assert (told.by_call, "have changed since" in told.problem) == ({}, True)


def test_a_turn_that_is_not_there_is_told() -> None:
    trace = trace_session(session())
    assert find_turn(trace, 0) is None
    with pytest.raises(RunError, match=r"has no turn 9; it has 0 \(opening and plan\) to 3 \(the closing\)"):
        show_turn(Console(file=StringIO()), trace, 9)


def test_a_journal_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / f"x{SUFFIX}"
    path.write_bytes(b"{}\n")
    with pytest.raises(JournalError):
        read_journal(path)


def test_totals_of_nothing_are_nothing() -> None:
    assert total([]) == Usage()
