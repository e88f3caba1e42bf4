"""What of the candidates survived in the utterance: runs of three words or more, wherever they stand."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from counseling_sessions.inspection.survival import SHORTEST, survival

WORDS = ["one", "Two", "three,", "don’t", "don't", "five.", "ﬁne", "fine", "—", "été"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join)


def pieces(text: str, spans: object) -> list[str]:
    return [text[span.start : span.end] for span in spans]  # type: ignore[attr-defined]


def test_a_sentence_taken_over_is_found_in_both_texts_whatever_its_case_and_punctuation() -> None:
    draft = "That sounds lonely. You kept going, night after night."
    utterance = "I hear it: you kept going night after night! What helped?"
    survived = survival(utterance, [draft])
    assert pieces(utterance, survived.origins) == ["you kept going night after night"]
    assert pieces(draft, survived.kept[0].spans) == ["You kept going, night after night"]
    kept = survived.kept[0]
    assert (kept.words, kept.total, kept.given, survived.total) == (6, 9, 6, 11)
    assert kept.share == 6 / 9


def test_two_words_in_common_are_chance() -> None:
    assert survival("you kept on", ["you kept off"]).origins == ()
    assert len(survival("you kept on", ["so you kept on"]).origins) == 1


def test_sentences_that_were_moved_about_are_found() -> None:
    draft = "What was the morning like? You slept a little."
    utterance = "You slept a little. What was the morning like?"
    survived = survival(utterance, [draft])
    assert survived.kept[0].share == 1
    assert pieces(utterance, survived.origins) == ["You slept a little. What was the morning like"]


def test_each_word_is_put_down_to_the_longest_run_and_of_equals_to_the_first_candidate() -> None:
    utterance = "it was a long night for you"
    survived = survival(utterance, ["it was a cold day", "well, it was a long night", "a long night for you"])
    assert [(utterance[item.start : item.end], item.candidate) for item in survived.origins] == [
        ("it was a long night", 1),
        ("for you", 2),
    ]
    assert [kept.words for kept in survived.kept] == [3, 5, 5]
    assert [kept.given for kept in survived.kept] == [0, 5, 2]
    same = survival("you kept going", ["you kept going", "you kept going"])
    assert [item.candidate for item in same.origins] == [0]


def test_nothing_survives_of_nothing() -> None:
    survived = survival("Some words here.", ["", "…"])
    assert [kept.share for kept in survived.kept] == [0, 0]
    assert survival("", ["a b c"]).origins == ()


@given(utterance=TEXTS, candidates=st.lists(TEXTS, max_size=4))
def test_spans_are_whole_words_in_order_and_add_up(utterance: str, candidates: list[str]) -> None:
    survived = survival(utterance, candidates)
    assert all(one.end <= other.start for one, other in pairwise(survived.origins))
    assert sum(kept.given for kept in survived.kept) <= survived.total
    for kept, text in zip(survived.kept, candidates, strict=True):
        assert kept.words <= kept.total
        assert not kept.spans or kept.words >= SHORTEST
        assert all(one.end < other.start for one, other in pairwise(kept.spans))
        assert all(piece == piece.strip(" ,.—") for piece in pieces(text, kept.spans))
    assert bool(survived.origins) == any(kept.spans for kept in survived.kept)
    assert survival(utterance, [utterance]).kept[0].words in (
        0 if survived.total < SHORTEST else survived.total,
        survived.total,
    )


@given(text=TEXTS, before=TEXTS, after=TEXTS)
def test_what_is_taken_over_whole_survives_whole(text: str, before: str, after: str) -> None:
    kept = survival(f"{before} {text} {after}", [text]).kept[0]
    assert kept.total < SHORTEST or kept.words == kept.total
