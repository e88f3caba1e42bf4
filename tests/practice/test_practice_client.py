"""Practising at a terminal as the client: the notice, the commands, and every way in which it ends."""

from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.nodes.risk import help_text, read_texts
from counseling_sessions.nodes.risk.help_lines import FILE, VARIABLE
from tests.kept import kept_in
from tests.loopback import LoopbackServer, Request, sensible_answer
from tests.seated import LEAVING, Sit, completions, confirmed, in_line, plain

PROJECT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_whoever_leaves_the_notice_with_a_key_sees_the_lines(
    key: bytes, sit: Sit, tmp_path: Path, server: LoopbackServer
) -> None:
    person = sit("--as", "client", "--country", "gb", "--out", str(tmp_path / "out"), anew=key == b"\x03")
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
    person = confirmed(sit, out, anew=leaving == "Ctrl-C")
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
