"""Texts as words and sentences."""

from counseling_sessions.texts.words import duration, overlap, sentences, trigrams


def test_sentences_keep_their_punctuation() -> None:
    assert sentences('Is it 3.5? "Yes!" Well… ok') == ["Is it 3.5?", '"Yes!"', "Well…", "ok"]


def test_a_text_of_under_three_words_is_one_gram_and_an_empty_one_overlaps_with_nothing() -> None:
    assert trigrams("No, never!") == {("no", "never")}
    assert overlap(trigrams("a b c d"), trigrams("A, b, c... e")) == 1 / 3
    assert overlap(trigrams("…"), trigrams("…")) == 0


def test_durations_are_read_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (0.4, 59, 61, 3600, 7384)] == [
        "0 s",
        "59 s",
        "1 min 01 s",
        "1 h 00 min",
        "2 h 03 min",
    ]
