"""Control pairs: drawn evenly, padded with words that say nothing, asked in both orders, and put together rightly."""

from collections import Counter

import pytest

from counseling_sessions.evaluation.judging.controls import (
    PADDED_BY,
    control_pairs,
    control_results,
    controls_wanted,
    padded,
)
from counseling_sessions.evaluation.judging.planting.padding import padding
from counseling_sessions.evaluation.judging.preference import Order, PairVerdict
from counseling_sessions.evaluation.pairs import Pair, Winner
from counseling_sessions.evaluation.session_length import session_length
from counseling_sessions.sessions import Message
from counseling_sessions.texts.words import words_of_any_script
from tests.evaluation.judged import session
from tests.evaluation.rating_sessions import pairs


def test_there_are_five_at_least_and_one_for_twenty_pairs() -> None:
    assert [controls_wanted(count) for count in (1, 60, 442)] == [5, 5, 22]


def test_clients_and_groups_come_up_evenly_and_sides_in_turn() -> None:
    drawn = control_pairs(pairs(8), 6)
    kinds = {"identical": [], "padded": []}
    for pair in drawn:
        kinds["identical" if "identical" in pair.groups else "padded"].append(pair)
    assert [len(of) for of in kinds.values()] == [6, 6]
    for of in kinds.values():
        assert len({pair.key.client for pair in of}) == 6
        assert Counter(pair.first.method for pair in of) == {"wiring-alpha": 3, "wiring-beta": 3}
    assert all(pair.first.dialogue == pair.second.dialogue for pair in kinds["identical"])
    assert Counter(pair.groups[0] for pair in kinds["padded"]) == {"padded": 3, "plain": 3}
    assert len({pair.id for pair in drawn}) == 12


def test_the_draw_does_not_hang_on_the_order_of_the_pairs_and_has_as_many_as_there_are() -> None:
    some = pairs(4)
    assert control_pairs(some, 3, seed=2) == control_pairs(some[::-1], 3, seed=2)
    assert control_pairs(some, 3, seed=2) != control_pairs(some, 3, seed=3)
    assert len(control_pairs(some, 100)) == 2 * 8
    assert control_pairs(some, 0) == []


def test_padding_adds_empty_words_of_both_speakers_and_nothing_else() -> None:
    plain = session()
    longer = padded(plain)
    before, after = session_length(plain.dialogue), session_length(longer.dialogue)
    longest = max(len(words_of_any_script(text)) for texts in padding().values() for text in texts)
    assert (1 + PADDED_BY) * before.words <= after.words <= (1 + PADDED_BY) * before.words + longest
    grown = Counter()
    for one, other in zip(plain.dialogue, longer.dialogue, strict=True):
        assert (one.turn, one.speaker) == (other.turn, other.speaker)
        assert other.text.endswith(one.text)
        left = other.text.removesuffix(one.text)
        for words in sorted(padding()[one.speaker], key=len, reverse=True):
            left = left.replace(f"{words} ", "")
        assert not left
        grown[one.speaker] += one.text != other.text
    assert min(grown.values()) > 0
    assert len(grown) == 2


def test_the_padding_asks_nothing_and_names_nobody() -> None:
    for texts in padding().values():
        assert len(set(texts)) == len(texts)
        for text in texts:
            assert "?" not in text
            assert not any(word[0].isupper() and word.strip(",.") != "I" for word in text.split()[1:])


@pytest.mark.parametrize(
    "changes",
    [
        {"language": "German"},
        {"dialogue": (Message(turn=1, speaker="client", text="Ich schlafe seit drei Wochen nicht mehr gut, und im Laden geht alles schief."),) * 4},
        {"dialogue": (Message(turn=1, speaker="client", text="我最近总是睡不好，白天在店里也没有精神，什么都做不好。"),) * 4},
    ],
)  # fmt: skip
def test_sessions_in_other_languages_have_identical_pairs_only(changes: dict[str, object]) -> None:
    foreign = [
        Pair(pair.id, pair.key, pair.groups, *(side.model_copy(update={"language": None} | changes) for side in (pair.first, pair.second)))
        for pair in pairs(3)
    ]  # fmt: skip
    assert {name for pair in control_pairs(foreign, 3) for name in pair.groups} == {"identical", "plain"}


def answered(pair: Pair, forward: Winner, backward: Winner) -> list[PairVerdict]:
    orders: tuple[tuple[Order, Winner], ...] = (("forward", forward), ("backward", backward))
    return [PairVerdict(pair.id, *pair.groups, pair.key, "a", "j", 1, order, winner) for order, winner in orders]


@pytest.mark.parametrize(("side", "share"), [("padded", 1), ("plain", 0)])
def test_the_padded_session_is_found_on_either_side(side: str, share: float) -> None:
    controls = [pair for pair in control_pairs(pairs(6), 6) if "padded" in pair.groups]
    rows = [row for pair in controls for row in answered(pair, *[winner(pair, side)] * 2)]
    [result] = control_results(controls, rows)
    assert (result.kind, result.pairs, result.answers) == ("padded", 6, 6)
    assert (result.one.value, result.other.value, result.tied.value) == (share, 1 - share, 0)


def winner(pair: Pair, side: str) -> Winner:
    return "first" if pair.groups[0] == side else "second"


def test_orders_that_disagree_are_a_tie_and_who_cannot_say_is_left_out() -> None:
    one, other = [pair for pair in control_pairs(pairs(2), 2) if "padded" in pair.groups]
    rows = answered(one, "first", "second") + answered(other, "cannot_say", "cannot_say")
    [result] = control_results([one, other], rows)
    assert (result.pairs, result.answers, result.tied.value) == (2, 1, 1)
    assert result.split
    assert result.split.value == 1
    [honest] = control_results([one], answered(one, "tie", "tie"))
    assert honest.split
    assert (honest.tied.value, honest.split.value) == (1, 0)


def test_of_identical_sessions_one_answer_counts() -> None:
    # A judge that says A: the same question twice, read as the first session and as the second.
    [pair] = [pair for pair in control_pairs(pairs(1), 1) if "identical" in pair.groups]
    [result] = control_results([pair], answered(pair, "first", "second"))
    assert (result.answers, result.one.value, result.other.value) == (1, 1, 0)
