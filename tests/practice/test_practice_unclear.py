"""Unclear words of a person who is the client: the question, the answers to it, and the model that looks beside the lists."""

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from counseling_sessions.nodes.risk import help_text, read_texts
from tests.kept import kept_in
from tests.loopback import LoopbackServer, Request, http_answer, sensible_answer
from tests.seated import LEAVING, Person, Sit, completions, confirmed, in_line, plain
from tests.unclear import UNCLEAR

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def unclear(tmp_path: Path) -> Path:
    """The program, with unclear words of the tests' own."""
    program = tmp_path / "unclear.py"
    program.write_text(
        f"""
import sys

sys.path.insert(0, {str(PROJECT)!r})
import pytest
import run
from tests.unclear import make_unclear

make_unclear(pytest.MonkeyPatch())
sys.exit(run.main())
"""
    )
    return program


def at_the_question(sit: Sit, out: Path, program: Path, **more: Any) -> Person:
    """A person who has typed unclear words, and is asked about them."""
    person = confirmed(sit, out, program=program, **more)
    person.types(UNCLEAR)
    question = " ".join(person.reads("your answer> ").split())
    assert " ".join(read_texts()["English"].question.split()) in question
    return person


@pytest.mark.parametrize("columns", [80, 60])
def test_after_a_no_to_the_question_the_words_are_said(
    columns: int, sit: Sit, unclear: Path, tmp_path: Path, server: LoopbackServer
) -> None:
    out = tmp_path / "out"
    person = at_the_question(sit, out, unclear, columns=columns)
    assert not [request for request in server.requests if "zanzibar" in str(request.body)]
    person.types("")  # a slip of the key is no answer
    person.reads("your answer> ")
    person.types("No.")
    person.reads("[2/4] you> ")
    person.types("/leave")
    person.reads("goodbye> ")
    person.types("That is enough, thank you.")
    assert person.ends() == 0
    (record,) = kept_in(out).values()
    assert [item.text for item in record.dialogue if item.author == "human"] == [UNCLEAR, "That is enough, thank you."]
    sent = str([request.body for request in server.requests])
    assert UNCLEAR in sent
    assert read_texts()["English"].question[:30] not in sent
    lines = plain(person.seen).splitlines()
    texts = lines[next(place for place, line in enumerate(lines) if line.startswith("Let us step out")) :]
    # The frames of the wheel that turns while one waits overwrite each other: seen as text they are one long line.
    texts = [line for line in texts if "waiting for the answer" not in line]
    assert [line for line in texts if "/" not in line and len(line) > columns] == []


@pytest.mark.parametrize("leaving", LEAVING)
def test_whoever_leaves_the_question_sees_the_help(
    leaving: str, sit: Sit, unclear: Path, tmp_path: Path, server: LoopbackServer
) -> None:
    out = tmp_path / "out"
    person = at_the_question(sit, out, unclear)
    before = completions(server)
    LEAVING[leaving](person)
    assert person.ends() == 1
    shown = " ".join(plain(person.seen).split())
    assert " ".join(help_text("GB").split()) in shown
    assert "--resume" not in shown
    assert "Traceback" not in shown
    assert completions(server) == before
    (record,) = kept_in(out).values()
    assert record.failure
    assert (record.status, record.failure.kind) == ("failed", "risk")
    assert list((out / "journals").iterdir()) == []
    unclear.unlink()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"zanzibar" in path.read_bytes()]


def test_a_terminal_that_closes_at_the_question_leaves_nothing_to_go_on_with(
    sit: Sit, unclear: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    at_the_question(sit, out, unclear).goes()
    assert not [path for path in out.rglob("*") if path.is_file() and b"zanzibar" in path.read_bytes()]
    person = sit("--resume", str(out))
    person.reads("go on: ")
    person.types("yes")
    assert person.ends() == 2
    assert "left at a question about risk" in " ".join(plain(person.seen).split())


def test_stop_at_the_question_leaves_nothing_of_the_question(sit: Sit, unclear: Path, tmp_path: Path) -> None:
    person = at_the_question(sit, tmp_path / "out", unclear)
    person.types("/stop")
    assert person.ends() == 0
    assert in_line(help_text("GB", occasion="stop")) in in_line(person.seen)
    (record,) = kept_in(tmp_path / "out").values()
    assert record.failure
    assert record.failure.kind == "stopped"
    assert "suicide" not in record.model_dump_json()


def looks(server: LoopbackServer) -> list[Request]:
    """The requests for a look at a message."""
    return [request for request in server.requests if "You screen messages" in request.prompt]


def test_the_sessions_own_model_looks_at_what_the_lists_let_pass(
    sit: Sit, tmp_path: Path, server: LoopbackServer
) -> None:
    person = confirmed(sit, tmp_path / "out")
    person.types("I lie awake before the exam.")
    person.reads("[2/4] you> ")
    (look,) = looks(server)
    assert "The message: I lie awake before the exam." in look.prompt
    assert look.body["temperature"] == 0.0
    person.types("/stop")
    assert person.ends() == 0


def test_with_off_no_model_looks_and_the_notice_says_so(sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    person = confirmed(sit, tmp_path / "out", "--risk-model", "off")
    assert read_texts()["English"].looks_none in in_line(person.seen)
    person.types("I lie awake before the exam.")
    person.reads("[2/4] you> ")
    assert looks(server) == []
    person.types("/stop")
    assert person.ends() == 0


def test_a_look_that_fails_for_a_moment_is_repeated_and_one_that_fails_stops_without_alarm(
    sit: Sit, tmp_path: Path
) -> None:
    failing = 1

    def answer(request: Request) -> Any:
        nonlocal failing
        if "You screen messages" in request.prompt and failing:
            failing -= 1
            return http_answer({}, 503)
        return sensible_answer(request)

    with LoopbackServer(answer) as server:
        person = confirmed(sit, tmp_path / "out", "--base-url", server.base_url)
        person.types("I lie awake before the exam.")
        person.reads("[2/4] you> ")
        assert len(looks(server)) == 2
        failing = 99
        person.types("It is on Monday.")
        assert person.ends() == 1
        assert len(looks(server)) == 5
    shown = in_line(person.seen)
    assert in_line(help_text("GB", occasion="failed")) in shown
    assert read_texts()["English"].message[:40] not in shown
    assert "It is on Monday." not in "".join(
        item.text for item in next(iter(kept_in(tmp_path / "out").values())).dialogue
    )


def test_what_was_typed_before_the_question_does_not_answer_it(sit: Sit, tmp_path: Path) -> None:
    asked, goes_on = Event(), Event()

    def answer(request: Request) -> Any:
        if "You screen messages" in request.prompt and "Quiet water" in request.prompt:
            asked.set()
            assert goes_on.wait(30)
            return '{"risk": true}'
        return sensible_answer(request)

    with LoopbackServer(answer) as server:
        person = confirmed(sit, tmp_path / "out", "--base-url", server.base_url)
        person.types("Quiet water in the evening.")
        assert asked.wait(30)
        person.types("no")
        goes_on.set()
        person.reads("your answer> ")
        person.types("")  # an empty line asks again: the no is gone
        person.reads("your answer> ")
        assert "[2/4] you>" not in plain(person.seen)
        person.types("no")
        person.reads("[2/4] you> ")
        person.types("/stop")
        assert person.ends() == 0


def test_a_text_that_is_pasted_with_line_breaks_is_one_message(sit: Sit, tmp_path: Path) -> None:
    person = confirmed(sit, tmp_path / "out")
    person.presses(b"\x1b[200~The exam is on Monday.\nMy sister helps me.\x1b[201~\n")
    person.reads("[2/4] you> ")
    person.types("/transcript")
    assert "[3/4]" not in person.reads("[2/4] you> ")
    assert plain(person.seen).count("My sister helps me.") >= 2
    person.types("/stop")
    assert person.ends() == 0
