"""Few-shot examples: exchanges of the corpus's written sessions in the system prompts, for models that can learn from them.

The text is the same for every session of a configuration, so that a prefix cache pays. Only where an example would come from
a session of the session's own client, the next one in the order takes its place. What the counselor's side is shown are
words that were said and drafts of them, never a form or an attitude; the client is shown clients of its own attitude.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from pydantic import ValidationError

from counseling_sessions.profiles.schema import clean, counselor_information, counselor_reason
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions.record import SessionRecord, Turn
from counseling_sessions.settings import MOST_EXAMPLES, SessionConfig, SettingsError, validation_message
from counseling_sessions.state import ClientView, CounselorView
from counseling_sessions.store.reading import read_text
from counseling_sessions.texts.words import normalized, words

CORPUS = Path(__file__).parents[1] / "corpus"
"""Where the corpus lies. Examples are of `train.jsonl` alone: what is held out is for evaluation."""

MERGE = "merge"
"""The examples of one message made from drafts; as the role that is asked for it."""
ALONE = "counselor"
"""The examples of a message without drafts, for the baselines' one counselor; as its role."""

_WORDS = 15
_REPLY = re.compile(
    r"\W*(?:no|nope|yes|yeah|yep|okay|ok|that|because|well|it|so|and|then|but|same|like|maybe)\b", re.IGNORECASE
)
"""Fewer words, or a beginning like this, make little sense without the message before."""
_RISK_ASKED = re.compile(r"\bending your (?:own )?life\b|\bsuicid", re.IGNORECASE)
"""A session in which risk is asked about gives no examples: they would bring the subject into every other session."""


def counselor_examples(view: CounselorView, config: SessionConfig, kinds: tuple[str, ...]) -> str:
    """The examples of these kinds (techniques, `MERGE`, `ALONE`) as a part of the system prompt.

    Empty without `few_shot`, and for kinds of which the corpus has no example. Raises `SettingsError` without a corpus.
    """
    if not config.few_shot:
        return ""
    who = _in_corpus(_who(view.client_information, view.reason_for_counseling))
    return _counselor_text(_file(), kinds, config.techniques, config.few_shot, who)


def client_examples(view: ClientView, config: SessionConfig) -> str:
    """Examples of clients with the same attitude as a part of the client's system prompt; as `counselor_examples`."""
    if not config.few_shot:
        return ""
    who = _in_corpus(_who(counselor_information(view.profile), counselor_reason(view.profile)))
    return _client_text(_file(), view.attitude, config.few_shot, who)


def check_examples(config: SessionConfig) -> None:
    """Raise `SettingsError` where a configuration wants examples and the corpus is not there, or not readable."""
    if config.few_shot:
        _examples(_file())


def examples_source() -> dict[str, str]:
    """What the examples are drawn from and the first 12 hexadecimal digits of its SHA-256, for a session's provenance."""
    file = _file()
    return {f"corpus/{file.stem}": _digest(file)}


_Drafts = tuple[tuple[str, str], ...]
"""Techniques, each with its specialist's draft."""


@dataclass(frozen=True)
class _Example:
    """An exchange: what one side said, what the other made of it, and whose it is, which chooses it and is not shown.

    `kind` is a technique, `MERGE`, `ALONE`, or the client's of an attitude. `rank` tells how well it serves: the lowest first.
    """

    kind: str
    who: frozenset[str]
    rank: tuple[bool, float]
    said: str
    answer: str
    drafts: _Drafts


@lru_cache(maxsize=1024)
def _counselor_text(
    file: Path, kinds: tuple[str, ...], techniques: tuple[str, ...], count: int, who: frozenset[str]
) -> str:
    groups = []
    for kind in kinds:
        exchanges = [
            prompt(
                "counselor/examples",
                "exchange",
                client=example.said,
                drafts="".join(f"- {name}: {text}\n" for name, text in example.drafts),
                counselor=example.answer,
            )
            for example in _chosen(file, kind, techniques, count, who)
        ]
        if exchanges:
            section, named = (kind, {}) if kind in (MERGE, ALONE) else ("draft", {"technique": kind.replace("_", " ")})
            groups.append(prompt("counselor/examples", section, exchanges="\n\n".join(exchanges), **named))
    return prompt("counselor/examples", groups="\n\n".join(groups)) if groups else ""


@lru_cache(maxsize=1024)
def _client_text(file: Path, attitude: str, count: int, who: frozenset[str]) -> str:
    exchanges = [
        prompt("client/examples", "exchange", counselor=example.said, client=example.answer)
        for example in _chosen(file, _client_kind(attitude), (), count, who)
    ]
    return prompt("client/examples", exchanges="\n\n".join(exchanges)) if exchanges else ""


def _chosen(file: Path, kind: str, techniques: tuple[str, ...], count: int, who: frozenset[str]) -> list[_Example]:
    return [example for example in _in_order(file, kind, techniques) if not example.who & who][:count]


@cache
def _in_order(file: Path, kind: str, techniques: tuple[str, ...]) -> tuple[_Example, ...]:
    """The best example of each client, in the order in which they are taken.

    Each kind begins with clients of its own. A merge counts only where all of its drafts are of `techniques`.
    """
    examples = _examples(file)
    best: dict[frozenset[str], _Example] = {}
    for example in sorted(examples, key=lambda example: example.rank):
        if example.kind == kind and (kind != MERGE or {name for name, _ in example.drafts} <= set(techniques)):
            best.setdefault(example.who, example)
    kinds = sorted({example.kind for example in examples} | {kind})
    clients = list(dict.fromkeys(example.who for example in examples))
    first = kinds.index(kind) * MOST_EXAMPLES % len(clients)
    ordered = [best[who] for who in (*clients[first:], *clients[:first]) if who in best]
    return tuple(sorted(ordered, key=lambda example: example.rank[0]))


@cache
def _examples(file: Path) -> tuple[_Example, ...]:
    """Every exchange of the corpus that can be an example."""
    try:
        lines = read_text(file).split("\n")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(
            f"few_shot takes its examples from the corpus, and {file} cannot be read: {reason}; "
            "`python -m counseling_sessions.training.corpus` makes it, and few_shot 0 does without"
        ) from None
    examples: list[_Example] = []
    for number, line in enumerate(lines, 1):
        try:
            examples += _of_session(SessionRecord.model_validate_json(line)) if line else ()
        except ValidationError as error:
            raise SettingsError(f"{file}, line {number}: not a session record: {validation_message(error)}") from None
    if not examples:
        raise SettingsError(f"{file} has no session to take examples from; few_shot 0 does without")
    return tuple(examples)


def _of_session(record: SessionRecord) -> Iterator[_Example]:
    if any(_RISK_ASKED.search(said.text) for said in record.dialogue):
        return
    who = _who(counselor_information(record.profile), counselor_reason(record.profile))
    names = set(words(record.profile.demographics.name))
    for before, turn in _turns(record):
        middle = abs(turn.turn - (len(record.turns) + 1) / 2)
        for kind, typical, said, answer, drafts in _exchanges(record, turn, before):
            alone = len(said.split()) >= _WORDS and not _REPLY.match(said)
            nameless = names.isdisjoint(words(f"{said} {answer}"))
            yield _Example(kind, who, (not (typical and alone and nameless), middle), said, answer, drafts)


def _turns(record: SessionRecord) -> Iterator[tuple[str, Turn]]:
    """The whole turns, each with what the client had said before it; a first turn without that is left out."""
    before = next((said.text for said in reversed(record.opening) if said.speaker == "client"), "")
    for turn in record.turns:
        if before and turn.counselor and turn.client:
            yield clean(before), turn
        before = turn.client.text if turn.client else ""


def _exchanges(record: SessionRecord, turn: Turn, before: str) -> Iterator[tuple[str, bool, str, str, _Drafts]]:
    """What a turn shows: the kind, whether it is typical of it, what was said, what was answered, the drafts in between."""
    assert turn.counselor
    assert turn.client
    picked = turn.pick.techniques if turn.pick else [draft.technique for draft in turn.candidates]
    counselor, client = clean(turn.counselor.text), clean(turn.client.text)
    texts = {draft.technique: clean(draft.text) for draft in turn.candidates if draft.text}
    for name, text in texts.items():
        yield name, name in picked, before, text, ()
    if drafts := tuple((name, text) for name, text in texts.items() if name in picked):
        yield MERGE, len(drafts) > 1, before, counselor, drafts
    yield ALONE, True, before, counselor, ()
    if turn is not record.turns[-1]:  # the reply that ends a session is no example of one that goes on
        yield _client_kind(record.attitude), True, counselor, client, ()


def _client_kind(attitude: str) -> str:
    return f"client, {attitude}"


def _who(information: str, reason: str) -> frozenset[str]:
    """What both sides know a client by: the name, in the first line of the information, and the reason for coming.

    Either is enough to be the same client: a form that was edited, or that comes under another name, tells the same story.
    """
    return frozenset(filter(None, (normalized(information.partition("\n")[0]), normalized(reason))))


def _in_corpus(who: frozenset[str]) -> frozenset[str]:
    """What the corpus has of a client: nothing of most, who so share one text."""
    return who & _clients(_file())


@cache
def _clients(file: Path) -> frozenset[str]:
    return frozenset().union(*(example.who for example in _examples(file)))


@cache
def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "not there"


def _file() -> Path:
    return CORPUS / "train.jsonl"
