"""Practising at a terminal as the client: the notice, the commands, and every way in which it ends."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from counseling_sessions.nodes.risk import help_text, read_texts
from counseling_sessions.nodes.risk.help_lines import FILE, VARIABLE
from tests.kept import kept_in
from tests.loopback import LoopbackServer, Request, http_answer, sensible_answer
from tests.seated import Person, Sit, plain
from tests.unclear import UNCLEAR

PROJECT = Path(__file__).parents[2]


def in_line(text: str) -> str:
    """A text without its lines' ends, which follow the terminal's width."""
    return " ".join(plain(text).split())


def confirmed(sit: Sit, out: Path, *options: str, **more: Any) -> Person:
    """A person who has read the notice and said yes, and has the first turn."""
    person = sit(
        "--as", "client", "--country", "gb", "--turns", "4", "--router", "rules", "--out", str(out), *options, **more
    )
    person.reads("go on: ")
    person.types("yes")
    person.reads("[1/4] you> ")
    return person


@pytest.mark.parametrize("answer", ["no", "", "y", "/quit", "/stop"])
def test_the_notice_must_be_confirmed(answer: str, sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    person = sit("--as", "client", "--country", "gb", "--out", str(tmp_path / "out"))
    notice = " ".join(person.reads("go on: ").split())
    for warning in ("research preview", "not care", "not private", "real people"):
        assert warning in notice
    assert server.requests == []
    person.types(answer)
    assert person.ends() == 0
    shown = in_line(person.seen)
    assert "Nothing was begun, and nothing was saved." in shown
    assert in_line(help_text("GB", occasion="afterwards")) in shown
    assert server.requests == []
    assert not (tmp_path / "out").exists()


def completions(server: LoopbackServer) -> int:
    return len([request for request in server.requests if request.path.endswith("/completions")])


@pytest.mark.parametrize("words", ["I want to kill myself, zanzibar.", "/end I want to die, zanzibar"])
def test_after_risk_nothing_reaches_the_model(words: str, sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    out = tmp_path / "out"
    person = confirmed(sit, out)
    person.types("I lie awake before the exam.")
    person.reads("[2/4] you> ")
    before = completions(server)
    person.types(words)
    assert person.ends() == 1
    assert " ".join(help_text("GB").split()) in " ".join(plain(person.seen).split())
    assert completions(server) == before
    assert not [request for request in server.requests if "zanzibar" in str(request.body)]
    (record,) = kept_in(out).values()
    assert record.failure
    assert (record.status, record.failure.kind) == ("failed", "risk")
    assert [item.text for item in record.dialogue if item.author == "human"] == ["I lie awake before the exam."]
    assert {path.name for path in out.iterdir()} == {"shards", "ledger", "journals", "lock"}
    assert list((out / "journals").iterdir()) == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"zanzibar" in path.read_bytes()]


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
    assert [line for line in texts if "/" not in line and len(line) > columns] == []


LEAVING: dict[str, Callable[[Person], None]] = {
    "yes": lambda person: person.types("Yes."),
    "/quit": lambda person: person.types("/quit"),
    "/end": lambda person: person.types("/end"),
    "Ctrl-D": lambda person: person.presses(b"\x04"),
    "Ctrl-C": lambda person: person.interrupts(until="findahelpline"),
}


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


def test_lines_that_were_checked_long_ago_are_warned_of_before_anything(sit: Sit, tmp_path: Path) -> None:
    lines = FILE.read_text(encoding="utf-8").replace("checked: null", "checked: 2020-01-01", 1)
    (tmp_path / "lines.yaml").write_text(lines, encoding="utf-8")
    person = sit(
        "--as",
        "client",
        "--country",
        "all",
        "--out",
        str(tmp_path / "out"),
        variables={VARIABLE: str(tmp_path / "lines.yaml")},
    )
    assert "last checked more than a year ago: Euronotruf;" in " ".join(person.reads("go on: ").split())
    person.types("no")
    assert person.ends() == 0


def test_the_embedded_models_are_not_put_before_a_person(sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    for options in (["--embedded", "small"], ["--models", str(tmp_path / "models.yaml")]):
        (tmp_path / "models.yaml").write_text("merge: {model: embedded}\n")
        person = sit("--as", "client", "--country", "gb", *options, "--out", str(tmp_path / "out"))
        assert person.ends() == 2
        shown = " ".join(plain(person.seen).split())
        assert "the embedded models are not put before a person" in shown
        assert "or practise as the counselor" in shown
    assert not (tmp_path / "out").exists()
    assert server.requests == []


def test_a_counselor_without_a_good_answer_takes_its_leave(sit: Sit, tmp_path: Path) -> None:
    def answer(request: Request) -> Any:
        return (
            "You are a failure." if "I lie awake" in request.prompt and not request.schema else sensible_answer(request)
        )

    with LoopbackServer(answer) as bad:
        person = confirmed(sit, tmp_path / "out", "--base-url", bad.base_url)
        person.types("I lie awake before the exam.")
        assert person.ends() == 1
    shown = " ".join(plain(person.seen).split())
    assert " ".join(read_texts()["English"].farewell.split()) in shown
    assert in_line(help_text("GB", occasion="afterwards")) in shown
    for unkind in ("You are a failure", "refused", "--resume"):
        assert unkind not in shown
    (record,) = kept_in(tmp_path / "out").values()
    assert record.failure
    assert (record.status, record.failure.kind) == ("failed", "no_good_answer")


def test_a_broken_list_of_phrases_lets_nobody_begin(sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    (tmp_path / "english.yaml").write_text("language: English\ncategories: {}\n")
    program = tmp_path / "elsewhere.py"
    program.write_text(
        f"""
import sys
from pathlib import Path

sys.path.insert(0, {str(PROJECT)!r})
import run
from counseling_sessions.nodes.risk import phrases

phrases.FOLDER = Path({str(tmp_path)!r})
sys.exit(run.main())
"""
    )
    person = sit("--as", "client", "--country", "gb", "--out", str(tmp_path / "out"), program=program)
    assert person.ends() == 2
    assert "english.yaml: slips: Field required" in " ".join(person.seen.split())
    assert server.requests == []


def test_a_language_without_a_list_is_refused(sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    person = sit("--as", "client", "--country", "gb", "--language", "Finnish", "--out", str(tmp_path / "out"))
    assert person.ends() == 2
    assert "no list of risk phrases in Finnish" in " ".join(person.seen.split())
    assert completions(server) == 0
    assert not (tmp_path / "out").exists()


def test_a_client_says_goodbye_and_the_record_is_a_session(sit: Sit, tmp_path: Path) -> None:
    out = tmp_path / "out"
    person = confirmed(sit, out)
    person.types("I lie awake before the exam.")
    person.reads("[2/4] you> ")
    person.types("/leave")
    person.reads("goodbye> ")
    person.types("This is enough for me, thank you.")
    assert person.ends() == 0
    assert in_line(help_text("GB", occasion="afterwards")) in in_line(person.seen)
    assert not (tmp_path / "checkpoints.sqlite").exists()
    (record,) = kept_in(out).values()
    assert (record.status, record.end_reason) == ("finished", "left")
    assert record.closing
    assert record.closing.author == "model"


YES = {"English": "Yes.", "German": "ja", "French": "« Oui »", "Spanish": "SI\u0301"}


@pytest.mark.parametrize("columns", [60, 100])
@pytest.mark.parametrize("language", YES)
def test_the_notice_the_commands_and_the_yes_are_in_the_language(
    language: str, columns: int, sit: Sit, tmp_path: Path
) -> None:
    texts = read_texts()[language]
    options = ("--country", "gb", "--language", language, "--router", "rules", "--out", str(tmp_path / "out"))
    person = sit("--as", "client", *options, columns=columns)
    notice = person.reads(texts.confirm)
    assert in_line(texts.notice.format(looks=texts.looks_same)) in in_line(notice)
    assert [line for line in notice.splitlines() if len(line) > columns and texts.confirm not in line] == []
    person.types(YES[language])
    assert in_line(texts.begins) in in_line(person.reads("you> "))
    person.types("/help")
    assert in_line(texts.commands) in in_line(person.reads("you> "))
    assert "/stop" in texts.notice
    assert "/stop" in texts.commands
    person.types("/stop")
    assert person.ends() == 0
    assert in_line(help_text("GB", language, occasion="stop")) in in_line(person.seen)


@pytest.mark.parametrize(
    "typed",
    ["/stop", " /STOP ", "/stop I want to die, zanzibar", "/stop.", "please /stop!", "It was zanzibar \\\n/stop"],
)
def test_stop_ends_at_once_with_the_lines_and_nothing_of_the_moment(
    typed: str, sit: Sit, tmp_path: Path, server: LoopbackServer
) -> None:
    out = tmp_path / "out"
    person = confirmed(sit, out)
    person.types("I lie awake before the exam.")
    person.reads("[2/4] you> ")
    before = len(server.requests)
    person.types(typed)
    assert person.ends() == 0
    shown = in_line(person.seen)
    assert in_line(help_text("GB", occasion="stop")) in shown
    for unwanted in ("goodbye>", "--resume", read_texts()["English"].message[:40], "saved:"):
        assert unwanted not in shown
    assert len(server.requests) == before
    (record,) = kept_in(out).values()
    assert record.failure
    assert (record.status, record.failure.kind) == ("failed", "stopped")
    assert [item.text for item in record.dialogue if item.author == "human"] == ["I lie awake before the exam."]
    assert list((out / "journals").iterdir()) == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"zanzibar" in path.read_bytes()]


def test_stop_at_the_question_leaves_nothing_of_the_question(sit: Sit, unclear: Path, tmp_path: Path) -> None:
    person = at_the_question(sit, tmp_path / "out", unclear)
    person.types("/stop")
    assert person.ends() == 0
    assert in_line(help_text("GB", occasion="stop")) in in_line(person.seen)
    (record,) = kept_in(tmp_path / "out").values()
    assert record.failure
    assert record.failure.kind == "stopped"
    assert "suicide" not in record.model_dump_json()


@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_whoever_leaves_the_notice_with_a_key_sees_the_lines(
    key: bytes, sit: Sit, tmp_path: Path, server: LoopbackServer
) -> None:
    person = sit("--as", "client", "--country", "gb", "--out", str(tmp_path / "out"), program=PROJECT / "run.py")
    person.reads("go on: ")
    if key == b"\x03":
        person.interrupts(until="Nothing was begun")
    else:
        person.presses(key)
    assert person.ends() == 0
    assert in_line(help_text("GB", occasion="afterwards")) in in_line(person.seen)
    assert "Traceback" not in person.seen
    assert server.requests == []


@pytest.mark.parametrize("leaving", ["/quit", "Ctrl-D", "Ctrl-C"])
def test_whoever_leaves_for_now_sees_the_lines_too_and_can_go_on(leaving: str, sit: Sit, tmp_path: Path) -> None:
    out = tmp_path / "out"
    person = confirmed(sit, out, program=PROJECT / "run.py")
    if leaving == "Ctrl-C":
        person.interrupts()
    else:
        LEAVING[leaving](person)
    assert person.ends() == (130 if leaving == "Ctrl-C" else 0)
    assert in_line(help_text("GB", occasion="afterwards")) in in_line(person.seen)
    refused = sit("--resume", str(out), "--risk-model", "off")
    assert refused.ends() == 2
    assert "leave --risk-model out" in in_line(refused.seen)
    person = sit("--resume", str(out))
    person.reads("go on: ")  # the country is that of the session
    person.types("yes")
    person.reads("[1/4] you> ")
    person.types("/stop")
    assert person.ends() == 0
    assert in_line(help_text("GB", occasion="stop")) in in_line(person.seen)


def test_a_client_names_a_country(sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    for options, problem in (([], "needs --country"), (["--country", "zz"], "no help lines for 'ZZ'")):
        person = sit("--as", "client", *options, "--out", str(tmp_path / "out"), columns=400)
        assert person.ends() == 2
        (line,) = plain(person.seen).splitlines()
        assert problem in line
        assert "AT, AU, CA, CH, DE, ES, EU, FR, GB, IE, NZ, US, or all" in line
    assert server.requests == []


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
