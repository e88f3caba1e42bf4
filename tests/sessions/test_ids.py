"""A session's id names files: nothing that leads out of a folder is one."""

import pytest
from pydantic import TypeAdapter, ValidationError

from counseling_sessions.sessions.entries import ShardName
from counseling_sessions.state import SessionId

BAD = ("", "../up", "a/b", "/etc/passwd", ".hidden", "..", "a\\b", "a b", "a\n", "é", "x" * 101, "-rf", "a\x00b")


@pytest.mark.parametrize("name", BAD)
def test_what_could_lead_out_of_a_folder_is_no_id(name: str) -> None:
    for kind in (SessionId, ShardName):
        if kind is ShardName and len(name) > 100:
            name = name * 2
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(name)


@pytest.mark.parametrize("name", ["087487a7-ef49-533c-bf95-60b2aad8d0a5", "s1", "t-amira.2", "0_a", "x" * 100])
def test_ids_as_they_are_made_are_ids(name: str) -> None:
    assert TypeAdapter(SessionId).validate_python(name) == name
