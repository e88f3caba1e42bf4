"""What packing saves: tokens of the examples one by one, and in the packs that a training step computes.

python run.py train data corpus/plain --as-embedded --out sft/ && python benchmarks/packing.py sft/
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console

from counseling_sessions.training.adapter import shared_examples
from counseling_sessions.training.base import load_base
from counseling_sessions.training.data import read_examples
from counseling_sessions.training.loss import pack_sessions
from counseling_sessions.training.recipe import PRESETS
from counseling_sessions.training.tokens import tokenize


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder made by train data")
    parser.add_argument("--base", default="embedded")
    args = parser.parse_args()
    recipe = PRESETS["embedded"]
    tokenizer = load_base(args.base).tokenizer
    rows = shared_examples(read_examples(args.data / "train.jsonl"), recipe)
    alone = [tokenize(tokenizer, row["role"], row["prompt"], row["completion"], recipe.max_length) for row in rows]
    packs = [
        pack
        for session in pack_sessions(rows, tokenizer, recipe.max_length, recipe.pack_tokens)
        for pack in session.packs
    ]
    together = sum(len(pack.ids) for pack in packs)
    single = sum(len(tokens.ids) for tokens in alone if tokens)
    Console(highlight=False).print(
        f"{len(rows):,} examples: {single:,} tokens one by one, {together:,} in {len(packs)} packs of up to "
        f"{recipe.pack_tokens:,} ({single / together:.1f} times fewer); {sum(pack.weight for pack in packs):,} are answers"
    )


if __name__ == "__main__":
    main()
