"""The clients at risk: apart from the others, as whole as they are, and sober."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from counseling_sessions.integrity.phrases import phrase_in
from counseling_sessions.integrity.protocol import agreement_in
from counseling_sessions.nodes.risk import find_risk
from counseling_sessions.profiles.library import (
    RISK,
    builtin_ids,
    builtin_profiles,
    load_builtin,
    load_risk,
    misfit,
    risk_ids,
)
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.readers import find_profile, read_profiles
from counseling_sessions.profiles.risk_part import RISK_LEVELS, RiskPart
from counseling_sessions.profiles.schema import FIELD_LIMIT, ClientProfile, clean, client_form, texts_of
from counseling_sessions.texts.words import trigrams

CORPUS = Path(__file__).parents[2] / "corpus" / "clients"
NAMED = re.compile(
    r"\b(?:pills?|tablets?|capsules?|medication|overdos\w*|drugs?|ropes?|noose|belts?|hang(?:s|ed|ing)?|knife|knives|blades?|razors?"
    r"|cut(?:ting)? (?:my|him|her)\w*|wrists?|guns?|shot|shoot\w*|weapons?|poison\w*|gas|drown\w*|bridges?|roofs?|cliffs?|trains?|rails"
    r"|jump(?:s|ed|ing)?|balcony|height|razor|strangl\w*|chok\w*|stab\w*|punch\w*|fists?|hammer|axe|petrol)\b",
    re.IGNORECASE,
)
"""Words for methods and means. None of them stands in these forms, in no sense."""
SPOKEN = ("sign", "thoughts", "now", "protective", "near", "agrees", "refuses")


@pytest.fixture(scope="module")
def clients() -> list[ClientProfile]:
    return [load_risk(name) for name in risk_ids()]


def part(client: ClientProfile) -> RiskPart:
    assert client.risk
    return client.risk


def test_there_are_twelve_of_all_kinds_and_levels_apart_from_the_others(clients: list[ClientProfile]) -> None:
    assert [client.id for client in clients] == list(risk_ids()) == sorted(path.stem for path in RISK.iterdir())
    assert Counter((part(client).kind, part(client).level) for client in clients) == {
        ("thoughts", "none"): 2,
        ("thoughts", "passive"): 3,
        ("thoughts", "active"): 2,
        ("thoughts", "immediate"): 1,
        ("danger_from_others", "active"): 1,
        ("danger_from_others", "immediate"): 1,
        ("danger_to_others", "passive"): 1,
        ("danger_to_others", "active"): 1,
    }
    assert {part(client).shows for client in clients} == {"asked", "trust", "end"}
    assert len(builtin_ids()) == 35
    assert not set(risk_ids()) & set(builtin_ids())
    assert not any(client.risk for client in builtin_profiles())
    assert risk_ids(["none"]) == ("bram-the-phone", "rukmini-two-cups")
    assert sorted(name for level in RISK_LEVELS for name in risk_ids([level])) == list(risk_ids())


def test_they_are_adults_who_differ_and_nobody_has_the_name_of_another_client(clients: list[ClientProfile]) -> None:
    ages = [client.demographics.age or 0 for client in clients]
    assert min(ages) >= 18
    assert max(ages) - min(ages) >= 40
    genders = Counter(client.demographics.gender for client in clients)
    assert len(genders) == 3
    assert max(genders.values()) <= 6
    others = [*builtin_profiles(), *read_profiles(CORPUS).profiles]
    first = [client.demographics.name.split()[0] for client in (*clients, *others)]
    assert not {name for name in first[: len(clients)] if first.count(name) > 1}


def test_every_form_is_whole(clients: list[ClientProfile]) -> None:
    for client in clients:
        assert client.opening, client.id
        assert client.cognitive_distortion, client.id
        assert client.severity, client.id
        assert client.manner, client.id
        assert client.disclosure, client.id
        parts = client.demographics, client.presenting_problem, client.functioning
        texts = [value for one in parts for _, value in one]
        texts += [
            client.history,
            client.support,
            client.automatic_thought,
            client.strengths,
            client.reason_for_counseling,
        ]
        for text in texts:
            assert text, client.id
            assert f": {clean(str(text))}" in client_form(client), client.id
        for path, text in texts_of(client):
            assert clean(text) == text, path
            assert len(text) <= FIELD_LIMIT
        assert all(len((getattr(part(client), name) or "").split()) <= 60 for name in SPOKEN), client.id


def test_no_form_names_a_method_or_a_means(clients: list[ClientProfile]) -> None:
    for client in clients:
        for path, text in texts_of(client):
            assert phrase_in("means", text) is None, (client.id, path)
            assert not NAMED.search(text), (client.id, path, NAMED.findall(text))


def is_explicit(text: str) -> bool:
    risk = find_risk(text)
    return risk is not None and risk.wording == "explicit"


def test_nothing_but_the_risk_part_shows_the_risk_and_the_sign_is_oblique(clients: list[ClientProfile]) -> None:
    for client in clients:
        spoken = {f"risk.{name}" for name in SPOKEN}
        shown = [path for path, text in texts_of(client) if path not in spoken and is_explicit(text)]
        assert not shown, client.id
        assert not any(text in client_form(client) for path, text in texts_of(client) if path in spoken)
        assert not re.search(r"suicid|\bkill|\bdie\b|\bdead\b|\bhurt", part(client).sign, re.IGNORECASE), client.id


def test_only_who_is_of_level_none_begins_with_a_no(clients: list[ClientProfile]) -> None:
    for client in clients:
        said = re.match(r"no\b", part(client).thoughts, re.IGNORECASE)
        assert bool(said) is (part(client).level == "none"), client.id
        assert not re.match(r"no\b", part(client).now, re.IGNORECASE), client.id


def test_one_of_them_refuses_help_and_then_agrees_and_one_takes_back_and_stays_with_it(
    clients: list[ClientProfile],
) -> None:
    answers = {client.id: (part(client).refuses, part(client).agrees) for client in clients}
    said = {name: tuple(agreement_in(text) for text in texts if text) for name, texts in answers.items()}
    assert said.pop("maricel-the-handover") == ("refuses", "agrees")
    assert said.pop("osvaldo-the-last-page") == ("retracts", "refuses")
    assert set(said.values()) == {("agrees",)}


def test_the_forms_differ_from_each_other_and_from_the_others(clients: list[ClientProfile]) -> None:
    def grams(client: ClientProfile) -> frozenset[tuple[str, ...]]:
        return trigrams(" ".join(text for _, text in texts_of(client)).casefold())

    for one, other in combinations([*clients, *builtin_profiles()], 2):
        shared = grams(one) & grams(other)
        assert len(shared) / min(len(grams(one)), len(grams(other))) < 0.05, (one.id, other.id)


@pytest.mark.parametrize("name", ["gareth-the-numbers", str(RISK / "gareth-the-numbers.yaml")])
def test_who_names_one_without_asking_for_it_is_refused_and_is_shown_how(name: str) -> None:
    with pytest.raises(
        ProfileError, match=r"gareth-the-numbers is a client at risk.*not for people in distress.*--risk"
    ):
        find_profile(name)
    with pytest.raises(
        ProfileError, match=r"no client at risk of the levels asked for \(none\); built in are bram-the-phone"
    ):
        find_profile(name, risk=("none",))
    assert find_profile(name, risk=("passive", "active")).id == "gareth-the-numbers"


def test_no_name_loads_one_as_an_ordinary_client_nor_an_ordinary_one_as_one_at_risk() -> None:
    with pytest.raises(ProfileError, match="is a client at risk"):
        load_builtin("gareth-the-numbers")
    with pytest.raises(ProfileError, match="there is no client at risk"):
        load_risk("amira-exam-panic")
    with pytest.raises(ProfileError, match="amira-exam-panic is no client at risk"):
        find_profile("amira-exam-panic", risk=RISK_LEVELS)
    assert not any(misfit(client, ()) for client in builtin_profiles())


def test_a_profile_without_a_risk_is_written_as_before() -> None:
    assert all("risk" not in client.model_dump() for client in builtin_profiles())
    assert load_risk("gareth-the-numbers").model_dump()["risk"]["level"] == "active"
