"""A data file does not decide where a key goes: every command that takes a configuration out of one, against a server elsewhere."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import run
from counseling_sessions.models.trust import is_loopback, unnamed
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.settings import ModelSettings, SessionConfig
from tests.kept import SHARD
from tests.loopback import LoopbackServer

CANARY = "canary-of-a-database-password-0123456789"
KEY = "sk-canary-of-the-usual-key-0123456789"


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOME_DB_PASSWORD", CANARY)


@pytest.fixture
def elsewhere() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def home() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


def a_record(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    assert run.main(["session", "--base-url", url, "--turns", "1", "--out", str(folder), "--quiet"]) == 0
    # As it comes from somebody else: without the ledger, which would tell that it was changed.
    theirs = (folder / SHARD).rename(folder.with_name("theirs.jsonl"))
    return theirs, ["replay", str(theirs), "--from-turn", "1", "--out", str(folder / "fork")]


def a_journal(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    with LoopbackServer() as ill:
        ill.fail_with(403, "not for you")
        options = ["--base-url", ill.base_url, "--model", "loopback", "--turns", "1", "--out", str(folder), "--quiet"]
        assert run.main(["session", *options]) == 1
        (journal,) = folder.rglob(f"*{SUFFIX}")
        change(journal, ill.base_url, url)
    return journal, ["session", "--resume", str(folder), "--quiet"]


def a_practice(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    monkeypatch.setattr("sys.stdin", io.StringIO("What is it about the exam?\n"))
    assert run.main(["practice", "--base-url", url, "--turns", "2", "--out", str(folder)]) == 0
    (journal,) = folder.rglob(f"*{SUFFIX}")
    monkeypatch.setattr("sys.stdin", io.StringIO("What comes next?\nGoodbye.\n"))
    return journal, ["practice", "--resume", str(folder)]


def a_batch(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    options = ["--profiles", "amira-exam-panic", "--seeds", "1,2", "--turns", "1", "--out", str(folder), "--quiet"]
    assert run.main(["generate", *options, "--base-url", url, "--preview", "1"]) in (0, 1)
    return folder / "run.json", ["generate", "--out", str(folder), "--quiet"]


Make = Callable[[Path, str, pytest.MonkeyPatch], tuple[Path, list[str]]]
KINDS = pytest.mark.parametrize("make", [a_record, a_journal, a_practice, a_batch])


def change(path: Path, *changes: str) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def with_key(path: Path) -> None:
    """The file names a key variable for every model of its configuration."""
    text = path.read_text(encoding="utf-8")
    for colon in (": ", ":"):
        text = text.replace(f'"api_key_env"{colon}null', f'"api_key_env"{colon}"SOME_DB_PASSWORD"')
    assert "SOME_DB_PASSWORD" in text
    path.write_text(text, encoding="utf-8")


@KINDS
def test_a_key_that_a_file_names_goes_nowhere(
    make: Make,
    tmp_path: Path,
    home: LoopbackServer,
    elsewhere: LoopbackServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, command = make(tmp_path / "data", home.base_url, monkeypatch)
    change(path, home.base_url, elsewhere.base_url)
    with_key(path)
    capsys.readouterr()

    assert run.main(command) == 2

    assert elsewhere.requests == []
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{elsewhere.base_url} with the key in SOME_DB_PASSWORD" in line
    assert f"python run.py {' '.join(command)} --models FILE" in line
    models = tmp_path / "models.yaml"
    models.write_text(line.split("with this in FILE: ")[1])
    assert run.main([*command, "--models", str(models)]) == 0
    assert {request.headers.get("authorization") for request in elsewhere.requests} == {f"Bearer {CANARY}"}


@KINDS
def test_the_usual_key_goes_to_an_address_out_of_a_file_only_when_it_is_named_today(
    make: Make,
    tmp_path: Path,
    home: LoopbackServer,
    elsewhere: LoopbackServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, command = make(tmp_path / "data", home.base_url, monkeypatch)
    change(path, home.base_url, elsewhere.base_url)
    capsys.readouterr()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    assert run.main(command) == 2

    assert elsewhere.requests == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"python run.py {' '.join(command)} --base-url {elsewhere.base_url}")
    assert run.main([*command, "--base-url", elsewhere.base_url]) == 0
    assert {request.headers.get("authorization") for request in elsewhere.requests} == {f"Bearer {KEY}"}


def test_a_run_that_is_extended_asks_the_server_of_today(
    tmp_path: Path, home: LoopbackServer, elsewhere: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, command = a_batch(tmp_path / "data", home.base_url, monkeypatch)
    change(path, home.base_url, elsewhere.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    assert run.main([*command, "--extend", "--seeds", "3", "--base-url", home.base_url]) == 0

    assert elsewhere.requests == []
    assert elsewhere.base_url not in path.read_text(encoding="utf-8")
    assert len(list(RunFolder(path.parent).records())) == 3


@KINDS
def test_what_was_made_here_without_a_key_is_gone_on_with_as_it_is(
    make: Make, tmp_path: Path, home: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, command = make(tmp_path / "data", home.base_url, monkeypatch)
    asked = len(home.requests)
    assert run.main(command) == 0
    assert len(home.requests) > asked


@KINDS
def test_the_environment_allows_its_own_server(
    make: Make, tmp_path: Path, home: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, command = make(tmp_path / "data", home.base_url, monkeypatch)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{home.base_url}/")
    assert run.main(command) == 0


def test_a_password_in_the_environments_address_is_not_quoted(
    tmp_path: Path, home: LoopbackServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    theirs, command = a_record(tmp_path / "made", home.base_url, monkeypatch)
    change(
        theirs, f'"base_url":"{home.base_url}","api_key_env":null', '"base_url":null,"api_key_env":"SOME_DB_PASSWORD"'
    )
    monkeypatch.setenv("OPENAI_BASE_URL", home.base_url.replace("//", f"//user:{KEY}@"))

    assert run.main(command) == 2

    told = "".join(capfd.readouterr())
    assert "OPENAI_BASE_URL: base_url: must hold no user or password" in " ".join(told.split())
    assert KEY not in told


def test_the_command_that_goes_on_is_told_with_the_options_that_it_needs(
    tmp_path: Path, home: LoopbackServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--base-url", home.base_url, "--turns", "1", "--quiet", "--model", "loopback"]
    home.fail_with(403, "not for you")
    for key, more in (("", ""), (KEY, f" --base-url {home.base_url}")):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        folder = tmp_path / f"session{len(key)}"
        assert run.main(["session", *options, "--out", str(folder)]) == 1
        assert f"python run.py session --resume {folder}{more}\n" in capsys.readouterr().err
        batch = ["--profiles", "amira-exam-panic", "--seeds", "1,2,3,4,5,6", "--concurrency", "1"]
        assert run.main(["generate", *options, *batch, "--out", f"{folder}-batch", "--stop-after", "1"]) == 1
        printed = capsys.readouterr().err
        assert f"go on with: python run.py generate --out {folder}-batch{more}\n" in printed


def test_a_journal_in_a_run_directory_is_gone_on_with_at_the_runs_own_server(
    tmp_path: Path, home: LoopbackServer, elsewhere: LoopbackServer
) -> None:
    out = tmp_path / "run"
    command = ["generate", "--profiles", "amira-exam-panic", "--turns", "1", "--out", str(out), "--quiet"]
    home.fail_with(403, "not for you")
    assert run.main([*command, "--base-url", home.base_url, "--model", "loopback"]) == 1
    home.clear()
    (journal,) = out.rglob(f"*{SUFFIX}")
    change(journal, home.base_url, elsewhere.base_url)
    with_key(journal)

    assert run.main([*command, "--retry-failed"]) == 0

    assert elsewhere.requests == []
    assert home.requests
    (record,) = RunFolder(out).records()
    assert (record.status, record.resumed) == ("finished", 1)
    assert "SOME_DB_PASSWORD" not in record.model_dump_json()


@pytest.mark.parametrize(
    ("model", "named", "environment", "passes"),
    [
        ({"model": "embedded", "api_key_env": "X", "base_url": "http://far/v1"}, {}, {}, True),
        ({"base_url": "http://far/v1"}, {}, {}, False),
        ({"base_url": "http://far/v1"}, {"base_url": "http://far/v1"}, {}, True),
        ({"base_url": "http://far/v1"}, {"base_url": "http://far/v1", "api_key_env": "X"}, {}, True),
        (
            {"base_url": "http://far/v1"},
            {"base_url": "http://far/v1", "api_key_env": "X"},
            {"OPENAI_API_KEY": KEY},
            False,
        ),
        ({"base_url": "http://far/v1", "api_key_env": "X"}, {"base_url": "http://far/v1"}, {}, False),
        ({"base_url": "http://far/v1", "api_key_env": "OPENAI_API_KEY"}, {"base_url": "http://far/v1"}, {}, True),
        ({"base_url": "http://far/v1"}, {"replicas": ("http://far/v1",)}, {"OPENAI_API_KEY": KEY}, True),
        ({"replicas": ["http://far/v1"]}, {}, {"OPENAI_API_KEY": KEY}, False),
        ({"base_url": "http://localhost/v1", "replicas": ["http://far/v1"]}, {}, {}, False),
        ({"base_url": "http://localhost:8/v1"}, {}, {}, True),
        ({"base_url": "http://localhost:8/v1"}, {}, {"OPENAI_API_KEY": KEY}, False),
        ({"base_url": "http://localhost:8/v1", "api_key_env": "X"}, {}, {}, False),
        ({"base_url": "http://localhost.far/v1"}, {}, {}, False),
        ({"base_url": "https://api.openai.com/v1"}, {}, {"OPENAI_API_KEY": KEY}, True),
        (
            {"base_url": "https://api.openai.com/v1"},
            {},
            {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://here/v1"},
            False,
        ),
        ({"model": "gpt-4o", "api_key_env": "X"}, {}, {"OPENAI_API_KEY": KEY}, False),
        ({"model": "gpt-4o", "extra_body": {"store": True}}, {}, {"OPENAI_API_KEY": KEY}, True),
        ({"model": "a"}, {}, {"OPENAI_BASE_URL": "http://here/v1"}, True),
    ],
)
@pytest.mark.parametrize("role", ["default", "client", "risk"])
def test_a_destination_passes_only_as_a_pair_of_address_and_key(
    role: str,
    model: dict[str, object],
    named: dict[str, object],
    environment: dict[str, str],
    passes: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = SessionConfig.model_validate({"models": {role: model}})
    assert unnamed(config, {"default": ModelSettings.model_validate(named)}) is not passes


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.8.7", "::1"])
def test_a_loopback_name(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "10.0.0.1", "127.0.0.1.far", "localhost.far", "::ffff:10.0.0.1", "2130706433"]
)
def test_no_loopback_name(host: str) -> None:
    assert not is_loopback(host)
