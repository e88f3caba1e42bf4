"""An evaluation without a judge begins at once: it imports nothing that only judges, comparisons or plans need."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ["choix", "langchain_core", "langchain_openai", "openai", "scipy.stats"]
CODE = (
    "import json, sys; from counseling_sessions.commands.main import main\n"
    "code = main({arguments!r})\n"
    "print(json.dumps([code, [name for name in {heavy!r} if name in sys.modules]]))"
)


def test_an_evaluation_without_a_judge_imports_nothing_that_asks_models(tmp_path: Path) -> None:
    said = [("counselor", "Hello, how are you?"), ("client", "I cannot sleep."), ("counselor", "What keeps you awake?")]
    session = {
        "AI_client": {"intake_form": "Name:\nMira\nAge:\n30\nGender:\nfemale\n", "attitude": "neutral"},
        "AI_counselor": {"CBT": {}, "Response": {"cbt_plan": None}},
        "cbt_technique": "Reality Testing",
        "cbt_plan": "Test what is real.",
        "dialogue": [{"role": role, "message": text} for role, text in said],
    }
    folder, report = tmp_path / "sessions", tmp_path / "report.json"
    folder.mkdir()
    (folder / "session_1.json").write_text(json.dumps(session), encoding="utf-8")
    arguments = ["evaluate", str(folder), "--metrics", "structure", "--json", str(report)]
    code = CODE.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
    assert json.loads(report.read_text(encoding="utf-8"))["groups"]
