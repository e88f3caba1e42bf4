"""docs/security.md: every promise names tests that are there."""

import re
from pathlib import Path

import pytest

from counseling_sessions.models.answers import MOST_BYTES, MOST_CHARACTERS, MOST_PARTS
from counseling_sessions.models.breaker import RETRY_AFTER_CAP
from counseling_sessions.models.transport import MOST_OF_A_REFUSAL
from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.profiles.schema import PROFILE_LIMIT, TEXT_LIMIT
from counseling_sessions.sessions.shards import MOST_SHARD
from counseling_sessions.settings import MOST_YAML
from counseling_sessions.store import reading

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 4 and "| test |" not in line]
MODULE = re.compile(r"(?:[a-z_]+/)*test_[a-z_]+")
NAMES = re.compile(r"def (test_\w+)")


def all_tests() -> set[str]:
    return {name for file in TESTS.rglob("test_*.py") for name in NAMES.findall(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("row", [row for row in ROWS if "---" not in row], ids=lambda row: row[2:50])
def test_every_attack_names_a_test_that_is_there(row: str) -> None:
    quoted = re.findall(r"`([^`]+)`", row.split("|")[3])
    assert quoted
    for item in quoted:
        if item.startswith("python "):
            assert (TESTS.parent / item.split()[1]).is_file()
        elif MODULE.fullmatch(item):
            assert (TESTS / f"{item}.py").is_file(), item
        else:
            assert any(item in name for name in all_tests()), item


@pytest.mark.parametrize(
    "limit",
    [
        f"{MOST_BYTES // 2**20} MiB as read",
        f"{MOST_OF_A_REFUSAL // 2**10} KiB of a refusal",
        f"{MOST_PARTS:,} brackets",
        f"at most {MOST_CHARACTERS:,}",
        f"{UTTERANCE_LIMIT:,} characters; a model's",
        f"{reading.MOST_BYTES // 2**20} MiB, {reading.MOST_LINE // 2**20} MiB (a shard of records {MOST_SHARD // 2**30} GiB); YAML {MOST_YAML // 2**20} MiB",
        f"{TEXT_LIMIT:,} characters a text, {PROFILE_LIMIT:,} in all",
        f"{RETRY_AFTER_CAP:.0f} seconds",
    ],
)
def test_the_limits_are_those_of_the_code(limit: str) -> None:
    assert limit in PAGE
