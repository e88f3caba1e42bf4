"""Which n-grams the sessions of each client hold, in arrays small enough for thousands of sessions.

No n-gram runs over into the next message. N-grams are kept as integers, each with the number of clients who have it:
distinct n-grams and their expectation in a part of the clients need no more.
"""

from array import array
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from counseling_sessions.evaluation.tokens import Tokenizer
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

Integers = NDArray[np.int64]

BATCH = 2048
"""Messages that are tokenized at a time."""
PART = 2_000_000
"""N-grams that are sorted at a time."""
LARGEST = 2**63
"""What the number of an n-gram must stay under; n-grams are numbered anew where it would not."""


@dataclass(frozen=True)
class Incidence:
    """How many clients have each n-gram of one length.

    `ngrams` counts each client's n-grams, with repeats, shape (clients,). `types[f]` counts the different n-grams that
    exactly f clients have, shape (clients + 1,). `spread[starts[c]:starts[c + 1]]` says of each different n-gram of
    client c how many clients have it, c included.
    """

    ngrams: Integers
    types: Integers
    spread: NDArray[np.unsignedinteger]
    starts: Integers

    @property
    def clients(self) -> int:
        return len(self.ngrams)

    def expected(self, clients: float) -> float:
        """Different n-grams to be expected in so many of the clients, drawn without replacement; all of them at most.

        The exact mean over all draws, sample-based rarefaction: a type of f of n clients is missed by m of them with
        probability C(n - f, m) / C(n, m) (Colwell et al. 2012, "Models and estimators linking individual-based and
        sample-based rarefaction, extrapolation and comparison of assemblages", Journal of Plant Ecology 5(1)).
        A part of a client counts by the gamma function's interpolation.
        """
        return float(self.types @ _seen(self.clients, clients, self.clients))

    def expected_without(self, left_out: int, clients: float) -> float:
        """The same, drawn from the clients but the one with number `left_out`."""
        seen = _seen(self.clients - 1, clients, self.clients)
        spread = self.spread[self.starts[left_out] : self.starts[left_out + 1]]
        return float(self.types @ seen + (seen[spread - 1] - seen[spread]).sum())


@dataclass(frozen=True)
class Counts:
    """The tokens of a set of sessions, counted: `incidences[n - 1]` is of n-grams, its clients in the order of `clients`."""

    tokenizer: Tokenizer
    speaker: Speaker | None
    sessions: int
    messages: int
    clients: tuple[str, ...]
    incidences: tuple[Incidence, ...]

    @property
    def tokens(self) -> int:
        return int(self.incidences[0].ngrams.sum())


def counts_of(
    sessions: Iterable[Session], tokenizer: Tokenizer, *, speaker: Speaker | None = None, longest: int = 3
) -> Counts:
    """Count the n-grams, up to `longest`, of all messages or one speaker's. No session is kept.

    A client without a single token is left out. Time grows with tokens times their logarithm, memory by about 45 bytes a token.
    """
    numbers: defaultdict[Hashable, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    clients: defaultdict[str, int] = defaultdict()
    clients.default_factory = clients.__len__
    tokens, lengths, whose = array("i"), array("i"), array("i")
    total = 0

    def said() -> Iterator[tuple[str, str]]:
        nonlocal total
        for session in sessions:
            total += 1
            client = session.client
            yield from ((client, message.text) for message in session.dialogue if speaker in (None, message.speaker))

    messages = said()
    while batch := list(islice(messages, BATCH)):
        for (client, _), words in zip(batch, tokenizer.encode([text for _, text in batch]), strict=True):
            lengths.append(len(words))
            whose.append(clients[client] if words else 0)
            tokens.extend(map(numbers.__getitem__, words))
    incidences = _incidences(
        _integers(tokens), _integers(lengths), _integers(whose), len(numbers), len(clients), longest
    )
    return Counts(tokenizer, speaker, total, len(lengths), tuple(clients), incidences)


def _integers(values: "array[int]") -> NDArray[np.int32]:
    return np.frombuffer(values, dtype=np.int32) if values else np.zeros(0, np.int32)


def _incidences(
    tokens: NDArray[np.int32],
    lengths: NDArray[np.int32],
    whose: NDArray[np.int32],
    different: int,
    clients: int,
    longest: int,
) -> tuple[Incidence, ...]:
    """One for each length, from tokens (as numbers under `different`), and the length and client of each message."""
    owner = np.repeat(whose, lengths)
    order = np.argsort(owner, kind="stable")  # the words of a message stay in order and together
    bounds = np.searchsorted(owner[order], np.arange(clients + 1))
    tokens = tokens[order]
    message = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[order]
    del owner, order
    codes, highest = tokens.astype(np.int64), max(different, 1)
    incidences = []
    for length in range(1, longest + 1):
        if length > 1:
            if highest * different >= LARGEST:
                codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
                highest = int(codes.max(initial=0)) + 1
            codes = codes[:-1] * different
            codes += tokens[length - 1 :]
            highest *= different
        # What runs over the end of a message is kept in `codes`, since the longer ones are built on it.
        incidences.append(_incidence(codes, message[: len(codes)] == message[length - 1 :], bounds))
    return tuple(incidences)


def _incidence(codes: Integers, inside: NDArray[np.bool_], bounds: NDArray[np.intp]) -> Incidence:
    """From n-grams as numbers, those that count, and where each client's begin."""
    clients = len(bounds) - 1
    held, ngrams, starts = np.empty(len(codes), np.int64), np.zeros(clients, np.int64), np.zeros(clients + 1, np.int64)
    for client, (start, end) in enumerate(pairwise(bounds)):
        counted = codes[start:end][inside[start:end]]
        different = np.unique(counted)
        ngrams[client], starts[client + 1] = len(counted), starts[client] + len(different)
        held[starts[client] : starts[client + 1]] = different
    held = held[: starts[-1]]
    spread = np.empty(len(held), np.min_scalar_type(clients))
    types = np.zeros(clients + 1, np.int64)
    # Part by part, so that what sorting takes stays small.
    parts = len(held) // PART + 1
    part = (held % parts).astype(np.min_scalar_type(parts))
    for number in range(parts):
        places = np.flatnonzero(part == number)
        _, which, times = np.unique(held[places], return_inverse=True, return_counts=True)
        spread[places] = times[which]
        types += np.bincount(times, minlength=clients + 1)
    return Incidence(ngrams, types, spread, starts)


def _seen(clients: int, drawn: float, most: int) -> NDArray[np.float64]:
    """How probable it is that a draw of so many of the clients meets what 0, 1, … `most` of them have."""
    having = np.arange(most + 1)
    rest = clients - having - drawn + 1
    missed = np.zeros(most + 1)
    can = rest > 0
    missed[can] = np.exp(
        gammaln(clients - having[can] + 1) - gammaln(rest[can]) - gammaln(clients + 1) + gammaln(clients - drawn + 1)
    )
    return 1 - missed
