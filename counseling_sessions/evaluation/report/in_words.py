"""What a paired comparison shows, in words that a paper can use; sentences are in `in_words.yaml`."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from counseling_sessions.evaluation.compare import Compared, Comparison
from counseling_sessions.evaluation.report.format import number, p_cell
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import counted

LISTED = 5
"""So many differences are named, those with the smallest corrected p first."""


@cache
def _texts() -> dict[str, str]:
    return {name: " ".join(text.split()) for name, text in read_yaml(Path(__file__).with_name("in_words.yaml")).items()}


def in_words(comparison: Comparison) -> Iterator[str]:
    """A paragraph for each other group of which something was tested."""
    for other in comparison.others:
        items = [item for item in comparison.against(other) if item.adjusted is not None]
        if not items:
            continue
        names = {"reference": comparison.reference, "other": other, "tested": counted(len(items), "measure")}
        held = sorted((item for item in items if item.rejected), key=_by_p)
        listed = [_one(item) for item in held[:LISTED]]
        if more := len(held) - len(listed):
            listed.append(_texts()["more"].format(count=more))
        first = _texts()["differ" if held else "none"].format(**names, count=len(held), listed="; ".join(listed))
        yield f"{first} {_texts()['not_shown'].format(**names)}"


def _by_p(item: Compared) -> tuple[float, str]:
    return item.adjusted if item.adjusted is not None else 1.0, item.measure.id


def _one(item: Compared) -> str:
    figure, share = item.difference.difference, item.measure.share
    p = p_cell(item.adjusted).text
    values = {"title": item.measure.title, "p": p if p.startswith("<") else f"= {p}"}
    written = [
        number(value, share=share).replace(" %", " points")
        for value in (figure.value, figure.low, figure.high)
        if value is not None
    ]
    if len(written) < 3:
        return _texts()["one_without_interval"].format(**values, difference="".join(written[:1]))
    difference, low, high = written
    return _texts()["one"].format(**values, difference=difference, low=low.removesuffix(" points"), high=high)
