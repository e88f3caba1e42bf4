"""Self-BLEU: how much the messages of a set resemble each other (Zhu et al. 2018, "Texygen", arXiv 1802.01886, section 3.2).

Each message of a sample is scored by sentence BLEU, 0 to 100, against all others of the sample as its references, and the mean
is taken; lower is more varied. The figure rises with the size of the sample and with how few clients it comes from: samples have a
fixed size from a fixed number of clients, and only such figures can be compared. BLEU is sacrebleu's: its tokens, its n-grams, its
formula. Only the comparison with all other messages is done once for the sample, so that the work is linear in it.
"""

import random
from bisect import bisect
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from statistics import fmean

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.helpers import extract_all_word_ngrams
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from counseling_sessions.evaluation.statistics.intervals import MINIMUM_CLIENTS, Figure
from counseling_sessions.evaluation.statistics.jackknife import jackknife_figure
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

SAMPLE = 50
"""Messages of a sample."""
CLIENTS = 4
"""Clients that a sample is drawn from."""
SAMPLES = 10
"""Samples at most."""
SPARE = 10
"""Clients more whose messages are kept, in case that one of those drawn says nothing."""
ORDER = 4
"""Tokens of the longest n-gram of BLEU."""
ALL = "of all messages at once, so that there is no interval"


@dataclass(frozen=True)
class SelfBleu:
    """Self-BLEU, 0 to 100, with what it was counted on.

    The figure is the mean over `samples` samples of `sample` messages each, from `sample_clients` clients; `n` of the figure
    counts messages, and `clients` whom they were drawn from. `signature` is sacrebleu's.
    """

    figure: Figure
    sample: int
    sample_clients: int
    samples: int
    seed: int
    speaker: Speaker | None
    signature: str


class MessagePool:
    """The messages that self-BLEU is of: those of the clients that are drawn, or with `exact` of all. Others are forgotten.

    `clients` are all clients of the set. Clients are dealt at random into groups of `CLIENTS`, up to `SAMPLES` groups; `seed`
    decides.
    """

    def __init__(
        self, clients: Collection[str], *, speaker: Speaker | None = None, seed: int = 0, exact: bool = False
    ) -> None:
        self.speaker, self.seed, self.exact = speaker, seed, exact
        self._rng = random.Random(seed)
        self._order = sorted(set(clients))
        self._rng.shuffle(self._order)
        kept = self._order if exact else self._order[: SAMPLES * CLIENTS + SPARE]
        self._messages: dict[str, list[str]] = {client: [] for client in kept}

    def add(self, session: Session) -> None:
        """Keep the messages of a session, or one speaker's, that are not empty, if its client was drawn."""
        if (messages := self._messages.get(session.client)) is not None:
            messages += (
                message.text
                for message in session.dialogue
                if self.speaker in (None, message.speaker) and message.text.strip()
            )

    def self_bleu(self, sample: int = SAMPLE) -> SelfBleu:
        """The figure of what was added.

        Each group gives one sample, a message of each of its clients in turn. Groups share no client, so that the interval is
        that of a mean of independent samples (random groups; Wolter 2007, "Introduction to Variance Estimation", chapter 2); under
        five groups there is none. Where a group has fewer messages than a sample takes, all samples are smaller. The exact
        figure is of all messages as one sample, without interval.
        """
        clients = [client for client in self._order if self._messages.get(client)]
        in_group = len(clients) if self.exact else min(CLIENTS, len(clients))
        count = min(1 if self.exact else SAMPLES, len(clients) // in_group) if clients else 0
        groups = [
            [sorted(self._messages[client]) for client in clients[at * in_group : (at + 1) * in_group]]
            for at in range(count)
        ]
        sizes = [sum(map(len, group)) for group in groups]
        size = min(sizes if self.exact else [sample, *sizes], default=0)
        samples = [_drawn(group, size, self._rng) for group in groups]
        scores = [fmean(_scores(texts)) for texts in samples if size > 1]
        figure = _figure(scores, size * count, in_group * count)
        return SelfBleu(
            figure=replace(figure, note=ALL) if self.exact and scores else figure,
            sample=size if count else 0,
            sample_clients=in_group,
            samples=len(scores),
            seed=self.seed,
            speaker=self.speaker,
            signature=_signature(samples[0]) if scores else "",
        )


def self_bleu(
    sessions: Iterable[Session],
    *,
    speaker: Speaker | None = None,
    sample: int = SAMPLE,
    seed: int = 0,
    exact: bool = False,
) -> SelfBleu:
    """Self-BLEU of sessions, as `MessagePool` draws them."""
    sessions = list(sessions)
    said = MessagePool({session.client for session in sessions}, speaker=speaker, seed=seed, exact=exact)
    for session in sessions:
        said.add(session)
    return said.self_bleu(sample)


def _drawn(texts: list[list[str]], sample: int, rng: random.Random) -> list[str]:
    """One message of each client in turn, until there are enough."""
    shuffled = (rng.sample(one, len(one)) for one in texts)
    in_turn = [text for row in zip_longest(*shuffled) for text in row if text is not None]
    return in_turn[:sample]


def _scores(texts: Sequence[str]) -> list[float]:
    """Sentence BLEU of each of two texts or more against all others.

    An n-gram counts as often as it stands in the other text that has it most often: the highest count of all texts, or for the
    text that has it itself the second highest.
    """
    tokenize = Tokenizer13a()  # type: ignore[no-untyped-call]
    counted = [extract_all_word_ngrams(tokenize(text.rstrip()), 1, ORDER) for text in texts]
    highest: Counter[tuple[str, ...]] = Counter()
    second: Counter[tuple[str, ...]] = Counter()
    for ngrams, _ in counted:
        for ngram, times in ngrams.items():
            if times > highest[ngram]:
                second[ngram], highest[ngram] = highest[ngram], times
            elif times > second[ngram]:
                second[ngram] = times
    lengths = sorted(length for _, length in counted)
    scores = []
    for ngrams, length in counted:
        correct, total = [0] * ORDER, [0] * ORDER
        for ngram, times in ngrams.items():
            elsewhere = second[ngram] if times == highest[ngram] else highest[ngram]
            total[len(ngram) - 1] += times
            correct[len(ngram) - 1] += min(times, elsewhere)
        closest = _closest(lengths, length)
        scores.append(BLEU.compute_bleu(correct, total, length, closest, "exp", effective_order=True).score)
    return scores


def _signature(texts: Sequence[str]) -> str:
    """What sacrebleu calls this BLEU, the number of references included; it knows that once it has scored."""
    metric = BLEU(effective_order=True)
    metric.sentence_score(texts[0], texts[1:])
    return str(metric.get_signature())


def _closest(lengths: Sequence[int], length: int) -> int:
    """The length of another text that is nearest, the shorter of two as near; `lengths` are ordered, this text's among them."""
    place = bisect(lengths, length) - 1
    others = [*lengths[max(0, place - 1) : place], *lengths[place + 1 : place + 2]]
    return min(others, key=lambda other: (abs(other - length), other))


def _figure(scores: Sequence[float], n: int, clients: int) -> Figure:
    if not scores:
        return Figure(None, None, None, n, clients, note="a message has nothing to be compared with")
    mean = fmean(scores)
    if len(scores) < MINIMUM_CLIENTS:
        note = f"an interval needs {MINIMUM_CLIENTS} samples that share no client, and there are {len(scores)}"
        return Figure(mean, None, None, n, clients, note=note)
    without = [(sum(scores) - score) / (len(scores) - 1) for score in scores]
    method = f"t over {len(scores)} samples that share no client"
    return replace(jackknife_figure(mean, without, n, bounds=(0, 100)), clients=clients, method=method)
