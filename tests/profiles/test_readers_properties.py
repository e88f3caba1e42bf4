"""Reading profiles, on generated content: a round trip through every format, and no error but `ProfileError`."""

import json
import re

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counseling_sessions.profiles.readers import ProfileError, read_profiles
from counseling_sessions.profiles.schema import ATTITUDES, ClientProfile, CognitiveDistortion, clean


def put(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(clean)
MAYBE = st.none() | TEXT


def part(required=(), **others):
    return st.fixed_dictionaries(dict.fromkeys(required, TEXT) | others)


PROFILES = st.builds(
    ClientProfile.model_validate,
    st.fixed_dictionaries(
        {
            "id": st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z"),
            "demographics": part(["name"], age=st.none() | st.integers(0, 120), gender=MAYBE, family=MAYBE),
            "reason_for_counseling": TEXT,
            "presenting_problem": part(["what"], since=MAYBE, triggers=MAYBE, tried=MAYBE),
            "functioning": part(work=MAYBE, relationships=MAYBE, daily_life=MAYBE),
            "automatic_thought": MAYBE,
            "cognitive_distortion": st.none() | st.sampled_from(CognitiveDistortion),
            "opening": st.none() | part(["counselor", "client"]),
            "attitude": st.none() | st.sampled_from(ATTITUDES),
            "labelled_techniques": st.lists(TEXT, max_size=3),
        }
    ),
)
WRITERS = {
    ".json": json.dumps,
    ".jsonl": lambda records: "\n".join(json.dumps(record, ensure_ascii=False) for record in records),
    ".yaml": yaml.safe_dump,
    ".yml": yaml.safe_dump_all,
}
anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.parametrize("suffix", WRITERS)
@settings(anything, max_examples=40)
@given(profiles=st.lists(PROFILES, min_size=1, max_size=3, unique_by=lambda profile: profile.id))
def test_valid_profiles_survive_a_round_trip(tmp_path, suffix, profiles):
    records = [profile.model_dump(mode="json") for profile in profiles]
    assert read_profiles(put(tmp_path, f"x{suffix}", WRITERS[suffix](records))).profiles == profiles


def only_profile_errors(path):
    message = ""
    try:
        read_profiles(path)
    except ProfileError as error:
        message = str(error) or "Traceback"
    assert not re.search(r"Traceback|ValidationError|pydantic", message)
    read_profiles(path, skip_invalid=True)


SUFFIX = st.sampled_from([".json", ".jsonl", ".yaml", ".txt"])


@anything
@given(content=st.binary() | st.text(st.characters(exclude_categories=["Cs"])).map(str.encode), suffix=SUFFIX)
def test_arbitrary_content_raises_nothing_else(tmp_path, content, suffix):
    only_profile_errors(put(tmp_path, f"x{suffix}", content))


YAML_TAGS = [
    f"!!{tag} "
    for tag in ["int", "float", "bool", "timestamp", "binary", "set", "omap", "pairs", "null", "merge", "value", "str"]
]
YAML_SIGNS = [
    "<<: ",
    "? ",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "  ",
    "'",
    '"',
    ">",
    "%",
    "---",
    "x",
    "1:2",
    "0x",
    ".nan",
    "&a ",
    "*a",
    "!x ",
    "=",
]
YAML_PIECES = st.sampled_from(YAML_TAGS + YAML_SIGNS)


@anything
@given(content=st.lists(YAML_PIECES, max_size=15).map("".join))
def test_arbitrary_yaml_raises_nothing_else(tmp_path, content):
    only_profile_errors(put(tmp_path, "x.yaml", content))


KEYS = st.text(max_size=5) | st.sampled_from(
    [
        "id",
        "demographics",
        "name",
        "age",
        "presenting_problem",
        "what",
        "opening",
        "labelled_techniques",
        "attitude",
        "example",
        "AI_client",
        "intake_form",
        "AI_counselor",
        "CBT",
        "client_information",
        "ground_truth_CBT",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(
    ["Name: A\n2. Presenting Problem\nB\n3. Reason for Counseling\nC", "Age: 7", "positive"]
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)


@anything
@given(value=st.dictionaries(KEYS, VALUES, max_size=6) | VALUES, suffix=SUFFIX)
def test_arbitrary_json_raises_nothing_else(tmp_path, value, suffix):
    only_profile_errors(put(tmp_path, f"x{suffix}", json.dumps(value)))
