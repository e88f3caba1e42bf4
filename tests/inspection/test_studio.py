"""What `run.py studio` does before a server runs: which sessions it takes, their checkpoints, assistants, and errors."""

import socket
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.graph.checkpoints import VARIABLE, checkpoints_path, open_checkpoints
from counseling_sessions.graph.served import ServedConfig, resolve
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.inspection import studio
from counseling_sessions.inspection.studio import method_assistants, server, session_assistants, write_checkpoints
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.old import OLD_SHARD
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import ModelSettings, SessionConfig
from counseling_sessions.state import replace
from run import main
from tests.generation.exports.sessions import client, of, session


@pytest.fixture(scope="module", autouse=True)
def _sessions() -> None:
    """Makes the sessions outside an event loop; they are kept."""
    session()
    session("single")


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "checkpoints" / "sessions.sqlite"))


async def said(session_id: str) -> list[str]:
    """The dialogue of a thread as it stands in the file."""
    async with open_checkpoints() as saver:
        state = await build_session_graph(saver).aget_state({"configurable": {"thread_id": session_id}})
    return [item["text"] for item in state.values.get("utterances", [])]


async def test_sessions_are_written_into_the_file_that_the_server_reads() -> None:
    first, second = session(), session("single")

    done = await write_checkpoints([first, second])

    assert done == {first.session_id: "imported", second.session_id: "imported"}
    assert checkpoints_path().exists()
    assert await said(first.session_id) == [item.text for item in first.dialogue]
    assert await said(second.session_id) == [item.text for item in second.dialogue]


async def test_what_was_forked_in_a_thread_stays_unless_it_is_to_be_fresh() -> None:
    record = session()
    await write_checkpoints([record])
    async with open_checkpoints() as saver:
        edit = {"utterances": replace([{"turn": 0, "speaker": "client", "text": "Something else."}])}
        thread: Any = {"configurable": {"thread_id": record.session_id}}
        await build_session_graph(saver).aupdate_state(thread, edit, as_node="client")

    again = await write_checkpoints([record])
    kept = await said(record.session_id)
    fresh = await write_checkpoints([record], fresh=True)

    assert (again, kept) == ({record.session_id: "there already"}, ["Something else."])
    assert fresh == {record.session_id: "imported"}
    assert await said(record.session_id) == [item.text for item in record.dialogue]


async def test_one_session_that_cannot_be_imported_is_told_and_the_others_are_imported() -> None:
    odd = of(client(1), configuration={"method": "unheard-of"})

    done = await write_checkpoints([odd, session()])

    assert "cannot be imported: " in done[odd.session_id]
    assert "method" in done[odd.session_id]
    assert done[session().session_id] == "imported"


def test_every_method_has_an_assistant_that_runs_it() -> None:
    made = method_assistants()

    assert [item["name"] for item in made] == list(METHODS)
    assert all(SessionConfig.model_validate(item["context"]).method == item["name"] for item in made)
    assert len({item["assistant_id"] for item in made}) == len(METHODS)


def test_sessions_that_differ_in_the_seed_alone_share_an_assistant() -> None:
    def seeded(record: SessionRecord, seed: int) -> SessionRecord:
        changes = {"configuration": record.configuration | {"seed": seed}, "session_id": f"{record.session_id}-{seed}"}
        return record.model_copy(update=changes)

    records = [seeded(session(), 1), seeded(session(), 2), seeded(session("single"), 1)]
    made = session_assistants(records)

    first, second, other = (made[record.session_id] for record in records)
    assert first == second
    assert other["assistant_id"] != first["assistant_id"]
    wanted = SessionConfig.model_validate(session().configuration).model_copy(update={"seed": 0, "models": {}})
    assert SessionConfig.model_validate(first["context"]) == wanted


@pytest.mark.parametrize(
    ("serves", "kept"),
    [
        ({"default": ModelSettings(model="large", base_url="http://here/v1")}, True),
        ({"spare": ModelSettings(model="large", base_url="http://here/v1", api_key_env="OTHER")}, True),
        ({"default": ModelSettings(model="small", base_url="http://there/v1")}, False),
        ({}, False),
    ],
)
@pytest.mark.usefixtures("no_surroundings")
def test_an_imported_session_asks_for_its_model_by_name_where_the_server_has_it(
    serves: dict[str, ModelSettings], kept: bool
) -> None:
    reach = {"model": "large", "base_url": "http://there/v1", "api_key_env": "DB_PASSWORD", "extra_body": {"x": 1}}
    recorded = {"models": {"default": reach, "client": {"temperature": 1.1, "max_in_flight": 9}}}
    record = of(client(2), configuration=session().configuration | recorded)
    made = session_assistants([record], serves)[record.session_id]

    name = {"default": {"model": "large"}} if kept else {}
    assert made["context"]["models"] == name | {"client": {"temperature": 1.1}}
    assert ("it has none called large" in made["description"]) is not kept
    asked = resolve(ServedConfig.model_validate(made["context"]), serves)
    assert asked.model_for("client").base_url in {None, *(place.base_url for place in serves.values())}


def test_an_imported_session_keeps_the_name_of_a_model_of_the_environments_own_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://here/v1/")
    for url, names in (("http://here/v1", ["large"]), ("http://there/v1", [])):
        recorded = {"models": {"default": {"model": "large", "base_url": url}}}
        record = of(client(2), configuration=session().configuration | recorded)
        models = session_assistants([record])[record.session_id]["context"]["models"]
        assert [model["model"] for model in models.values()] == names


def test_a_session_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(session(), tmp_path)

    assert main(["studio", str(tmp_path), "ffffffff"]) == 2
    assert "has no session ffffffff" in capsys.readouterr().err
    assert not checkpoints_path().exists()


def test_nothing_starts_where_no_session_can_be_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / OLD_SHARD).write_text(of(client(1), configuration={"method": "x", "seed": 1}).model_dump_json() + "\n")

    assert main(["studio", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "cannot be imported" in told
    assert "none of the sessions can be imported" in told


def test_a_server_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "find_spec", lambda name: None)

    with pytest.raises(RunError, match=r"pip install -e '\.\[studio\]'"), server():
        pass


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=f"port {port} is taken"), server(port):
            pass


def test_assistants_without_a_server_are_an_error_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert main(["studio", "--assistants", "--url", f"http://127.0.0.1:{port}"]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_a_models_file_that_is_wrong_is_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models.yaml").write_text("default: {base_url: ftp://x}\n")

    assert main(["studio", "--models", str(tmp_path / "models.yaml")]) == 2
    assert "models.yaml: default: base_url: must start with http" in capsys.readouterr().err
