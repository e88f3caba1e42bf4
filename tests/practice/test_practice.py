"""Practising: cues and review, what MAGneT would do, and the command in a pipe and with wrong input."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

import run
from counseling_sessions.evaluation.scales import read_scale
from counseling_sessions.graph.practice import Practice
from counseling_sessions.graph.session import SessionTask
from counseling_sessions.nodes.person import PersonAnswer
from counseling_sessions.nodes.risk import help_text, read_texts
from counseling_sessions.nodes.risk.phrases import LANGUAGES
from counseling_sessions.practice.advice import Advisor
from counseling_sessions.practice.cues import Questions, moments_in, picks_up, questions_in, stacked_in
from counseling_sessions.practice.notice import has_agreed
from counseling_sessions.practice.review import Review, review_of
from counseling_sessions.sessions import Session
from counseling_sessions.sessions.reading import read_sessions
from tests.kept import kept_in
from tests.loopback import LoopbackServer, Request, sensible_answer
from tests.scripted import Sensible, config, profile, scripted_models

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("How was the night?", Questions(open=1)),
        ("And what then? Why?", Questions(open=2)),
        ("Tell me more about the stall.", Questions(open=1)),
        ("Could you describe what happened?", Questions(open=1)),
        ("Do you know what time it is?", Questions(closed=1)),
        ("How often do you wake up? Who is there?", Questions(closed=2)),
        ("Did you sleep? Really?", Questions(closed=1, other=1)),
        ("You slept. I see.", Questions()),
    ],
)
def test_questions_are_open_or_closed_by_their_first_question_word(text: str, questions: Questions) -> None:
    assert questions_in(text) == questions


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Where was that? Who was there? And what did you say?", 3),
        ("How was the night? Did your brother call?", 2),
        ("How was the night? How was the night for you?", 0),  # the same again
        ("You slept, right? Okay?", 0),
        ("How was it?", 0),
    ],
)
def test_questions_are_stacked_where_a_message_asks_several_things(text: str, asked: int) -> None:
    assert len(stacked_in(text)) == asked


def test_a_moment_is_a_feeling_or_something_hard_to_tell() -> None:
    (fear, secret) = moments_in("I’m fine. I’m terrified of the stall! I never told my brother about the money.")
    assert (fear.kind, fear.words, fear.sentence) == ("fear", "terrified", "I'm terrified of the stall!")
    assert secret.kind == "disclosure"
    assert moments_in("We sell tomatoes on Friday.") == []


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ("You are afraid of it.", True),  # the feeling
        ("That must be hard.", True),  # acknowledged
        ("What happens at the stalls?", True),  # the client's word
        ("And how old are you?", False),
    ],
)
def test_an_answer_takes_a_moment_up_or_not(answer: str, taken: bool) -> None:
    (moment,) = moments_in("I'm terrified of the stall!")
    assert picks_up(answer, moment) is taken


async def started(folder: Path, *, client: tuple[str, ...] = (), **options: Any) -> tuple[Practice, Advisor, list[Any]]:
    models, asked = scripted_models(Sensible(client=client))
    task = SessionTask(profile=profile(), attitude="neutral", config=config(**options))
    practice = Practice.begin(task, "counselor", folder, models, InMemorySaver())
    await practice.start()
    return practice, Advisor(practice, models), asked


async def test_a_hint_by_rules_asks_nobody(tmp_path: Path) -> None:
    practice, advisor, asked = await started(tmp_path, router="rules")
    hint = await advisor.hint(practice.dialogue)
    assert (hint.source, hint.turn, asked) == ("rules", 1, [])
    assert set(hint.techniques) <= set(practice.config.techniques)


async def test_the_same_dialogue_has_the_same_hint_and_asks_once(tmp_path: Path) -> None:
    practice, advisor, asked = await started(tmp_path, router="llm")
    assert advisor.kept_hint(practice.dialogue) is None
    hint = await advisor.hint(practice.dialogue)
    assert await advisor.hint(practice.dialogue) == advisor.kept_hint(practice.dialogue) == hint
    assert len(asked) == 1
    assert (hint.rule, hint.techniques) == ("llm", ("reflection", "questioning"))


async def test_a_hint_minds_what_the_person_did_lately(tmp_path: Path) -> None:
    practice, advisor, asked = await started(tmp_path, router="llm")
    await practice.answer(PersonAnswer(text="Many people lie awake before a market; it makes sense."))
    assert (await advisor.hint(practice.dialogue)).source == "llm"
    assert "Techniques by turn: 1 normalizing" in asked[-1].prompt


async def test_a_hint_is_a_pick_also_where_the_person_is_to_close(tmp_path: Path) -> None:
    practice, advisor, asked = await started(tmp_path, router="llm", max_turns=1)
    await practice.answer(PersonAnswer(text="How are the nights?"))
    assert practice.waiting
    assert practice.waiting.closing
    assert (await advisor.hint(practice.dialogue)).source == "llm"
    assert asked[-1].role == "router"


async def test_what_magnet_would_say_is_shown_and_not_said(tmp_path: Path) -> None:
    practice, advisor, asked = await started(tmp_path, router="rules")
    await practice.answer(PersonAnswer(text="How are the nights?"))
    before, journal, count = practice.dialogue, practice.journal.path.read_text(), len(asked)
    answer = await advisor.answer()
    assert answer.plan
    assert answer.pick
    assert {candidate.technique for candidate in answer.candidates} == set(answer.pick.techniques)
    assert answer.said
    assert answer.failure is None
    assert "client" not in {request.role for request in asked[count:]}
    assert "How are the nights?" in asked[-1].prompt
    assert (practice.dialogue, practice.journal.path.read_text()) == (before, journal)
    again = await advisor.answer()
    assert again.plan == answer.plan
    assert [request.role for request in asked].count("plan") == 1
    await practice.answer(PersonAnswer(text="And then?"))
    assert answer.said not in asked[-1].prompt


async def test_a_hint_knows_that_the_next_message_closes_and_that_an_earlier_one_did_not(tmp_path: Path) -> None:
    practice, advisor, _ = await started(tmp_path, router="rules", max_turns=1)
    assert (await advisor.hint(practice.dialogue)).rule != "farewell"
    assert (await advisor.hint(practice.dialogue, closes=True)).rule == "farewell"
    before = practice.dialogue
    await practice.answer(PersonAnswer(text="How are the nights?"))
    assert (await advisor.hint(practice.dialogue)).rule == "farewell"
    assert (await Advisor(practice, scripted_models(Sensible())[0]).hint(before)).rule != "farewell"


async def test_a_plan_that_is_made_late_begins_with_its_first_step(tmp_path: Path) -> None:
    said = (
        "I want to sleep before market days again.",
        "Last Friday in the kitchen I tried it, and I thought they will laugh at my stall.",
        "So I stayed at home, and I realised that I was scared of the price list.",
        "I'll call my sister on Friday, I could do that.",
    )
    practice, advisor, asked = await started(tmp_path, client=said, router="rules", max_turns=12)
    for text in ("What would you like to be different?", "What goes through your mind then?", "And what do you do?"):
        await practice.answer(PersonAnswer(text=text))
    answer = await advisor.answer()
    assert answer.plan
    assert (answer.plan.turn, answer.pick and answer.pick.step) == (4, 1)
    await practice.answer(PersonAnswer(text="What happened at the stall?"))
    assert (later := await advisor.answer()).plan == answer.plan
    assert later.pick
    assert later.pick.step in (1, 2)  # one turn of work takes it on by one step at most
    assert [request.role for request in asked].count("plan") == 1


async def test_magnet_would_close_where_the_person_is_to_close(tmp_path: Path) -> None:
    practice, advisor, asked = await started(tmp_path, router="rules", max_turns=1)
    await practice.answer(PersonAnswer(text="How are the nights?"))
    assert practice.waiting
    assert practice.waiting.closing
    assert (await advisor.answer()).said
    assert asked[-1].role == "closing"


async def test_advice_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    practice, _, _ = await started(tmp_path, router="rules")
    models, _ = scripted_models(lambda _: "no plan")
    failed = await Advisor(practice, models).answer()
    assert failed.failure
    assert failed.said == ""
    assert practice.waiting


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "COUNSELING_SESSIONS_HELP_LINES"):
        monkeypatch.delenv(name, raising=False)


def practise(server: LoopbackServer, folder: Path, *options: str) -> int:
    return run.main(["practice", "--base-url", server.base_url, "--out", str(folder), "--turns", "3", *options])


def test_in_a_pipe_it_is_plain_and_fits_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(
        monkeypatch, "/help", "/hint", "What is it about \\", "the exam?", "/why", "/what-would-magnet-say", "/oops", "/undo",
        "What is it about the exam?", "/transcript", "/end", "Goodbye, Amira.",
    )  # fmt: skip
    with LoopbackServer() as server:
        assert practise(server, tmp_path / "out") == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines() if not line.startswith(("saved: ", str(tmp_path)))) <= 80
    for part in (
        "There is no command /oops",
        "Taken back.",
        "MAGneT would say",
        "Looking back",
        "as a classifier reads it",
    ):
        assert part in " ".join(shown.split())
    (record,) = kept_in(tmp_path / "out").values()
    texts = [item.text for item in record.dialogue if item.author == "human"]
    assert texts == ["What is it about the exam?", "Goodbye, Amira."]
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {"", ".json", ".md", ".txt"}
    (kept,) = (tmp_path / "out").glob("*.review.json")
    assert kept.name == f"{record.session_id}.review.json"
    assert not kept.stat().st_mode & 0o077
    assert Review.model_validate_json(kept.read_bytes()) == review_of(record)


def test_hint_and_why_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "/hint", "What is it about the exam?", "/why", "/end", "/hint", "Goodbye, Amira.")
    with LoopbackServer() as server:
        assert practise(server, tmp_path / "out") == 0
    shown = " ".join(capsys.readouterr().out.split())
    hint = shown.split("Perhaps ")[1].split(" reflection: ")[0]
    assert f"The hint before it was {hint}" in shown
    assert shown.count("Why: Nothing in the client's last message stood out to the rules.") == 2
    assert "Why: Your next message closes the session (by rules)." in shown
    assert "open question (“What is it about the exam?”)" in shown


def cowardly(request: Request) -> Any:
    """A client who always runs itself down; every other role speaks well."""
    if "You are the client in a counseling session" in request.prompt:
        return f"I'm such a coward on {request.number} days, everyone else manages."
    return sensible_answer(request)


def test_where_magnet_goes_another_way_than_the_hint_it_is_said_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(
        monkeypatch,
        "What is it about the exam?",
        "/what-would-magnet-say",
        "/hint",
        "/what-would-magnet-say",
        "/end",
        "Bye.",
    )
    with LoopbackServer(cowardly) as server:
        assert practise(server, tmp_path / "out", "--turns", "8") == 0
    first, second = " ".join(capsys.readouterr().out.split()).split("Perhaps normalizing + reflection.")
    assert "A hint here says" not in first  # nobody has read a hint yet
    assert "A hint here says normalizing + reflection: it looks for more" in second


def test_in_another_language_a_message_has_no_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "What is it about the exam?", "/why", "/end", "Bye.")
    with LoopbackServer() as server:
        assert practise(server, tmp_path / "out", "--language", "German") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "as a classifier reads it: nothing that it is sure of." in shown
    assert "The rules read English alone." in shown


def test_the_record_is_read_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "What is it about the exam?", "/end", "Goodbye, Amira.")
    with LoopbackServer() as server:
        assert practise(server, tmp_path / "out") == 0
    (session,) = read_sessions(tmp_path / "out")
    assert isinstance(session, Session)
    assert session.turns == 1
    out = str(tmp_path / "data")
    assert run.main(["export", str(tmp_path / "out"), "--format", "openai-chat", "--out", out]) == 0


def test_the_end_of_input_leaves_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "What is it about the exam?")
    with LoopbackServer() as server:
        assert practise(server, tmp_path / "out") == 0
        errors = " ".join(capsys.readouterr().err.split())
        assert f"run.py practice --resume {tmp_path / 'out'}" in errors
        typed(monkeypatch, "/end", "Goodbye.")
        assert run.main(["practice", "--resume", str(tmp_path / "out")]) == 0
    (record,) = kept_in(tmp_path / "out").values()
    assert (record.status, record.resumed, len(record.turns)) == ("finished", 1, 1)


def test_a_client_that_cannot_answer_ends_the_session_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "What is it about the exam?")
    with LoopbackServer() as server:
        server.fail_with(403, "not for you")
        assert practise(server, tmp_path / "out", "--model", "loopback") == 1
    assert "not for you" in capsys.readouterr().err
    (record,) = kept_in(tmp_path / "out").values()
    assert [item.text for item in record.dialogue if item.author == "human"] == ["What is it about the exam?"]
    assert list((tmp_path / "out").rglob("*.journal.jsonl"))


def judging(request: Request) -> Any:
    if request.schema and "understanding" in request.schema["properties"]:
        marks = {
            item.id: {"evidence": [1], "reason": "It is calm.", "score": 4} for item in read_scale("ctrs-style").items
        }
        return json.dumps(marks)
    return sensible_answer(request)


def test_with_a_judge_there_is_feedback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "What is it about the exam?", "/end", "Goodbye.")
    with LoopbackServer(judging) as server:
        judge = tmp_path / "judge.yaml"
        judge.write_text(f"name: mild\nbase_url: {server.base_url}\nsamples: 1\n")
        (tmp_path / "out").mkdir()
        assert practise(server, tmp_path / "out", "--judge", str(judge)) == 0
        paths = [tmp_path / "out" / "judgements", *(tmp_path / "out" / "judgements").iterdir()]
        assert not any(path.stat().st_mode & 0o077 for path in paths)
    shown = " ".join(capsys.readouterr().out.split())
    assert "Understanding: 4.0 – It is calm. (turn 1)" in shown
    assert "By mild, 0 to 6." in shown
    (review,) = (tmp_path / "out").glob("*.review.txt")
    assert "Understanding: 4.0" in review.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--as", "client"], "needs a terminal"),
        (["--as", "client", "--page"], "needs --country"),
        (["--page"], "add --as client"),
        (["--as", "client", "--judge", "judge.yaml"], "--judge rates a person who practises as the counselor"),
        (["--judge", "/nowhere/judge.yaml"], "/nowhere/judge.yaml"),
        (["--client", "amira-exam-panik"], "amira-exam-panic"),
        (["--resume", "/nowhere"], "/nowhere is not there"),
    ],
)
def test_a_wrong_input_is_told_in_one_line(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    typed(monkeypatch, "yes", "Hello.")
    assert run.main(["practice", "--base-url", "http://127.0.0.1:9/v1", *options]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_practice_needs_no_package_of_the_evaluation() -> None:
    code = (
        "import sys; from counseling_sessions.commands import practice; from counseling_sessions.practice.seen import seen_in\n"
        "seen_in('I was scared.', 'You should go.')\n"
        "print(sorted({'numpy', 'scipy', 'statsmodels', 'py3langid'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_a_missing_package_for_judges_is_told_before_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "counseling_sessions.evaluation.judging.run", None)
    assert run.main(["practice", "--judge", str(tmp_path / "judge.yaml")]) == 2
    assert "pip install -e '.[evaluation]'" in capsys.readouterr().err


TEXTS = read_texts()


def page(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The page for participants, in one line."""
    assert run.main(["practice", "--as", "client", "--page", *options]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_for_participants_is_the_notice_with_the_lines_and_begins_nothing(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = TEXTS[language]
    shown = page(capsys, "--language", language, "--country", "FR")
    assert shown.startswith(" ".join(texts.notice.format(looks=texts.looks_same).split()))
    assert shown.endswith(" ".join(help_text("FR", language, occasion="afterwards").split()))
    assert texts.contact.split("_")[0] in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "looks_same"),
        (["--method", "single"], "looks_same"),
        (["--risk-model", "off"], "looks_none"),
        (["--risk-model", "watcher"], "looks_named"),
        (["--counselor", "http://127.0.0.1:9/v1"], "looks_named"),
    ],
)
def test_notice_and_page_say_which_model_looks(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--base-url", "http://127.0.0.1:8/v1", "--model", "watcher" if "--counselor" in options else "large"]
    shown = page(capsys, "--country", "all", *named, *options)
    assert getattr(TEXTS["English"], said).format(model="watcher") in shown
    assert "116 123" not in shown  # the lines of all countries are no page


def test_an_answer_to_the_notice_is_a_yes_in_the_language_or_in_english() -> None:
    for language, word in (("German", "Ja!"), ("French", "oui"), ("Spanish", "si"), ("German", "yes")):
        assert has_agreed(word, language)
    for language, word in (("German", "oui"), ("English", "ja"), ("English", "yes but"), ("French", "")):
        assert not has_agreed(word, language)
