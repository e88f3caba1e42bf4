"""Practising at a terminal: a person at a pseudo-terminal, the program in a process of its own, the model on loopback."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.nodes.risk import help_text, read_texts
from counseling_sessions.nodes.risk.help_lines import FILE, VARIABLE
from tests.forked import ended, start
from tests.kept import kept_in
from tests.loopback import LoopbackServer, Request, sensible_answer
from tests.unclear import UNCLEAR

PROJECT = Path(__file__).parents[2]
WAIT = 60.0
"""Seconds for which the program is waited for."""


class Person:
    """Somebody at a terminal, in front of `run.py practice`: forked, or started from the file of a `program`."""

    def __init__(
        self, environment: dict[str, str], *options: str, program: Path | None = None, columns: int = 80
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._process: subprocess.Popen[bytes] | ForkServerProcess
        if program:
            self._process = subprocess.Popen(
                [sys.executable, "-c", CONTROLLING, str(program), "practice", *options],
                stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
            )  # fmt: skip
        else:
            self._process = start(["practice", *options], os.ttyname(slave), environment)
        os.close(slave)
        self.seen = ""

    def types(self, text: str) -> None:
        os.write(self._master, text.encode() + b"\n")

    def interrupts(self, until: str = "left;") -> None:
        """Press Ctrl-C until the program takes notice, as people do: between a prompt and the wait for keys, Python misses one."""
        for _ in range(int(WAIT)):
            os.write(self._master, b"\x03")
            patience = time.monotonic() + 3.0
            while self._more(patience):
                if until in plain(self.seen):
                    return

    def presses(self, key: bytes) -> None:
        os.write(self._master, key)

    def reads(self, awaited: str) -> str:
        """What is shown up to this text, without control codes."""
        begin, end = len(self.seen), time.monotonic() + WAIT
        while awaited not in plain(self.seen[begin:]):
            if not self._more(end):
                pytest.fail(f"{awaited!r} was not shown:\n{plain(self.seen)}")
        return plain(self.seen[begin:])

    def ends(self) -> int | None:
        """The exit code, once all the output has been read."""
        end = time.monotonic() + WAIT
        while self._more(end):
            pass
        return self._waits()

    def goes(self) -> None:
        """Closes the terminal."""
        os.close(self._master)
        self._waits()

    def _waits(self) -> int | None:
        if isinstance(self._process, subprocess.Popen):
            return self._process.wait(WAIT)
        return ended(self._process, WAIT)

    def _more(self, end: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # the other end is closed
            data = b""
        self.seen += data.decode(errors="replace")
        return bool(data)


CONTROLLING = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""Makes the terminal the one that interrupts the program."""


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


Sit = Callable[..., Person]


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


@pytest.fixture
def sit(tmp_path: Path, server: LoopbackServer) -> Sit:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI", "LANG", "COUNSELING", "COLUMNS", "LINES"))
    }
    environment |= {
        "COUNSELING_SESSIONS_CHECKPOINTS": str(tmp_path / "checkpoints.sqlite"),
        "OPENAI_BASE_URL": server.base_url,
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "INPUTRC": "/dev/null",
    }
    return lambda *options, variables={}, **more: Person(environment | variables, *options, **more)


def test_a_session_with_a_hint_an_undo_leaving_and_the_review(sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    out = str(tmp_path / "out")
    person = sit("--client", "amira-exam-panic", "--attitude", "negative", "--turns", "4", "--out", out)
    introduced = person.reads("[1/4] you> ")
    assert "Amira Haddad" in introduced
    assert "negative" not in introduced
    person.types("/hint")
    assert "Perhaps " in person.reads("[1/4] you> ")
    person.types("That is a silly exam. \\")
    person.reads("... ")
    person.types("Is it not?")
    person.reads("[2/4] you> ")
    person.types("/undo")
    assert "Taken back." in person.reads("[1/4] you> ")
    person.types("It sounds like the waiting was the worst. What went through your mind?")
    person.reads("[2/4] you> ")
    person.types("/why")
    assert "questioning, reflection" in " ".join(person.reads("[2/4] you> ").split())
    person.types("/quit")
    assert person.ends() == 0
    assert f"run.py practice --resume {out}" in plain(person.seen)

    person = sit("--resume", out)
    assert "What went through your mind?" in " ".join(person.reads("[2/4] you> ").split())
    person.types("\x1b[A")  # the arrow brings one's own last message back
    person.reads("[3/4] you> ")
    person.types("/end")
    person.reads("goodbye> ")
    person.types("Thank you, Amira. Goodbye.")
    assert person.ends() == 0
    shown = " ".join(plain(person.seen).split())
    assert "Looking back You said 3 messages" in shown
    assert "Questions: 2 open, 0 closed." in shown

    (record,) = kept_in(Path(out)).values()
    typed = [item.text for item in record.dialogue if item.author == "human"]
    assert typed == [typed[0], typed[0], "Thank you, Amira. Goodbye."]
    assert (record.status, record.resumed, record.end_reason) == ("finished", 1, "turn_limit")
    assert "silly" not in record.model_dump_json()
    assert not list(Path(out).rglob("*.journal.jsonl"))


def test_ctrl_c_leaves_and_says_how_to_go_on(sit: Sit, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    person = sit("--turns", "4", "--out", out, program=PROJECT / "run.py")
    person.reads("[1/4] you> ")
    person.types("What brings you here?")
    person.reads("[2/4] you> ")
    person.interrupts()
    assert person.ends() == 130
    assert f"--resume {out}" in plain(person.seen)
    assert "Traceback" not in person.seen
    person = sit("--resume", out)
    person.reads("[2/4] you> ")
    person.goes()


def test_a_closed_terminal_loses_nothing(sit: Sit, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    person = sit("--turns", "4", "--out", out)
    person.reads("[1/4] you> ")
    person.types("What brings you here?")
    person.reads("[2/4] you> ")
    person.goes()
    person = sit("--resume", out)
    assert "What brings you here?" in person.reads("[2/4] you> ")
    person.goes()


@pytest.mark.parametrize("answer", ["no", "", "y", "/quit"])
def test_the_notice_must_be_confirmed(answer: str, sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    person = sit("--as", "client", "--out", str(tmp_path / "out"))
    notice = " ".join(person.reads("go on: ").split())
    for warning in ("research preview", "not care", "not private", "real people"):
        assert warning in notice
    assert server.requests == []
    person.types(answer)
    assert person.ends() == 0
    assert "Nothing was begun." in person.seen
    assert server.requests == []
    assert not (tmp_path / "out").exists()


def completions(server: LoopbackServer) -> int:
    return len([request for request in server.requests if request.path.endswith("/completions")])


@pytest.mark.parametrize("words", ["I want to kill myself, zanzibar.", "/end I want to die, zanzibar"])
def test_after_risk_nothing_reaches_the_model(words: str, sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    out = tmp_path / "out"
    person = sit("--as", "client", "--country", "gb", "--turns", "4", "--router", "rules", "--out", str(out))
    person.reads("go on: ")
    person.types("yes")
    assert "you play the client of this form" in person.reads("[1/4] you> ")
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
    options = ("--country", "gb", "--turns", "4", "--router", "rules", "--out", str(out))
    person = sit("--as", "client", *options, program=program, **more)
    person.reads("go on: ")
    person.types("yes")
    person.reads("[1/4] you> ")
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
    person = sit("--as", "client", "--out", str(tmp_path / "out"), variables={VARIABLE: str(tmp_path / "lines.yaml")})
    assert "last checked more than a year ago: Euronotruf;" in " ".join(person.reads("go on: ").split())
    person.types("no")
    assert person.ends() == 0


def test_the_embedded_models_are_not_put_before_a_person(sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    for options in (["--embedded", "small"], ["--models", str(tmp_path / "models.yaml")]):
        (tmp_path / "models.yaml").write_text("merge: {model: embedded}\n")
        person = sit("--as", "client", *options, "--out", str(tmp_path / "out"))
        person.reads("go on: ")
        person.types("yes")
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
        options = ("--base-url", bad.base_url, "--router", "rules", "--turns", "4", "--out", str(tmp_path / "out"))
        person = sit("--as", "client", *options)
        person.reads("go on: ")
        person.types("yes")
        person.reads("[1/4] you> ")
        person.types("I lie awake before the exam.")
        assert person.ends() == 1
    shown = " ".join(plain(person.seen).split())
    assert " ".join(read_texts()["English"].farewell.split()) in shown
    for unkind in ("You are a failure", "refused", "--resume", "116 123"):
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
    person = sit("--as", "client", "--out", str(tmp_path / "out"), program=program)
    assert person.ends() == 2
    assert "english.yaml: slips: Field required" in " ".join(person.seen.split())
    assert server.requests == []


def test_a_language_without_a_list_is_refused(sit: Sit, tmp_path: Path, server: LoopbackServer) -> None:
    person = sit("--as", "client", "--language", "Finnish", "--out", str(tmp_path / "out"))
    person.reads("go on: ")
    person.types("yes")
    assert person.ends() == 2
    assert "no list of risk phrases in Finnish" in " ".join(person.seen.split())
    assert completions(server) == 0
    assert not (tmp_path / "out").exists()


def test_nothing_goes_to_langsmith_though_it_is_switched_on(tmp_path: Path, server: LoopbackServer) -> None:
    with LoopbackServer() as langsmith:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "LANG"))}
        environment |= {
            "COUNSELING_SESSIONS_CHECKPOINTS": str(tmp_path / "checkpoints.sqlite"),
            "OPENAI_BASE_URL": server.base_url,
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_API_KEY": "key",
            "LANGSMITH_ENDPOINT": langsmith.base_url,
        }
        result = subprocess.run(
            [sys.executable, str(PROJECT / "run.py"), "practice", "--router", "llm", "--out", str(tmp_path / "out")],
            input="/hint\n/what-would-magnet-say\nWhat brings you here?\n/end\nGoodbye.\n",
            env=environment, capture_output=True, text=True, check=False, timeout=WAIT,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert langsmith.requests == []


def test_a_client_says_goodbye_and_the_record_is_a_session(sit: Sit, tmp_path: Path) -> None:
    out = tmp_path / "out"
    person = sit("--as", "client", "--turns", "4", "--router", "rules", "--out", str(out))
    person.reads("go on: ")
    person.types("YES")
    person.reads("[1/4] you> ")
    person.types("I lie awake before the exam.")
    person.reads("[2/4] you> ")
    person.types("/leave")
    person.reads("goodbye> ")
    person.types("This is enough for me, thank you.")
    assert person.ends() == 0
    assert not (tmp_path / "checkpoints.sqlite").exists()
    (record,) = kept_in(out).values()
    assert (record.status, record.end_reason) == ("finished", "left")
    assert record.closing
    assert record.closing.author == "model"
