"""Self-BLEU: how much the messages of a set resemble each other (Zhu et al. 2018, "Texygen", arXiv 1802.01886, section 3.2).

Each message of a sample is scored by sentence BLEU, 0 to 100, against all others of the sample as its references, and the mean
is taken; lower is more varied. The work is quadratic in the sample, and the figure rises with its size and with how few
clients it comes from: samples have a fixed size from a fixed number of clients, and only such figures can be compared.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from statistics import fmean

from sacrebleu.metrics.bleu import BLEU

from counseling_sessions.evaluation.jackknife import jackknife_figure
from counseling_sessions.evaluation.statistics.intervals import MINIMUM_CLIENTS, Figure
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

SAMPLE = 50
"""Messages of a sample."""
CLIENTS = 4
"""Clients that a sample is drawn from."""
SAMPLES = 10
"""Samples at most."""


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


def self_bleu(
    sessions: Iterable[Session], *, speaker: Speaker | None = None, sample: int = SAMPLE, seed: int = 0
) -> SelfBleu:
    """Self-BLEU of all messages, or one speaker's, that are not empty.

    Clients are dealt at random into groups of `CLIENTS`, up to `SAMPLES` groups, and each gives one sample, a message of
    each of its clients in turn. Groups share no client, so that the interval is that of a mean of independent samples
    (random groups; Wolter 2007, "Introduction to Variance Estimation", chapter 2); under five groups there is none. Where
    a group has fewer messages than a sample takes, all samples are smaller. `seed` decides what is drawn.
    """
    rng = random.Random(seed)
    said: dict[str, list[str]] = defaultdict(list)
    for session in sessions:
        for message in session.dialogue:
            if speaker in (None, message.speaker) and message.text.strip():
                said[session.client].append(message.text)
    clients = sorted(said)
    rng.shuffle(clients)
    in_group = min(CLIENTS, len(clients))
    count = min(SAMPLES, len(clients) // in_group) if clients else 0
    groups = [[sorted(said[client]) for client in clients[at * in_group : (at + 1) * in_group]] for at in range(count)]
    size = min([sample, *(sum(map(len, group)) for group in groups)])
    samples = [_drawn(group, size, rng) for group in groups]
    metric = BLEU(effective_order=True)
    scores = [_mean_score(metric, texts) for texts in samples if size > 1]
    return SelfBleu(
        figure=_figure(scores, size * count, in_group * count),
        sample=size if count else 0,
        sample_clients=in_group,
        samples=len(scores),
        seed=seed,
        speaker=speaker,
        signature=str(metric.get_signature()) if scores else "",
    )


def _drawn(texts: list[list[str]], sample: int, rng: random.Random) -> list[str]:
    """One message of each client in turn, until there are enough."""
    shuffled = (rng.sample(one, len(one)) for one in texts)
    in_turn = [text for row in zip_longest(*shuffled) for text in row if text is not None]
    return in_turn[:sample]


def _mean_score(metric: BLEU, texts: list[str]) -> float:
    return fmean(metric.sentence_score(text, texts[:at] + texts[at + 1 :]).score for at, text in enumerate(texts))


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
