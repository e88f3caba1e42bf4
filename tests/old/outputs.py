"""What a user may rely on: commands on the old files, run in a copy of their folder, and what they print and write."""

import importlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import run

FORMATS = ("jsonl", "magnet", "sharegpt", "openai-chat", "specialists", "preference", "parquet")

_PLAIN = "--metrics integrity,structure,diversity,self-bleu --quiet"
_JUDGED = "--metrics ctrs --judge judge.yaml --planted 0 --prices prices.yaml --quiet"
_LINES = {
    **{f"export-{name}": f"export batch --format {name} --out made/{name}" for name in FORMATS},
    "export-splits": "export batch --format sharegpt --splits 40/30/30 --seed 7 --licence cc-by-4.0 --out made/splits",
    "export-single": "export single --format jsonl --out made/single",
    "export-practice": "export practice --format jsonl --out made/practice",
    "evaluate": f"evaluate batch {_PLAIN} --json made/evaluate.json --markdown made/evaluate.md",
    "evaluate-judged": f"evaluate batch {_JUDGED} --json made/judged.json",
    "compare": f"compare batch {_PLAIN} --html page.html --json made/compare.json --markdown made/compare.md",
    "prefer": "prefer batch --between magnet,single-plan --judge judge.yaml --controls 0 --quiet --json made/prefer.json",
    "agreement": "agreement study/answers-1.json study/answers-2.json --quiet --json made/agreement.json "
    "--markdown made/agreement.md",
    "train-data": "train data batch single --out made/train --splits 40/30/30 --seed 7 --roles all,counselor",
    "train-data-embedded": "train data batch --as-embedded --roles router,client --out made/train-embedded",
    **{f"status-{name}": f"status {name} --json" for name in ("batch", "batch-stopped", "merged", "part-1-of-2")},
    **{
        f"list-{name}": f"trace {name} --list --json"
        for name in ("batch", "batch-stopped", "single", "practice", "fork", "fork-stopped")
    },
    "trace-magnet": "trace batch 1 --prompts --prices prices.yaml --json",
    "trace-failed": "trace batch 9 --json",
    "trace-fork": "trace fork --json",
    "diff": "diff fork-of fork --json",
}
COMMANDS = {name: line.split() for name, line in _LINES.items()}
"""By name; they print JSON, or write into `made/`."""


def made_by_commands(folder: Path, names: list[str]) -> dict[str, bytes]:
    """Run commands in a copy of the old files; the files that they write, by name, and what they print where that is JSON."""
    with inside(folder):
        shutil.rmtree("made", ignore_errors=True)
        Path("made").mkdir()
        for name in names:
            printed = io.StringIO()
            with redirect_stdout(printed):
                code = run.main(COMMANDS[name])
            assert code == 0, (name, code)
            if COMMANDS[name][-1] == "--json":
                Path("made", f"{name}.json").write_text(printed.getvalue(), encoding="utf-8")
        files = [path for path in sorted(Path("made").rglob("*")) if path.is_file()]
        return {str(path.relative_to("made")): content_of(path) for path in files}


def content_of(path: Path) -> bytes:
    """A file's bytes; of a parquet file its schema and rows, since its bytes depend on the version of pyarrow."""
    if path.suffix != ".parquet":
        return path.read_bytes()
    table = importlib.import_module("pyarrow.parquet").read_table(path)
    content = {"schema": [f"{field.name}: {field.type}" for field in table.schema], "rows": table.to_pylist()}
    return json.dumps(content, ensure_ascii=False, indent=1, default=str).encode()


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Be in a folder, with no endpoint or key of whoever runs this, and checkpoints of its own."""
    before, environment = Path.cwd(), dict(os.environ)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        os.environ.pop(name, None)
    os.environ["COUNSELING_SESSIONS_CHECKPOINTS"] = str(folder.parent / "checkpoints.sqlite")
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
