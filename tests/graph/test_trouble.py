"""What nobody foresaw in a node: a failure with its type and place, a traceback in the log alone, nothing that it carried."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.generation.log import logged
from counseling_sessions.graph.session import run_session
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.graph.trouble import LOG, InternalError, describe_internal, internal_failure
from counseling_sessions.models.chat import Models
from counseling_sessions.settings import SessionConfig, SettingsError
from counseling_sessions.state import CounselorView, Plan
from counseling_sessions.store.machine import Shortage, shortage
from tests.graph.test_journal import task
from tests.graph.test_practice_graph import Session, say
from tests.scripted import Sensible, scripted_models

SECRET = "the-words-of-a-person"


async def broken(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    secret = f"{SECRET}-in-a-local"
    raise TypeError(f"not what\x1b[31m was\nexpected of {len(secret)}")


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_failure_says_type_and_place_and_one_harmless_line() -> None:
    failure = internal_failure(raised(ValueError("bad \x1b[31mred\x1b[0m\nline " + "x" * 1000)))
    assert (failure.stage, failure.kind) == ("session", "internal")
    assert re.fullmatch(r"ValueError at \S+:\d+: bad red line x{200,300}", failure.message)


def test_what_pydantic_was_given_is_not_repeated() -> None:
    try:
        Plan.model_validate({"technique": SECRET, "goal": SECRET, "steps": [SECRET]})
    except ValueError as error:
        assert SECRET not in describe_internal(error)
        assert "technique: " in describe_internal(error)


@pytest.mark.parametrize("node", ["intake", "plan", "router", "questioning", "client"])
async def test_a_node_that_raises_fails_its_session_alone(
    tmp_path: Path, node: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "counseling_sessions.graph.session.build_session_graph",
        lambda *args, **options: build_session_graph(*args, steps={node: broken}, **options),
    )
    models, _ = scripted_models(Sensible())
    with logged(tmp_path / "run.log") as log:
        record = await run_session(task(), tmp_path, models)
    assert record.failure
    assert (record.status, record.failure.kind) == ("failed", "internal")
    assert record.failure.message.startswith("TypeError at ")
    assert record.failure.message.endswith(": not what was expected of 32")
    text = (tmp_path / "run.log").read_text()
    assert text.count("in broken") == 1
    assert "raise TypeError(f" in text
    assert f"{SECRET}-in-a-local" not in text  # the code is shown, not what its names held
    assert log.problem is None
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


async def test_a_practice_session_ends_with_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("counseling_sessions.graph.practice_graph.client", broken)
    session = Session(tmp_path, "counselor")
    await session.practice.start()
    await say(session.practice, "What is it about the nights?")
    assert session.practice.failure
    assert session.practice.failure.kind == "internal"
    assert "TypeError at " in session.practice.failure.message
    assert capsys.readouterr().err == ""


async def test_a_served_graph_raises_no_more_than_that_line() -> None:
    graph = build_session_graph(steps={"plan": broken})
    with pytest.raises(InternalError) as error:
        await graph.ainvoke({})
    assert re.fullmatch(r"TypeError at [a-z_.]+:\d+: not what was expected of 32", str(error.value))
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("can't start new thread"), OSError(24, "Too many open files")]
)
async def test_what_the_machine_has_run_out_of_is_no_failure_of_the_session(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*args: Any) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(
        "counseling_sessions.graph.session.build_session_graph",
        lambda *args, **options: build_session_graph(*args, steps={"plan": fails}, **options),
    )
    models, _ = scripted_models(Sensible())
    with pytest.raises(type(error)) as caught:
        await run_session(task(), tmp_path, models)
    assert type(caught.value) is type(error)
    assert shortage(caught.value)
    assert task().journal_path(tmp_path).exists()


def test_a_shortage_is_known_behind_other_errors() -> None:
    try:
        try:
            raise OSError(24, "Too many open files")
        except OSError as error:
            raise RuntimeError("no connection") from error
    except RuntimeError as error:
        assert shortage(error) == "open files"
    assert shortage(Shortage("threads")) == "threads"
    assert shortage(OSError(28, "No space left on device")) is None
    assert shortage(SettingsError("x")) is None


def test_a_log_line_is_one_line_and_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with logged(tmp_path / "a.log") as log:
        assert not log.path.exists()  # it begins with the first line
        LOG.warning("one\nfailed: not a line of its own \x1b]0;title\x07")
    text = (tmp_path / "a.log").read_text()
    assert text.count("\n") == 1
    assert text.endswith(" one failed: not a line of its own\n")
    with logged(tmp_path / "gone" / "a.log") as log:
        LOG.warning("one")
    assert log.problem == f"{tmp_path}/gone/a.log cannot be written: its folder is not there any more"
    assert not (tmp_path / "gone").exists()


@pytest.mark.timeout(10)
def test_a_pipe_in_the_logs_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.log")
    with logged(tmp_path / "run.log") as log:
        LOG.info("one")
    assert log.problem


async def test_of_two_at_once_each_log_has_its_own_lines_alone(tmp_path: Path) -> None:
    async def work(name: str) -> None:
        with logged(tmp_path / name, alone=True):
            await asyncio.sleep(0.01)
            await asyncio.create_task(line(name))
            await asyncio.sleep(0.01)

    async def line(name: str) -> None:
        LOG.warning("of %s", name)

    await asyncio.gather(work("one"), work("other"))
    assert (tmp_path / "one").read_text(encoding="utf-8").split(" ", 1)[1] == "of one\n"
    assert (tmp_path / "other").read_text(encoding="utf-8").split(" ", 1)[1] == "of other\n"
