"""The base model of an adapter: the embedded one, a model of the Hub, or a folder."""

import hashlib
import io
import warnings
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counseling_sessions.ladder.models import ladder
from counseling_sessions.models.embedded_file import model_file
from counseling_sessions.settings import EMBEDDED, SettingsError
from counseling_sessions.store.reading import open_plain
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.recipe import Recipe


@dataclass
class Base:
    """A loaded base model: `name` as the command gives it, and `gguf`, its file if it is a GGUF file.

    `sha256` is the hash of the file or of a folder's weights; for a model of the Hub it is the commit.
    """

    name: str
    model: Any
    tokenizer: Any
    gguf: Path | None
    sha256: str


def load_base(name: str, *, four_bit: bool = False, offline: bool = False) -> Base:
    """Load a base model for training or for scores, in 32-bit floats on a CPU, in bfloat16 on a GPU.

    `name` is `embedded`, an id of the Hub, a folder or a GGUF file. Raises `TrainingError` and `EmbeddedModelError`.
    """
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)  # between peft and transformers
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    from counseling_sessions.training import tree_attention

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    tree_attention.register()
    gguf = (
        model_file(ladder()[0], offline=offline) if name == EMBEDDED else Path(name) if name.endswith(".gguf") else None
    )
    source = str(gguf.parent) if gguf else name
    options: dict[str, Any] = {"gguf_file": gguf.name} if gguf else {}
    if not gguf and Path(name).is_absolute() and not Path(name).is_dir():
        raise TrainingError(
            f"there is no folder {name}: a base is 'embedded', a folder, a GGUF file or an id of the Hub"
        )
    gpu = torch.cuda.is_available()
    quantised = _four_bit(gpu) if four_bit else None
    try:
        # The reader of GGUF files draws a progress bar.
        with redirect_stderr(io.StringIO()) if gguf else nullcontext():
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            model = AutoModelForCausalLM.from_pretrained(
                source,
                dtype=torch.bfloat16 if gpu else torch.float32,
                attn_implementation=tree_attention.NAME,
                device_map={"": 0} if gpu else None,
                quantization_config=quantised,
                **options,
            )
    except (OSError, ValueError, ImportError) as error:
        raise TrainingError(f"the base model {name!r} cannot be loaded: {' '.join(str(error).split())[:400]}") from None
    if tokenizer.chat_template is None:
        raise TrainingError(f"the base model {name!r} has no chat template; take an instruct model")
    model.config.use_cache = False
    files = [gguf] if gguf else sorted(Path(name).glob("*.safetensors")) or sorted(Path(name).glob("*.bin"))
    digest = _sha256(files) if files else str(getattr(model.config, "_commit_hash", None) or "")
    return Base(name, model, tokenizer, gguf, digest)


def adapter_model(base: Base, recipe: Recipe) -> Any:
    """The base with a fresh adapter on all its linear layers."""
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if recipe.four_bit:
        base.model = prepare_model_for_kbit_training(base.model)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        exclude_modules=rf".*\.layers\.({'|'.join(map(str, range(recipe.lowest_layer)))})\..*"
        if recipe.lowest_layer
        else None,
        task_type="CAUSAL_LM",
    )
    if recipe.recompute:
        # The other way would need a gradient of the prompt's embeddings, and so of the layers without an adapter.
        base.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    torch.manual_seed(recipe.seed)  # The adapter starts from random numbers.
    return get_peft_model(base.model, config)


def load_adapter(base: Base, folder: Path) -> Any:
    """The base with a trained adapter. Raises `TrainingError`."""
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(base.model, str(folder))
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainingError(
            f"{folder} holds no adapter for {base.name}: {' '.join(str(error).split())[:300]}"
        ) from None


def use_adapter(model: Any, folder: Path) -> None:
    """Replace the model's adapter by another trained one. Raises `TrainingError`."""
    try:
        model.load_adapter(str(folder), "other")
        model.set_adapter("other")
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainingError(f"{folder} holds no adapter for this base: {' '.join(str(error).split())[:300]}") from None


def base_name(base: Base) -> str:
    """The name of a base in a card."""
    return f"{ladder()[0].name} ({base.gguf.name})" if base.name == EMBEDDED and base.gguf else base.name


def _four_bit(gpu: bool) -> Any:
    if not gpu:
        raise SettingsError("--qlora needs a GPU (and bitsandbytes); without it, LoRA on the whole base runs on a CPU")
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with open_plain(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
