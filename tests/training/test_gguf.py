"""Adapters for llama.cpp: the names and the order of their tensors, and that llama.cpp then computes what peft computes."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("gguf")

import gguf
import numpy as np
import torch
from numpy.typing import NDArray

import counseling_sessions.training.gguf as gguf_export
from counseling_sessions.ladder.models import EMBEDDED, ladder
from counseling_sessions.models.embedded_file import EmbeddedModelError, model_file
from counseling_sessions.training.base import load_base
from counseling_sessions.training.card import CARD_DATA
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.gguf import export_gguf, export_merged, export_merged_gguf
from tests.training.small import base_folder, random_adapter, tiny_llama

LAYERS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
HEADS = {"attn_q": 4, "attn_k": 2}
pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Could not find a config file:UserWarning"),
]


class Tiny(NamedTuple):
    """The tiny base as a folder, an adapter for it as a folder, and both together as a model."""

    base: Path
    adapter: Path
    model: Any


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("tiny")
    base = base_folder(folder / "base")
    return Tiny(base, folder / "adapter", random_adapter(load_base(str(base)), folder / "adapter"))


def factors(model: Any, layer: int, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    module = model.get_submodule(f"base_model.model.model.layers.{layer}.{name}")
    a, b = (getattr(module, factor)["default"].weight.detach().numpy() for factor in ("lora_A", "lora_B"))
    return a, b


def llama_cpp_rows(rows: int, heads: int) -> list[int]:
    """Which of transformers' rows stands at each place in llama.cpp: in a head, first and second half take turns."""
    width = rows // heads
    return [
        head * width + half * width // 2 + place
        for head in range(heads)
        for place in range(width // 2)
        for half in range(2)
    ]


def test_an_exported_adapter_has_the_tensors_that_llama_cpp_looks_for(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "adapter.gguf"
    assert export_gguf(tiny.adapter, path) == path.stat().st_size
    reader = gguf.GGUFReader(str(path))
    names = {tensor.name for tensor in reader.tensors}
    assert names == {
        f"blk.{layer}.{name}.weight.lora_{factor}" for layer in range(2) for name in LAYERS.values() for factor in "ab"
    }
    fields = {name: item.contents() for name, item in reader.fields.items()}
    assert fields["general.architecture"] == "llama"
    assert fields["general.type"] == "adapter"
    assert fields["adapter.type"] == "lora"
    assert fields["adapter.lora.alpha"] == 8.0


def test_the_factors_change_the_rows_that_llama_cpp_has_in_these_places(tiny: Tiny, tmp_path: Path) -> None:
    export_gguf(tiny.adapter, tmp_path / "adapter.gguf")
    tensors = {tensor.name: np.array(tensor.data) for tensor in gguf.GGUFReader(str(tmp_path / "adapter.gguf")).tensors}
    for layer in range(2):
        for name, called in LAYERS.items():
            a, b = factors(tiny.model, layer, name)
            delta = b @ a
            if called in HEADS:
                order = llama_cpp_rows(len(delta), HEADS[called])
                assert sorted(order) == list(range(len(delta)))
                delta = delta[order]
            written_a, written_b = (tensors[f"blk.{layer}.{called}.weight.lora_{factor}"] for factor in "ab")
            assert (written_a.shape, written_b.shape) == (a.shape, b.shape)
            assert written_a.dtype == written_b.dtype == np.float16
            product = written_b.astype(np.float32) @ written_a.astype(np.float32)
            assert np.allclose(product, delta, atol=2e-3 * np.abs(delta).max()), name  # 16-bit floats


def test_a_merged_folder_is_base_and_adapter_in_one(tiny: Tiny, tmp_path: Path) -> None:
    export_merged(tiny.adapter, tmp_path / "merged")
    merged = load_base(str(tmp_path / "merged"))
    ids = torch.tensor([[5, 80, 81, 9, 300, 17]])
    with torch.no_grad():
        expected = tiny.model(input_ids=ids, use_cache=False).logits
        logits = merged.model(input_ids=ids, use_cache=False).logits
        base = tiny_llama()(input_ids=ids, use_cache=False).logits
    assert torch.allclose(logits, expected, atol=1e-4)
    assert (logits - base).abs().max() > 0.1
    assert merged.tokenizer.chat_template == load_base(str(tiny.base)).tokenizer.chat_template


def test_a_base_that_is_no_gguf_is_not_merged_into_one(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"is no GGUF: write the merged model with --folder"):
        export_merged_gguf(tiny.adapter, tmp_path / "merged.gguf")
    assert not (tmp_path / "merged.gguf").exists()


def copied(adapter: Path, base: Path, folder: Path) -> Path:
    """The adapter again, with a card that names another base."""
    folder.mkdir()
    for file in adapter.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    card = json.loads((folder / CARD_DATA).read_text())
    (folder / CARD_DATA).write_text(json.dumps(card | {"base": str(base)}))
    return folder


def test_a_base_whose_tensors_have_no_known_names_is_told(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text('{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}')
    adapter = copied(tiny.adapter, tmp_path / "base", tmp_path / "adapter")
    with pytest.raises(TrainingError, match=r"GPT2LMHeadModel: this program exports only adapters of LlamaForCausalLM"):
        export_gguf(adapter, tmp_path / "adapter.gguf")


@pytest.mark.parametrize("gone", [CARD_DATA, "adapter_config.json"])
def test_a_folder_without_a_finished_adapter_is_told(gone: str, tiny: Tiny, tmp_path: Path) -> None:
    adapter = copied(tiny.adapter, tiny.base, tmp_path / "adapter")
    (adapter / gone).unlink()
    with pytest.raises(TrainingError, match=rf"holds no (finished )?adapter \(no readable {gone}\)"):
        export_gguf(adapter, tmp_path / "adapter.gguf")


CHATS: list[list[dict[str, str]]] = [
    [
        {"role": "system", "content": "You are a counselor."},
        {"role": "user", "content": "I lie awake and count the hours."},
    ],
    [
        {"role": "system", "content": "You are the client."},
        {"role": "user", "content": "Where shall we begin today?"},
        {"role": "assistant", "content": "With the nights, I suppose."},
        {"role": "user", "content": "What happens at three?"},
    ],
]
ALIKE = 0.1
"""Total variation distance of two next-token distributions, 0 to 1: what llama.cpp's 8-bit arithmetic may cost. It costs
0.03 to 0.06 here; with the rows of q and k in the wrong order it is 0.18 to 0.32."""
DIFFERENT = 0.3
"""What the random adapter changes at least; 0.39 to 0.62 here."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_llama_cpp_computes_what_peft_does_with_the_adapter_beside_the_base_or_merged_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp")
    try:
        base_file = model_file(ladder()[0], offline=True)
    except EmbeddedModelError as error:
        pytest.skip(f"the embedded model is not there: {error}")
    # Loading and both exports read it, and each time all its metadata, in seconds.
    monkeypatch.setattr(gguf, "GGUFReader", cache(gguf.GGUFReader))
    monkeypatch.setattr(gguf_export, "_architecture", cache(gguf_export._architecture))
    loaded = load_base(EMBEDDED, offline=True)
    model = random_adapter(loaded, tmp_path / "adapter")
    texts = [loaded.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in CHATS]
    prompts = [list(loaded.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts]
    wanted = [distribution(model, ids) for ids in prompts]
    with model.disable_adapter():
        without = [distribution(model, ids) for ids in prompts]
    export_gguf(tmp_path / "adapter", tmp_path / "adapter.gguf")
    export_merged_gguf(tmp_path / "adapter", tmp_path / "merged.gguf")
    with served(base_file, tmp_path / "adapter.gguf") as address:
        beside = [answered(address, ids, scale=1.0) for ids in prompts]
        switched_off = [answered(address, ids, scale=0.0) for ids in prompts]
    with served(tmp_path / "merged.gguf") as address:
        merged = [answered(address, ids) for ids in prompts]
    for place, ours in enumerate(wanted):
        assert distance(beside[place], ours) < ALIKE
        assert distance(merged[place], ours) < ALIKE
        assert distance(switched_off[place], without[place]) < ALIKE
        assert distance(beside[place], switched_off[place]) > DIFFERENT
        assert distance(merged[place], without[place]) > DIFFERENT


def distribution(model: Any, ids: list[int]) -> NDArray[Any]:
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
    chances: NDArray[Any] = torch.softmax(logits.double(), dim=-1).numpy()
    return chances


def distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.abs(one - other).sum() / 2)


@contextmanager
def served(model: Path, adapter: Path | None = None) -> Iterator[str]:
    """llama.cpp's server for a model, with an adapter as its number 0, on a port of this machine alone."""
    from xllamacpp import CommonAdapterLoraInfo, CommonParams, Server

    parameters = CommonParams()
    parameters.model.path = str(model)
    if hasattr(parameters, "hostnames"):
        parameters.hostnames = ["127.0.0.1"]
    else:
        parameters.hostname = "127.0.0.1"
    parameters.port = 0
    parameters.ui = False
    parameters.n_parallel = 1
    parameters.n_ctx = 1024
    parameters.verbosity = 0
    parameters.cache_ram_mib = 0
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    if adapter:
        info = CommonAdapterLoraInfo()
        info.path, info.scale = str(adapter), 1.0
        parameters.lora_adapters = [info]
    server = Server(parameters)
    yield urlsplit(server.listening_address).netloc


def answered(address: str, ids: list[int], scale: float | None = None) -> NDArray[Any]:
    """The next-token distribution over the whole vocabulary, as the server tells it."""
    body: dict[str, Any] = {"prompt": ids, "n_predict": 1, "n_probs": 49152, "temperature": 1.0, "cache_prompt": False}
    if scale is not None:
        body["lora"] = [{"id": 0, "scale": scale}]
    connection = http.client.HTTPConnection(address, timeout=120)
    try:
        connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
        reply = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    chances = np.zeros(49152)
    for token in reply["completion_probabilities"][0]["top_logprobs"]:
        chances[token["id"]] = np.exp(token["logprob"])
    assert chances.sum() == pytest.approx(1.0, abs=1e-3)
    return chances
