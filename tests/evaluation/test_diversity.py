"""Distinct-n and EAD: by hand, against plain Python on released sessions, at equal length, and their intervals by simulation."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from counseling_sessions.evaluation.diversity import ngrams
from counseling_sessions.evaluation.diversity.ngrams import counts_of
from counseling_sessions.evaluation.diversity.pooled import (
    Diversity,
    EqualLength,
    compare_counts,
    diversity_of_counts,
    expectation_adjusted,
)
from counseling_sessions.evaluation.diversity.tokens import Tokenizer, as_in_paper, unicode_words
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.jackknife import difference_figure, jackknife_figure
from counseling_sessions.sessions import Message, Session, read_sessions
from counseling_sessions.state import Speaker
from tests.reference import RELEASED, needs_reference

SPEAKERS: tuple[Speaker, Speaker] = ("counselor", "client")


def session(name: str, *texts: str) -> Session:
    dialogue = (
        Message(turn=place // 2 + 1, speaker=SPEAKERS[place % 2], text=text) for place, text in enumerate(texts)
    )
    return Session(id=name, source="test", dialogue=tuple(dialogue))


def values(found: Diversity) -> list[float | None]:
    return [figure.value for figure in (*found.distinct, found.ead)]


def diversity_of(
    sessions: list[Session],
    tokenizer: Tokenizer | None = None,
    *,
    speaker: Speaker | None = None,
    vocabulary: int | None = None,
) -> Diversity:
    return diversity_of_counts(counts_of(sessions, tokenizer or unicode_words(), speaker=speaker), vocabulary)


def compare_at_equal_length(sets: dict[str, list[Session]], **options: int | None) -> EqualLength:
    return compare_counts({name: counts_of(found, unicode_words()) for name, found in sets.items()}, **options)


TWO = [session("a", "I am tired", "I am I am tired"), session("b", "so tired", "", "so")]


def test_by_hand() -> None:
    # i am tired | i am i am tired | so tired | so: 11 words, 4 of them different; 7 pairs: i-am, am-tired, am-i, so-tired;
    # 4 triples: i-am-tired (twice), i-am-i, am-i-am.
    found = diversity_of(TWO, vocabulary=10)
    expected = 4 / (10 * (1 - 0.9**11))
    assert values(found) == pytest.approx([4 / 11, 4 / 7, 3 / 4, expected])
    assert (found.sessions, found.messages, found.clients, found.tokens) == (2, 5, 2, 11)
    assert (found.tokenizer, found.vocabulary) == ("unicode-words", 10)


def test_one_speaker_by_hand() -> None:
    # i am tired | so tired | so
    found = diversity_of(TWO, speaker="counselor")
    assert values(found) == pytest.approx([4 / 6, 3 / 3, 1 / 1, None])
    assert (found.messages, found.tokens, found.speaker) == (3, 6, "counselor")


def test_words_alone_have_no_ead() -> None:
    found = diversity_of(TWO)
    assert (found.ead.value, found.vocabulary) == (None, None)
    assert "give its size" in found.ead.note


def test_the_tokenizers_vocabulary_counts_unless_another_is_given() -> None:
    closed = Tokenizer("letters", 26, lambda texts: [list(text.replace(" ", "").lower()) for text in texts])
    assert diversity_of(TWO, closed).vocabulary == 26
    assert diversity_of(TWO, closed, vocabulary=30).vocabulary == 30


def test_an_impossible_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="a vocabulary of 3 cannot be: there are 4 different tokens"):
        diversity_of(TWO, vocabulary=3)


def test_nothing_said_gives_no_figures() -> None:
    for sessions in ([], [session("a", "", "…")]):
        assert values(diversity_of(sessions, vocabulary=10)) == [None] * 4
    assert values(diversity_of([session("a", "two words")])) == [1, 1, None, None]


@pytest.mark.parametrize("vocabulary", [1, 7, 128_000, 10**12])
def test_ead_is_exact_for_large_vocabularies_and_many_tokens(vocabulary: int) -> None:
    tokens = 2_000
    exact = 1 / (vocabulary * (1 - Fraction(vocabulary - 1, vocabulary) ** tokens))
    assert expectation_adjusted(1, tokens, vocabulary) == pytest.approx(float(exact), rel=1e-9)
    assert expectation_adjusted(vocabulary, 10**15, vocabulary) == pytest.approx(1, rel=1e-2)


def plainly(sessions: Sequence[Session], vocabulary: int) -> list[float]:
    """The same figures with sets of tuples."""
    grams: list[list[tuple[str, ...]]] = [[], [], []]
    for one in sessions:
        for message in one.dialogue:
            words = [str(word) for word in unicode_words().encode([message.text])[0]]
            for length in (1, 2, 3):
                grams[length - 1] += [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]
    different = [len(set(found)) for found in grams]
    ead = different[0] / (vocabulary * (1 - ((vocabulary - 1) / vocabulary) ** len(grams[0])))
    return [*(types / len(found) for types, found in zip(different, grams, strict=True)), ead]


@needs_reference
def test_released_sessions_against_plain_python() -> None:
    sessions = [item for item in read_sessions(RELEASED) if isinstance(item, Session)]
    assert len(sessions) == 60
    found = diversity_of(sessions, vocabulary=128_000)
    assert values(found) == pytest.approx(plainly(sessions, 128_000), rel=1e-12)
    assert found.clients == 20
    by_client: dict[str, list[Session]] = {}
    for one in sessions:
        by_client.setdefault(one.client, []).append(one)
    without = [
        plainly([one for one in sessions if one.client != client], 128_000)[1] for client in list(by_client)[:20]
    ]
    expected = jackknife_figure(values(found)[1] or 0, without, 60)
    assert found.distinct[1].low == pytest.approx(expected.low, rel=1e-9)


def test_how_many_clients_have_an_n_gram_is_counted_as_with_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = [one.model_copy(update={"id": f"client {place % 6}"}) for place, one in enumerate(a_set(6, 12))]
    monkeypatch.setattr(ngrams, "SPOOL", 100)  # bytes: most of it lies in a file
    for length, incidence in enumerate(counts_of(sessions, unicode_words(), longest=4).incidences, 1):
        owners: dict[tuple[str, ...], set[str]] = {}
        for one in sessions:
            for message in one.dialogue:
                said = message.text.split()
                for at in range(len(said) - length + 1):
                    owners.setdefault(tuple(said[at : at + length]), set()).add(one.client)
        spread = np.bincount([len(clients) for clients in owners.values()], minlength=7)
        assert incidence.types.tolist() == spread.tolist()
        assert incidence.times.sum() == sum(map(len, owners.values()))


def test_the_papers_counting_by_hand() -> None:
    # "So I’m\ntired." and "So So" are one text, "So Imtired\nSo So" without the line feeds: So ImtiredSo So.
    paper = as_in_paper(unicode_words())
    found = diversity_of([session("a", "So I’m\ntired.", "So So"), session("b", "so")], paper, vocabulary=10)
    # So ImtiredSo So | so: 4 tokens, 3 different; 2 pairs, over the end of the message; 1 triple.
    assert values(found) == pytest.approx([3 / 4, 2 / 2, 1 / 1, 3 / (10 * (1 - 0.9**4))])
    assert "as the paper's notebook counts" in found.tokenizer


def test_counting_part_by_part_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = a_set(9, 6)
    whole = compare_at_equal_length({"a": sessions}, vocabulary=5000, budget=200)
    monkeypatch.setattr(ngrams, "PART", 50)
    parts = compare_at_equal_length({"a": sessions}, vocabulary=5000, budget=200)
    assert values(parts.sets["a"]) == pytest.approx(values(whole.sets["a"]), rel=1e-12)
    assert parts.sets["a"].distinct[1].low == pytest.approx(whole.sets["a"].distinct[1].low, rel=1e-9)


def speak(rng: np.random.Generator, name: str, words: int, topics: float = 0.3) -> Session:
    """A session of words by Zipf's law, some of them from its client's own few."""
    chances = 1 / np.arange(1, 3001)
    drawn = rng.choice(3000, size=words, p=chances / chances.sum())
    own = rng.integers(3000, size=20)
    drawn = np.where(rng.random(words) < topics, own[rng.integers(20, size=words)], drawn)
    texts = [" ".join(f"w{word}" for word in part) for part in np.array_split(drawn, 4)]
    return session(name, *texts)


def a_set(seed: int, clients: int, words: tuple[int, int] = (40, 160)) -> list[Session]:
    rng = np.random.default_rng(seed)
    return [speak(rng, f"{seed}-{number}", int(rng.integers(*words))) for number in range(clients)]


def test_equal_length_is_the_mean_over_all_draws_of_whole_clients() -> None:
    sessions = a_set(3, 7, (100, 101))
    found = compare_at_equal_length({"all": sessions}, budget=300, vocabulary=5000).sets["all"]
    draws = [values(diversity_of(draw, vocabulary=5000)) for draw in combinations(sessions, 3)]
    assert values(found) == pytest.approx(np.mean(np.array(draws, float), axis=0).tolist(), rel=1e-12)
    assert found.budget == 300
    assert found.tokens == 700


def test_the_same_language_is_as_diverse_in_a_large_set_as_in_a_small_one() -> None:
    small, large = a_set(1, 15), a_set(2, 90)
    pooled = [diversity_of(sessions).distinct[0] for sessions in (small, large)]
    assert pooled[0].low is not None
    assert pooled[1].high is not None
    assert pooled[0].low > pooled[1].high + 0.1
    compared = compare_at_equal_length({"small": small, "large": large})
    [gap] = [item.figure for item in compared.differences if item.measure == "distinct-1"]
    assert abs(gap.value) < 0.02
    assert gap.low is not None
    assert gap.high is not None
    assert gap.low < 0 < gap.high


def test_every_set_reaches_the_default_budget_without_its_longest_client() -> None:
    sets = {"a": a_set(1, 5), "b": a_set(2, 9)}
    compared = compare_at_equal_length(sets)
    words = {name: [len(" ".join(m.text for m in s.dialogue).split()) for s in found] for name, found in sets.items()}
    assert compared.budget == min(sum(found) - max(found) for found in words.values())
    for found in compared.sets.values():
        assert all(figure.low is not None for figure in found.distinct)


@pytest.mark.parametrize("budget", [0, 10_000])
def test_a_budget_out_of_reach_is_refused(budget: int) -> None:
    with pytest.raises(ValueError, match=r"should be from 1 to [\d,]+: more are not in 'a'"):
        compare_at_equal_length({"a": a_set(1, 5), "b": a_set(2, 50)}, budget=budget)


def test_a_budget_under_one_clients_tokens_gives_a_reason_and_no_figure() -> None:
    compared = compare_at_equal_length({"short": a_set(1, 4, (20, 21)), "long": a_set(2, 4, (500, 501))})
    assert values(compared.sets["short"])[0] is not None
    assert values(compared.sets["long"]) == [None] * 4
    assert "less than a client's tokens on average (500)" in compared.sets["long"].distinct[0].note
    assert compared.differences == ()


def test_sets_of_different_making_are_not_compared() -> None:
    with pytest.raises(ValueError, match="at least one session with text"):
        compare_at_equal_length({"a": a_set(1, 3), "b": []})


def test_a_client_in_both_sets_is_paired() -> None:
    base = a_set(4, 12)
    copies = [one.model_copy(update={"method": "other"}) for one in base]
    paired = compare_at_equal_length({"a": base, "b": copies}).differences[0].figure
    strangers = [one.model_copy(update={"id": f"other-{one.id}"}) for one in base]
    apart = compare_at_equal_length({"a": base, "b": strangers}).differences[0].figure
    assert (paired.low, paired.high) == (0, 0)
    assert apart.high is not None
    assert apart.high > 0.01


def test_sessions_with_one_client_are_left_out_together() -> None:
    # The second session of each client repeats the first: with either left out alone, no n-gram would be missed.
    sets = {name: a_set(seed, 1)[0] for seed, name in enumerate("abcdef")}
    doubled = [one.model_copy(update={"id": name}) for name, one in sets.items() for _ in range(2)]
    found = diversity_of(doubled)
    assert (found.sessions, found.clients) == (12, 6)
    assert found.distinct[0].low is not None
    once = diversity_of([one.model_copy(update={"id": name}) for name, one in sets.items()]).distinct[0]
    assert once.low is not None
    assert found.distinct[0].value - found.distinct[0].low == pytest.approx((once.value - once.low) / 2)


def test_the_interval_covers_what_repeated_studies_give_on_average() -> None:
    studies = [diversity_of(a_set(seed, 12), vocabulary=5000) for seed in range(100, 260)]
    for pick in (lambda found: found.distinct[0], lambda found: found.distinct[1], lambda found: found.ead):
        figures: list[Figure] = [pick(found) for found in studies]
        middle = np.mean([figure.value for figure in figures])
        covered = np.mean([(figure.low or 0) <= middle <= (figure.high or 0) for figure in figures])
        assert covered >= 0.91
        half = np.mean([((figure.high or 0) - (figure.low or 0)) / 2 for figure in figures])
        assert half / (2.2 * np.std([figure.value for figure in figures])) < 1.4  # wide, but not useless


def test_drawing_with_replacement_would_not_even_cover_the_figure_itself() -> None:
    sessions = a_set(5, 12)
    figure = diversity_of(sessions).distinct[1]
    rng = np.random.default_rng(1)
    draws = []
    for _ in range(200):
        draws.append(diversity_of([sessions[number] for number in rng.integers(12, size=12)]).distinct[1].value)
    assert np.quantile(draws, 0.975) < figure.value
    assert figure.low is not None
    assert figure.low < figure.value


def test_too_few_clients_give_a_figure_without_interval() -> None:
    found = diversity_of(a_set(1, 4)).distinct[0]
    assert found.value
    assert (found.low, found.high, found.clients) == (None, None, 4)
    assert "4 clients are too few" in found.note


def test_the_jackknife_of_a_mean_is_its_t_interval() -> None:
    data = np.array([2.0, 3.0, 5.0, 9.0, 4.0])
    found = jackknife_figure(float(data.mean()), [(data.sum() - one) / 4 for one in data], 7)
    half = 2.7764451051977987 * data.std(ddof=1) / math.sqrt(5)
    assert (found.low, found.high) == pytest.approx((data.mean() - half, data.mean() + half))
    assert (found.n, found.clients) == (7, 5)
    assert "jackknife over 5 clients" in found.method


def test_an_interval_stays_within_what_is_possible() -> None:
    found = jackknife_figure(0.5, [0.1, 0.9, 0.1, 0.9, 0.5], 5, bounds=(0.4, 0.6))
    assert (found.low, found.high) == (0.4, 0.6)


def test_a_figure_that_hangs_on_one_client_has_no_interval() -> None:
    found = jackknife_figure(0.5, [0.1, float("nan"), 0.1, 0.9, 0.5], 5)
    assert (found.value, found.low) == (0.5, None)
    assert "without one of the clients" in found.note


def test_the_difference_of_unrelated_means_adds_their_variances() -> None:
    one, other = np.array([1.0, 4.0, 6.0, 2.0, 2.0]), np.array([2.0, 2.5, 7.0, 3.0, 4.0, 1.0])
    sides = [
        (float(data.mean()), {f"{name}{at}": (data.sum() - x) / (len(data) - 1) for at, x in enumerate(data)})
        for name, data in (("a", one), ("b", other))
    ]
    found = difference_figure(*sides, 11)
    error = math.sqrt(one.var(ddof=1) / 5 + other.var(ddof=1) / 6)
    assert found.value == pytest.approx(one.mean() - other.mean())
    assert found.high == pytest.approx(found.value + 2.7764451051977987 * error)
