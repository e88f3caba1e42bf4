"""Other systems. Windows is pretended (`other_system`): without POSIX, with a console of code page 1252 and files that it has open."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from counseling_sessions.sessions.folder import RunFolder
from tests.forking import Forking
from tests.kept import kept_in
from tests.loopback import Latency, LoopbackServer
from tests.other_system.posix_names import ABSENT, HIDDEN
from tests.scripted import profile

ROOT = Path(__file__).parents[1]
NAME, REASON = "王小明 Łukasz", "أشعر بالقلق قبل كل امتحان → كل يوم…"
OPTIONS = ("--techniques", "reflection,questioning", "--router", "rules")
SHORT, LONG = (*OPTIONS, "--turns", "3"), (*OPTIONS, "--turns", "20")


class OtherSystem:
    """Runs the command line on the pretended system, in a folder."""

    def __init__(self, folder: Path, forking: Forking | None = None, checkout: Path = ROOT) -> None:
        self.folder, self.forking, self.checkout = folder, forking, checkout
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHON", "OPENAI"))
        }
        self.environment = inherited | {
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "tests" / "other_system", checkout))),
            "PYTHONIOENCODING": "cp1252",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "LC_ALL": "C",
            "COUNSELING_SESSIONS_CHECKPOINTS": str(folder / "checkpoints.sqlite"),
        }

    def begin(self, *arguments: object, program: str = "") -> "subprocess.Popen[str]":
        code = ("-W", "ignore", "-c", program) if program else (str(self.checkout / "run.py"),)
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        started = [sys.executable, *code, *map(str, arguments)]
        return subprocess.Popen(started, cwd=self.folder, env=self.environment, encoding="cp1252", **pipes)

    def run(self, *arguments: object, typed: str = "", program: str = "") -> SimpleNamespace:
        """Forked where it can be: such a process starts no others, as those would begin with the code of what it was forked from."""
        if self.forking is None:
            return self.run_anew(*arguments, typed=typed, program=program)
        words = list(map(str, arguments))
        how = {"program": program, "typed": typed, "encoding": "cp1252"}
        return self.forking.run(words, self.folder, self.environment, **how)

    def run_anew(self, *arguments: object, typed: str = "", program: str = "") -> SimpleNamespace:
        with self.begin(*arguments, program=program) as process:
            try:
                out, err = process.communicate(typed, timeout=200)
            finally:
                process.kill()
        return SimpleNamespace(code=process.returncode, out=out, err=err)


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    folder = tmp_path_factory.mktemp("forking")
    commands = ("session", "generate", "practice", "trace", "evaluate")
    modules = [f"counseling_sessions.commands.{name}" for name in commands]
    forking = Forking(folder, modules, OtherSystem(folder).environment)
    yield forking
    assert forking.close() == b""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, forking: Forking) -> OtherSystem:
    system = OtherSystem(tmp_path_factory.mktemp("other"), forking)
    form = profile(id="xiaoming", reason_for_counseling=REASON).model_dump(mode="json")
    form["demographics"]["name"] = NAME
    (system.folder / "client.json").write_text(json.dumps(form, ensure_ascii=False), encoding="utf-8")
    return system


@pytest.fixture(scope="module")
def session(system: OtherSystem, server: LoopbackServer) -> SimpleNamespace:
    where = ("--base-url", server.base_url, "--profile", "client.json", "--out", "one")
    return system.run_anew("session", *where, *SHORT)


@pytest.fixture(scope="module")
def batch(system: OtherSystem, server: LoopbackServer) -> SimpleNamespace:
    where = (
        "--base-url",
        server.base_url,
        "--out",
        "run",
        "--profiles",
        "client.json",
        "--seeds",
        "4",
        "--workers",
        "2",
    )
    return system.run_anew("generate", *where, *SHORT)


def no_line_ends_of_windows(folder: Path) -> bool:
    kinds = (".json", ".jsonl", ".md", ".log", ".txt")
    texts = [path for path in folder.rglob("*") if path.suffix in kinds]
    return bool(texts) and not any(b"\r" in path.read_bytes() for path in texts)


def test_a_session_runs_and_loses_nothing(system: OtherSystem, session: SimpleNamespace) -> None:
    assert (session.code, session.err) == (0, "")
    (record,) = kept_in(system.folder / "one").values()
    assert record.status == "finished"
    assert record.profile.demographics.name == NAME
    assert record.profile.reason_for_counseling == REASON
    assert no_line_ends_of_windows(system.folder / "one")
    assert not list((system.folder / "one").rglob("*.journal.jsonl"))
    assert (system.folder / "checkpoints.sqlite").exists()


def test_what_the_console_lacks_is_shown_as_something_like_it(session: SimpleNamespace) -> None:
    assert "?????? Lukasz" in session.out  # Han letters take two columns each
    assert " · " in session.out  # code page 1252 has it


def test_json_for_another_program_loses_nothing(system: OtherSystem, session: SimpleNamespace) -> None:
    traced = system.run("trace", "one", "--json")
    assert (traced.code, traced.err) == (0, "")
    assert traced.out.isascii()
    assert json.loads(traced.out)["name"] == NAME


def test_whatever_is_shown_can_be_shown(system: OtherSystem, session: SimpleNamespace) -> None:
    commands = [
        ["trace", "one"],
        ["trace", "one", "--full"],
        ["profiles"],
        ["profiles", "show", "client.json"],
        ["graph"],
    ]
    shown = system.run(program=f"import run; print([run.main(command) for command in {commands}])")
    assert shown.err == ""
    assert shown.out.splitlines()[-1] == "[0, 0, 0, 0, 0]"
    assert "Lukasz" in shown.out
    assert "+--" in shown.out


def test_help_can_be_shown(system: OtherSystem) -> None:
    shown = system.run("session", "--help")
    assert (shown.code, shown.err) == (0, "")
    assert "--profile" in shown.out


@pytest.mark.slow
def test_a_batch_runs_in_several_processes(system: OtherSystem, batch: SimpleNamespace) -> None:
    assert (batch.code, batch.err) == (0, "")
    records = kept_in(system.folder / "run").values()
    assert [record.status for record in records] == ["finished"] * 4
    assert no_line_ends_of_windows(system.folder / "run")
    status = system.run("status", "run")
    assert (status.code, status.err) == (0, "")
    assert "4 of 4 finished" in status.out


@pytest.mark.slow
def test_a_batch_is_exported_twice(system: OtherSystem, batch: SimpleNamespace) -> None:
    asked = [["export", "run", "--format", "magnet", "--out", "data", *more] for more in ([], ["--overwrite"])]
    done = system.run(program=f"import run; print([run.main(command) for command in {asked}])")
    assert done.err == ""
    assert done.out.splitlines()[-1] == "[0, 0]"
    assert no_line_ends_of_windows(system.folder / "data")


@pytest.mark.slow
def test_a_batch_is_judged_once(system: OtherSystem, batch: SimpleNamespace) -> None:
    with LoopbackServer() as server:
        judge = f"name: loop\nmodel: loopback\nbase_url: {server.base_url}\nsamples: 1\n"
        (system.folder / "judge.yaml").write_text(judge, encoding="utf-8")
        options = (
            "--judge",
            "judge.yaml",
            "--metrics",
            "panas",
            "--planted",
            "0",
            "--html",
            "r.html",
            "--json",
            "r.json",
        )
        first = system.run("evaluate", "run", *options)
        asked = server.accepted
        second = system.run("evaluate", "run", *options)
        assert asked == server.accepted > 0
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert "written: r.json" in second.err
    assert json.loads((system.folder / "r.json").read_bytes())["judged"]


@pytest.mark.slow
def test_examples_are_written_as_data(system: OtherSystem, batch: SimpleNamespace) -> None:
    done = system.run("train", "data", "run", "--out", "sft")
    assert (done.code, done.err) == (0, "")
    assert no_line_ends_of_windows(system.folder / "sft")


def test_what_a_person_types_in_the_consoles_letters_is_read(system: OtherSystem, server: LoopbackServer) -> None:
    where = ("--base-url", server.base_url, "--client", "client.json", "--out", "practice")
    done = system.run(
        "practice", *where, typed="Grüße, José – setzen Sie sich bitte.\n/end\nAuf Wiedersehen, bis nächste Woche.\n"
    )
    assert done.code == 0, done.err
    (record,) = kept_in(system.folder / "practice").values()
    assert "Grüße, José – setzen Sie sich bitte." in [said.text for said in record.dialogue]


@pytest.mark.slow
def test_a_batch_is_locked_read_stopped_and_goes_on(tmp_path: Path, server: LoopbackServer, forking: Forking) -> None:
    system, run = OtherSystem(tmp_path, forking), RunFolder(tmp_path / "run")
    with LoopbackServer(latency=Latency(0.5)) as slow:
        asked = ("generate", "--out", "run", "--concurrency", "2", *LONG, "--base-url")
        with system.begin(*asked, slow.base_url) as process:
            until = time.monotonic() + 100
            while slow.accepted < 10 and time.monotonic() < until:
                time.sleep(0.1)
            traced = system.run("trace", run.journal_files()[0])
            again = system.run(*asked, slow.base_url)
            status = system.run("status", "run")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=100)
    assert process.returncode == 130, out + err
    assert err.splitlines() == ["stopped early: stopped by hand", "go on with: python run.py generate --out run"]
    assert again.code == 2
    assert f"it is in use by another process (process {process.pid} on " in " ".join(again.err.split())
    assert (traced.code, traced.err) == (0, "")
    assert "not at work" not in status.out
    assert "at work" in status.out
    journals, done = len(run.journal_files()), len(kept_in(run.folder))
    assert journals == 2
    assert system.run(*asked, server.base_url, "--preview", "2").code == 0
    assert len(kept_in(run.folder)) == done + 2
    assert not run.journal_files()


@pytest.mark.slow
def test_every_module_is_imported(tmp_path: Path, forking: Forking) -> None:
    program = (
        "import importlib, pkgutil, counseling_sessions as package\n"
        "names = [found.name for found in pkgutil.walk_packages(package.__path__, 'counseling_sessions.', onerror=print)]\n"
        "print([importlib.import_module(name).__name__ for name in names] == names, len(names))\n"
    )
    done = OtherSystem(tmp_path, forking).run(program=program)
    assert done.err == ""
    right, number = done.out.split()
    assert right == "True"
    assert int(number) > 200


@pytest.mark.slow
def test_parts_are_merged_and_replayed(system: OtherSystem, server: LoopbackServer) -> None:
    where = [
        "generate",
        "--base-url",
        server.base_url,
        "--out",
        "part",
        "--profiles",
        "client.json",
        "--seeds",
        "2",
        *SHORT,
    ]
    commands = [[*where, "--shard", "1/2"], [*where, "--shard", "2/2"]]
    commands += [["merge", "part-1-of-2", "part-2-of-2", "--out", "merged"], ["status", "merged"]]
    commands += [["replay", "merged", "1", "--from-turn", "2", "--out", "fork", "--base-url", server.base_url]]
    done = system.run(program=f"import run; print([run.main(command) for command in {commands}])")
    assert done.err == ""
    assert done.out.splitlines()[-1] == "[0, 0, 0, 0, 0]"
    assert len(kept_in(system.folder / "merged")) == 2
    assert len(kept_in(system.folder / "fork")) == 1


def test_a_full_shard_is_packed(system: OtherSystem) -> None:
    (system.folder / "w0.jsonl").write_bytes(b"{}\n" * 1000)
    (system.folder / "ledger.jsonl").write_bytes(b"{}\n")
    program = "from pathlib import Path; from counseling_sessions.sessions.writing import pack; pack(Path('w0.jsonl'), Path('ledger.jsonl'))"
    assert system.run(program=program).err == ""
    assert not (system.folder / "w0.jsonl").exists()
    assert (system.folder / "w0.jsonl.zst").exists()


def test_a_journal_that_cannot_be_begun_says_why_and_is_none(system: OtherSystem) -> None:
    program = """
from pathlib import Path
from counseling_sessions.graph.session import SessionTask
from counseling_sessions.profiles.readers import find_profile
from counseling_sessions.sessions.errors import JournalError
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_reading import has_begun
from counseling_sessions.settings import SessionConfig
from counseling_sessions.store.log import Log

def full(*unused, **options):
    raise OSError(28, "No space left on device")

task = SessionTask(profile=find_profile("client.json"), attitude="neutral", config=SessionConfig())
Log.append = full
path = Path("new.journal.jsonl")
try:
    Journal.create(path, task.head())
except JournalError as error:
    print(error)
print(has_begun(path))
"""
    done = system.run(program=program)
    assert done.err == ""
    assert done.out.splitlines() == ["new.journal.jsonl cannot be written: No space left on device", "False"]


CHILD = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begun', flush=True); sys.stdin.read()"
)


def test_a_process_of_its_own_group_is_interrupted_and_killed(tmp_path: Path) -> None:
    program = f"""
import subprocess, sys
from counseling_sessions.store.system import interrupt_group, kill_group, own_group
for end in (interrupt_group, kill_group):
    with subprocess.Popen(
        [sys.executable, "-c", {CHILD!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **own_group()
    ) as process:
        process.stdout.readline()
        end(process)
        print(process.wait(30) != 0)
        end(process)
"""
    done = OtherSystem(tmp_path).run(program=program)
    assert (done.out.split(), done.err) == (["True", "True"], "")


def test_a_folder_in_place_of_a_file_is_named_as_such(system: OtherSystem) -> None:
    done = system.run("check", "--models", system.folder)
    assert done.code == 2
    assert "it is a folder, not a file" in " ".join(done.err.split())


@pytest.fixture(scope="module")
def without_links(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout as git makes it where there are no symbolic links: each is a text file that names its target."""
    checkout = tmp_path_factory.mktemp("checkout")
    names = (
        subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    )
    for name in filter(None, names):
        path, target = ROOT / name, checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.write_text(os.readlink(path), encoding="utf-8")
        elif not name.startswith("tests/"):
            shutil.copyfile(path, target)
    return checkout


@pytest.mark.slow
def test_a_checkout_without_symbolic_links_works(without_links: Path, tmp_path: Path, server: LoopbackServer) -> None:
    assert (without_links / "counseling_sessions" / "graph").read_text(encoding="utf-8") == "../graph"
    system = OtherSystem(tmp_path, checkout=without_links)
    done = system.run("session", "--base-url", server.base_url, "--out", "one", "--few-shot", "1", *SHORT)
    assert (done.code, done.err) == (0, "")
    assert len(kept_in(tmp_path / "one")) == 1
    program = "from counseling_sessions.training.corpus import held_out_clients; print(len(held_out_clients()) > 0)"
    done = system.run(program=program)
    assert (done.out, done.err) == ("True\n", "")


OURS = [
    path
    for place in ("counseling_sessions", "graph", "nodes", "prompts")
    for path in sorted((ROOT / place).rglob("*.py"))
]
OURS = [path for path in OURS if not path.is_relative_to(ROOT / "counseling_sessions" / "corpus")] + [
    ROOT / "state.py",
    ROOT / "run.py",
]
SYSTEM = ROOT / "counseling_sessions" / "store" / "system.py"


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, item.name.partition(".")[0]) for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, (node.module or "").partition(".")[0]


def unguarded(tree: ast.Module) -> list[str]:
    """What a module imports or names of POSIX without asking whether it is there."""
    tries = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        and "ImportError" in map(ast.unparse, filter(None, (h.type for h in node.handlers)))
    ]
    guarded = {statement for node in tries for part in node.body for statement, _ in imports(part)}
    asked = set(re.findall(r"hasattr\(os, '(\w+)'\)", ast.unparse(tree)))
    named = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("os", "signal")
    ]
    absent = [name for statement, name in imports(tree) if name in ABSENT and statement not in guarded]
    return absent + [name for name in named if name in HIDDEN and name not in asked]


def unnamed(tree: ast.Module) -> list[str]:
    """Text files that are opened without naming their encoding, or written without naming the end of a line."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if wanted(call) - {item.arg for item in call.keywords}]


def wanted(call: ast.Call) -> set[str]:
    """What a call that opens a text file has to name."""
    name = ast.unparse(call.func).rpartition(".")[2]
    method = isinstance(call.func, ast.Attribute)
    if name in ("read_text", "write_text"):
        return ({"encoding", "newline"} if name == "write_text" else {"encoding"}) if method else set()
    if name not in ("open", "fdopen"):
        return set()
    constants = [
        item.value for item in (*call.args, *(word.value for word in call.keywords)) if isinstance(item, ast.Constant)
    ]
    modes = [item for item in constants if isinstance(item, str) and re.fullmatch("[rwaxbt+]+", item)]
    if "b" in "".join(modes) or (method and not modes):
        return set()
    return {"encoding", "newline"} if set("".join(modes)) & set("wax+") else {"encoding"}


def test_no_module_needs_posix() -> None:
    assert {path.name: found for path in OURS if path != SYSTEM and (found := unguarded(parsed(path)))} == {}


def test_files_are_read_and_written_alike_everywhere() -> None:
    assert {path.name: found for path in OURS if (found := unnamed(parsed(path)))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "from resource import getrlimit",
        "def f():\n    import pwd",
        "try:\n    import tty\nexcept OSError:\n    pass",
        "import os\nos.fchmod(1, 2)",
        "import signal\nsignal.SIGKILL",
    ],
)
def test_posix_is_noticed(code: str) -> None:
    assert unguarded(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "path.write_text('x', encoding='utf-8')",
        "path.read_text()",
        "open('a')",
        "open('a', 'w', encoding='utf-8')",
        "path.open(mode='a', newline='')",
    ],
)
def test_a_text_file_that_is_another_elsewhere_is_noticed(code: str) -> None:
    assert unnamed(ast.parse(code))
