"""Unclear words of a person who is the client: held back, asked about once, said after a clear no, else the session stops."""

import json
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from counseling_sessions.graph.practice import Practice
from counseling_sessions.graph.practice_graph import build_practice_graph
from counseling_sessions.graph.session import SessionTask
from counseling_sessions.nodes.person import PersonAnswer
from counseling_sessions.nodes.risk import help_text, read_texts
from counseling_sessions.nodes.risk import texts as texts_module
from counseling_sessions.nodes.risk.check import ROLE
from counseling_sessions.sessions.errors import JournalError
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import ModelSettings
from tests.scripted import MODELS, Asked, Sensible, config, profile, scripted_models
from tests.unclear import UNCLEAR, UNSAFE, make_unclear

TEXTS = read_texts()


class TakesUp(Sensible):
    """A counselor who takes up what was said."""

    def __call__(self, asked: Asked) -> Any:
        said = super().__call__(asked)
        return said if asked.schema else f"Thank you for saying that. {said}"


@pytest.fixture(autouse=True)
def _unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    make_unclear(monkeypatch)


class Session:
    """A person as the client, in a folder: what was asked of the models, and what is kept."""

    def __init__(self, folder: Path, answer: Any = None, **options: Any) -> None:
        self.models, self.asked = scripted_models(answer or TakesUp())
        self.saver = InMemorySaver()
        task = SessionTask(profile=profile(), attitude="neutral", config=config(router="rules", max_turns=9, **options))
        self.practice = Practice.begin(task, "client", folder, self.models, self.saver, country="GB")

    async def say(self, text: str, **more: Any) -> None:
        await self.practice.answer(PersonAnswer(text=text, **more))

    @property
    def question(self) -> str | None:
        assert self.practice.waiting
        return self.practice.waiting.question

    @property
    def said(self) -> list[str]:
        return [said.text for said in self.practice.dialogue if said.author == "human"]

    @property
    def prompts(self) -> str:
        return "\n".join(request.prompt for request in self.asked)

    @property
    def kept(self) -> str:
        """All that is on the disk, and the record."""
        files = "".join(path.read_text() for path in self.practice.journal.path.parent.iterdir())
        return files + self.practice.record().model_dump_json()


async def begun(folder: Path, answer: Any = None, **options: Any) -> Session:
    session = Session(folder, answer, **options)
    await session.practice.start()
    return session


async def test_unclear_words_are_asked_about_and_said_after_a_no(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    asked, before = len(session.asked), session.practice.dialogue
    await session.say(f"  {UNCLEAR}  ")
    assert session.question == TEXTS["English"].question
    assert session.practice.dialogue == before
    assert "zanzibar" not in session.kept
    assert len(session.asked) == asked
    await session.say("Nope.")
    assert session.said == [UNCLEAR]
    assert session.question is None
    assert session.practice.waiting
    assert session.practice.waiting.last == session.practice.dialogue[-1].text
    assert UNCLEAR in session.prompts
    assert len(session.practice.dialogue) == len(before) + 2
    for unsaid in ("Nope", TEXTS["English"].question[:40]):
        assert unsaid not in session.prompts
        assert unsaid not in session.kept
    record = session.practice.record()
    assert [turn.client.text for turn in record.turns if turn.client] == [UNCLEAR]
    assert SessionRecord.model_validate_json(record.model_dump_json()) == record


OTHER_ANSWERS: list[Any] = [
    *(
        "",
        "yes",
        "Yes, sometimes.",
        "maybe",
        "I'd rather not say.",
        "no, but I was close once",
        "/quit",
        "/end",
        UNCLEAR,
    ),
    *("I want to die.", "x" * 5000, "\x00", 7, None, ["No."], {"text": "No.", "ends": "left"}, {"undo": True}),
    *({"text": "No.", "undo": True}, {"says": "No."}, {"text": 0}),
]


@pytest.mark.parametrize("answer", OTHER_ANSWERS, ids=lambda answer: str(answer)[:30])
async def test_anything_but_a_clear_no_stops_with_help(answer: Any) -> None:
    models, asked = scripted_models(Sensible())
    saver = InMemorySaver()
    graph = build_practice_graph(saver, models=models)
    thread: Any = {"configurable": {"thread_id": "t"}}
    settings = config(router="rules")
    begin: Any = {"profile": profile().model_dump(mode="json"), "part": "client", "country": "US"}
    await graph.ainvoke(begin, thread, context=settings)
    state = await graph.ainvoke(Command(resume=UNCLEAR), thread, context=settings)
    handed = state["__interrupt__"][0].value
    assert handed["question"] == TEXTS["English"].question
    assert "zanzibar" not in json.dumps(handed)
    count = len(asked)
    resume = Command(resume=answer) if answer is not None else Command(resume={"text": None})
    state = await graph.ainvoke(resume, thread, context=settings)
    assert state["failure"]["kind"] == "risk"
    assert "no clear no" in state["failure"]["message"]
    assert state["help"] == help_text("US")
    assert len(asked) == count
    assert all(said["author"] == "model" for said in state["utterances"])
    assert "held" not in state
    assert not (await graph.aget_state(thread)).next


async def test_after_a_stop_the_words_are_nowhere(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say(UNCLEAR)
    await session.say("Yes, karakoram.")
    assert session.practice.risk
    assert session.practice.help == help_text("GB")
    for word in ("zanzibar", "karakoram"):
        assert word not in session.kept + session.prompts
    assert not [item async for item in session.saver.alist(None)]


@pytest.mark.parametrize("text", [f"No. {UNCLEAR}", "No, I want to die."])
async def test_a_no_with_words_that_count_as_risk_is_no_clear_no(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counseling_sessions.nodes.person.answer_of", lambda _: "no")
    session = await begun(tmp_path)
    await session.say(UNCLEAR)
    await session.say(text)
    assert session.practice.risk


@pytest.mark.parametrize("text", ["I want to die.", "今日は元気です"])
async def test_explicit_words_and_a_failed_check_stop_without_a_question(text: str, tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say(text)
    assert session.practice.risk
    assert session.practice.waiting is None


async def test_each_text_is_shown_to_the_checking_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.scripted.role_of",
        lambda messages, options: ROLE if "screen messages" in str(messages[0].text) else "other",
    )
    sensible = TakesUp()

    def answer(asked: Asked) -> Any:
        return '{"risk": false}' if asked.role == ROLE else sensible(asked)

    session = await begun(tmp_path, answer, models={**MODELS, ROLE: ModelSettings(temperature=0.0)})
    await session.say("Goodbye then.", ends="turn_limit")  # a client cannot say so, and is asked again
    await session.say("Hello, it is about the nights.")
    await session.say(UNCLEAR)
    await session.say("No.")
    await session.say("It was a long day.")
    screened = [
        request.prompt.partition("The message: ")[2].splitlines()[0]
        for request in session.asked
        if request.role == ROLE
    ]
    assert screened == ["Goodbye then.", "Hello, it is about the nights.", "It was a long day."]


async def test_the_question_comes_every_time_and_is_shorter_after_a_no_about_the_same(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    asked = []
    for text in (UNCLEAR, UNCLEAR, UNSAFE, UNSAFE, UNCLEAR):
        await session.say(text)
        asked.append(session.question)
        await session.say("No.")
    full, again = TEXTS["English"].question, TEXTS["English"].question_again
    assert asked == [full, again, full, again, again]
    assert session.said == [UNCLEAR, UNCLEAR, UNSAFE, UNSAFE, UNCLEAR]


async def test_denied_words_do_not_count_again_with_the_next_message(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say(UNCLEAR)
    await session.say("No.")
    await session.say("It was a long day.")
    assert session.question is None
    assert session.said == [UNCLEAR, "It was a long day."]


async def test_explicit_words_over_two_messages_stop_also_after_denied_ones(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say(f"{UNCLEAR} Some mornings I want to")
    await session.say("No.")
    await session.say("die.")
    assert session.practice.risk


async def test_a_goodbye_that_was_held_back_ends_the_session_after_the_no(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say(UNCLEAR, ends="left")
    assert session.question
    await session.say("No.")
    record = session.practice.record()
    assert (record.status, record.end_reason, session.said) == ("finished", "left", [UNCLEAR])


async def test_what_is_wrong_with_held_words_is_said_after_the_no(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say(UNCLEAR, undo=True)
    await session.say("No.")
    assert session.practice.waiting
    assert session.practice.waiting.problem == "what a client has said cannot be taken back"
    assert session.question is None
    assert session.said == []


@pytest.mark.parametrize("language", ["German", "French", "Spanish"])
async def test_question_and_help_are_in_the_language_of_the_session(language: str, tmp_path: Path) -> None:
    session = await begun(tmp_path, language=language)
    await session.say(UNCLEAR)
    assert session.question == TEXTS[language].question
    await session.say("?")
    assert session.practice.help == help_text("GB", language)


async def test_without_the_texts_unclear_words_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await begun(tmp_path)
    monkeypatch.setattr(texts_module, "FILE", tmp_path / "lost.yaml")
    await session.say(UNCLEAR)
    assert session.practice.risk
    assert "112" in session.practice.help


async def test_the_help_is_there_also_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise JournalError("no space left")

    session = await begun(tmp_path)
    await session.say(UNCLEAR)
    monkeypatch.setattr(session.practice.journal, "add", full)
    with pytest.raises(JournalError, match="no space left"):
        await session.say("Yes.")
    assert session.practice.help == help_text("GB")


async def test_a_session_that_was_left_at_the_question_is_not_taken_up(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say("Hello, it is about the nights.")
    await session.say(UNCLEAR)
    session.practice.close()  # as after a kill
    assert "zanzibar" not in session.kept
    with pytest.raises(JournalError, match="left at a question about risk"):
        Practice.resume(session.practice.journal.path, session.models, session.saver)


async def test_a_session_goes_on_after_a_no_also_when_it_is_taken_up_again(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say(UNCLEAR)
    await session.say("No.")
    session.practice.close()
    session.practice = Practice.resume(session.practice.journal.path, session.models, session.saver)
    await session.practice.start()
    await session.say("It was a long day.")
    assert session.said == [UNCLEAR, "It was a long day."]
    assert session.question is None
    await session.say(UNCLEAR)
    assert session.question == TEXTS["English"].question_again


async def test_unclear_words_that_were_put_into_the_state_stop_before_a_model_is_asked() -> None:
    models, asked = scripted_models(Sensible())
    graph = build_practice_graph(InMemorySaver(), models=models)
    thread: Any = {"configurable": {"thread_id": "t"}}
    begin: Any = {"profile": profile().model_dump(mode="json"), "part": "client"}
    state = await graph.ainvoke(begin, thread, context=config(router="rules"))
    count = len(asked)
    planted = {"turn": state["utterances"][-1]["turn"], "speaker": "client", "text": UNCLEAR}
    command: Command[Any] = Command(resume="Hello, it is about the exam.", update={"utterances": [planted]})
    state = await graph.ainvoke(command, thread, context=config(router="rules", language="German"))
    assert state["failure"]["kind"] == "risk"
    assert state["help"] == help_text("", "German")
    assert len(asked) == count


@pytest.mark.parametrize("at_question", [False, True])
@pytest.mark.parametrize(
    "answer",
    ["/stop", f"/stop {'karakoram ' * 1_000}", {"text": "/Stop now, karakoram"}, {"text": "/stop", "ends": "left"}],
)
async def test_stop_over_http_ends_at_once(at_question: bool, answer: Any) -> None:
    models, asked = scripted_models(Sensible())
    graph = build_practice_graph(InMemorySaver(), models=models)
    thread: Any = {"configurable": {"thread_id": "t"}}
    settings = config(router="rules", language="French")
    begin: Any = {"profile": profile().model_dump(mode="json"), "part": "client", "country": "FR"}
    state = await graph.ainvoke(begin, thread, context=settings)
    before = state["utterances"]
    if at_question:
        await graph.ainvoke(Command(resume=UNCLEAR), thread, context=settings)
    count = len(asked)
    state = await graph.ainvoke(Command(resume=answer), thread, context=settings)
    assert state["failure"]["kind"] == "stopped"
    assert state["help"] == help_text("FR", "French", occasion="stop")
    assert (state["utterances"], len(asked)) == (before, count)
    assert not state.get("questions")
    assert "karakoram" not in str(state)
    assert not (await graph.aget_state(thread)).next


async def test_a_stopped_session_is_not_taken_up_and_leaves_no_checkpoint(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say("Hello, it is about the nights.")
    await session.say("/stop")
    practice = session.practice
    assert (practice.is_final, practice.risk) == (True, False)
    assert not [item async for item in session.saver.alist(None)]
    assert "/stop" not in session.kept
    practice.close()
    with pytest.raises(JournalError, match="stopped by the person"):
        Practice.resume(practice.journal.path, session.models, session.saver)


async def test_stop_is_a_clients_word_alone(tmp_path: Path) -> None:
    models, _ = scripted_models(Sensible())
    task = SessionTask(profile=profile(), attitude="neutral", config=config(router="rules"))
    practice = Practice.begin(task, "counselor", tmp_path, models, InMemorySaver())
    await practice.start()
    await practice.answer(PersonAnswer(text="/stop"))
    assert practice.failure is None


async def test_after_a_goodbye_the_lines_are_there(tmp_path: Path) -> None:
    session = await begun(tmp_path, language="Spanish")
    await session.say("Hola, se trata de las noches.")
    assert "farewell" not in session.practice.state
    await session.say("Gracias, ya no necesito más.", ends="resolved")
    assert session.practice.dialogue[-1].closing
    assert session.practice.state["farewell"] == help_text("GB", "Spanish", occasion="afterwards")
    assert session.practice.failure is None


async def test_a_failed_check_says_so(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    await session.say("今日は元気です")
    assert session.practice.risk
    assert session.practice.help == help_text("GB", occasion="failed")
