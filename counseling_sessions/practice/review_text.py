"""A review as lines to read; the words are those of `texts/review.yaml`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from counseling_sessions.nodes.answers import quoted
from counseling_sessions.practice.review import Revealed, Review
from counseling_sessions.settings import read_yaml

FILE = Path(__file__).parent / "texts" / "review.yaml"
MOST = 3
"""Moments of a kind that are shown; more would read like a list of faults."""
_BARS = "▁▂▃▄▅▆▇█"
_HIGHEST = {"openness": 3}
"""Where a scale ends that does not end at 10."""


def review_head() -> str:
    """The title of a review."""
    return str(review_texts()["head"])


def review_lines(review: Review) -> list[str]:
    """The review as lines to read."""
    if not review.messages:
        return [review_texts()["silent"]]
    return [
        *_counts(review),
        *(_labels(review) if review.is_read else [review_texts()["unread"]]),
        *_course(review),
        *(_missed(review) if review.is_read else ()),
        *_stacked(review),
        *_early(review),
        *_pressed(review),
        *_form(review),
    ]


def _counts(review: Review) -> Iterator[str]:
    texts, asked = review_texts(), review.questions
    share = f"{review.share:.0%}" if review.share is not None else "–"
    yield texts["words"].format(
        messages=review.messages, words=review.words, client_words=review.client_words, share=share
    )
    longest = max(one.words for one in review.own)
    yield texts["longest"].format(words=longest, turn=review.longest)
    if review.is_read:
        yield texts["questions_other" if asked.other else "questions"].format(**asked.model_dump())


def _labels(review: Review) -> Iterator[str]:
    texts = review_texts()
    counts = Counter(label.title for one in review.own for label in one.labels)
    if not counts:
        yield texts["no_labels"]
        return
    yield texts["labels"].format(counts=", ".join(f"{title} {count}" for title, count in counts.most_common()))
    for one in review.own:
        said = [label.title if label.sure else texts["likely"].format(title=label.title) for label in one.labels]
        yield texts["label_turn"].format(turn=one.turn, labels=", ".join(said) or texts["no_label"])


def _course(review: Review) -> Iterator[str]:
    texts, course = review_texts(), review.course
    if not course:
        return
    yield texts["course"]
    width = max(map(len, texts["scales"].values()))
    for name, title in texts["scales"].items():
        values = [getattr(point, name) for point in course]
        curve = "".join(_bar(value, _HIGHEST.get(name, 10)) for value in values)
        yield texts["course_row"].format(name=title.ljust(width), curve=curve, first=values[0], last=values[-1])
    yield texts["moved"][review.moved]
    for step in review.turnings:
        why = " and ".join(texts["heard"][one] for one in step.heard)
        line = texts["rose" if step.change > 0 else "fell"]
        yield line.format(turn=step.turn, why=why, said=quoted(step.said))


def _bar(value: int, highest: int) -> str:
    return _BARS[round(value / highest * (len(_BARS) - 1))]


def _missed(review: Review) -> Iterator[str]:
    texts = review_texts()
    if not review.missed:
        yield texts["missed_none"]
        return
    yield texts["missed"]
    for one in review.missed[:MOST]:
        yield texts["missed_item"].format(turn=one.turn, kind=one.kind, sentence=quoted(one.sentence))
        yield texts["reply"].format(reply=quoted(one.reply))
    yield from _more(review.missed)


def _stacked(review: Review) -> Iterator[str]:
    texts = review_texts()
    if review.stacked:
        yield texts["stacked"]
    for one in review.stacked[:MOST]:
        yield texts["stacked_item"].format(turn=one.turn, questions=quoted(" ".join(one.questions)))
    yield from _more(review.stacked)


def _early(review: Review) -> Iterator[str]:
    texts = review_texts()
    if review.early:
        yield texts["early"]
    for one in review.early[:MOST]:
        yield texts["early_item"].format(
            turn=one.turn, why=texts["early_why"][one.phase], sentence=quoted(one.sentence)
        )
    yield from _more(review.early)


def _pressed(review: Review) -> Iterator[str]:
    texts = review_texts()
    if review.pressed:
        yield texts["pressed"]
    for one in review.pressed[:MOST]:
        yield texts["pressed_item"].format(turn=one.turn, refusal=one.refusal, again=quoted(one.again))
    yield from _more(review.pressed)


def _form(review: Review) -> Iterator[str]:
    texts = review_texts()
    if review.form:
        yield texts["form"].format(client=review.client)
    for one in review.form:
        yield texts["form_item"].format(title=one.title, text=one.text)
        if one.level is not None:
            yield texts["form_where"].format(level=texts["level"][one.level], where=_where(one))


def _where(one: Revealed) -> str:
    texts = review_texts()
    return str(texts["form_kept"] if one.turn is None else texts["form_told"].format(turn=one.turn))


def _more(items: Sequence[Any]) -> Iterator[str]:
    if (more := len(items) - MOST) > 0:
        yield review_texts()["more"].format(count=more)


@cache
def review_texts() -> dict[str, Any]:
    """What a review says, by name; words in braces are filled in."""
    texts: dict[str, Any] = read_yaml(FILE)
    return texts
