"""A fork has the same past to the byte, a future of its own, and leaves the session that it branches off from alone."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from counseling_sessions.graph.fork import REASON, Edits, ForkError, ForkTask, fork_head, fork_task, run_fork
from counseling_sessions.graph.session import SessionTask, resume_session, run_session
from counseling_sessions.sessions.errors import JournalError
from counseling_sessions.sessions.journal_lines import JournalHead
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import Fork, SessionRecord
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import SessionConfig
from tests.inner import offering
from tests.kept import kept_in
from tests.scripted import Answer, Asked, Sensible, config, profile, said, scripted_models

TURNS = 9


@cache
def parent(**options: Any) -> SessionRecord:
    """A finished session of nine turns."""

    async def run() -> SessionRecord:
        models, _ = scripted_models(Sensible())
        task = SessionTask(profile=profile(), attitude="neutral", config=config(**{"max_turns": TURNS, **options}))
        with TemporaryDirectory() as folder:
            return await run_session(task, Path(folder), models)

    with ThreadPoolExecutor(1) as pool:  # the tests have an event loop of their own
        return pool.submit(asyncio.run, run()).result()


async def forked(task: ForkTask, folder: Path, answer: Answer | None = None) -> tuple[SessionRecord, list[Asked]]:
    models, asked = scripted_models(answer or Sensible())
    return await run_fork(fork_head(task), folder, models), asked


def changed(record: SessionRecord, **options: Any) -> SessionConfig:
    return SessionConfig.model_validate(record.configuration | options)


def as_bytes(record: SessionRecord, turns: int) -> list[str]:
    return [item.model_dump_json() for item in (*record.opening, *record.turns[:turns])]


METHODS = ["magnet", "magnet-no-plan", "magnet-no-router", "magnet-no-plan-no-router", "single-plan", "single"]


@pytest.mark.parametrize("method", METHODS)
async def test_the_past_is_the_same_to_the_byte_and_the_future_another(tmp_path: Path, method: str) -> None:
    record = parent(method=method)
    task = fork_task(record, 7, changed(record, router="rules", fan_out="all", max_turns=12))
    fork, asked = await forked(task, tmp_path, Sensible(picked=("solutions",)))
    assert (fork.status, fork.resumed) == ("finished", 0)
    assert as_bytes(fork, 6) == as_bytes(record, 6)
    assert fork.plan == record.plan
    assert [turn.turn for turn in fork.turns] == list(range(1, 13))
    assert [turn.counselor for turn in fork.turns[6:9]] != [turn.counselor for turn in record.turns[6:]]
    assert fork.forked_from == Fork(session_id=record.session_id, turn=7)
    assert asked
    assert not [item for item in asked if item.role == "plan"]
    # The first call of the future has the whole past in its prompt.
    assert all(
        utterance.text in asked[0].prompt
        for turn in record.turns[:6]
        for utterance in (turn.counselor, turn.client)
        if utterance
    )


async def test_a_fork_without_changes_is_asked_with_other_seeds(tmp_path: Path) -> None:
    record = parent()
    task = fork_task(record, 5)
    fork, _ = await forked(task, tmp_path)
    assert task.config.seed != record.configuration["seed"]
    assert fork.configuration == record.configuration | {"seed": task.config.seed}
    then, now = record.turns[4].counselor, fork.turns[4].counselor
    assert then
    assert now
    assert then.call
    assert now.call
    assert then.call.seed != now.call.seed
    assert fork_task(record, 5, seed=3).config.seed == 3


async def test_the_id_follows_from_session_turn_and_changes() -> None:
    record = parent()
    tasks = [
        fork_task(record, 5),
        fork_task(record, 6),
        fork_task(parent(method="single"), 5),
        fork_task(record, 5, seed=3),
        fork_task(record, 5, attitude="negative"),
        fork_task(record, 5, changed(record, router="rules")),
        fork_task(record, 5, edits=Edits(client="It is better today.")),
        fork_task(record, 5, edits=Edits(counselor="It is better today.")),
        fork_task(record, 5, edits=Edits(pick=("reflection",))),
    ]
    ids = [task.session_id for task in tasks]
    assert len({*ids, record.session_id}) == len(ids) + 1
    assert fork_task(record, 5).session_id == ids[0]
    assert fork_head(tasks[0]).session_id == ids[0]


async def test_the_same_fork_is_not_made_twice_in_a_folder(tmp_path: Path) -> None:
    task = fork_task(parent(), 8)
    task.refuse_if_done(tmp_path)
    fork, _ = await forked(task, tmp_path)
    with pytest.raises(JournalError, match="--resume"):
        task.refuse_if_done(tmp_path)
    keep(fork, tmp_path)
    with pytest.raises(JournalError, match="already"):
        task.refuse_if_done(tmp_path)
    fork_task(parent(), 8, seed=1).refuse_if_done(tmp_path)


@pytest.mark.parametrize("options", [{}, {"method": "single"}])
async def test_a_persons_utterance_is_answered_by_the_client(tmp_path: Path, options: dict[str, Any]) -> None:
    record = parent(**options)
    words = "May I ask what the market smells like at five?"
    fork, asked = await forked(fork_task(record, 4, edits=Edits(counselor=f"  {words}\n")), tmp_path)
    turn = fork.turns[3]
    assert turn.counselor
    assert (turn.counselor.text, turn.counselor.author, turn.counselor.call) == (words, "human", None)
    assert (turn.pick, turn.candidates) == (None, ())
    assert asked[0].role == "client"
    assert words in asked[0].prompt
    assert (fork.status, len(fork.turns)) == ("finished", TURNS)
    assert fork.turns[4].counselor
    assert fork.forked_from
    assert fork.forked_from.edits == ("counselor",)


async def test_what_the_client_said_last_can_be_edited(tmp_path: Path) -> None:
    record = parent()
    words = "I told my brother, and he laughed with me."
    fork, asked = await forked(fork_task(record, 4, edits=Edits(client=words)), tmp_path)
    assert as_bytes(fork, 2) == as_bytes(record, 2)
    then, now = record.turns[2], fork.turns[2]
    assert (now.pick, now.candidates, now.counselor) == (then.pick, then.candidates, then.counselor)
    assert now.client
    assert (now.client.text, now.client.author, now.client.call) == (words, "human", None)
    assert words in asked[0].prompt
    assert then.client
    assert then.client.text not in asked[0].prompt
    first, _ = await forked(fork_task(record, 1, edits=Edits(client=words)), tmp_path)
    assert [item.text for item in first.opening] == [record.opening[0].text, words]


@pytest.mark.parametrize("fan_out", ["selected", "all"])
async def test_a_persons_pick_is_what_the_turn_is_made_of(tmp_path: Path, fan_out: str) -> None:
    record = parent()
    task = fork_task(record, 4, changed(record, fan_out=fan_out), edits=Edits(pick=("solutions", "normalizing")))
    fork, asked = await forked(task, tmp_path)
    turn = fork.turns[3]
    assert turn.pick
    assert (turn.pick.techniques, turn.pick.source, turn.pick.reason) == (("solutions", "normalizing"), "human", REASON)
    before = record.turns[2].pick
    assert before
    assert turn.pick.step == before.step  # nothing in the last answer brings it on
    drafted = [candidate.technique for candidate in turn.candidates]
    assert drafted[:2] == ["solutions", "normalizing"]
    assert len(drafted) == (5 if fan_out == "all" else 2)
    assert [item.role for item in asked].index("router") > [item.role for item in asked].index("merge")
    assert fork.turns[4].pick
    assert fork.turns[4].pick.source == "llm"


@pytest.mark.parametrize(
    ("start", "to", "planned"),
    [
        ("magnet", "single", False),
        ("single", "magnet", True),
        ("magnet", "single-plan", True),
        ("single-plan", "magnet", True),
    ],
)
async def test_the_method_may_change(tmp_path: Path, start: str, to: str, planned: bool) -> None:
    """A plan that is there stays, one that the method needs is made at the fork, one that it does not have is let go."""
    record = parent(method=start)
    fork, asked = await forked(fork_task(record, 5, changed(record, method=to)), tmp_path)
    assert fork.status == "finished"
    assert as_bytes(fork, 4) == as_bytes(record, 4)
    assert (fork.plan is not None) == planned
    assert [item.role for item in asked].count("plan") == (planned and record.plan is None)
    assert all((turn.pick is not None) == to.startswith("magnet") for turn in fork.turns[4:])
    assert ("Plan for this session" in asked[-1].prompt) == planned


@pytest.mark.parametrize("edits", [Edits(counselor="May I ask about the stall?"), Edits(pick=("solutions",))])
async def test_a_plan_that_is_missing_is_made_before_an_edited_turn_goes_on(tmp_path: Path, edits: Edits) -> None:
    record = parent(method="single")
    fork, asked = await forked(fork_task(record, 5, changed(record, method="magnet"), edits=edits), tmp_path)
    assert [item.role for item in asked[:2]] == ["plan", "client" if edits.counselor else "solutions"]
    assert fork.status == "finished"
    assert fork.plan


async def test_the_closing_can_be_played_anew(tmp_path: Path) -> None:
    record = parent()
    fork, asked = await forked(fork_task(record, TURNS + 1), tmp_path)
    assert as_bytes(fork, TURNS) == as_bytes(record, TURNS)
    assert [item.role for item in asked] == ["closing"]
    assert fork.end_reason == "turn_limit"
    assert fork.closing
    words = "Thank you, Ada. Good luck with the market."
    said_so, asked = await forked(fork_task(record, TURNS + 1, edits=Edits(counselor=words)), tmp_path)
    assert not asked
    assert said_so.closing
    assert (said_so.closing.text, said_so.status, said_so.end_reason) == (words, "finished", "turn_limit")


async def test_a_finished_session_is_gone_on_with(tmp_path: Path) -> None:
    record = parent()
    fork, _ = await forked(
        fork_task(record, TURNS + 1, changed(record, max_turns=TURNS + 2, min_turns=TURNS + 2)), tmp_path
    )
    assert as_bytes(fork, TURNS) == as_bytes(record, TURNS)
    assert [turn.turn for turn in fork.turns] == list(range(1, TURNS + 3))
    assert record.closing
    assert record.closing.text not in [item.text for item in fork.dialogue]


async def test_a_session_that_the_client_ended_goes_on_or_closes_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering(monkeypatch)

    def ends(asked: Asked) -> Any:
        answer = Sensible()(asked)
        return f"{answer} [END: resolved]" if asked.role == "client" else answer

    models, _ = scripted_models(ends)
    task = SessionTask(profile=profile(), attitude="neutral", config=config(max_turns=4, min_turns=2))
    record = await run_session(task, tmp_path / "parent", models)
    assert (record.end_reason, len(record.turns)) == ("resolved", 2)
    on, _ = await forked(fork_task(record, 3), tmp_path)
    assert (on.end_reason, len(on.turns)) == ("turn_limit", 4)
    closed, asked = await forked(fork_task(record, 3, changed(record, max_turns=2)), tmp_path)
    assert (closed.end_reason, [item.role for item in asked]) == ("resolved", ["closing"])
    shorter, asked = await forked(fork_task(parent(), 5, changed(parent(), max_turns=4)), tmp_path)
    assert (shorter.end_reason, [item.role for item in asked]) == ("turn_limit", ["closing"])


async def test_a_failed_session_is_forked_where_it_failed_or_before(tmp_path: Path) -> None:
    talk = Sensible()

    def fails(asked: Asked) -> Any:
        return said("") if asked.role == "client" and talk.picked == ("solutions",) else talk(asked)

    models, _ = scripted_models(fails)
    task = SessionTask(profile=profile(), attitude="neutral", config=config(max_turns=5))

    def turn_three(event: Any) -> None:
        if event.update and any(item["turn"] == 2 for item in event.update.get("utterances", ())):
            talk.picked = ("solutions",)

    record = await run_session(task, tmp_path / "parent", models, on_event=turn_three)
    assert record.status == "failed"
    whole = sum(turn.client is not None for turn in record.turns)
    for turn in (1, whole + 1):
        fork, _ = await forked(fork_task(record, turn), tmp_path)
        assert (fork.status, len(fork.turns)) == ("finished", 5)
        assert as_bytes(fork, turn - 1) == as_bytes(record, turn - 1)
    with pytest.raises(ForkError, match=f"from 1 to {whole + 1}"):
        fork_task(record, whole + 2)


async def test_a_fork_is_forked_again(tmp_path: Path) -> None:
    record = parent(method="single", max_turns=6)
    fork, _ = await forked(fork_task(record, 4, changed(record, max_turns=20, min_turns=1)), tmp_path / "one")
    again, _ = await forked(fork_task(fork, 6, changed(fork, max_turns=7, min_turns=1)), tmp_path / "two")
    assert as_bytes(again, 5) == as_bytes(fork, 5)
    assert as_bytes(again, 3) == as_bytes(record, 3)
    assert again.forked_from == Fork(session_id=fork.session_id, turn=6)


@pytest.mark.parametrize("edits", [Edits(), Edits(pick=("solutions",)), Edits(counselor="May I ask about the stall?")])
async def test_a_fork_that_is_cut_off_anywhere_is_taken_up_with_its_past_and_its_edits(
    tmp_path: Path, edits: Edits
) -> None:
    record = parent()
    task = fork_task(record, 7, edits=edits)
    await forked(task, tmp_path)
    path = task.journal_path(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    for cut in range(1, len(lines)):
        path.write_bytes(b"".join(lines[:cut]) + lines[cut][: len(lines[cut]) // 2])
        models, _ = scripted_models(Sensible())
        fork = await resume_session(path, models)
        assert (fork.status, fork.resumed, len(fork.turns)) == ("finished", 1, TURNS)
        assert as_bytes(fork, 6) == as_bytes(record, 6)
        turn = fork.turns[6]
        assert fork.forked_from == Fork(session_id=record.session_id, turn=7, edits=edits.made)
        if edits.pick:
            assert turn.pick
            assert (turn.pick.source, [item.technique for item in turn.candidates]) == ("human", ["solutions"])
        if edits.counselor:
            assert turn.counselor
            assert turn.counselor.author == "human"
        assert len({item.text for item in fork.dialogue}) == len(fork.dialogue)


async def test_the_past_costs_no_time_and_its_calls_are_counted(tmp_path: Path) -> None:
    record = parent()
    fork, _ = await forked(fork_task(record, TURNS), tmp_path)
    assert 0 <= fork.seconds < 5
    assert fork.usage["client"].calls == TURNS
    assert fork.usage["plan"] == record.usage["plan"]


async def test_a_record_and_a_journal_without_the_field_are_read(tmp_path: Path) -> None:
    record = parent()
    assert record.forked_from is None
    old = record.model_dump(mode="json")
    del old["forked_from"]
    assert SessionRecord.model_validate(old) == record
    fork, _ = await forked(fork_task(record, 8), tmp_path)
    assert SessionRecord.model_validate_json(fork.model_dump_json()) == fork
    keep(fork, tmp_path)
    assert kept_in(tmp_path) == {fork.session_id: fork}
    head = fork_head(fork_task(record, 8)).model_dump(mode="json")
    del head["past"]
    assert JournalHead.model_validate(head).past is None


async def test_a_journal_that_has_only_its_head_has_the_past(tmp_path: Path) -> None:
    task = fork_task(parent(), 7)
    head = fork_head(task)
    path = tmp_path / f"{head.session_id}.journal.jsonl"
    path.write_text(head.model_dump_json() + "\n")
    content = read_journal(path)
    assert content.finished_updates == content.updates
    assert [item.node for item in content.updates].count("client") == 6


@pytest.mark.parametrize(
    ("turn", "options", "edits", "message"),
    [
        (0, {}, Edits(), "a turn from 1 to 10"),
        (TURNS + 2, {}, Edits(), "it has 9 whole turns"),
        (7, {"max_turns": 5}, Edits(), "at most 5 turns"),
        (7, {}, Edits(pick=("hypnosis",)), "not hypnosis"),
        (7, {}, Edits(pick=()), "the pick must be of reflection"),
        (7, {"method": "single"}, Edits(pick=("reflection",)), "nothing is picked with the method single"),
        (7, {"method": "magnet-no-router"}, Edits(pick=("reflection",)), "nothing is picked"),
        (7, {"router": "every"}, Edits(pick=("reflection",)), "the router every"),
        (TURNS + 1, {}, Edits(pick=("reflection",)), "the closing one"),
        (7, {}, Edits(pick=("reflection",), counselor="How so?"), "no use for the other"),
        (7, {}, Edits(counselor=" \n "), "the counselor says must have"),
        (7, {}, Edits(client="x" * 4001), "the client says must have"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    turn: int, options: dict[str, Any], edits: Edits, message: str
) -> None:
    record = parent()
    with pytest.raises(ForkError, match=message):
        fork_task(record, turn, changed(record, **options), edits=edits)


def test_without_an_opening_there_is_nothing_to_edit_before_turn_1() -> None:
    record = parent().model_copy(update={"opening": ()})
    with pytest.raises(ForkError, match="no opening"):
        fork_task(record, 1, edits=Edits(client="Hello."))


def test_a_session_with_a_person_in_its_past_is_not_forked() -> None:
    begun = parent()
    said = begun.turns[0].counselor
    assert said
    typed = begun.turns[0].model_copy(update={"counselor": said.model_copy(update={"author": "human"})})
    with pytest.raises(ForkError, match="a person has taken part"):
        fork_task(begun.model_copy(update={"turns": (typed, *begun.turns[1:])}), 7)


@pytest.mark.parametrize(("least", "turns"), [(1, 4), (10, 10)])
async def test_a_fork_of_a_session_whose_closing_is_done_goes_on_only_with_more_turns_to_have(
    tmp_path: Path, least: int, turns: int
) -> None:
    said_by_client = ("It goes on as it does.", "Let's stop here.", "It was good to say it.", "The box, I think.")
    models, _ = scripted_models(Sensible(client=said_by_client))
    settings = config(router="rules", max_turns=8, min_turns=1)
    task = SessionTask(profile=profile(), attitude="neutral", config=settings)
    record = await run_session(task, tmp_path, models)
    assert (record.end_reason, len(record.turns)) == ("completed", 4)
    fork, _ = await forked(fork_task(record, 5, changed(record, max_turns=10, min_turns=least)), tmp_path / "fork")
    assert len(fork.turns) == turns
