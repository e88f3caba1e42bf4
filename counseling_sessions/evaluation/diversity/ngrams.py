"""Which n-grams the sessions of each client hold, for any number of sessions.

Unless the tokenizer says so, no n-gram runs over into the next message. N-grams are kept as hashes of 64 bits, each with the number
of clients who have it: distinct n-grams and their expectation in a part of the clients need no more. Two of ten million n-grams
have the same hash with a probability of 3 in a million. What does not fit into `SPOOL` waits in a temporary file.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from tempfile import SpooledTemporaryFile

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.diversity.tokens import Tokenizer
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

LENGTHS = 3
"""Tokens of the longest n-gram that is counted."""
PART = 2_000_000
"""N-grams that are sorted at a time."""
SPOOL = 2**24
"""Bytes of n-grams of one length that are kept in memory."""


@dataclass(frozen=True)
class Incidence:
    """How many clients have each n-gram of one length.

    `ngrams` counts each client's n-grams, with repeats, shape (clients,). `types[f]` counts the different n-grams that
    exactly f clients have, shape (clients + 1,). Client c has `times[i]` different n-grams that `spread[i]` clients have, c
    included, for i from `starts[c]` up to `starts[c + 1]`.
    """

    ngrams: Integers
    types: Integers
    spread: Integers
    times: Integers
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
        theirs = slice(self.starts[left_out], self.starts[left_out + 1])
        spread = self.spread[theirs]
        return float(self.types @ seen + self.times[theirs] @ (seen[spread - 1] - seen[spread]))


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


@dataclass(frozen=True, slots=True)
class SessionNgrams:
    """The n-grams of a session by their length: `ngrams` counts them, with repeats, `different` holds each one's hash, sorted."""

    messages: int
    ngrams: tuple[int, ...]
    different: tuple[Hashes, ...]


def ngrams_of(
    session: Session, tokenizer: Tokenizer, *, speaker: Speaker | None = None, longest: int = LENGTHS
) -> SessionNgrams:
    """The n-grams, up to `longest`, of all messages or one speaker's."""
    texts = [message.text for message in session.dialogue if speaker in (None, message.speaker)]
    said = tokenizer.encode(["\n".join(texts)] if tokenizer.across else texts)
    tokens = np.array([_hashed[token] for words in said for token in words], np.uint64)
    message = np.repeat(np.arange(len(said)), [len(words) for words in said])
    counts, different, hashes = [], [], tokens
    for length in range(1, longest + 1):
        if length > 1:
            # What runs over the end of a message is hashed too, since the longer ones are built on it, but not counted.
            hashes = _mixed(hashes[:-1] * _FACTOR + tokens[length - 1 :])
        inside = hashes[message[: len(hashes)] == message[length - 1 :]]
        counts.append(len(inside))
        different.append(np.unique(inside))
    return SessionNgrams(len(texts), tuple(counts), tuple(different))


class NgramCounter:
    """Counts the n-grams of any number of sessions. No session is kept, and of its n-grams little in memory."""

    def __init__(self, tokenizer: Tokenizer, *, speaker: Speaker | None = None, longest: int = LENGTHS) -> None:
        self._tokenizer, self._speaker = tokenizer, speaker
        self._sessions = self._messages = 0
        self._clients: defaultdict[str, int] = defaultdict()
        self._clients.default_factory = self._clients.__len__
        self._lengths = tuple(_Spooled() for _ in range(longest))

    def add(self, client: str, ngrams: SessionNgrams) -> None:
        """Count a session of a client. A client without a single token is left out."""
        self._sessions += 1
        self._messages += ngrams.messages
        if ngrams.ngrams[0]:
            number = self._clients[client]
            for spooled, count, different in zip(self._lengths, ngrams.ngrams, ngrams.different, strict=True):
                spooled.add(number, count, different)

    def counts(self) -> Counts:
        """All that was counted. Time grows with n-grams times their logarithm."""
        clients = tuple(self._clients)
        incidences = tuple(spooled.incidence(len(clients)) for spooled in self._lengths)
        return Counts(self._tokenizer, self._speaker, self._sessions, self._messages, clients, incidences)


def counts_of(
    sessions: Iterable[Session], tokenizer: Tokenizer, *, speaker: Speaker | None = None, longest: int = LENGTHS
) -> Counts:
    """Count the n-grams, up to `longest`, of all messages or one speaker's. No session is kept."""
    counter = NgramCounter(tokenizer, speaker=speaker, longest=longest)
    for session in sessions:
        counter.add(session.client, ngrams_of(session, tokenizer, speaker=speaker, longest=longest))
    return counter.counts()


class _Hashes(dict[object, int]):
    """The hash of each token, the same in every process."""

    def __missing__(self, token: object) -> int:
        content = f"{type(token).__name__} {token}".encode("utf-8", "surrogatepass")
        self[token] = number = int.from_bytes(blake2b(content, digest_size=8).digest(), "little")
        return number


_hashed = _Hashes()
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def _mixed(numbers: Hashes) -> Hashes:
    """Every bit made to depend on all others (the finalizer of splitmix64, Steele et al. 2014, doi 10.1145/2660193.2660195)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


class _Spooled:
    """The n-grams of one length, session by session, in memory or in a temporary file."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=SPOOL)  # noqa: SIM115 - it goes with its owner
        self._whose, self._sizes = array("q"), array("q")
        self._counted = array("q")

    def add(self, client: int, count: int, different: Hashes) -> None:
        self._file.write(different.tobytes())
        self._whose.append(client)
        self._sizes.append(len(different))
        self._counted.append(count)

    def incidence(self, clients: int) -> Incidence:
        ngrams, types = np.zeros(clients, np.int64), np.zeros(clients + 1, np.int64)
        np.add.at(ngrams, np.array(self._whose, np.int64), np.array(self._counted, np.int64))
        numbers, times = np.zeros(0, np.int64), np.zeros(0, np.int64)
        parts = sum(self._sizes) // PART + 1
        for part in range(parts):
            some_types, *some = _spread(*self._read(part, parts), clients)
            types += some_types
            numbers, times = _added((numbers, times), (some[0], some[1]))
        whose, spread = np.divmod(numbers, clients + 1)
        return Incidence(ngrams, types, spread, times, np.searchsorted(whose, np.arange(clients + 1)))

    def _read(self, part: int, parts: int) -> tuple[Hashes, Integers]:
        """The hashes of one part out of so many, and the client of each."""
        self._file.seek(0)
        hashes: list[Hashes] = []
        for size in self._sizes:
            some = np.frombuffer(self._file.read(8 * size), np.uint64)
            hashes.append(some[some % np.uint64(parts) == part] if parts > 1 else some)
        owners = np.repeat(np.array(self._whose, np.int64), [len(some) for some in hashes])
        return np.concatenate([np.zeros(0, np.uint64), *hashes]), owners


def _spread(hashes: Hashes, owners: Integers, clients: int) -> tuple[Integers, Integers, Integers]:
    """How many n-grams so many clients have, and for each client and number of clients (as one number), how many of theirs."""
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    new = np.ones(len(hashes), np.bool_)
    new[1:] = (hashes[1:] != hashes[:-1]) | (
        owners[1:] != owners[:-1]
    )  # a client's second session with an n-gram adds none
    hashes, owners = hashes[new], owners[new]
    first = np.flatnonzero(np.concatenate([np.ones(min(1, len(hashes)), np.bool_), hashes[1:] != hashes[:-1]]))
    having = np.diff(first, append=len(hashes))
    numbers, times = np.unique(owners * (clients + 1) + np.repeat(having, having), return_counts=True)
    return np.bincount(having, minlength=clients + 1), numbers, times


def _added(one: tuple[Integers, Integers], other: tuple[Integers, Integers]) -> tuple[Integers, Integers]:
    numbers, place = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    times = np.zeros(len(numbers), np.int64)
    np.add.at(times, place, np.concatenate([one[1], other[1]]))
    return numbers, times


def _seen(clients: int, drawn: float, most: int) -> NDArray[np.float64]:
    """How probable it is that a draw of so many of the clients meets what 0, 1, … `most` of them have."""
    from scipy.special import gammaln  # processes that only read sessions do without

    having = np.arange(most + 1)
    rest = clients - having - drawn + 1
    missed = np.zeros(most + 1)
    can = rest > 0
    missed[can] = np.exp(
        gammaln(clients - having[can] + 1) - gammaln(rest[can]) - gammaln(clients + 1) + gammaln(clients - drawn + 1)
    )
    return 1 - missed
