"""An end that the protocol took back is part of the past: of a fork, of the updates, and of what the client's model answered."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.graph.exchanges import as_exchanges, exchanges
from counseling_sessions.graph.fork import Edits, fork_head, fork_task, run_fork
from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.replay import replay
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.nodes.protocol.course import LEAVING
from counseling_sessions.sessions.journal_lines import JournalContent, JournalUpdate
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import EndReason, RiskEntry
from tests.graph.test_protocol import ANSWERS, COURSES, SMALL, journal_in, run
from tests.inner import offering
from tests.scripted import Sensible, config, profile, scripted_models

END = re.compile(r"\[END: \w+\]")
ASKED_BEFORE_AN_END = (
    *SMALL[:4],
    "That is all for today. [END: resolved]",
    "No.",
    "No, nobody.",
    *SMALL[4:],
    "Roses.",
    "My aunt.",
)
ENDS: dict[str, tuple[tuple[str, ...], list[tuple[int, EndReason]]]] = {
    **{name: (answers, []) for name, (answers, _) in COURSES.items()},
    "leaves": (COURSES["leaves"][0], [(4, "left")]),
    "stays": (COURSES["stays"][0], [(4, "left")]),
    "asked before an end": (ASKED_BEFORE_AN_END, [(6, "resolved")]),
    "agrees and goes": ((*ANSWERS[:-1], f"{ANSWERS[-1]} [END: resolved]"), [(8, "resolved")]),
}
"""What clients answer, and the ends that are taken back, by the turn of the entry."""


@pytest.fixture(autouse=True)
def _offered(monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch)


def noticed(record: SessionRecord) -> list[tuple[Any, ...]]:
    return [(entry.turn, entry.source, entry.wording, entry.steps, entry.done, entry.end) for entry in record.risk]


async def forked(
    record: SessionRecord, turn: int, answers: tuple[str, ...], folder: Path, **more: Any
) -> SessionRecord:
    models, _ = scripted_models(Sensible(client=answers[turn - 1 :]))
    return await run_fork(fork_head(fork_task(record, turn, **more)), folder / f"fork-{turn}", models)


@pytest.mark.parametrize("name", ENDS)
async def test_an_end_that_was_taken_back_is_on_record(name: str, tmp_path: Path) -> None:
    answers, ends = ENDS[name]
    record, _ = await run(answers, tmp_path, strict=True)
    assert [(entry.turn, entry.end) for entry in record.risk if entry.end in LEAVING] == ends
    assert SessionRecord.model_validate_json(record.model_dump_json()) == record


def test_an_entry_that_takes_nothing_back_is_written_as_before() -> None:
    assert "end" not in RiskEntry(turn=1, wording="unclear").model_dump()


@pytest.mark.parametrize("name", ENDS)
async def test_a_fork_at_any_turn_goes_the_same_way(name: str, tmp_path: Path) -> None:
    answers, _ = ENDS[name]
    record, _ = await run(answers, tmp_path / "parent", strict=True)
    # A session that its client has ended goes on where it is forked at the closing.
    last = len(record.turns) + (record.end_reason not in LEAVING)
    for turn in range(1, last + 1):
        fork = await forked(record, turn, answers, tmp_path)
        assert (noticed(fork), fork.end_reason) == (noticed(record), record.end_reason), turn


@pytest.mark.parametrize("name", ENDS)
async def test_the_updates_come_back_with_the_ends_wherever_a_session_was_cut_off(name: str, tmp_path: Path) -> None:
    await run(ENDS[name][0], tmp_path, strict=True, method="single")
    content = read_journal(journal_in(tmp_path))
    for cut in range(1, len(content.updates) + 1):
        record = make_record(JournalContent(content.head, content.updates[:cut]))
        given = [(item.node, item.update) for item in content.updates[:cut]]
        assert [named for step in replay(record) for named in step.updates] == given


async def test_a_look_at_the_message_counts_where_the_session_was_cut_off_after_it(tmp_path: Path) -> None:
    talk = Sensible()
    models, _ = scripted_models(lambda asked: '{"risk": "none"}' if asked.schema == "risk" else talk(asked))
    task = SessionTask(profile=profile(), attitude="neutral", config=config(router="rules", risk="llm"))
    await run_session(task, tmp_path, models)
    content = read_journal(journal_in(tmp_path))
    looks = [place for place, item in enumerate(content.updates, 1) if _looked(item)]
    record = make_record(JournalContent(content.head, content.updates[: looks[-1]]))
    assert record.usage["risk"].calls == len(looks)


def _looked(item: JournalUpdate) -> bool:
    return any(entry["call"] for entry in item.update.get("risk", ()))


@pytest.mark.parametrize("name", ENDS)
async def test_the_clients_model_is_on_record_with_the_markers_that_it_wrote(name: str, tmp_path: Path) -> None:
    answers, _ = ENDS[name]
    record, _ = await run(answers, tmp_path, strict=True)
    for made in (exchanges(record), as_exchanges(record, {"client"})):
        replies = [item.answer for item in made if item.role == "client"]
        assert [END.findall(reply) for reply in replies[: len(answers)]] == [
            END.findall(answer) for answer in answers[: len(replies)]
        ]


@pytest.mark.parametrize(
    "edits", [Edits(client="I can stay."), Edits(counselor="Would you stay a minute?"), Edits(pick=("reflection",))]
)
async def test_after_a_persons_edit_the_client_is_not_leaving(edits: Edits, tmp_path: Path) -> None:
    answers, _ = COURSES["leaves"]
    record, _ = await run(answers, tmp_path / "parent", strict=True)
    fork = await forked(record, 4, (*answers[:3], "Well.", *ANSWERS[3:]), tmp_path, edits=edits)
    assert not any(entry.turn == 4 and entry.steps == ("stay",) for entry in fork.risk)
    assert len(fork.turns) > 4


async def test_the_time_is_not_up_in_a_fork_that_has_more(tmp_path: Path) -> None:
    answers = (ANSWERS[0], ANSWERS[1], "No.", *SMALL)
    record, _ = await run(answers, tmp_path / "parent", strict=True, max_turns=2)
    assert [(entry.turn, entry.end) for entry in record.risk] == [(3, "turn_limit")] + [
        (entry.turn, None) for entry in record.risk[1:]
    ]
    same = await forked(record, 3, answers, tmp_path)
    assert noticed(same) == noticed(record)
    longer = SessionConfig.model_validate(record.configuration | {"max_turns": 9})
    fork = await forked(record, 3, answers, tmp_path / "longer", config=longer)
    assert fork.risk[0].end is None
    assert (same.end_reason, fork.end_reason) == ("turn_limit", "completed")


async def test_a_record_from_before_is_forked_as_it_was(tmp_path: Path) -> None:
    answers, _ = COURSES["leaves"]
    record, _ = await run(answers, tmp_path / "parent", strict=True)
    fields = json.loads(record.model_dump_json())
    for entry in fields["risk"]:
        entry.pop("end", None)
    fork = await forked(SessionRecord.model_validate(fields), 4, answers, tmp_path)
    assert fork.risk[1].steps == ("acknowledge", "level")
