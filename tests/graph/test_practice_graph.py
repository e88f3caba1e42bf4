"""The practice graph: a person in the place of one side, left and taken up, taken back, and stopped for risk."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from counseling_sessions.graph.practice import Practice, part_of
from counseling_sessions.graph.practice_graph import build_practice_graph
from counseling_sessions.graph.provenance import provenance
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.person import PersonAnswer
from counseling_sessions.nodes.risk import help_text
from counseling_sessions.sessions.errors import JournalError
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Speaker, Utterance
from tests.inner import offering
from tests.scripted import Sensible, config, profile, scripted_models

DEAD_LINE = openai.APIConnectionError(request=httpx.Request("POST", "http://127.0.0.1:1/v1"))


class Session:
    """A practice session in a folder, and what its models were asked."""

    def __init__(self, folder: Path, part: Speaker, answer: Any = None, **options: Any) -> None:
        self.models, self.asked = scripted_models(answer or Sensible())
        self.saver = InMemorySaver()
        task = SessionTask(profile=profile(), attitude="negative", config=config(router="rules", **options))
        self.practice = Practice.begin(task, part, folder, self.models, self.saver, country="GB")

    def again(self, models: Models | None = None) -> Practice:
        self.practice.close()
        self.practice = Practice.resume(self.practice.journal.path, models or self.models, self.saver)
        return self.practice


async def say(practice: Practice, text: str, **more: Any) -> None:
    await practice.answer(PersonAnswer(text=text, **more))


def spoken(practice: Practice) -> list[tuple[int, str, str]]:
    return [(said.turn, said.speaker, said.author) for said in practice.dialogue]


async def test_as_the_counselor_a_person_talks_with_the_simulated_client(tmp_path: Path) -> None:
    session = Session(tmp_path, "counselor", max_turns=2)
    practice = session.practice
    await practice.start()
    assert practice.waiting
    assert (practice.waiting.part, practice.waiting.turn, practice.waiting.last) == (
        "counselor", 1, "With the nights, I suppose.",
    )  # fmt: skip
    assert session.asked == []
    await say(practice, "What is it about the nights?")
    assert practice.waiting.turn == 2
    assert practice.waiting.last == practice.dialogue[-1].text
    await say(practice, "And before that?")
    assert practice.waiting
    assert practice.waiting.closing
    await say(practice, "Then we stop here. Goodbye, Ada.")
    assert practice.waiting is None
    assert {request.role for request in session.asked} == {"client"}
    assert "What is it about the nights?" in session.asked[0].prompt
    record = practice.record()
    assert (record.status, record.end_reason) == ("finished", "turn_limit")
    assert spoken(practice) == [
        (0, "counselor", "model"), (0, "client", "model"),
        (1, "counselor", "human"), (1, "client", "model"),
        (2, "counselor", "human"), (2, "client", "model"), (3, "counselor", "human"),
    ]  # fmt: skip
    assert record.closing
    assert record.closing.text == "Then we stop here. Goodbye, Ada."
    assert [turn.pick for turn in record.turns] == [None, None]
    assert SessionRecord.model_validate_json(record.model_dump_json()) == record


async def test_as_the_client_a_person_talks_with_magnet(tmp_path: Path) -> None:
    session = Session(tmp_path, "client", max_turns=2)
    practice = session.practice
    await practice.start()
    assert practice.waiting
    assert (practice.waiting.part, practice.waiting.turn) == ("client", 1)
    assert practice.waiting.last == practice.dialogue[-1].text
    assert {"plan", "merge"} <= {request.role for request in session.asked}
    await say(practice, "I lie awake.")
    await say(practice, "It helps to say it.")
    assert practice.waiting is None
    assert "client" not in {request.role for request in session.asked}
    record = practice.record()
    assert (record.status, record.end_reason) == ("finished", "turn_limit")
    assert [said.author for said in record.dialogue if said.speaker == "client"] == ["model", "human", "human"]
    assert all(turn.pick and turn.candidates for turn in record.turns)
    assert record.closing
    assert record.closing.author == "model"


@pytest.mark.parametrize("reason", ["resolved", "left"])
async def test_a_client_says_goodbye_and_the_counselor_closes(reason: Any, tmp_path: Path) -> None:
    practice = Session(tmp_path, "client").practice
    await practice.start()
    await say(practice, "That is enough for me.", ends=reason)
    record = practice.record()
    assert (record.status, record.end_reason, len(record.turns)) == ("finished", reason, 1)


async def test_a_client_who_declares_the_end_leaves_the_last_words_to_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering(monkeypatch)
    practice = Session(tmp_path, "counselor", lambda _: "I am done now, thank you. [END: left]").practice
    await practice.start()
    await say(practice, "How are you?")
    assert practice.waiting
    assert practice.waiting.closing
    await say(practice, "I respect that. Goodbye.")
    record = practice.record()
    assert (record.end_reason, record.closing is not None, len(record.turns)) == ("left", True, 1)


async def test_the_counselor_closes_before_the_time_is_up(tmp_path: Path) -> None:
    practice = Session(tmp_path, "counselor", max_turns=9).practice
    await practice.start()
    await say(practice, "How are you?")
    await say(practice, "Let us stop here.", ends="turn_limit")
    record = practice.record()
    assert (record.status, record.end_reason, len(record.turns)) == ("finished", "turn_limit", 1)


async def test_undo_takes_back_the_last_message_and_its_answer(tmp_path: Path) -> None:
    session = Session(tmp_path, "counselor")
    practice = session.practice
    await practice.start()
    await say(practice, "First question?")
    first = practice.dialogue
    await say(practice, "A clumsy remark.")
    await practice.answer(PersonAnswer(undo=True))
    assert practice.dialogue == first
    assert practice.waiting
    assert practice.waiting.turn == 2
    await say(practice, "A better question?")
    assert "A clumsy remark." not in session.asked[-1].prompt
    assert "First question?" in session.asked[-1].prompt
    practice.close()
    # The file says the same: what was taken back is in no reader's way.
    content = read_journal(practice.journal.path)
    assert content.updates == practice.content.updates
    assert content.resumed == 0
    texts = [said.text for said in practice.record().dialogue]
    assert "A clumsy remark." not in texts
    assert "A better question?" in texts
    assert practice.record().usage["client"].calls == 2


async def test_undo_also_takes_back_an_end_that_the_client_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering(monkeypatch)
    practice = Session(tmp_path, "counselor", lambda _: "I am done now, thank you. [END: left]").practice
    await practice.start()
    await say(practice, "How are you?")
    await practice.answer(PersonAnswer(undo=True))
    assert practice.waiting
    assert not practice.waiting.closing
    assert practice.waiting.turn == 1
    assert practice.state.get("end_reason") is None


async def test_undone_stays_undone_when_the_session_is_left_there(tmp_path: Path) -> None:
    session = Session(tmp_path, "counselor")
    await session.practice.start()
    await say(session.practice, "A clumsy remark.")
    await session.practice.answer(PersonAnswer(undo=True))
    practice = session.again()
    await practice.start()
    assert [said.turn for said in practice.dialogue] == [0, 0]
    assert practice.waiting
    assert practice.waiting.turn == 1


@pytest.mark.parametrize("part", ["counselor", "client"])
async def test_a_session_is_taken_up_where_it_was_left(part: Speaker, tmp_path: Path) -> None:
    session = Session(tmp_path, part)
    await session.practice.start()
    await say(session.practice, "Something about the nights.")
    left, asked = session.practice, len(session.asked)
    practice = session.again()
    await practice.start()
    assert practice.dialogue == left.dialogue
    assert practice.waiting == left.waiting
    assert len(session.asked) == asked  # nothing is asked again: also the counselor's last words are kept
    await say(practice, "Something else, about mornings.")
    assert len(practice.dialogue) == len(left.dialogue) + 2
    assert practice.record().resumed == 1


async def test_words_that_had_no_answer_yet_are_kept(tmp_path: Path) -> None:
    session = Session(tmp_path, "counselor", lambda _: DEAD_LINE)
    await session.practice.start()
    await say(session.practice, "What is it about the nights?")
    assert session.practice.failure
    assert session.practice.record().status == "failed"
    models, asked = scripted_models(Sensible())
    practice = session.again(models)
    await practice.start()
    assert "What is it about the nights?" in asked[0].prompt
    assert spoken(practice)[-2:] == [(1, "counselor", "human"), (1, "client", "model")]
    assert practice.waiting
    assert practice.failure is None


SECRET = "I want to kill myself, zanzibar."


async def test_after_risk_no_model_is_asked_and_the_words_are_nowhere(tmp_path: Path) -> None:
    session = Session(tmp_path, "client")
    practice = session.practice
    await practice.start()
    await say(practice, "I lie awake.")
    asked = len(session.asked)
    await say(practice, SECRET)
    assert practice.risk
    assert practice.waiting is None
    assert len(session.asked) == asked
    assert practice.state["help"] == help_text("GB")
    record = practice.record()
    assert (record.status, record.end_reason) == ("failed", None)
    assert record.failure
    assert (record.failure.kind, record.failure.turn) == ("risk", 2)
    assert record.closing is None
    assert "zanzibar" not in record.model_dump_json() + practice.journal.path.read_text()
    assert not [item async for item in session.saver.alist(None)]
    with pytest.raises(JournalError, match="stopped for risk"):
        session.again()


async def test_a_check_that_cannot_be_done_stops_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(tmp_path, "client")
    await session.practice.start()
    monkeypatch.setattr("counseling_sessions.nodes.risk.phrases.FOLDER", tmp_path / "lost")
    asked = len(session.asked)
    await say(session.practice, "I lie awake.")
    assert session.practice.risk
    assert session.practice.failure
    assert "the check itself failed" in session.practice.failure.message
    assert len(session.asked) == asked


async def test_goodbyes_are_checked_too(tmp_path: Path) -> None:
    session = Session(tmp_path, "client")
    await session.practice.start()
    asked = len(session.asked)
    await say(session.practice, SECRET, ends="left")
    assert session.practice.risk
    assert len(session.asked) == asked


async def test_the_counselor_may_ask_about_risk(tmp_path: Path) -> None:
    practice = Session(tmp_path, "counselor").practice
    await practice.start()
    await say(practice, "Have you had thoughts of suicide?")
    assert practice.failure is None
    assert practice.waiting


async def test_the_graph_alone_checks_a_client_as_studio_would_run_it() -> None:
    models, asked = scripted_models(Sensible())
    graph = build_practice_graph(InMemorySaver(), models=models)
    thread: Any = {"configurable": {"thread_id": "t"}}
    begin: Any = {"profile": profile().model_dump(mode="json"), "part": "client", "country": "US"}
    await graph.ainvoke(begin, thread, context=config(router="rules"))
    count = len(asked)
    state = await graph.ainvoke(Command(resume=SECRET), thread, context=config(router="rules"))
    assert state["failure"]["kind"] == "risk"
    assert "988" in state["help"]
    assert len(asked) == count
    assert not (await graph.aget_state(thread)).next


@pytest.mark.parametrize("author", ["human", "model"])
@pytest.mark.parametrize("words", [SECRET, f"{SECRET} {'It rained. ' * 40}"])
async def test_words_that_were_put_into_the_state_are_checked_before_a_model_is_asked(words: str, author: str) -> None:
    models, asked = scripted_models(Sensible())
    graph = build_practice_graph(InMemorySaver(), models=models)
    thread: Any = {"configurable": {"thread_id": "t"}}
    begin: Any = {"profile": profile().model_dump(mode="json"), "part": "client"}
    state = await graph.ainvoke(begin, thread, context=config(router="rules"))
    count = len(asked)
    turn = state["utterances"][-1]["turn"]
    planted = {"turn": turn, "speaker": "client", "text": words, "author": author}
    command: Command[Any] = Command(resume="Hello, it is about the exam.", update={"utterances": [planted]})
    state = await graph.ainvoke(command, thread, context=config(router="rules"))
    assert state["failure"]["kind"] == "risk"
    assert state["help"]
    assert len(asked) == count


async def test_a_person_who_is_the_counselor_is_handed_nothing_of_the_clients_side() -> None:
    models, _ = scripted_models(Sensible())
    graph = build_practice_graph(InMemorySaver(), models=models)
    who = profile(
        presenting_problem={"what": "canary"}, history="canary", attitude="negative", labelled_techniques=["canary"]
    )
    begin: Any = {"profile": who.model_dump(mode="json"), "part": "counselor"}
    state = await graph.ainvoke(begin, {"configurable": {"thread_id": "t"}}, context=config())
    handed = json.dumps(state["__interrupt__"][0].value)
    assert "With the nights" in handed
    assert "canary" not in handed
    assert "negative" not in handed


async def test_a_session_without_a_person_is_no_practice_session(tmp_path: Path) -> None:
    models, _ = scripted_models(lambda _: DEAD_LINE)
    task = SessionTask(profile=profile(), attitude="neutral", config=config())
    await run_session(task, tmp_path, models)
    journal = task.journal_path(tmp_path)
    assert part_of(read_journal(journal).updates) is None
    with pytest.raises(JournalError, match="no practice session"):
        Practice.resume(journal, models, InMemorySaver())


def test_utterances_from_before_there_were_people_are_still_read() -> None:
    assert Utterance.model_validate({"turn": 1, "speaker": "client", "text": "Yes."}).author == "model"


def test_the_prompts_of_practice_are_no_part_of_a_session() -> None:
    assert not [name for name in provenance(SessionConfig()).prompt_hashes if name.startswith("practice/")]


async def test_what_a_person_types_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        session = Session(tmp_path / "new" / "folder", "counselor")
        await session.practice.start()
        path = session.practice.journal.path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        left = path.with_name("left.journal.jsonl")
        left.write_bytes(b"")  # a crash came before its first line
        Journal.create(left, session.practice.content.head, private=True).close()
        assert stat.S_IMODE(left.stat().st_mode) == 0o600
        path.chmod(0o644)  # as a version before made it
        session.again()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)
