"""The trace on a terminal: everything is there at 80 columns, without colors too; the command finds, lists and tells what is wrong."""

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from counseling_sessions.commands.parsing.parser import parse
from counseling_sessions.commands.trace import run as command
from counseling_sessions.inspection.find import overview
from counseling_sessions.inspection.survival import survival
from counseling_sessions.inspection.trace import prompts_of, trace_session
from counseling_sessions.inspection.trace_data import CallTrace
from counseling_sessions.inspection.trace_style import Axis, brief, marked, scale, seconds
from counseling_sessions.inspection.trace_turn_view import call_line
from counseling_sessions.inspection.trace_view import short_ids, show_overview, show_session, show_turn
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter, keep
from counseling_sessions.state import Call
from tests.generation.exports.sessions import session
from tests.inspection.traced import rich

ROOT = Path(__file__).parents[2]


def console(width: int = 80, *, color: bool = False, **options: Any) -> Console:
    system: Any = {"color_system": "truecolor", "force_terminal": True} if color else {}
    return Console(file=StringIO(), width=width, highlight=False, **system, **options)


def told(shown: Console) -> str:
    file = shown.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def flat(text: str) -> str:
    """A tree's text without its lines and breaks."""
    return " ".join(re.sub(r"[│├└─]", " ", text).split())


def turn_of(record: SessionRecord, number: int, *, prompts: bool = False, **options: Any) -> str:
    shown, trace = console(**options), trace_session(record)
    show_turn(shown, trace, number, prompts_of(record, trace) if prompts else None)
    return told(shown)


def whole(record: SessionRecord, *, full: bool = False, **options: Any) -> str:
    shown = console(**options)
    show_session(shown, trace_session(record), full=full)
    return told(shown)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_everything_is_shown_and_fits(width: int) -> None:
    text = whole(rich(), full=True, width=width)
    if width >= 80:
        assert max(map(len, text.splitlines())) <= width
    words = flat(re.sub(r"[«»]|[⁰¹²³⁴⁵⁶⁷⁸⁹]+", "", text))
    for said in rich().dialogue:
        assert " ".join(said.text.split()) in words
    for turn in rich().turns:
        for item in turn.candidates:
            assert " ".join((item.text or item.error or "").split()) in words


def test_a_turn_marks_what_survived_with_the_candidates_number() -> None:
    turn = rich().turns[1]
    assert turn.counselor
    first = turn.candidates[0].text
    kept = survival(turn.counselor.text, [first]).kept[0]
    piece = first[kept.spans[0].start : kept.spans[0].end]
    text = flat(turn_of(rich(), 2))
    assert text.count(f"«{piece}»¹") == 2  # in the draft and in the utterance
    assert f"1 reflection · {kept.share:.0%} kept, {kept.words} of {kept.total} words" in text
    assert "4 questioning, not picked" in text


def test_color_needs_no_marks_and_marks_no_color() -> None:
    colored = turn_of(rich(), 2, color=True)
    assert "«" not in colored
    assert re.search(r"\x1b\[1;4;3\dm", colored)
    assert "¹" in colored
    plainly = turn_of(rich(), 2, color=True, no_color=True)
    assert "«" in plainly
    assert "\x1b[1;4;3" not in plainly
    assert "\x1b" not in turn_of(rich(), 2)


def test_a_turn_says_what_was_lost_refused_and_when_each_call_ran() -> None:
    lost = next(turn for turn in rich().turns if any(item.error for item in turn.candidates))
    text = turn_of(rich(), lost.turn)
    assert "gave no draft" in text
    assert "request failed: " in text
    refused = [finding for turn in rich().turns for finding in (turn.client.call.findings if turn.client.call else ())]  # type: ignore[union-attr]
    assert refused
    everything = flat(whole(rich(), full=True))
    assert f"refused, {refused[0].kind}" in everything or f"mended, {refused[0].kind}" in everything
    rows = text.split("when each call ran")[1].splitlines()
    assert [row.split()[0] for row in rows if "█" in row].count("router") == 2
    assert len([row for row in rows if "█" in row]) == len(trace_session(rich()).turns[lost.turn - 1].calls)


def test_prompts_are_shown_once_where_they_begin_alike() -> None:
    text = flat(turn_of(session(), 2, prompts=True))
    assert text.count("You are an experienced counselor") == 1
    assert "messages: as for router (pick)" in text
    assert "Draft the next message as the reflection specialist" in text
    assert "Draft the next message" not in flat(turn_of(session(), 2))
    lost = next(turn for turn in rich().turns if any(item.error for item in turn.candidates))
    assert "its prompt cannot be made again" in turn_of(rich(), lost.turn, prompts=True)


def test_prompts_that_have_changed_are_not_shown_but_told() -> None:
    record = session()
    hashes = dict(record.provenance.prompt_hashes) | {"client": "0"}
    changed = record.model_copy(update={"provenance": record.provenance.model_copy(update={"prompt_hashes": hashes})})
    text = flat(turn_of(changed, 1, prompts=True))
    assert "have changed since" in text
    assert "You are an experienced counselor" not in text


def test_a_session_shows_plan_times_nodes_techniques_and_the_turns_in_brief() -> None:
    record, text = rich(), whole(rich())
    assert record.plan
    assert record.plan.goal in flat(text)
    assert f"session {record.session_id} · client ada-test" in text
    total = next(line for line in text.splitlines() if line.startswith("total"))
    used = trace_session(record).total
    assert total.split()[:2] == ["total", str(used.calls)]
    assert f"{used.prompt_tokens:,}" in total
    lost = [turn.turn for turn in record.turns if any(item.error for item in turn.candidates)]
    line = next(line for line in text.splitlines() if line.startswith("questioning") and "■" in line)
    picked = [turn.turn for turn in record.turns if turn.pick and "questioning" in turn.pick.techniques]
    marks = ("×" if turn.turn in lost else "■" if turn.turn in picked else "□" for turn in record.turns)
    assert line.split()[1] == "".join(marks)
    assert next(line for line in text.splitlines() if line.startswith("solutions") and "□" in line).split()[1] == "□□□□"
    bars = [line.split()[0] for line in text.split("Timeline")[1].split("What each")[0].splitlines() if "█" in line]
    assert bars == ["plan", "turn", "turn", "turn", "turn", "closing"]
    assert "Slowest calls" in text
    assert "requests failed: questioning" in text
    assert "Turn 4 · closing" in text
    assert "Turn 5: the closing" in text


def test_a_long_session_has_its_techniques_in_several_blocks() -> None:
    record = session()
    turns = tuple(
        record.turns[0].model_copy(
            update={"turn": number, "pick": record.turns[0].pick.model_copy(update={"turn": number, "call": None})}  # type: ignore[union-attr]
        )
        for number in range(1, 71)
    )
    text = whole(record.model_copy(update={"turns": turns})).split("Techniques over")[1]
    signs = [line.split()[1] for line in text.splitlines() if line.startswith("reflection")]
    assert "".join(signs) == "■" * 70
    assert len(signs) > 1


def test_nothing_in_a_text_steers_the_terminal() -> None:
    record = session()
    evil = "Hello \x1b[2J\x07\u202edlrow\r there."
    turn = record.turns[0]
    assert turn.counselor
    assert turn.pick
    bad = turn.model_copy(
        update={
            "counselor": turn.counselor.model_copy(update={"text": evil}),
            "pick": turn.pick.model_copy(update={"reason": evil, "fallback": evil}),
        }
    )
    record = record.model_copy(update={"turns": (bad, *record.turns[1:])})
    for text in (whole(record), whole(record, full=True), turn_of(record, 1)):
        assert not re.search("[\x1b\x07\u202e\r]", text)
        assert "there." in text


def test_marks_are_around_whole_pieces() -> None:
    assert marked("one two three", [(4, 7, 12)], color=False).plain == "one «two»¹² three"
    shown = marked("one two three", [(4, 7, 1)], color=True)
    assert shown.plain == "one two¹ three"
    assert isinstance(shown, Text)


def test_figures_for_a_person() -> None:
    assert [seconds(value) for value in (0.004, 0.84, 12.34, 245, 4329)] == [
        "4 ms",
        "0.84 s",
        "12.3 s",
        "4:05 min",
        "1:12:09 h",
    ]
    assert brief("a  b\nc", 10) == "a b c"
    assert brief("abcdefghij", 5) == "abcd…"
    assert brief("a\x1bb", 9) == "ab"
    assert scale(range(1, 13)) == "1   5    10"
    assert scale(range(36, 46)) == "36  40   45"


def test_the_axis_leaves_out_the_time_in_which_nothing_ran() -> None:
    calls = [
        CallTrace(number, 1, "client", begin, Call(role="client", seconds=long))
        for number, (begin, long) in enumerate([(0.0, 5.0), (1000.0, 5.0), (1002.0, 1.0)])
    ]
    axis = Axis(calls, 10)
    assert axis.seconds == 10
    assert axis.bar(calls[:1]) == "█████     "
    assert axis.bar(calls[1:2]) == "     █████"
    assert axis.bar(calls[2:]) == "       █  "
    assert axis.bar(calls) == "█" * 10
    assert Axis([], 10).bar([]) == ""


def test_the_list_says_once_what_is_the_same_for_all_and_fits(tmp_path: Path) -> None:
    rows = overview(many(tmp_path))
    shown = console()
    show_overview(shown, rows)
    lines = told(shown).splitlines()
    assert lines[0] == "3 sessions, attitude neutral"
    assert lines[1].split() == ["session", "client", "method", "end", "turns", "tokens"]
    assert lines[3].split()[:4] == ["2", "bb-2", "ada-test", "single"]
    shown = console(120)
    show_overview(shown, rows)
    assert told(shown).splitlines()[1].split()[-1] == "time"
    long = [replace(row, profile_id="a" * 90, method="magnet-no-plan-no-router") for row in rows] + rows
    shown = console()
    show_overview(shown, long)
    assert max(map(len, told(shown).splitlines())) <= 80
    assert len(told(shown).splitlines()) == 2 + len(long)


def test_ids_are_shortened_as_far_as_they_stay_apart() -> None:
    assert short_ids(["abcdefgh1", "abcdefgh2", "x"]) == ["abcdefgh1", "abcdefgh2", "x"]
    assert short_ids(["0123456789", "9876543210"]) == ["01234567", "98765432"]


def many(folder: Path) -> Path:
    writer = ShardWriter(folder / "run", "w0")
    for name, method in (("aa-1", "magnet"), ("bb-2", "single"), ("cc-3", "magnet")):
        writer.keep(session(method).model_copy(update={"session_id": name}))
    return folder / "run"


def trace(*arguments: object) -> int:
    _, request = parse(["trace", *map(str, arguments)])
    return command(request)


def test_a_run_is_listed_and_a_session_of_it_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = many(tmp_path)
    assert trace(run) == 0
    assert "3 sessions" in capsys.readouterr().out
    assert trace(run, "2") == 0
    assert "session bb-2" in capsys.readouterr().out
    assert trace(run, "cc", "--turn", "1") == 0
    out = capsys.readouterr().out
    assert "session cc-3" in out
    assert "Turn 1" in out
    assert "Turn 2" not in out
    with pytest.raises(RunError, match="has 3 sessions; name one"):
        trace(run, "--turn", "1")
    with pytest.raises(RunError, match="has no session zz"):
        trace(run, "zz")


def test_a_single_session_needs_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(session(), tmp_path)
    assert trace(tmp_path) == 0
    assert f"session {session().session_id}" in capsys.readouterr().out
    assert trace(tmp_path, "--list") == 0
    assert capsys.readouterr().out.startswith("1 session, attitude neutral")


def test_json_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = many(tmp_path)
    trace(run, "--json")
    assert [row["session_id"] for row in json.loads(capsys.readouterr().out)] == ["aa-1", "bb-2", "cc-3"]
    trace(run, "1", "--json")
    all_of_it = json.loads(capsys.readouterr().out)
    assert [turn["turn"] for turn in all_of_it["turns"]] == [1, 2, 3]
    trace(run, "1", "--json", "--turn", "2", "--prompts")
    told = json.loads(capsys.readouterr().out)
    assert [turn["turn"] for turn in told["turns"]] == [2]
    assert {call["turn"] for call in told["calls"]} == {2}
    assert sorted(map(int, told["prompts"])) == sorted(call["number"] for call in told["calls"])
    with pytest.raises(RunError, match="has no turn 7"):
        trace(run, "1", "--json", "--turn", "7")


def test_costs_are_shown_with_prices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("default: {input: 1000.0, output: 1000.0}\n", encoding="utf-8")
    keep(session(), tmp_path)
    assert trace(tmp_path, "--prices", prices) == 0
    used = trace_session(session()).total
    out = capsys.readouterr().out
    assert f"cost: {(used.prompt_tokens + used.completion_tokens) / 1000:.4g}" in out
    total = next(line for line in out.splitlines() if line.startswith("total"))
    assert total.split()[-1] == f"{(used.prompt_tokens + used.completion_tokens) / 1000:.3g}"


def test_a_page_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = many(tmp_path)
    assert trace(run, "--html", tmp_path / "all.html") == 0
    assert trace(run, "2", "--html", tmp_path / "one.html") == 0
    assert f"written: {tmp_path / 'one.html'}" in capsys.readouterr().out
    assert (tmp_path / "one.html").stat().st_size < (tmp_path / "all.html").stat().st_size


@pytest.mark.parametrize("options", [["--turn", "1"], ["--prompts"], ["--json"], ["--list"], ["--prices", "x.yaml"]])
def test_what_a_page_has_no_use_for_is_told(tmp_path: Path, options: list[str]) -> None:
    with pytest.raises(RunError, match=f"{options[0]} has no effect on a page"):
        trace(many(tmp_path), "--html", tmp_path / "x.html", *options)
    assert not (tmp_path / "x.html").exists()


SCRIPT = "from counseling_sessions.commands.main import main; main(['trace', {place!r}])"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_pager_is_used_on_a_terminal_and_never_in_a_pipe(tmp_path: Path, terminal: bool) -> None:
    keep(session(), tmp_path)
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho paged with LESS=$LESS\ncat\n", encoding="utf-8")
    pager.chmod(0o755)
    variables = {name: value for name, value in os.environ.items() if name not in ("LESS", "MANPAGER", "NO_COLOR")}
    variables |= {"PAGER": str(pager), "TERM": "xterm", "COLUMNS": "80"}
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(place=str(tmp_path))],
        cwd=ROOT,
        env=variables,
        stdin=side,
        stdout=side if terminal else subprocess.PIPE,
        stderr=side if terminal else subprocess.PIPE,
    )
    os.close(side)
    out = _read(main) if terminal else process.communicate(timeout=60)[0].decode()
    assert process.wait(60) == 0
    os.close(main)
    assert ("paged with LESS=FRX" in out) == terminal
    assert ("\x1b[1m" in out) == terminal
    assert "Turn 2" in out


def _read(descriptor: int) -> str:
    """All that comes from a terminal until its other side is closed, which Linux tells as an error."""
    pieces = []
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces).decode()


@pytest.mark.parametrize(
    ("requests", "attempts", "passed_over", "told"),
    [(1, 1, 0, ""), (3, 1, 2, "2 passed over"), (4, 2, 1, "2 answers · 1 passed over · 4 requests")],
)
def test_a_call_tells_what_was_passed_over_apart_from_what_was_asked_again(
    requests: int, attempts: int, passed_over: int, told: str
) -> None:
    call = Call(role="client", requests=requests, attempts=attempts, passed_over=passed_over)
    line = call_line(CallTrace(0, 1, "client", None, call))
    counted = [part for part in line.split(" · ") if any(word in part for word in ("answers", "passed", "requests"))]
    assert " · ".join(counted) == told
