"""Unclear words of a test's own, so that what follows from them does not hang on the lists of phrases."""

from typing import Any

import pytest

from counseling_sessions.nodes.risk import Risk, find_risk

UNCLEAR = "They would all manage without zanzibar."
"""Counts as unclear wording of the category `suicide`."""
UNSAFE = "At home it is not so quiet, karakoram."
"""The same of `danger`."""
PLACES = ("nodes.person", "nodes.stopping", "nodes.risk.check", "practice.loop")


def finding(text: str, *, before: str = "", asked: str = "") -> Risk | None:
    """As `find_risk`, which goes first, with the unclear words: also where they run over two messages."""
    if risk := find_risk(text, before=before, asked=asked):
        return risk
    seen = f"{before[-200:]} {text}"
    if "without zanzibar" in seen:
        return Risk("rules", "suicide", "unclear")
    return Risk("rules", "danger", "unclear") if "karakoram" in seen else None


def make_unclear(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
    """Have every place of the check find the unclear words."""
    for place in PLACES:
        monkeypatch.setattr(f"counseling_sessions.{place}.find_risk", finding)
