"""Hints and labels as lines to read; the words are those of `hints.yaml`."""

from collections.abc import Sequence

from counseling_sessions.practice.answer import Answer
from counseling_sessions.practice.hints import Hint, texts
from counseling_sessions.practice.labels import Label
from counseling_sessions.prompts import prompt
from counseling_sessions.state import PickSource


def title(name: str) -> str:
    """A technique's name for people."""
    return name.replace("_", " ")


def titles(names: Sequence[str]) -> str:
    """Techniques that go together, for people."""
    return " + ".join(map(title, names))


def how(source: PickSource, fallback: str | None) -> str:
    """Who decided."""
    lines = texts().lines
    return lines["fallback"] if fallback else lines["llm"] if source == "llm" else lines["rules"]


def hint_lines(hint: Hint) -> list[str]:
    """A hint: what to do, what each technique is, and why."""
    lines = texts().lines
    cards = (
        lines["card"].format(technique=title(name), card=prompt(f"techniques/{name}", "card"))
        for name in hint.techniques
    )
    perhaps = lines["perhaps"].format(techniques=titles(hint.techniques), advice=hint.advice).rstrip()
    return [perhaps, *cards, _why(hint)]


def why_lines(turn: int, labels: Sequence[Label], hint: Hint) -> list[str]:
    """What a message of the person's was, by its labels, and the hint that there was before it, as it reads there."""
    lines = texts().lines
    said = "; ".join(
        lines["label" if label.sure else "likely"].format(title=label.title, sentence=label.sentence)
        for label in labels
    )
    before = lines["before"].format(techniques=titles(hint.techniques), advice=hint.advice).rstrip()
    return [lines["your_labels"].format(turn=turn, labels=said or lines["no_label"]), before, _why(hint)]


def answer_lines(answer: Answer, hint: Hint | None) -> list[str]:
    """How MAGneT came to its answer: plan, pick and candidates. `hint` is the one that was read here; where it differs it is said."""
    lines = []
    if answer.plan:
        lines.append(texts().lines["plan"].format(technique=answer.plan.technique, goal=answer.plan.goal))
    if pick := answer.pick:
        by = how(pick.source, pick.fallback)
        lines.append(texts().lines["picked"].format(how=by, techniques=titles(pick.techniques), reason=pick.reason))
        if hint and hint.source == "rules" and hint.techniques != pick.techniques:
            lines.append(texts().lines["differs"].format(techniques=titles(hint.techniques)))
    return [*lines, *(f"  {title(one.technique)}: {one.text or one.error}" for one in answer.candidates)]


def _why(hint: Hint) -> str:
    reason = hint.reason.rstrip(".")
    return texts().lines["why"].format(reason=reason, how=how(hint.source, hint.fallback))
