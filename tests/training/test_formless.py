"""Sessions without a client's form give examples whose prompts say nothing but what was said before."""

import json
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.commands.main import main
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.prompts import prompt
from counseling_sessions.training.formless import BRIEFING
from tests.training.prepared import lines, made

FILES = Path(__file__).parents[1] / "sessions" / "foreign" / "files"
BOTH = "counselor,client"
SAID = (
    ("client", "I keep the letters shut."),
    ("client", "All of them, since May."),
    ("counselor", "<think>Ask.</think>What do you see when one comes?"),
    ("client", "My father's hand."),
    ("counselor", "And then it goes into the drawer."),
)


def chat(said: tuple[tuple[str, str], ...] = SAID, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"speaker": speaker, "text": text} for speaker, text in said]} | fields


def file_of(path: Path, *sessions: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(session) + "\n" for session in sessions))
    return path


def groups(folder: Path, split: str = "train") -> list[str]:
    return list(dict.fromkeys(row["client_group"] for row in lines(folder, split)))


def test_each_side_has_its_briefing_and_what_was_said_before_and_no_more(tmp_path: Path) -> None:
    report = made(file_of(tmp_path / "a.jsonl", chat()), tmp_path / "out", BOTH)
    assert report.without_form == report.sessions == {"train": 1}
    begins = prompt(BRIEFING, "beginning")
    opens = f"{SAID[0][1]} {SAID[1][1]}"
    asks = "What do you see when one comes?"
    rows = [
        (row["role"], [message["content"] for message in row["prompt"]][1:], row["completion"][0]["content"])
        for row in lines(tmp_path / "out")
    ]
    assert rows == [
        ("client", [begins], opens),
        ("counselor", [f"{begins}\n\n{opens}"], asks),
        ("client", [begins, opens, asks], SAID[3][1]),
        ("counselor", [f"{begins}\n\n{opens}", asks, SAID[3][1]], SAID[4][1]),
    ]
    for row in lines(tmp_path / "out"):
        system, *dialogue = row["prompt"]
        assert system == {"role": "system", "content": prompt(BRIEFING, row["role"])}
        assert [message["role"] for message in dialogue] == ["user", "assistant", "user"][: len(dialogue)]
        assert row["closes"] is False  # the file does not say so


def test_only_the_roles_that_were_asked_for_are_there(tmp_path: Path) -> None:
    assert made(file_of(tmp_path / "a.jsonl", chat()), tmp_path / "out").examples == {"train": {"client": 2}}


def test_a_session_in_which_one_side_says_nothing_is_refused(tmp_path: Path) -> None:
    source = file_of(tmp_path / "a.jsonl", chat((("client", "Is anybody there?"), ("client", "Hello?"))))
    with pytest.raises(ProfileError, match="the counselor says nothing in it"):
        made(source, tmp_path / "out", BOTH)


def test_a_form_that_cannot_be_read_is_refused_and_not_left_away(tmp_path: Path) -> None:
    source = file_of(tmp_path / "a.jsonl", chat(AI_client={"intake_form": "Name:", "attitude": "neutral"}))
    with pytest.raises(ProfileError, match="cannot be trained on: AI_client"):
        made(source, tmp_path / "out", BOTH)


@pytest.mark.parametrize("name", ["own-openai-chat.jsonl", "own-sharegpt.jsonl"])
def test_a_chat_of_our_own_export_is_refused_as_its_run_has_the_form(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="a chat of an export of ours"):
        made(FILES / name, tmp_path / "out", BOTH)


def test_without_an_id_each_session_is_its_own_client_and_a_copy_of_it_the_same(tmp_path: Path) -> None:
    other = chat((("client", "I can't sleep."), ("counselor", "Since when?")))
    file_of(tmp_path / "in" / "a.jsonl", chat(), other, chat())
    assert made(tmp_path / "in", tmp_path / "out", BOTH).clients["train"] == 2
    before = groups(tmp_path / "out")
    file_of(tmp_path / "in" / "test.jsonl", chat(id="copied"))
    report = made(tmp_path / "in", tmp_path / "out", BOTH, overwrite=True)
    assert (report.sessions, report.without_form) == ({"train": 1, "test": 3}, {"train": 1, "test": 3})
    assert groups(tmp_path / "out", "test") + groups(tmp_path / "out") == before


def test_a_client_with_several_sessions_is_one_in_its_data_set_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = chat((("client", "I can't sleep."), ("counselor", "Since when?")), client_id="7")
    for folder in ("one", "two"):
        file_of(tmp_path / "in" / folder / "a.jsonl", chat(client_id="7"), other)
    assert made(tmp_path / "in", tmp_path / "out", BOTH).clients["train"] == 2
    one, two = groups(tmp_path / "out")
    monkeypatch.chdir(tmp_path / "in" / "two")
    made(Path("a.jsonl"), tmp_path / "from-here", BOTH)
    assert groups(tmp_path / "from-here") == [two] != [one]


@pytest.mark.parametrize(
    ("name", "sessions"),
    [
        ("annomi-simple.csv", 2),
        ("clientcast.txt", 1),
        ("conversations.parquet", 2),
        ("cpsycoun-e.json", 1),
        ("eeyore.json", 1),
        ("esconv.json", 2),
        ("kokorochat.json", 1),
        ("mdd5k.json", 2),
        ("psycheval.json", 2),
        ("smile.json", 1),
    ],
)
def test_the_sets_that_people_have_give_examples_of_both_sides(
    name: str, sessions: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "data", str(FILES / name), "--out", str(tmp_path / "out"), "--splits", "100/0/0"]
    assert main([*command, "--roles", BOTH]) == 0
    kept = json.loads((tmp_path / "out" / "data.json").read_text())
    assert (kept["sessions"], kept["without_form"]) == ({"train": sessions}, {"train": sessions})
    assert kept["examples"]["train"].keys() == {"counselor", "client"}
    assert "without a form" in capsys.readouterr().out
    assert f"{sessions} sessions have no form" in (tmp_path / "out" / "README.md").read_text()
