"""Phrases with their letters apart are tried only where a text can hold them, and none is missed."""

import time

import pytest

from counseling_sessions.nodes.risk import find_risk, phrase_lists
from counseling_sessions.nodes.risk.disguises import _compiled_apart, _may_be_in
from counseling_sessions.nodes.risk.phrases import FOLDER, LANGUAGES
from counseling_sessions.settings import read_yaml

EXAMPLES = {
    category: [
        example
        for language in LANGUAGES
        for example in read_yaml(FOLDER / f"{language.lower()}.yaml")["explicit"].get(category, {"examples": ()})[
            "examples"
        ]
    ]
    for category in ("suicide", "self_harm", "harm_to_others", "danger")
}


DRAWN = [(category, True) for category in EXAMPLES if category != "danger"]
"""Of these a plain search has an end."""


@pytest.mark.parametrize(("category", "drawn"), [*((category, False) for category in EXAMPLES), *DRAWN])
def test_whatever_a_search_finds_is_searched_for(category: str, drawn: bool) -> None:
    texts = ["".join(sign for sign in example.lower() if sign.isalpha()) for example in EXAMPLES[category]]
    if drawn:
        texts = ["".join(f"{sign}{sign}" for sign in text) for text in texts]
    patterns = [item for one in phrase_lists().explicit if one.category == category for item in one.patterns]
    held = [(text, item) for text in texts for item in patterns if _compiled_apart(item).search(text)]
    assert len({text for text, _ in held}) > len(texts) / 3
    assert [pair for pair in held if not _may_be_in(pair[1], pair[0])] == []


def test_a_message_with_its_letters_apart_is_searched_at_once() -> None:
    find_risk("k i l l m y s e l f")  # the lists are read
    began = time.process_time()
    assert find_risk("M a n c h m a l w i l l i c h e i n f a c h s t e r b e n") is not None
    assert time.process_time() - began < 2.0  # without a look at what patterns need it took twelve
