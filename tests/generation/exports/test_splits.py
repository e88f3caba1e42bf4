"""Splits: a client is in one of them, whoever else there is; what makes two forms the same client."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from counseling_sessions.generation.exports import ExportError, Splits
from counseling_sessions.profiles.library import builtin_ids, load_builtin
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.profiles.schema import ATTITUDES, ClientProfile
from counseling_sessions.sessions.session import client_group
from tests.generation.exports.sessions import client
from tests.reference import FORMS, needs_reference
from tests.scripted import profile


def cactus_record(number: int, attitude: str) -> dict[str, Any]:
    form = (
        f"Name: Ines Almeida\nAge: 31\n\n2. Presenting Problem\nI count the stairs.\n\n"
        f"3. Reason for Seeking Counseling\nI was late for work {number} times."
    )
    opening = f"Counselor: Good day ({attitude}).\nClient: Good day."
    return {"AI_client": {"intake_form": form, "attitude": attitude, "dialogue_history_init": opening}}


def test_a_form_is_one_client_under_every_attitude(tmp_path: Path) -> None:
    records = [cactus_record(number, attitude) for number in range(10) for attitude in ATTITUDES]
    (tmp_path / "forms.json").write_text(json.dumps(records))
    profiles = read_profiles(tmp_path / "forms.json").profiles
    assert len({item.id for item in profiles}) == 30
    groups = Counter(map(client_group, profiles))
    assert len(groups) == 10  # all of one name
    assert set(groups.values()) == {3}


@needs_reference
def test_the_450_cactus_records_are_150_clients() -> None:
    groups = Counter(map(client_group, read_profiles(FORMS).profiles))
    assert len(groups) == 150
    assert set(groups.values()) == {3}


def test_the_built_in_clients_are_all_different() -> None:
    assert len({client_group(load_builtin(name)) for name in builtin_ids()}) == len(builtin_ids())


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "another"},
        {"attitude": "negative"},
        {"opening": None},
        {"labelled_techniques": ("pie chart technique",)},
        {"history": "A new line in the form."},
        {"reason_for_counseling": "i cannot  sleep, before market days"},
    ],
)
def test_what_does_not_make_another_client(changes: dict[str, Any]) -> None:
    assert client_group(profile(**changes)) == client_group(profile())


@pytest.mark.parametrize(
    "changes", [{"demographics": {"name": "Ada Text"}}, {"reason_for_counseling": "I cannot sleep before holidays."}]
)
def test_what_makes_another_client(changes: dict[str, Any]) -> None:
    assert client_group(profile(**changes)) != client_group(profile())


shares = st.tuples(st.integers(1, 98), st.integers(0, 50), st.integers(0, 50)).map(
    lambda parts: Splits.of("/".join(map(str, parts)))
)


@given(shares, st.integers(0, 2**31), st.text(min_size=1, max_size=30).filter(lambda text: any(map(str.isalnum, text))))
def test_a_client_has_one_split_whatever_else_a_session_is(splits: Splits, seed: int, reason: str) -> None:
    def split(who: ClientProfile) -> str:
        return splits.split_of(client_group(who), seed)

    forms = [
        profile(id=f"client-{number}", attitude=attitude, reason_for_counseling=f"Reason: {reason}")
        for number, attitude in enumerate(ATTITUDES)
    ]
    assert len(set(map(split, forms))) == 1
    assert split(forms[0]) in splits.names


def test_the_shares_hold_in_expectation_and_the_seed_chooses() -> None:
    splits = Splits()
    groups = [client_group(client(number)) for number in range(3000)]
    sizes = Counter(splits.split_of(group, 0) for group in groups)
    assert sizes["train"] == pytest.approx(2400, abs=90)
    assert sizes["validation"] == pytest.approx(300, abs=70)
    moved = sum(splits.split_of(group, 0) != splits.split_of(group, 1) for group in groups)
    assert moved == pytest.approx(3000 * (1 - 0.64 - 0.02), abs=120)


def test_shares_are_read_from_text() -> None:
    assert Splits.of("80/10/10") == Splits.of("0.8, 0.1, 0.1") == Splits()
    assert Splits.of("9/1/0").names == ("train", "validation")
    for wrong in ("80/20", "a/b/c", "0/50/50", "-1/1/1", "", "nan/1/1", "0/0/0"):
        with pytest.raises(ExportError, match="three shares"):
            Splits.of(wrong)
    with pytest.raises(ValidationError, match="add up to 1"):
        Splits(train=0.5)
