"""The corpus: built from what is written, large and varied enough, and clean; and what is told of a written session that is wrong."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from counseling_sessions.evaluation.integrity import Integrity
from counseling_sessions.integrity.spoken import Past, Spoken
from counseling_sessions.nodes.guards import check
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import client_group, session_of
from counseling_sessions.state import CBTTechnique, EndReason, Speaker
from counseling_sessions.texts.words import normalized
from counseling_sessions.training.corpus import (
    COLLECTIONS,
    CORPUS,
    SPLITS,
    Collection,
    build,
    collection_folder,
    corpus_records,
)
from counseling_sessions.training.errors import WrittenError
from counseling_sessions.training.written import read_written

SIZES: dict[Collection, tuple[int, int, range]] = {"corpus": (60, 45, range(8, 17)), "plain": (100, 75, range(6, 13))}
"""Of each collection: how many sessions and clients it has at least, and how many turns a session may have."""
SHARED_WORDS = 10
"""So many words in a row that two sessions share are no accident."""


@pytest.fixture(scope="module", params=COLLECTIONS)
def collection(request: pytest.FixtureRequest) -> Collection:
    name: Collection = request.param
    return name


@cache
def recorded(collection: Collection) -> list[tuple[str, SessionRecord]]:
    """The committed records with their splits, read once."""
    return list(corpus_records(collection))


@pytest.fixture(scope="module")
def corpus(collection: Collection) -> list[tuple[str, SessionRecord]]:
    return recorded(collection)


@pytest.fixture(scope="module")
def records(corpus: list[tuple[str, SessionRecord]]) -> list[SessionRecord]:
    return [record for _, record in corpus]


def test_the_committed_records_are_what_is_written(collection: Collection, tmp_path: Path) -> None:
    copy = tmp_path / "corpus"
    shutil.copytree(CORPUS, copy, ignore=shutil.ignore_patterns("*.jsonl"))
    counts = build(collection, copy)
    for split in SPLITS:
        built = (collection_folder(collection, copy) / f"{split}.jsonl").read_bytes()
        committed = (collection_folder(collection) / f"{split}.jsonl").read_bytes()
        assert built == committed, "build it again: python -m counseling_sessions.training.corpus"
        assert len(built.splitlines()) == counts[split] > 0


def test_there_are_enough_sessions_of_every_kind(collection: Collection, records: list[SessionRecord]) -> None:
    sessions, clients, turns = SIZES[collection]
    assert len(records) >= sessions
    assert len({record.session_id for record in records}) == len(records)
    assert len({client_group(record.profile) for record in records}) >= clients
    assert {len(record.turns) for record in records} <= set(turns)
    attitudes = Counter(record.attitude for record in records)
    assert len(attitudes) == 3
    assert min(attitudes.values()) >= 0.3 * len(records)
    assert {record.plan.technique for record in records if record.plan} == set(CBTTechnique)
    assert {record.end_reason for record in records} == set(get_args(EndReason)) - {"risk"}


def test_there_are_enough_drafts_of_every_technique(records: list[SessionRecord]) -> None:
    drafts = Counter(draft.technique for record in records for turn in record.turns for draft in turn.candidates)
    assert len(drafts) >= 7
    assert drafts.keys() <= techniques().keys()
    assert min(drafts.values()) >= 150, drafts


def test_nothing_is_wrong_with_the_sessions_as_texts(records: list[SessionRecord]) -> None:
    integrity = Integrity(keep=None)
    assert [finding for record in records for finding in integrity.add(session_of(record, "corpus"))] == []
    assert integrity.sessions == len(records)


def test_every_message_and_every_draft_passes_the_guards_in_its_place(records: list[SessionRecord]) -> None:
    refused = [
        (record.profile_id, record.attitude, draft.text, found)
        for record in records
        for draft in drafts_of(record)
        if (found := check(draft))
    ]
    assert refused == []
    assert sum(1 for record in records for _ in drafts_of(record)) > 4000


def drafts_of(record: SessionRecord) -> Iterator[Spoken]:
    """Every message and every specialist's draft with what both had said before it."""
    said: dict[Speaker, list[str]] = {"counselor": [], "client": []}

    def draft(speaker: Speaker, text: str, closing: bool = False) -> Spoken:
        other: Speaker = "client" if speaker == "counselor" else "counselor"
        return Spoken(text, speaker, Past(said[speaker]), Past(said[other]), closing=closing)

    candidates = {turn.turn: turn.candidates for turn in record.turns}
    for utterance in record.dialogue:
        if utterance.speaker == "counselor" and not utterance.closing:
            yield from (draft("counselor", item.text) for item in candidates.get(utterance.turn, ()))
        yield draft(utterance.speaker, utterance.text, utterance.closing)
        said[utterance.speaker].append(utterance.text)


def test_the_counselors_messages_do_not_begin_alike(records: list[SessionRecord]) -> None:
    openings = Counter(
        " ".join(normalized(said.text).split()[:3])
        for record in records
        for said in record.dialogue
        if said.speaker == "counselor"
    )
    [(opening, times)] = openings.most_common(1)
    assert times <= 0.03 * openings.total(), opening


def test_no_client_is_in_two_splits(corpus: list[tuple[str, SessionRecord]]) -> None:
    splits: dict[str, set[str]] = {}
    for split, record in corpus:
        splits.setdefault(client_group(record.profile), set()).add(split)
    assert {client: found for client, found in splits.items() if len(found) > 1} == {}
    assert {split for found in splits.values() for split in found} == set(SPLITS)


def test_no_session_has_the_id_of_one_in_the_other_collection() -> None:
    ids = [record.session_id for name in COLLECTIONS for _, record in recorded(name)]
    assert len(set(ids)) == len(ids)


def test_a_client_is_in_the_same_split_in_both_collections() -> None:
    """Or a model that is trained on one of them would be tested in the other on a client that it knows."""
    splits: dict[str, set[str]] = {}
    for name in COLLECTIONS:
        for split, record in recorded(name):
            splits.setdefault(client_group(record.profile), set()).add(split)
    assert {client: found for client, found in splits.items() if len(found) > 1} == {}


def test_plain_sessions_are_plain() -> None:
    """Short sentences, and a counselor who takes up the client's words: what a very small model can learn from."""
    sentences: list[str] = []
    taken_up = []
    for _, record in recorded("plain"):
        for before, said in pairwise(record.dialogue):
            sentences += re.split(r"(?<=[.?!])\s+", said.text)
            if said.speaker == "counselor" and said.turn > 0 and not said.closing:
                taken_up.append(bool(_stems(said.text) & _stems(before.text)))
    lengths = [len(sentence.split()) for sentence in sentences]
    assert max(lengths) <= 25
    assert sum(lengths) / len(lengths) <= 12
    assert sum(taken_up) >= 0.97 * len(taken_up)


def _stems(text: str) -> set[str]:
    return {word[:5] for word in normalized(text).split() if len(word) > 2}


def test_no_two_sessions_share_a_passage(records: list[SessionRecord]) -> None:
    first: dict[tuple[str, ...], tuple[str, str]] = {}
    shared = []
    for record in records:
        for said in record.dialogue:
            words = normalized(said.text).split()
            # Sessions of one client open alike: the exchange is the form's.
            here = record.session_id, f"opening of {client_group(record.profile)}" if said.turn == 0 else ""
            for place in range(len(words) - SHARED_WORDS + 1):
                passage = tuple(words[place : place + SHARED_WORDS])
                session, opening = first.setdefault(passage, here)
                if session != here[0] and (not opening or opening != here[1]):
                    shared.append(" ".join(passage))
    assert shared == []


WRITTEN = "amira-exam-panic-negative"
"""Ends as `resolved` after 13 turns; it was planned for more."""


def changed(tmp_path: Path, where: tuple[Any, ...], value: Any) -> Path:
    """A written session of the corpus with another value at one place; `...` takes the field away."""
    data = yaml.safe_load((CORPUS / "sessions" / f"{WRITTEN}.yaml").read_text(encoding="utf-8"))
    place = data
    for name in where[:-1]:
        place = place[name]
    if value is ...:
        del place[where[-1]]
    else:
        place[where[-1]] = value
    path = tmp_path / f"{WRITTEN}.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (("attitude",), "cheerful", "attitude"),
        (("mood",), "grey", "mood"),
        (("closing",), ..., "closing"),
        (("plan", "technique"), "hypnosis", "plan.technique"),
        (("plan", "steps"), ["Talk.", "Talk on."], "plan.steps"),
        (("turns", 1, "client"), "", "turns.1.client"),
        (("turns", 1, "pick"), [], "turns.1.pick"),
        (("turns", 1, "reason"), "x" * 161, "turns.1.reason"),
        (("turns", 1, "step"), 9, "turns.1.step: the plan has"),
        (("turns", 1, "drafts"), {}, "turns.1: no draft of"),
        (("turns", 1, "drafts", "hypnosis"), "You are asleep.", "turns.1.drafts: hypnosis take no part"),
        (("end",), "asleep", "end"),
        (("end",), "turn_limit", "end: turn_limit is what a session of max_turns ends with"),
        (("max_turns",), 13, "end: turn_limit is what a session of max_turns ends with"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_field(
    where: tuple[Any, ...], value: Any, told: str, tmp_path: Path
) -> None:
    path = changed(tmp_path, where, value)
    with pytest.raises(WrittenError) as error:
        read_written(path, CORPUS / "clients")
    assert str(error.value).startswith(f"{path}: ")
    assert told in str(error.value)


def small_corpus(folder: Path, name: str = WRITTEN) -> Path:
    (folder / "sessions").mkdir()
    (folder / "clients").mkdir()
    shutil.copy(CORPUS / "sessions" / f"{WRITTEN}.yaml", folder / "sessions" / f"{name}.yaml")
    (folder / "splits.toml").write_text('validation = []\ntest = ["amira-exam-panic"]\n')
    return folder


def test_the_split_is_that_of_the_client_and_train_where_none_is_named(tmp_path: Path) -> None:
    folder = small_corpus(tmp_path)
    assert build(corpus=folder) == {"train": 0, "validation": 0, "test": 1}
    (folder / "splits.toml").write_text("")
    assert build(corpus=folder) == {"train": 1, "validation": 0, "test": 0}


def test_a_file_that_is_not_named_after_client_and_attitude_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrittenError, match=rf"another\.yaml: should be named {WRITTEN}\.yaml"):
        build(corpus=small_corpus(tmp_path, "another"))


@pytest.mark.parametrize("text", [None, "test = ["])
def test_splits_that_cannot_be_read_are_told(text: str | None, tmp_path: Path) -> None:
    folder = small_corpus(tmp_path)
    (folder / "splits.toml").unlink()
    if text is not None:
        (folder / "splits.toml").write_text(text)
    with pytest.raises(WrittenError, match=r"splits\.toml cannot be read"):
        build(corpus=folder)
