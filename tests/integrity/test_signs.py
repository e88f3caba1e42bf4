"""Signs in messages: data that prove themselves, read once a message."""

from pathlib import Path

import pytest

from counseling_sessions.integrity import signs
from counseling_sessions.integrity.signs import read_signs, sentence_with, signs_of
from counseling_sessions.settings import SettingsError


def test_a_message_has_the_signs_of_all_its_sentences() -> None:
    said = signs_of("Last Tuesday my boss called on me. I thought they’d laugh. What would you do?")
    assert {"situation", "thought", "question"} <= said
    assert signs_of("Mm.") == frozenset()


def test_a_sign_is_quoted_by_its_sentence() -> None:
    said = "It was a long week. I'd like to sleep through the night! Yes."
    assert sentence_with(said, "wish") == "I'd like to sleep through the night"
    assert sentence_with("Mm.", "wish") == ""
    with pytest.raises(SettingsError, match="no sign 'longing'"):
        sentence_with(said, "longing")


@pytest.mark.parametrize(
    ("sign", "problem"),
    [
        ("{patterns: ['a('], examples: [a]}", "wish: not a regular expression"),
        ("{patterns: ['<DAY>'], examples: [a]}", "wish: not a regular expression"),
        ("{patterns: [b], examples: [a]}", "wish: does not find its own example 'a'"),
        ("{patterns: [a], examples: [a], others: [ab]}", "wish: finds what it must pass by: 'ab'"),
        ("{patterns: [], examples: [a]}", "signs.wish.patterns"),
    ],
)
def test_a_list_that_does_not_prove_itself_is_refused(
    sign: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signs, "FOLDER", tmp_path)
    (tmp_path / "klingon.yaml").write_text(f"signs:\n  wish: {sign}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="klingon.yaml") as error:
        read_signs("klingon")
    assert problem in str(error.value)
