"""Exports an adapter: as a GGUF beside its base or merged into it, for llama.cpp; merged for transformers and vLLM.

In the `llama` architecture, llama.cpp and transformers order the rows of the query and key projections differently. So the export
reorders an adapter's second factor, as llama.cpp's converter does with the base.
"""

from pathlib import Path
from typing import Any

import gguf
import gguf.quants
import numpy as np
from numpy.typing import NDArray

from counseling_sessions.ladder.models import ladder
from counseling_sessions.models.embedded_file import model_file
from counseling_sessions.settings import EMBEDDED
from counseling_sessions.store.reading import parse_json, read_text
from counseling_sessions.training.adapter import WEIGHTS
from counseling_sessions.training.card import read_card
from counseling_sessions.training.errors import TrainingError

ARCHITECTURES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "llama",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
}
"""The GGUF architectures that an export supports, by transformers' class name."""
LAYERS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
Array = NDArray[Any]


def export_gguf(adapter: Path, path: Path) -> int:
    """Write an adapter as a GGUF of 16-bit floats for llama.cpp's `--lora`; returns its size in bytes. Raises `TrainingError`."""
    architecture, factors = _factors(adapter)
    writer = _writer(path, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(_config(adapter)["lora_alpha"]))
    writer.add_name(f"counseling sessions adapter for {read_card(adapter).base_name}")
    writer.add_license("apache-2.0")
    for tensor, (a, b) in factors.items():
        writer.add_tensor(f"{tensor}.lora_a", a.astype(np.float16))
        writer.add_tensor(f"{tensor}.lora_b", b.astype(np.float16))
    return _written(writer, path)


def export_merged_gguf(adapter: Path, path: Path) -> int:
    """Write base and adapter as one GGUF in Q8_0; returns its size in bytes. Raises `TrainingError`, also if the base is no GGUF."""
    base = _base_file(adapter)
    architecture, factors = _factors(adapter)
    config = _config(adapter)
    scale = float(config["lora_alpha"]) / float(config["r"])
    deltas = {tensor: b @ a * scale for tensor, (a, b) in factors.items()}
    reader = gguf.GGUFReader(str(base))
    writer = _writer(path, architecture)
    _copy_fields(reader, writer)
    for tensor in reader.tensors:
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name in deltas:
            weights = weights + deltas[tensor.name].astype(np.float32)
        if weights.ndim < 2 or weights.shape[-1] % 32:
            writer.add_tensor(tensor.name, weights)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor.name, gguf.quants.quantize(weights, kind), raw_dtype=kind)
    return _written(writer, path)


def export_merged(adapter: Path, folder: Path) -> None:
    """Write base and adapter as one model for transformers and vLLM. Raises `TrainingError`."""
    from counseling_sessions.training.base import load_adapter, load_base

    base = load_base(read_card(adapter).base)
    merged = load_adapter(base, adapter).merge_and_unload()
    folder.mkdir(parents=True, exist_ok=True)
    merged.config.quantization_config = None
    del merged.config.quantization_config
    merged.save_pretrained(str(folder))
    base.tokenizer.save_pretrained(str(folder))


def _written(writer: Any, path: Path) -> int:
    """Write the writer's content; returns the file's size in bytes."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.stat().st_size


def _writer(path: Path, architecture: str) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    return gguf.GGUFWriter(str(path), architecture)


def _config(adapter: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = parse_json(read_text(adapter / "adapter_config.json"))
    except (OSError, ValueError):
        raise TrainingError(f"{adapter} holds no adapter (no readable adapter_config.json)") from None
    return config


def _factors(adapter: Path) -> tuple[str, dict[str, tuple[Array, Array]]]:
    """The base's GGUF architecture, and by GGUF name the two factors of every changed layer, (rank, in) and (out, rank)."""
    from safetensors.numpy import load_file

    architecture, heads = _architecture(adapter)
    weights = load_file(str(adapter / WEIGHTS))
    factors: dict[str, tuple[Array, Array]] = {}
    for name, a in weights.items():
        if name.endswith(".lora_A.weight"):
            layer = name.removesuffix(".lora_A.weight").removeprefix("base_model.model.")
            b = weights[name.replace("lora_A", "lora_B")].astype(np.float32)
            factors[_tensor(layer)] = a.astype(np.float32), _reordered(layer, b, architecture, heads)
    return architecture, factors


def _tensor(name: str) -> str:
    """The GGUF name of a layer's weight: model.layers.3.mlp.up_proj is blk.3.ffn_up.weight."""
    parts = name.split(".")
    kind = LAYERS.get(".".join(parts[3:]))
    if parts[:2] != ["model", "layers"] or kind is None:
        raise TrainingError(f"this program knows no GGUF name for the layer {name}; export this adapter with --folder")
    return f"blk.{parts[2]}.{kind}.weight"


def _architecture(adapter: Path) -> tuple[str, dict[str, int]]:
    """The GGUF name of the base's architecture, and the number of its query and key heads."""
    from transformers import AutoConfig

    card = read_card(adapter)
    if card.base == EMBEDDED or card.base.endswith(".gguf"):
        file = _base_file(adapter)
        config = AutoConfig.from_pretrained(str(file.parent), gguf_file=file.name)
    else:
        config = AutoConfig.from_pretrained(card.base)
    name = (config.architectures or [type(config).__name__.replace("Config", "ForCausalLM")])[0]
    if name not in ARCHITECTURES:
        raise TrainingError(f"{name}: this program exports only adapters of {', '.join(ARCHITECTURES)} to GGUF")
    return ARCHITECTURES[name], {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}


def _base_file(adapter: Path) -> Path:
    base = read_card(adapter).base
    if base == EMBEDDED:
        return model_file(ladder()[0])
    if base.endswith(".gguf"):
        return Path(base)
    raise TrainingError(
        f"the base {base!r} is no GGUF: write the merged model with --folder, and convert it with llama.cpp's tools"
    )


def _reordered(name: str, b: Array, architecture: str, heads: dict[str, int]) -> Array:
    """The rows of a query or key projection in llama.cpp's order, which interleaves the two halves of each head."""
    count = heads.get(name.rpartition(".")[2])
    if architecture != "llama" or count is None:
        return b
    rows, width = b.shape
    return b.reshape(count, 2, rows // count // 2, width).swapaxes(1, 2).reshape(rows, width)


def _copy_fields(reader: Any, writer: Any) -> None:
    replaced = {gguf.Keys.General.ARCHITECTURE, gguf.Keys.General.FILE_TYPE}
    for name, item in reader.fields.items():
        if name.startswith("GGUF.") or name in replaced:
            continue
        kind = item.types[0]
        if kind == gguf.GGUFValueType.ARRAY:
            writer.add_array(name, item.contents())
        else:
            writer.add_key_value(name, item.contents(), kind)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
