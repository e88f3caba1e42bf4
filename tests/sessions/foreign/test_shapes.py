"""Shapes as data: each that ships is used, is recognised by what it has, and says what it is."""

from pathlib import Path

import pytest

from counseling_sessions.profiles.documents.paths import at
from counseling_sessions.sessions.foreign import shape_named, shapes
from counseling_sessions.settings import SettingsError


def test_every_shape_says_what_it_is_and_has_its_name_once() -> None:
    names = [shape.name for shape in shapes()]
    assert len(set(names)) == len(names)
    for shape in shapes():
        assert shape.title, shape.name
        assert shape.about, shape.name
        assert shape.has, shape.name
        assert shape_named(shape.name) == shape


def test_a_wrong_shape_is_refused_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--shape nothing: there is no such shape, .*annomi"):
        shape_named("nothing")
    with pytest.raises(SettingsError, match="cannot be read"):
        shape_named(str(tmp_path / "gone.yaml"))
    for text, reason in (("- a\n", "mapping"), ("speakers: [a]\n", "speakers"), ("messages: 3\n", "messages")):
        (tmp_path / "a.yaml").write_text(text)
        with pytest.raises(SettingsError, match=reason):
            shape_named(str(tmp_path / "a.yaml"))


def test_a_path_names_a_field_whatever_is_in_its_name() -> None:
    value = {"a": {"b c": [{"d": 1}]}, "Race/Ethnicity": 2}
    assert at(value, "a/b c/0/d") == 1
    assert at(value, "Race/Ethnicity") == 2
    assert at(value, "a/b c/1/d") is None
    assert at(value, "a/x") is None
