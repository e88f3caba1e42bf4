"""`run.py train` as it is typed: what is missing or in the way is told, one role is trained on whole, and nothing is overwritten."""

import subprocess
import sys
from pathlib import Path

import pytest

from run import main

ROOT = Path(__file__).parents[2]
GONE = """\
import sys
class Gone:
    def find_spec(self, name, *more):
        if name.partition(".")[0] in ("torch", "transformers", "peft", "gguf", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Gone())
"""


def test_where_the_extra_is_missing_it_is_told_how_to_get_it() -> None:
    commands = (
        *("train lora sft --out adapter", "train export adapter --gguf out.gguf"),
        "train report adapter",
    )
    command = f"{GONE}import run\nfor line in {commands!r}: print(run.main(line.split()))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["2", "2", "2"], done.stderr
    assert " ".join(done.stderr.split()).count("pip install -e '.[train]'") == 3
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("there", ["a file", "a folder of others", "an adapter"])
def test_a_folder_that_is_no_run_of_its_own_is_left_as_it_is(
    there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("peft")
    from tests.training.small import data_folder  # needs the extra itself

    data, out = data_folder(tmp_path / "data"), tmp_path / "out"
    if there == "a file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / ("README.md" if there == "a folder of others" else "training.json")).write_text("mine")
    assert main(["train", "lora", str(data), "--out", str(out), "--offline"]) == 2
    assert str(out) in capsys.readouterr().err.replace("\n", "")
    kept = [out] if out.is_file() else list(out.iterdir())
    assert [path.read_text() for path in kept] == ["mine"]


@pytest.mark.parametrize("option", ["--gguf", "--folder"])
def test_an_export_replaces_nothing_unless_told_to(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("peft")
    there = tmp_path / "there"
    if option == "--gguf":
        there.write_text("mine")
    else:
        there.mkdir()
        (there / "config.json").write_text("mine")
    assert main(["train", "export", str(tmp_path / "adapter"), option, str(there)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (there if there.is_file() else there / "config.json").read_text() == "mine"
    assert main(["train", "export", str(tmp_path / "adapter"), option, str(there), "--overwrite"]) == 2
    assert "holds no" in capsys.readouterr().err  # goes on, to an adapter that is not there
