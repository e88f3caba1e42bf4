"""What the tests of training share: a small tokenizer with two chat templates, a tiny random Llama, examples, an adapter.

Nothing here comes from elsewhere: the tokenizer is trained on a few sentences, the models begin with seeded random numbers.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from counseling_sessions.training.base import Base, adapter_model
from counseling_sessions.training.card import CARD_DATA, TrainingCard
from counseling_sessions.training.loop import History
from counseling_sessions.training.recipe import Recipe

SENTENCES = (
    "I lie awake and count the hours until the market opens.",
    "Where shall we begin today, with the nights or with the stall?",
    "With the nights, I suppose; the stall comes later.",
    "You count, and the counting keeps you awake.",
    "What went through your mind when the clock struck three?",
    "That nobody will come, and that it will be my fault.",
    "Many people who carry a business alone wake at that hour.",
    "Perhaps one night without the clock would tell us something.",
    "I could put it into the drawer, just this once.",
)
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""As SmolLM2 has it."""
LLAMA = (
    "{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
"""As Llama 3 has it."""
END = {CHATML: "<|im_end|>", LLAMA: "<|eot_id|>"}
SPECIAL = (
    "<|begin|>",
    "<|end|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
)


def tokenizer(template: str = CHATML) -> Any:
    """Bytes and frequent pairs of them; `<|end|>` ends a text, and what ends a turn is one of the other special tokens."""
    from transformers import PreTrainedTokenizerFast

    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer.from_str(_trained()), bos_token="<|begin|>", eos_token="<|end|>"
    )
    made.chat_template = template
    return made


@cache
def _trained() -> str:
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=384, initial_alphabet=alphabet, special_tokens=list(SPECIAL), show_progress=False
    )
    made.train_from_iterator(SENTENCES, trainer)
    return str(made.to_str())


def tiny_llama(vocabulary: int = 384, attention: str = "tree") -> Any:
    """Two layers of width 32, four heads that share two keys; the same random weights every time."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from counseling_sessions.training import tree_attention

    tree_attention.register()
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.2,
        attn_implementation=attention,
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return LlamaForCausalLM(config).eval()


def base_folder(folder: Path) -> Path:
    """A whole base model as a folder: the tiny Llama and its tokenizer."""
    tiny_llama().save_pretrained(str(folder))
    tokenizer().save_pretrained(str(folder))
    return folder


def rows(session: int, turns: int = 3) -> Iterator[dict[str, Any]]:
    """The examples of a session: a plan, then an answer of `merge` and one of `client` in every turn."""

    def said(place: int) -> str:
        return SENTENCES[(session + place) % len(SENTENCES)]

    def row(role: str, system: str, dialogue: list[dict[str, str]], answer: str) -> dict[str, Any]:
        return {
            "role": role,
            "session_id": f"session-{session}",
            "client_group": f"client-{session // 2}",
            "prompt": [{"role": "system", "content": system}, *dialogue],
            "completion": [{"role": "assistant", "content": answer}],
        }

    counselor = "You are the counselor. You answer in one sentence, and you ask before you advise."
    client = "You are the client. You answer what you were asked, and you tell one thing at a time."
    dialogue: list[dict[str, str]] = [{"role": "user", "content": "The client sells plants and sleeps badly."}]
    heard: list[dict[str, str]] = []
    yield row("plan", counselor, dialogue, said(0))
    for turn in range(turns):
        utterance, reply = said(2 * turn), said(2 * turn + 1)
        yield row("merge", counselor, dialogue, utterance)
        heard = [*heard, {"role": "user", "content": utterance}]
        yield row("client", client, heard, reply)
        dialogue = [*dialogue, {"role": "assistant", "content": utterance}, {"role": "user", "content": reply}]
        heard = [*heard, {"role": "assistant", "content": reply}]


def data_folder(folder: Path, sessions: int = 4) -> Path:
    """Examples as `run.py train data` leaves them, the last session for validation."""
    folder.mkdir(parents=True)
    splits = {"train": range(sessions - 1), "validation": range(sessions - 1, sessions)}
    for split, numbers in splits.items():
        lines = [json.dumps(row) + "\n" for number in numbers for row in rows(number)]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def random_adapter(loaded: Base, folder: Path, *, rank: int = 4, alpha: int = 8, size: float = 0.3) -> Any:
    """Write an adapter with its card, as if it had been trained, only that its second factors are random numbers.

    Gives the base with the adapter, in evaluation mode.
    """
    import torch

    recipe = Recipe(rank=rank, alpha=alpha, dropout=0.0, seed=3)
    model = adapter_model(loaded, recipe).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0.0, size)
    model.save_pretrained(str(folder))
    card = TrainingCard(
        base=loaded.name,
        base_name="a base of the tests",
        base_sha256=loaded.sha256,
        data_sha256={"train": "", "validation": ""},
        roles=None,
        recipe=recipe,
        history=History(),
        machine="",
        packages={},
        **dict.fromkeys(("sessions", "clients", "examples", "too_long", "packs", "trainable"), 0),
    )
    (folder / CARD_DATA).write_text(card.model_dump_json(), encoding="utf-8")
    return model
