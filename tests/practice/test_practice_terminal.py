"""Practising at a terminal as the counselor: a person at a pseudo-terminal, the model on loopback."""

import os
import subprocess
import sys
from pathlib import Path

from tests.kept import kept_in
from tests.loopback import LoopbackServer
from tests.seated import WAIT, Sit, plain

PROJECT = Path(__file__).parents[2]


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
    assert "open question (“What went through your mind?”)" in " ".join(person.reads("[2/4] you> ").split())
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


def test_the_arrow_brings_back_whole_messages(sit: Sit, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    person = sit("--turns", "8", "--out", out)
    person.reads("[1/8] you> ")
    person.types("What brings you here?")
    person.reads("[2/8] you> ")
    person.types("What was the waiting like,\\")
    person.reads("... ")
    person.types("outside the door?")
    person.reads("[3/8] you> ")
    person.types("\x1b[A")  # all lines of the last message
    person.reads("[4/8] you> ")
    person.types("\x1b[A\x1b[A\x1b[A")  # and no line of it by itself
    person.reads("[5/8] you> ")
    person.types("/end")
    person.reads("goodbye> ")
    person.types("Goodbye.")
    assert person.ends() == 0
    (record,) = kept_in(Path(out)).values()
    first, long = "What brings you here?", "What was the waiting like,\noutside the door?"
    assert [item.text for item in record.dialogue if item.author == "human"] == [first, long, long, first, "Goodbye."]


def test_ctrl_c_leaves_and_says_how_to_go_on(sit: Sit, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    person = sit("--turns", "4", "--out", out)
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
