"""Whatever is given as a file, every command says in a line what is wrong with it, and ends: no hang, no traceback."""

import os
from pathlib import Path

import pytest

import run

DEEP = 100_000
JSON, YAML, ANY = (".json", ".jsonl"), (".yaml",), (".jsonl",)
KINDS = {
    "pipe": (ANY, os.mkfifo),
    "device": (ANY, lambda path: path.symlink_to("/dev/zero")),
    "folder": (ANY, lambda path: path.mkdir()),
    "deep JSON": (JSON, lambda path: path.write_text("[" * DEEP + "]" * DEEP)),
    "deep object": (JSON, lambda path: path.write_text('{"a":' * DEEP + "1" + "}" * DEEP)),
    "deep YAML": (YAML, lambda path: path.write_text("a: " + "[" * DEEP + "]" * DEEP)),
    "deep block": (YAML, lambda path: path.write_text("\n".join(" " * depth + "a:" for depth in range(1200)))),
    "many aliases": (
        YAML,
        lambda path: path.write_text(
            "a: &a [x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"{name}: &{name} [{', '.join([f'*{last}'] * 8)}]\n"
                for last, name in zip("abcdefghi", "bcdefghij", strict=True)
            )
        ),
    ),
    "impossible date": (YAML, lambda path: path.write_text("a: 2024-02-30\n")),
    "huge number": (JSON, lambda path: path.write_text('{"seed": ' + "9" * 5000 + "}")),
    "no number": (JSON, lambda path: path.write_text('{"seed": NaN}')),
    "binary": (ANY, lambda path: path.write_bytes(bytes(range(256)) * 40)),
    "surrogate": (JSON, lambda path: path.write_text('{"a": "\\ud800"}')),
    "empty": (ANY, lambda path: path.write_text("")),
}
"""What a file may be, with the suffixes under which it is tried."""
PLAIN = ["session", "--offline", "--out", "{out}"]
COMMANDS = {
    "session --profile": [*PLAIN, "--profile", "{file}"],
    "session --models": [*PLAIN, "--models", "{file}"],
    "session --resume": ["session", "--offline", "--resume", "{file}"],
    "generate --profiles": ["generate", "--offline", "--out", "{out}", "--profiles", "{file}"],
    "generate --prices": ["generate", "--offline", "--out", "{out}", "--prices", "{file}"],
    "status": ["status", "{file}"],
    "merge": ["merge", "{file}", "--out", "{out}"],
    "export": ["export", "{file}", "--format", "jsonl", "--out", "{out}"],
    "evaluate": ["evaluate", "{file}"],
    "evaluate --tokenizer": ["evaluate", "{corpus}", "--tokenizer", "{file}"],
    "evaluate --labels": ["evaluate", "{corpus}", "--labels", "{file}"],
    "evaluate --judge": ["evaluate", "{corpus}", "--judge", "{file}"],
    "evaluate --scale": ["evaluate", "{corpus}", "--judge", "{judge}", "--scale", "{file}"],
    "compare": ["compare", "{file}"],
    "prefer --aspects": ["prefer", "{corpus}", "--judge", "{judge}", "--aspects", "{file}"],
    "rate": ["rate", "{file}", "--out", "{out}"],
    "agreement": ["agreement", "{file}"],
    "agreement --study": ["agreement", "{corpus}", "--study", "{file}"],
    "trace": ["trace", "{file}"],
    "replay": ["replay", "{file}", "--from-turn", "2", "--offline"],
    "diff": ["diff", "{file}", "{file}"],
    "practice --resume": ["practice", "--offline", "--resume", "{file}"],
    "practice --profile": ["practice", "--offline", "--profile", "{file}", "--out", "{out}"],
    "train data": ["train", "data", "{file}", "--out", "{out}"],
    "train report": ["train", "report", "{file}"],
    "profiles validate": ["profiles", "validate", "{file}"],
    "check --models": ["check", "--offline", "--models", "{file}"],
}
CORPUS = Path(__file__).parents[1] / "corpus" / "test.jsonl"
QUIET = {("profiles validate", "folder")}
"""Where nothing is wrong: an empty folder of profiles has none that is invalid."""


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("no_surroundings")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_hostile_file_is_refused_in_a_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    judge = tmp_path / "judge.yaml"
    judge.write_text("judges:\n  - {name: a, model: m, base_url: 'http://127.0.0.1:9/v1'}\n")
    bad = []
    for kind, (suffixes, make) in KINDS.items():
        for suffix in suffixes:
            file = tmp_path / f"{kind.replace(' ', '-')}{suffix}"
            if not file.exists() and not file.is_symlink():
                make(file)
            names = {"file": file, "out": tmp_path / "out", "corpus": CORPUS, "judge": judge}
            arguments = [part.format(**names) for part in COMMANDS[command]]
            try:
                code: object = run.main(arguments)
            except SystemExit as stopped:
                code = stopped.code
            except BaseException as error:
                bad.append(f"{kind}{suffix}: {type(error).__name__}: {error}"[:200])
                continue
            shown = capsys.readouterr()
            said = shown.err or shown.out
            if (command, kind) not in QUIET and (
                code not in (1, 2) or not said.strip() or "Traceback" in said or len(said) > 20_000
            ):
                bad.append(f"{kind}{suffix}: exit {code}, said {said[:300]!r}")
    assert not bad, "\n".join(bad)
