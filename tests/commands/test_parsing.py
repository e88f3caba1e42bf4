"""What is typed becomes one frozen request; help comes without what a command needs to run."""

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import get_args

import pytest

from counseling_sessions.commands.main import main
from counseling_sessions.commands.parsing.about import GraphRequest
from counseling_sessions.commands.parsing.generate import GenerateRequest
from counseling_sessions.commands.parsing.parser import COMMANDS, DEFAULT, parse, request_kind
from counseling_sessions.commands.parsing.session import SessionRequest
from counseling_sessions.generation.exports import FORMATS
from counseling_sessions.generation.formats import FormatName
from counseling_sessions.settings import SettingsError

ROOT = Path(__file__).parents[2]
HEAVY = ["aiohttp", "httpx", "langchain_core", "langgraph", "numpy", "openai", "rich", "torch"]
HELP = (
    "import json, sys; from counseling_sessions.commands.main import main\n"
    "try: main({arguments!r})\n"
    "except SystemExit as ended: print(json.dumps([ended.code, [name for name in {heavy!r} if name in sys.modules]]))"
)
REQUIRED = {
    "generate": ["--out", "x"],
    "status": ["x"],
    "merge": ["x"],
    "export": ["x", "--format", "jsonl", "--out", "y"],
    "read": ["x"],
    "evaluate": ["x"],
    "compare": ["x"],
    "reference": ["x"],
    "prefer": ["x", "--judge", "y"],
    "rate": ["x", "--out", "y"],
    "agreement": ["x"],
    "trace": ["x"],
    "replay": ["x", "--from-turn", "1"],
    "diff": ["x", "y"],
    "train data": ["x", "--out", "y"],
    "train lora": ["x", "--out", "y"],
    "train export": ["x"],
    "train report": ["x"],
    "profiles adapt": ["x"],
    "profiles make": ["--count", "1", "--out", "x"],
    "schema": ["record"],
}


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command: str) -> None:
    heavy = HEAVY if command else [*HEAVY, "pydantic", "yaml"]
    code = HELP.format(arguments=[*command.split(), "--help"], heavy=heavy)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    *first, last = done.stdout.splitlines()
    usage = next(line for line in first if line.startswith("usage: "))
    assert usage.startswith(" ".join(["usage: run.py", *command.split()]))
    assert json.loads(last) == [0, []]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_frozen_request_and_a_function_that_runs_it(command: str) -> None:
    typed = [*command.split(), *REQUIRED.get(command, [])]
    name, request = parse(typed)
    assert (name, request.arguments) == (command, tuple(typed))
    assert type(request) is request_kind(command)
    with pytest.raises(FrozenInstanceError):
        request.arguments = ()  # type: ignore[misc]
    hash(request)  # every value in it is frozen too
    assert callable(resolve_name(f"counseling_sessions.commands.{COMMANDS[command][1]}"))


def test_without_a_command_there_is_one_session() -> None:
    assert parse([]) == (DEFAULT, SessionRequest())


def test_options_are_read_as_their_fields_say() -> None:
    typed = [
        "generate",
        "--out",
        "x",
        "--turns",
        "4",
        "--few-shot",
        "1",
        "--appraisal",
        "rules",
        "--techniques",
        "a, b",
    ]
    _, request = parse([*typed, "--prices", "p", "--max-cost", "2.5", "--seeds", "2-3", "--models", "m", "--off"])
    assert isinstance(request, GenerateRequest)
    assert (request.out, request.work.prices, request.models.file) == (Path("x"), Path("p"), Path("m"))
    session = request.session
    assert (session.max_turns, session.few_shot, session.appraisal, session.techniques) == (4, 1, "rules", ("a", "b"))
    assert (request.work.max_cost, request.batch.seeds, request.models.offline) == (2.5, (2, 3), True)
    assert (session.router, session.min_turns, request.work.concurrency, request.batch.methods) == (
        None,
        None,
        64,
        None,
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("train", "the following arguments are required: what"),
        ("generate", "the following arguments are required: --out"),
        ("prefer x", "the following arguments are required: --judge"),
        ("replay x", "the following arguments are required: --from-turn"),
        ("export x --out y --format csv", "argument --format: invalid choice: 'csv' (choose from "),
        ("graph --method mine", "invalid choice: 'mine' (choose from "),
        ("session --turns many", "argument --turns: invalid int value: 'many'"),
        ("generate --out x --seeds 3-1", "argument --seeds: how many (3), from and to (5-8), or which (7,9)"),
        ("generate --out x --methods mine", "argument --methods: mine: choose from magnet, "),
        ("sing", "argument command: invalid choice: 'sing' (choose from "),
        ("--quiet", "unrecognized arguments: --quiet"),
    ],
)
def test_what_cannot_be_parsed_is_said(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(typed.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_graph_of_all_methods_may_be_chosen() -> None:
    assert parse(["graph", "--method", "all"])[1] == GraphRequest(method="all", arguments=("graph", "--method", "all"))


def test_a_technique_that_options_cannot_name_is_an_error_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreadable() -> dict[str, object]:
        raise SettingsError("empathy.md: phases: Field required")

    monkeypatch.setattr("counseling_sessions.nodes.techniques.techniques", unreadable)
    monkeypatch.delitem(sys.modules, "counseling_sessions.commands.parsing.options")
    monkeypatch.delitem(sys.modules, "counseling_sessions.commands.parsing.session")
    assert main(["session"]) == 2
    assert capsys.readouterr().err == "error: empathy.md: phases: Field required\n"


def test_an_empty_path_is_one_that_is_not_given() -> None:
    _, request = parse(["session", "--out", "", "--resume", ""])
    assert request == SessionRequest(arguments=request.arguments)


def test_no_option_stands_twice_in_a_request() -> None:
    def names(kind: type) -> list[str]:
        inner = [names(item.type) if is_dataclass(item.type) else [item.name] for item in fields(kind)]
        return [name for found in inner for name in found]

    for command in COMMANDS:
        found = names(request_kind(command))
        assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("called", "shown"), [("/usr/bin/counseling-sessions", "counseling-sessions"), ("x", "run.py")]
)
def test_usage_names_the_program_that_was_called(
    called: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    with pytest.raises(SystemExit):
        parse(["schema", "--help"])
    assert capsys.readouterr().out.startswith(f"usage: {shown} schema ")


def test_the_formats_to_choose_from_are_those_there_are() -> None:
    assert get_args(FormatName) == tuple(FORMATS)


@pytest.mark.parametrize(
    "arguments",
    [
        "evaluate nowhere",
        "compare nowhere",
        "evaluate README.md --show ghosts",
        "evaluate README.md --metrics beauty",
        "prefer README.md --judge nowhere.yaml",
        "rate nowhere --out x",
        "agreement nowhere.json",
        "reference nowhere",
        "plan-study",
    ],
)
def test_what_is_plainly_wrong_is_said_before_anything_heavy_is_imported(
    arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(name: str) -> None:
        raise AssertionError(f"{name} was imported")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("counseling_sessions.commands.main._command", never)
    assert main(arguments.split()) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("command", ["session", "practice"])
@pytest.mark.parametrize("flag", ["--profile", "--client"])
def test_who_the_client_is_has_two_names_everywhere(command: str, flag: str) -> None:
    request: object = parse([command, flag, "leo-late-again"])[1]
    assert request.profile == "leo-late-again"  # type: ignore[attr-defined]


def test_the_help_of_practice_says_which_router_picks_there(capsys: pytest.CaptureFixture[str]) -> None:
    shown = {}
    for command in ("session", "practice"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown[command] = " ".join(capsys.readouterr().out.split())
    assert "default rules, without a call; llm with --as client" in shown["practice"]
    assert "(default llm" in shown["session"]
    assert "(default llm" not in shown["practice"].split("--router")[-1].split("--merge")[0]
