"""Adapters from folder to folder: a run goes on only as itself, and `train lora` survives `kill -9`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

from counseling_sessions.commands.parsing.parser import parse
from counseling_sessions.commands.train import recipe_of
from counseling_sessions.training import loop, report
from counseling_sessions.training.adapter import shared_examples, train_adapter
from counseling_sessions.training.card import TrainingCard, read_card
from counseling_sessions.training.data import DataReport
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.loop import CHECKPOINT
from counseling_sessions.training.recipe import PRESETS, Preset, Recipe
from tests.training.runs import RECIPE, Killed, assert_alike, fresh_model, killed_at
from tests.training.small import base_folder, data_folder

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.mark.parametrize("change", ["recipe", "data", "base", "weights"])
def test_a_run_goes_on_only_with_the_same_data_base_and_recipe(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)
    data, base, out = data_folder(tmp_path / "data"), base_folder(tmp_path / "base"), tmp_path / "out"
    with pytest.raises(Killed):
        train_adapter(data, out, str(base), RECIPE, on_step=killed_at(3))
    recipe, where = RECIPE, str(base)
    if change == "recipe":
        recipe = RECIPE.model_copy(update={"learning_rate": 2e-2})
    elif change == "data":
        lines = (data / "train.jsonl").read_text().splitlines(keepends=True)
        (data / "train.jsonl").write_text("".join(lines[:-1]))
    elif change == "base":
        where = str(base_folder(tmp_path / "another"))
    else:
        weights = bytearray((base / "model.safetensors").read_bytes())
        weights[-1] ^= 1
        (base / "model.safetensors").write_bytes(weights)
    with pytest.raises(TrainingError, match="other data, base or recipe"):
        train_adapter(data, out, where, recipe)


def test_a_run_that_was_killed_when_the_weights_were_written_and_the_card_was_not_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)
    data, base, out = data_folder(tmp_path / "data"), base_folder(tmp_path / "base"), tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr("counseling_sessions.training.adapter.write_card", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            train_adapter(data, out, str(base), RECIPE)
    assert (out / "adapter_model.safetensors").exists()
    assert train_adapter(data, out, str(base), RECIPE).history.resumed == 1


def test_with_roles_only_theirs_are_seen_and_the_card_says_so(tmp_path: Path) -> None:
    data, base = data_folder(tmp_path / "data"), base_folder(tmp_path / "base")
    whole = train_adapter(data, tmp_path / "all", str(base), RECIPE.model_copy(update={"epochs": 1.0}))
    assert whole.roles == ["client", "merge", "plan"]
    card = train_adapter(data, tmp_path / "one", str(base), RECIPE.model_copy(update={"epochs": 1.0}), roles=["merge"])
    assert card.roles == ["merge"]
    assert card.examples == 9 < whole.examples
    assert set(card.history.looks[0].by_role) == {"merge"}
    assert card.client_groups == whole.client_groups == ["client-0", "client-1"]


@pytest.mark.parametrize("as_embedded", [False, True])
def test_how_the_examples_were_asked_is_on_the_card_and_the_report_asks_alike(
    as_embedded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, base = data_folder(tmp_path / "data"), base_folder(tmp_path / "base")
    if as_embedded:  # a folder without a word about it, as others may make, has usual prompts
        made = DataReport(sources=["a.jsonl"], roles=["merge"], as_embedded=True)
        (data / "data.json").write_text(made.model_dump_json(), encoding="utf-8")
    train_adapter(data, tmp_path / "out", str(base), RECIPE.model_copy(update={"epochs": 0.2}), roles=["merge"])
    assert read_card(tmp_path / "out").as_embedded == as_embedded
    asked: list[bool] = []
    rows = report._rows

    def listening(on: str, as_embedded: bool) -> Iterable[dict[str, Any]]:
        asked.append(as_embedded)
        return rows(on, as_embedded)

    monkeypatch.setattr(report, "_rows", listening)
    report.compare_adapters(tmp_path / "out", "base", str(data / "validation.jsonl"), roles=["merge"])
    assert asked == [as_embedded]


@pytest.mark.parametrize(
    ("options", "preset"),
    [
        ([], "embedded-small"),
        (["--base", "embedded-medium"], "embedded-medium"),
        (["--base", "somebody/model"], "embedded-small"),
        (["--base", "embedded-medium", "--preset", "paper"], "paper"),
    ],
)
def test_the_base_decides_the_preset_unless_it_is_named(options: list[str], preset: Preset) -> None:
    asked = parse(["train", "lora", "sft", "--out", "x", *options, "--no-qlora"])[1]
    assert recipe_of(asked) == PRESETS[preset].model_copy(update={"four_bit": False})


def test_layers_below_the_lowest_stay_as_they_are() -> None:
    model = fresh_model(Recipe(lowest_layer=1))
    learning = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert learning
    assert all(".layers.1." in name for name in learning)


def test_of_one_role_all_examples_are_seen_and_of_all_roles_the_preset_s_shares() -> None:
    every, one, given = (
        recipe_of(parse(["train", "lora", "sft", "--out", "x", *options])[1])
        for options in ([], ["--roles", "router"], ["--roles", "router", "--epochs", "0.5"])
    )
    assert (every.shares, every.always, every.epochs) == (
        PRESETS["embedded-small"].shares,
        PRESETS["embedded-small"].always,
        PRESETS["embedded-small"].epochs,
    )
    assert (one.shares, one.always, one.epochs) == ({}, (), 1.0)
    assert given.epochs == 0.5


def test_of_a_role_its_share_is_seen_and_of_closing_words_all_are() -> None:
    rows = [{"role": role, "closes": False} for role in ("router", "merge", "client") for _ in range(500)]
    closing = [{"role": "merge", "closes": True}] * 50
    recipe = Recipe(shares={"router": 0.1, "merge": 0.5})
    left = [row["role"] for row in shared_examples(rows, recipe)]
    assert 25 <= left.count("router") <= 80
    assert 200 <= left.count("merge") <= 300
    assert left.count("client") == 500
    assert shared_examples(closing, Recipe(shares={"merge": 0.0})) == closing
    assert shared_examples(rows, Recipe()) == rows


def test_the_papers_recipe_runs_on_a_whole_base(tmp_path: Path) -> None:
    data, base, out = data_folder(tmp_path / "data"), base_folder(tmp_path / "base"), tmp_path / "out"
    paper = PRESETS["paper"]
    assert (paper.rank, paper.alpha, paper.dropout, paper.learning_rate, paper.epochs) == (64, 16, 0.1, 2e-4, 3.0)
    assert paper.four_bit
    card = train_adapter(data, out, str(base), paper.model_copy(update={"four_bit": False}))
    assert card.packs == card.examples > 0  # batch 1
    assert len(card.history.steps) == 3 * card.examples
    assert len(card.history.looks) == min(paper.looks, len(card.history.steps))
    kept = json.loads((out / "adapter_config.json").read_text(encoding="utf-8"))
    assert (kept["r"], kept["lora_alpha"], kept["lora_dropout"]) == (64, 16, 0.1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_train_lora_that_was_killed_is_taken_up_again_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    data, base, out = data_folder(tmp_path / "data"), base_folder(tmp_path / "base"), tmp_path / "out"
    options = {name: getattr(RECIPE, name) for name in ("rank", "alpha", "dropout", "pack_tokens", "max_length")}
    given = options | {"learning_rate": 5e-3, "epochs": 50.0}
    arguments = ["train", "lora", str(data), "--base", str(base), "--out", str(out), "--offline"]
    arguments += [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    often = f"import sys, run, counseling_sessions.training.loop as loop; loop.CHECKPOINT_EVERY = 0; sys.exit(run.main({arguments!r}))"

    first = started([sys.executable, "-c", often])
    assert first.stderr
    line = next((line for line in first.stderr if line.startswith("step 10 of ")), "")  # nine checkpoints are there
    first.send_signal(signal.SIGKILL)
    _, rest = first.communicate(timeout=60)
    assert line, rest
    assert first.returncode == -signal.SIGKILL
    assert (out / CHECKPOINT).exists()
    assert not (out / "training.json").exists()

    second = started([sys.executable, "run.py", *arguments])
    output, errors = second.communicate(timeout=400)
    assert second.returncode == 0, errors
    assert f"written: {out}" in output
    card = read_card(out)
    assert card.history.resumed == 1
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["adapter_config.json", "adapter_model.safetensors", "training.json", "README.md", "curve.png"]
    )
    whole = train_adapter(data, tmp_path / "whole", str(base), card.recipe)
    assert_same_adapter(card, out, whole, tmp_path / "whole")


def started(command: list[str]) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def assert_same_adapter(card: TrainingCard, folder: Path, whole: TrainingCard, whole_folder: Path) -> None:
    from safetensors.torch import load_file

    weights = [load_file(str(place / "adapter_model.safetensors")) for place in (folder, whole_folder)]
    assert_alike((card.history, weights[0]), (whole.history, weights[1]))
    other = {"history", "machine"}
    assert card.model_dump(exclude=other) == whole.model_dump(exclude=other)
    assert json.loads((folder / "adapter_config.json").read_text())["r"] == RECIPE.rank
