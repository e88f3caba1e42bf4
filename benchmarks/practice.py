"""How well practice reads messages: precision and recall of labels and of what a client's message shows.

    python benchmarks/practice.py

On the invented messages of tests/practice (one hand wrote them and the cues, so these figures are of the best case),
and on the utterances of corpus/codes that the coder did not learn from, of other hands. There a message counts once for each
label. `refusal` is the sign by which the router's rules know resistance.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import yaml

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.practice.labels import FILE, is_push, labels_of
from counseling_sessions.practice.seen import resistance_in, seen_in
from counseling_sessions.state import Speaker
from counseling_sessions.training.behaviour_codes import in_context, is_apart, labelled

MESSAGES = Path(__file__).parents[1] / "tests" / "practice"
KINDS = {
    "resists": "resistance",
    "torn": "torn",
    "asks_help": "asks_help",
    "feels": "feeling",
    "discloses": "disclosure",
}
OWN = MESSAGES / "counselor_messages.yaml"


def main() -> None:
    """Show all figures."""
    client = _read(MESSAGES / "client_messages.yaml")
    for part, items in client.items():
        said = [(item["said"], item["before"], item["shows"]) for item in items]
        for name, kind in KINDS.items():
            kinds = [({one.kind for one in seen_in(text, before)}, shows) for text, before, shows in said]
            show(f"{part}, {name}", [(kind in seen, name in shows) for seen, shows in kinds])
        show(
            f"{part}, resists by refusal",
            [("refusal" in signs_of(text), "resists" in shows) for text, _, shows in said],
        )
    resists = frozenset(codebook().resistance)
    apart = [(text, before, bool(codes & resists)) for text, before, codes in set_apart("client")]
    show("set apart, resists", [(bool(resistance_in(text, before)), there) for text, before, there in apart])
    pushed = [one for one in apart if is_push(one[1])]
    show(
        "set apart, resists after a push",
        [(bool(resistance_in(text, before)), there) for text, before, there in pushed],
    )
    show("set apart, resists by refusal", [("refusal" in signs_of(text), there) for text, _, there in apart])
    show_labels("invented", [(item["said"], item["before"], set(item["labels"])) for item in _read(OWN)])
    label_of = {code: name for name, rule in _read(FILE)["labels"].items() for code in rule["codes"]}
    show_labels(
        "set apart",
        [
            (text, before, {label_of[code] for code in codes & label_of.keys()})
            for text, before, codes in set_apart("counselor")
        ],
    )


def show_labels(part: str, messages: Sequence[tuple[str, str, set[str]]]) -> None:
    """Show how the labels of messages agree, each and all of them."""
    read = [({label.name for label in labels_of(text, before)}, there) for text, before, there in messages]
    pairs = {name: [(name in seen, name in there) for seen, there in read] for name in _read(FILE)["labels"]}
    for name, of_label in pairs.items():
        show(f"{part}, {name}", of_label)
    show(f"{part}, all labels", [pair for of_label in pairs.values() for pair in of_label])


def set_apart(side: Speaker) -> Iterator[tuple[str, str, frozenset[str]]]:
    """One side's messages that nothing was learned from: the text, the other's message before it, and its codes."""
    for one, before, conversation in in_context(labelled()):
        if one.side == side and is_apart(conversation):
            yield one.text, before, frozenset(code for _, codes in one.segments for code in codes)


def show(what: str, pairs: Sequence[tuple[bool, bool]]) -> None:
    """Show precision and recall of what was read (first), by what is there (second)."""
    both = sum(seen and there for seen, there in pairs)
    seen, there = (sum(pair[place] for pair in pairs) for place in (0, 1))
    print(
        f"{what:34} precision {both:4}/{seen:<4} {both / max(seen, 1):.2f}   recall {both:4}/{there:<4} {both / max(there, 1):.2f}"
    )


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
