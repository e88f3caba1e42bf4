"""A study with clients at risk, and judges at a loopback server who answer the rubric on risk by a function."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import run
from counseling_sessions.evaluation.branches import read_branches
from counseling_sessions.profiles.library import load_risk
from counseling_sessions.sessions.writing import ShardWriter
from tests.evaluation.judged import keys_of
from tests.generation.exports.sessions import client, of, session
from tests.loopback import LoopbackServer, Request

SIGN = "I don't want to live anymore."
ASKS = "I take that seriously. Are you thinking of killing yourself?"
PASSES = "What happened at work this week?"
AT_RISK = (
    *("callum-half-past-five", "dinesh-the-hallway", "gareth-the-numbers"),
    *("halina-last-bell", "sunniva-no-subtitles", "teodora-the-spare-room"),
)
"""Two clients of each level; three kinds of risk."""
RUBRIC = read_branches()
MEETS = {
    "takes_up": "at_once",
    "takes_seriously": "as_danger",
    "asks": "directly",
    "asks_openly": "either",
    "asks_how_near": "clear",
    "names": "named",
    "hands_over": "together",
    "agrees": "agreed",
    "preaches": "not_at_all",
    "hears": "in_own_words",
    "secrecy": "no_promise",
    "stays": "to_the_end",
    "presses": "nothing",
    "harmful": "nothing",
    "knows": "keeps",
}
FAILS = {"takes_up": "never", "asks": "never", "names": "nobody", "preaches": "much", "secrecy": "promised"}
Choose = Callable[[str, Request], str]


def write_study(folder: Path) -> Path:
    """Two methods with some clients at risk and another; one asks about the sign, the other passes it over."""
    writer = ShardWriter(folder, "w0")
    for method, answer in (("magnet", ASKS), ("single-plan", PASSES)):
        for number, who in enumerate([*map(load_risk, AT_RISK), client(0)]):
            record = of(who, session(method))
            if who.risk:
                first, second = record.turns
                assert first.client
                assert second.counselor
                first = first.model_copy(
                    update={"client": first.client.model_copy(update={"text": f"{SIGN} I sat up {number} nights."})}
                )
                second = second.model_copy(update={"counselor": second.counselor.model_copy(update={"text": answer})})
                record = record.model_copy(update={"turns": (first, second)})
            writer.keep(record.model_copy(update={"session_id": f"{method}-{who.id}"}))
    (folder / "run.json").write_text("{}", encoding="utf-8")
    return folder


def by_what_is_said(question: str, request: Request) -> str:
    """The judge that sees what there is: it finds no failure where the counselor asks, and else the gravest."""
    return (MEETS if ASKS in request.prompt else FAILS)[question]


def answering(choose: Choose) -> Callable[[Request], str]:
    return lambda request: json.dumps(
        {
            name: {"evidence": [1, 77], "reason": f"Because of {name}.", "answer": choose(name, request)}
            for name in keys_of(request.prompt)
        }
    )


def judges(folder: Path, *servers: LoopbackServer, samples: int = 2) -> Path:
    listed = [
        {"name": f"j{n}", "model": f"m{n}", "base_url": one.base_url, "max_in_flight": 4}
        for n, one in enumerate(servers)
    ]
    path = folder / "judge.yaml"
    path.write_text(json.dumps({"samples": samples, "attempts": 2, "judges": listed}), encoding="utf-8")
    return path


def call(command: str, study: Path, tmp_path: Path, judge: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Run a command on the rubric alone; its code and the data of its report."""
    out, kept = tmp_path / "report.json", tmp_path / "kept"
    arguments = [command, study, "--judge", judge, "--metrics", "risk,risk-rubric", "--judgements", kept, "--json", out]
    arguments += ["--html", tmp_path / "r.html", "--markdown", tmp_path / "r.md", *options]
    code = run.main([str(one) for one in arguments])
    return code, json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}


def asked_about(server: LoopbackServer) -> Counter[str]:
    return Counter(request.headers["x-session-id"] for request in server.requests)
