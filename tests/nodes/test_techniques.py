"""A new technique is one file: with it, it is a node, a choice of the router, a card and a name."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions import prompts
from counseling_sessions.graph.practice_graph import build_practice_graph
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.nodes.picking import pick_by_rules
from counseling_sessions.nodes.specialist import specialist
from counseling_sessions.nodes.techniques import TAKEN, technique, techniques
from counseling_sessions.prompts import PromptError, prompt, prompt_hashes
from counseling_sessions.settings import DEFAULT_TECHNIQUES, ModelSettings, SettingsError
from counseling_sessions.state import CounselorView, Pick, Utterance
from tests.scripted import Sensible, config, profile, scripted_models

DATA = "phases: [opening, exploring, working, closing]\ncues: [River]\n"
PROMPT = """
## card
turns a thought into a picture that the client can walk around in.

## task
Draft the next message as the guided imagery specialist: offer one picture.
"""

Write = Callable[..., None]


def _forget() -> None:
    for cached in (techniques, prompt_hashes, prompts.front_matter_hashes, prompts._files, prompts._sections):
        cached.cache_clear()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    (tmp_path / "techniques").mkdir()
    monkeypatch.setattr(prompts, "FOLDERS", [*prompts.FOLDERS, tmp_path])

    def write(name: str = "guided_imagery", data: str = DATA, text: str = PROMPT) -> None:
        (tmp_path / "techniques" / f"{name}.md").write_text(f"---\n{data}---\n{text}")
        _forget()

    yield write
    monkeypatch.undo()
    _forget()


@pytest.mark.parametrize("method", ["magnet", "magnet-no-router"])
async def test_a_new_technique_runs_in_a_session(write: Write, method: Any) -> None:
    write()
    names = ("reflection", "guided_imagery")
    settings = config(method=method, techniques=names, max_turns=2)
    models, asked = scripted_models(Sensible(picked=("guided_imagery",)))
    graph = build_session_graph(method=method, models=models)
    assert "guided_imagery" in graph.get_graph().nodes
    state = await graph.ainvoke({"profile": profile().model_dump(mode="json")}, context=settings)
    assert state["end_reason"] == "turn_limit"
    assert [request.role for request in asked].count("guided_imagery") == 2
    drafted = [item for item in state["candidates"] if item["technique"] == "guided_imagery"]
    assert drafted
    assert all(item["text"] for item in drafted)
    for request in asked:
        if request.role != "client":
            assert "- guided_imagery: turns a thought into a picture" in request.prompt
    for request in asked:
        if request.schema == "pick":
            schema = request.options["extra_body"]["response_format"]["json_schema"]["schema"]
            assert schema["properties"]["techniques"]["items"]["enum"] == list(names)
    assert any(request.schema == "pick" for request in asked) == (method == "magnet")
    assert "techniques/guided_imagery" in prompt_hashes()


def test_the_rules_pick_it_by_its_phases_and_cues(write: Write) -> None:
    write()
    view = CounselorView(
        utterances=(Utterance(turn=9, speaker="client", text="It was by the river, where it ended for us."),)
    )
    settings = config(techniques=(*DEFAULT_TECHNIQUES, "guided_imagery"), max_turns=20)
    assert pick_by_rules(view, settings).techniques[0] == "guided_imagery"


def test_it_is_off_unless_it_is_configured(write: Write) -> None:
    write()
    assert "guided_imagery" in techniques()
    assert "guided_imagery" not in config().techniques


def test_its_model_comes_from_the_group_of_techniques_or_its_own(write: Write) -> None:
    write()
    models = {"techniques": ModelSettings(model="small"), "guided_imagery": ModelSettings(temperature=0.1)}
    settings = config(models=models).model_for("guided_imagery")
    assert (settings.model, settings.temperature) == ("small", 0.1)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", ": phases: Field required"),
        ("phases: []\n", ": phases: Tuple should have at least 1 item"),
        ("phases: [beginning]\n", ": phases.0: Input should be 'opening', 'exploring', 'working' or 'closing'"),
        (DATA + "mood: calm\n", ": mood: Extra inputs are not permitted"),
        (DATA + "held_back: a lot\n", ": held_back: Input should be a valid number"),
        (DATA + "held_back: -2\n", ": held_back: Input should be greater than or equal to 0"),
        (
            "phases: [working]\ncues: [good, (bad]\n",
            ": cues.1: no regular expression: missing ), unterminated subpattern at position 0",
        ),
        (DATA + "name: other\n", ", line 4: name: a key stands twice in one mapping"),
        ("phases: [working\n", ", line 3: front matter: did not find expected ',' or ']'"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(write: Write, data: str, problem: str) -> None:
    write("broken", data)
    with pytest.raises(SettingsError, match=re.escape(f"prompts/techniques/broken.md{problem}")):
        techniques()


@pytest.mark.parametrize("section", ["card", "task"])
def test_a_technique_without_a_card_or_a_task_is_refused(write: Write, section: str) -> None:
    write("silent", text=PROMPT.replace(f"## {section}", "## words"))
    with pytest.raises(PromptError, match=f"'techniques/silent' has no section '{section}'"):
        techniques()


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_a_taken_name_is_refused(write: Write, name: str) -> None:
    write(name)
    with pytest.raises(SettingsError, match=rf"techniques/{name}\.md: name: '{name}' is taken"):
        techniques()


def test_every_other_node_has_a_name_that_is_taken() -> None:
    nodes = {*build_session_graph().get_graph().nodes, *build_practice_graph().get_graph().nodes}
    assert {name for name in nodes if not name.startswith("__")} - {*techniques()} <= TAKEN


def test_a_broken_technique_file_costs_a_command_one_line(tmp_path: Path) -> None:
    (tmp_path / "techniques").mkdir()
    (tmp_path / "techniques" / "broken.md").write_text(f"---\n{DATA}color: red\n---\n{PROMPT}")
    commands = ["session", "session --help", "graph", "generate --out nowhere", "profiles"]
    program = (
        "import pathlib, sys; from counseling_sessions import prompts; prompts.FOLDERS.append(pathlib.Path(sys.argv[1]));"
        "from counseling_sessions.commands.main import main; print([main(command.split()) for command in sys.argv[2:]])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), *commands],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    line = "error: prompts/techniques/broken.md: color: Extra inputs are not permitted\n"
    assert (ran.stdout, ran.stderr) == (f"{[2] * len(commands)}\n", line * len(commands))


def test_an_unknown_technique_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(
        SettingsError, match=r"no technique 'hypnosis'; there are cognitive_restructuring, empathy, .*solutions"
    ):
        technique("hypnosis")


@pytest.mark.parametrize("name", techniques())
def test_every_technique_has_a_card_and_a_task_of_its_own(name: str) -> None:
    assert prompt(technique(name).prompt, "card")
    assert f"as the {name.replace('_', ' ')} specialist: " in prompt(technique(name).prompt, "task")


@pytest.mark.parametrize(("techniques", "asked_for"), [(("reflection",), 4), (("reflection", "questioning"), 2)])
async def test_the_only_draft_of_a_turn_is_asked_for_as_often_as_a_message(
    techniques: tuple[str, ...], asked_for: int
) -> None:
    models, asked = scripted_models(lambda request: "")
    said = (Utterance(turn=0, speaker="counselor", text="Hello."), Utterance(turn=0, speaker="client", text="Hello."))
    view = CounselorView(utterances=said, picks=(Pick(turn=1, phase="opening", techniques=techniques, source="rules"),))
    made = await specialist(models, view, config(guard_attempts=4), "reflection")
    assert f"{asked_for} answers were refused: empty" in made["candidates"][0]["error"]
    assert len(asked) == asked_for
