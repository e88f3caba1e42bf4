"""Self-BLEU: by hand, what it draws, and its interval."""

import io
import random

import pytest
from rich.console import Console
from sacrebleu.metrics.bleu import BLEU

from counseling_sessions.evaluation.diversity.self_bleu import _scores, self_bleu
from counseling_sessions.evaluation.measure import GroupMeasures, Measures
from counseling_sessions.evaluation.report.diversity import diversity_section
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.terminal import show
from counseling_sessions.sessions import Message, Session

WORDS = [f"{first}{last}" for first in ("ba", "de", "ki", "lo", "mu") for last in ("ran", "sel", "tip", "von")]


def session(name: str, *texts: str) -> Session:
    dialogue = (
        Message(turn=place // 2 + 1, speaker="client" if place % 2 else "counselor", text=text)
        for place, text in enumerate(texts)
    )
    return Session(id=name, source="test", dialogue=tuple(dialogue))


def many(clients: int, seed: int = 1, words: int = 20, messages: int = 6) -> list[Session]:
    rng = random.Random(seed)
    return [
        session(f"{seed}-{number}", *(" ".join(rng.choices(WORDS[:words], k=8)) for _ in range(messages)))
        for number in range(clients)
    ]


def test_by_hand() -> None:
    # Each message has one other as its reference: "a b c d" / "a b c e" share 3 words, 2 pairs and 1 triple.
    found = self_bleu([session("x", "a b c d"), session("y", "a b c e")])
    smoothed = 1 / 2  # of the one 4-gram that is not shared
    assert found.figure.value == pytest.approx(100 * (3 / 4 * 2 / 3 * 1 / 2 * smoothed) ** 0.25)
    assert (found.sample, found.samples, found.figure.low) == (2, 1, None)
    assert "nrefs:1" in found.signature


def test_equal_messages_score_100_and_unrelated_ones_almost_nothing() -> None:
    same = self_bleu([session(str(number), "I feel stuck again today.") for number in range(4)]).figure.value
    other = self_bleu([session(word, f"{word} {word}a {word}b {word}c {word}d") for word in WORDS[:4]]).figure.value
    assert same == pytest.approx(100)
    assert other is not None
    assert other < 5


def test_one_speaker_and_no_empty_messages() -> None:
    sessions = [session("x", "one two three four", "", "five six", "gone"), session("y", "one two three four", " ")]
    found = self_bleu(sessions, speaker="counselor")
    texts = ["one two three four", "one two three four", "five six"]
    metric = BLEU(effective_order=True)
    scores = [metric.sentence_score(text, texts[:at] + texts[at + 1 :]).score for at, text in enumerate(texts)]
    assert found.figure.value == pytest.approx(sum(scores) / 3)
    assert found.figure.n == 3


def test_every_score_is_sacrebleus() -> None:
    rng = random.Random(3)
    texts = [" ".join(rng.choices([*WORDS[:7], "it's", "No,", "3.5", "—"], k=rng.randint(1, 14))) for _ in range(40)]
    texts += ["&quot;Yes&quot; ", "ba", "!", texts[0], " ".join(["ba"] * 9)]
    metric = BLEU(effective_order=True)
    expected = [metric.sentence_score(text, texts[:at] + texts[at + 1 :]).score for at, text in enumerate(texts)]
    found = self_bleu([session("x", *texts)], exact=True)
    assert found.figure.value == pytest.approx(sum(expected) / len(texts), abs=1e-9)
    assert _scores(texts) == pytest.approx(expected, abs=1e-9)
    assert found.signature == str(metric.get_signature())


def test_exact_takes_all_messages_of_all_clients() -> None:
    found = self_bleu(many(50), exact=True)
    assert (found.sample, found.sample_clients, found.samples) == (300, 50, 1)
    assert "all messages" in found.figure.note


def test_a_client_who_says_nothing_gives_its_place_to_another() -> None:
    silent = [session(f"silent {number}", "", "ba ran") for number in range(4)]
    found = self_bleu([*many(20), *silent], speaker="counselor", sample=10)
    assert (found.samples, found.sample) == (5, 10)


def test_samples_have_the_size_asked_for_and_share_no_client() -> None:
    found = self_bleu(many(90), sample=10)
    assert (found.sample, found.sample_clients, found.samples) == (10, 4, 10)
    assert (found.figure.n, found.figure.clients) == (100, 40)
    assert found.figure.low is not None
    assert found.figure.high is not None
    assert found.figure.low < (found.figure.value or 0) < found.figure.high


def test_the_same_seed_draws_the_same_whatever_the_order_of_sessions() -> None:
    sessions = many(24)
    assert self_bleu(sessions, sample=10).figure == self_bleu(sessions[::-1], sample=10).figure
    assert self_bleu(sessions, sample=10).figure != self_bleu(sessions, sample=10, seed=1).figure


def test_a_poorer_vocabulary_scores_higher_beyond_the_intervals() -> None:
    rich, poor = self_bleu(many(40), sample=10).figure, self_bleu(many(40, words=6), sample=10).figure
    assert rich.high is not None
    assert poor.low is not None
    assert poor.low > rich.high


def test_few_clients_give_no_interval() -> None:
    found = self_bleu(many(9), sample=10)
    assert (found.samples, found.sample, found.figure.low) == (2, 10, None)
    assert "needs 5 samples" in found.figure.note


def test_samples_take_from_all_their_clients_alike() -> None:
    # Two clients who repeat themselves and have nothing in common: of each, half a sample.
    sessions = [session("x", *["alpha beta gamma delta"] * 30), session("y", "one two three four", "five six seven")]
    assert self_bleu(sessions, sample=2).figure.value == pytest.approx(0, abs=1)


def test_a_smaller_set_has_smaller_samples() -> None:
    found = self_bleu([*many(19, messages=6), session("short", "only one")], sample=50)
    assert (found.samples, found.sample) == (5, 19)


def test_a_single_message_has_no_figure() -> None:
    assert self_bleu([session("x", "alone")]).figure.value is None
    assert self_bleu([]).figure.value is None


def test_the_interval_covers_what_repeated_studies_give() -> None:
    figures = [self_bleu(many(24, seed), sample=6).figure for seed in range(60)]
    middle = sum(figure.value or 0 for figure in figures) / len(figures)
    covered = sum((figure.low or 0) <= middle <= (figure.high or 0) for figure in figures) / len(figures)
    assert covered >= 0.86


@pytest.mark.parametrize(
    ("clients", "said"),
    [
        (40, "[{low:.2f}, {high:.2f}]"),
        (9, "An interval needs 5 samples that share no client, and there are 2."),
    ],
)
def test_a_terminal_shows_the_interval_or_why_there_is_none(clients: int, said: str) -> None:
    found = self_bleu(many(clients), sample=10)
    group = GroupMeasures("magnet", clients, 1, clients, (), {}, self_bleu=found)
    section = diversity_section(Measures({"magnet": group}))
    assert section
    console = Console(file=io.StringIO(), width=80, color_system=None)
    show(Document("A report", "", (section,)), console)
    printed = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    assert said.format(low=found.figure.low or 0, high=found.figure.high or 0) in printed
