"""Makes the old files beside this module, and what the commands print and write of them; see README.md.

    python tests/old/make.py FOLDER

Made once, with the code of their time. It reaches into that code where a command line cannot (small shards, a person at a
terminal), and is not kept up with the code of today.
"""

import gzip
import importlib
import io
import json
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import run
from tests.loopback import Answer, LoopbackServer, Raw, Request, http_answer, sensible_answer
from tests.old.outputs import COMMANDS, inside, made_by_commands

Refusal = Callable[[Request], Raw | None]
BATCH = "batch"
SHARD_BYTES = 60_000
"""In place of 64 MiB, so that a small batch has full shards, which are compressed."""
LARGE = 12_000
"""Bytes from which on a kept output is compressed."""


def judging(request: Request) -> Answer | str:
    """An answer to anything; a judge's marks are neither all alike nor chance."""
    properties = (request.schema or {}).get("properties", {})
    if "understanding" in properties:
        marks = {
            name: {"evidence": [1], "reason": "It is calm.", "score": (len(request.prompt) + len(name)) % 5 + 1}
            for name in properties
        }
        return json.dumps(marks)
    return sensible_answer(request)


def main() -> None:
    if sys.argv[1] == "as-user":  # a process that is killed
        patch()
        sys.argv = sys.argv[1:]
        sys.exit(run.main(sys.argv[1:]))
    patch()
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with inside(folder):
        for name in ("clients.jsonl", "prices.yaml"):
            shutil.copy(Path(__file__).with_name(name), name)
        single()
        fork()
        batch()
        stopped()
        merged()
        practice()
        judged()
        for leftover in (*Path().rglob("lock"), *Path().rglob("live.json")):
            leftover.unlink()
    outputs = made_by_commands(folder, list(COMMANDS))
    shutil.rmtree(folder / "made")
    (folder / "page.html").unlink()
    for name, content in outputs.items():
        large = len(content) > LARGE
        path = folder / "exports" / (f"{name}.gz" if large else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content, mtime=0) if large else content)


def patch() -> None:
    """Small shards, and a platform that names no machine."""
    importlib.import_module("generation.store").ShardWriter.__init__.__defaults__ = (SHARD_BYTES,)
    platform.platform = lambda *_, **__: "Linux-x86_64"  # type: ignore[assignment]


def command(*words: str, code: int = 0) -> None:
    """A command as a user types it; with code 0, 1, …"""
    sys.argv = ["run.py", *words]
    found = run.main(list(words))
    assert found == code, (words, found)


def typed(*lines: str) -> None:
    sys.stdin = io.StringIO("".join(f"{line}\n" for line in lines))


def served(server: LoopbackServer) -> list[str]:
    return ["--base-url", server.base_url, "--model", "loopback", "--quiet"]


def asked_of(name: str, number: int, then: Raw) -> Refusal:
    """This in place of answers, from a certain request on of those that name a client."""
    seen = 0

    def raw(request: Request) -> Raw | None:
        nonlocal seen
        seen += name in request.prompt
        return then if name in request.prompt and seen >= number else None

    return raw


REFUSED = http_answer({"error": {"message": "This text is not for us."}}, 403)
HELD = Raw(b"", held=True)


def killed(words: list[str], server: LoopbackServer, ready: Callable[[], bool]) -> None:
    """Run a command in a process of its own, and kill it when it has come so far and waits for the server."""
    process = subprocess.Popen([sys.executable, __file__, "as-user", *words])
    end = time.monotonic() + 100
    while not ready():
        assert time.monotonic() < end, "it never came so far"
        assert process.poll() is None, "it has ended"
        time.sleep(0.05)
    count = -1
    while count != len(server.requests):
        count = len(server.requests)
        time.sleep(1.0)
    process.send_signal(signal.SIGKILL)
    process.wait()


def tear(path: Path) -> None:
    """Cut the last line in the middle, as a crash does while it is written."""
    data = path.read_bytes()
    begin = data.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(data[: begin + (len(data) - begin) // 2])


def single() -> None:
    """Two finished sessions, a failed one, and one that was killed in its second turn; all in one folder."""
    client = ["session", "--profile", "clients.jsonl", "--out", "single", "--turns", "3"]
    with LoopbackServer() as server:
        command(*client, "--record", "1", "--seed", "1", *served(server))
        command(*client, "--record", "2", "--seed", "2", "--method", "single-plan", *served(server))
    with LoopbackServer(raw=asked_of("Sol Adeyemi", 8, REFUSED)) as server:
        command(*client, "--record", "3", "--seed", "3", *served(server), code=1)
    with LoopbackServer(raw=asked_of("Ada Brandt", 11, HELD)) as server:
        words = [*client, "--record", "1", "--seed", "4", "--attitude", "negative", *served(server)]
        killed(words, server, lambda: len(server.requests) >= 11)


def fork() -> None:
    """A session, another future of it from its second turn on, and a third one that was killed in its third turn."""
    forked = ["replay", "fork-of", "--from-turn", "2", "--say", "Who else knows about the press?"]
    with LoopbackServer() as server:
        client = ["--profile", "clients.jsonl", "--record", "2", "--turns", "3", "--seed", "7"]
        command("session", *client, "--out", "fork-of", *served(server))
        command(*forked, "--out", "fork", "--attitude", "neutral", *served(server))
    with LoopbackServer(raw=asked_of("Zoë Žlutá", 5, HELD)) as server:
        killed([*forked, "--out", "fork-stopped", *served(server)], server, lambda: len(server.requests) >= 5)


def batch() -> None:
    """Three clients by three methods; the second client's session without a plan fails in its second turn."""
    words = ["generate", "--out", BATCH, "--concurrency", "1"]
    with LoopbackServer() as server:
        methods = ["--methods", "magnet,single-plan", "--profiles", "clients.jsonl", "--turns", "2"]
        command(*words, *methods, *served(server))
    with LoopbackServer(raw=asked_of("Zoë Žlutá", 8, REFUSED)) as server:
        command(*words, "--methods", "magnet,single-plan,magnet-no-plan", "--extend", *served(server), code=1)


def stopped() -> None:
    """Two clients by two attitudes, killed while the second client's sessions were under way; every log's last line is torn."""
    out = Path("batch-stopped")
    Path("two.jsonl").write_text(
        "".join(Path("clients.jsonl").read_text("utf-8").splitlines(keepends=True)[:2]), "utf-8"
    )
    with LoopbackServer(raw=asked_of("Zoë Žlutá", 15, HELD)) as server:
        words = [
            "generate",
            "--out",
            str(out),
            "--profiles",
            "two.jsonl",
            "--attitudes",
            "positive,negative",
            "--turns",
            "2",
        ]
        ledger = out / "ledger" / "w0.jsonl"
        killed([*words, *served(server)], server, lambda: ledger.exists() and ledger.read_bytes().count(b"\n") >= 2)
    Path("two.jsonl").unlink()
    journals = sorted((out / "journals").iterdir())
    (shard,) = (out / "shards").glob("*.jsonl")
    last = shard.read_bytes().splitlines()[-1]
    done = json.loads(last)["session_id"].encode()
    id_of_other = journals[0].name.partition(".")[0].encode()
    shard.write_bytes(shard.read_bytes() + last.replace(done, id_of_other)[: len(last) // 2])  # of a record on its way
    for log in (ledger, *journals, out / "run.log"):
        tear(log)


def merged() -> None:
    """Two parts of a batch, and what `merge` makes of them."""
    with LoopbackServer() as server:
        words = [
            "--profiles",
            "clients.jsonl",
            "--turns",
            "1",
            "--methods",
            "single",
            "--attitudes",
            "neutral",
            *served(server),
        ]
        for part in ("1/2", "2/2"):
            command("generate", "--out", "part", "--shard", part, "--seeds", "2", *words)
    command("merge", "part-1-of-2", "part-2-of-2", "--out", "merged")


def practice() -> None:
    """A person as the counselor, once to the end and once left; a person as the client, to the end, and stopped for risk."""
    terminal = importlib.import_module("inspection.practice.terminal").Terminal
    begin = terminal.__init__

    def at_a_terminal(self: Any) -> None:
        begin(self)
        self.interactive = True

    with LoopbackServer() as server:
        words = [
            "--base-url",
            server.base_url,
            "--model",
            "loopback",
            "--out",
            "practice",
            "--turns",
            "3",
            "--client",
            "clients.jsonl",
        ]
        typed("How are the nights?", "And then?", "/undo", "What do you do then, at three?", "/end", "Goodbye, Ada.")
        command("practice", "--record", "1", "--seed", "1", *words)
        typed("What happens when they look?")
        command("practice", "--record", "3", "--seed", "2", *words)
        terminal.__init__ = at_a_terminal
        typed("yes", "I do not know why I am here.", "/end", "The press can wait.")
        command("practice", "--as", "client", "--record", "2", "--seed", "3", "--country", "de", *words)
        typed("yes", "I want to kill myself.", "")
        command("practice", "--as", "client", "--record", "1", "--seed", "4", *words, code=1)
    sys.stdin = sys.__stdin__


def judged() -> None:
    """Judges' answers of the batch, and a study with what two raters answered."""
    with LoopbackServer(judging) as server:
        judge = f"name: mild\nmodel: loopback\nbase_url: {server.base_url}\nsamples: 1\n"
        Path("judge.yaml").write_text(judge, "utf-8")
        command("evaluate", BATCH, "--metrics", "ctrs", "--judge", "judge.yaml", "--planted", "0", "--quiet")
        command("prefer", BATCH, "--between", "magnet,single-plan", "--judge", "judge.yaml", "--quiet")
    Path("judge.yaml").write_text("name: mild\nmodel: loopback\nbase_url: http://127.0.0.1:9/v1\nsamples: 1\n", "utf-8")
    command("rate", BATCH, "--between", "magnet,single-plan", "--raters", "2", "--out", "study")
    for page in Path("study").glob("*.html"):
        page.unlink()
    study = json.loads(Path("study/study.json").read_text("utf-8"))
    for number, sheet in enumerate(study["sheets"], 1):
        aspects = [item["id"] for item in study["aspects"]["items"]]
        answers = [
            {
                "showing": showing["number"],
                "choices": {name: "ab"[(place + number * showing["number"]) % 2] for place, name in enumerate(aspects)},
                "comment": "Both are calm." if showing["number"] == 1 else "",
                "seconds": 61.5,
            }
            for showing in sheet["showings"]
        ]
        content = {
            "kind": "counseling-sessions ratings",
            "format": 1,
            "study": study["hash"],
            "rater": sheet["rater"],
            "exported_at": "2026-03-01T10:00:00.000Z",
            "answers": answers,
        }
        Path(f"study/answers-{number}.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
