"""The built-in profiles: all there, all different, and fit to start a session from."""

import re
from itertools import combinations

import pytest

from counseling_sessions.profiles.library import BUILTIN, builtin_ids, builtin_profiles, load_builtin
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.schema import (
    FIELD_LIMIT,
    ClientProfile,
    clean,
    client_form,
    counselor_information,
    counselor_reason,
)

COUNT = 35
OUT_OF_SCOPE = re.compile(
    r"suicid|self.?harm|kill(?:ing|ed)? (?:my|them|him|her)sel(?:f|ves)|(?:cut|hurt|harm)(?:t?ing)? myself|"
    r"end (?:my life|it all)|want to die|better off dead|overdos",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def profiles() -> list[ClientProfile]:
    return builtin_profiles()


def _texts(profile: ClientProfile) -> str:
    return profile.model_dump_json()


def test_there_are_thirty_five_named_by_their_files(profiles):
    assert len(profiles) == COUNT
    assert (
        [profile.id for profile in profiles] == list(builtin_ids()) == sorted(path.stem for path in BUILTIN.iterdir())
    )


def test_names_are_unique(profiles):
    assert len({profile.demographics.name for profile in profiles}) == COUNT


def test_every_profile_is_a_whole_form(profiles):
    for profile in profiles:
        form = client_form(profile)
        assert profile.opening, profile.id
        assert profile.cognitive_distortion, profile.id
        parts = profile.demographics, profile.presenting_problem, profile.functioning
        texts = [value for part in parts for _, value in part]
        texts += [profile.history, profile.support, profile.automatic_thought, profile.strengths]
        texts += [profile.reason_for_counseling]
        for text in texts:
            assert text, profile.id
            assert f": {clean(str(text))}" in form, profile.id
            assert len(str(text)) <= FIELD_LIMIT
        assert counselor_reason(profile) in form
        assert counselor_information(profile) in form


def test_nothing_meant_for_evaluation_alone_reaches_the_client(profiles):
    for profile in profiles:
        form = client_form(profile)
        hidden = [profile.id, profile.source, *profile.labelled_techniques]
        assert not [text for text in hidden if text and text in form], profile.id
        assert str(profile.cognitive_distortion).lower() not in form.lower(), profile.id


def test_the_text_needs_no_cleaning(profiles):
    for profile in profiles:
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', _texts(profile)):
            plain = text.replace('\\"', '"')
            assert clean(plain) == plain, profile.id


def test_no_profile_mentions_self_harm(profiles):
    assert not [profile.id for profile in profiles if OUT_OF_SCOPE.search(_texts(profile))]


def _trigrams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def test_the_opening_lines_are_pairwise_distinct(profiles):
    for speaker in ("counselor", "client"):
        lines = {profile.id: _trigrams(getattr(profile.opening, speaker)) for profile in profiles}
        for (first, one), (second, other) in combinations(lines.items(), 2):
            assert len(one & other) / len(one | other) < 0.5, (speaker, first, second)


def test_many_habits_of_thought_ages_and_genders_are_there(profiles):
    assert len({profile.cognitive_distortion for profile in profiles}) >= 8
    ages = [profile.demographics.age for profile in profiles]
    assert min(ages) >= 16
    assert max(ages) - min(ages) >= 40
    assert len({profile.demographics.gender for profile in profiles}) >= 3


def test_an_unknown_id_is_answered_with_the_like_of_it():
    with pytest.raises(ProfileError, match=r"amira-exam-panik.*did you mean amira-exam-panic\?"):
        load_builtin("amira-exam-panik")
    with pytest.raises(ProfileError, match="profiles list"):
        load_builtin("../schema")


def test_a_profile_is_read_once():
    assert load_builtin(builtin_ids()[0]) is load_builtin(builtin_ids()[0])
