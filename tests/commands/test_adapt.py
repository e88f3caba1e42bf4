"""`run.py profiles adapt`: what becomes of each record is shown, and what is written can be used."""

import json
from pathlib import Path

import pytest

from counseling_sessions.commands.main import main
from counseling_sessions.profiles.library import builtin_profiles
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.profiles.schema import texts_of

FILES = Path(__file__).parents[1] / "profiles" / "adapting" / "files"


def test_profiles_are_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ours.yaml"
    adapt = ["profiles", "adapt", str(FILES / "profile-patientpsi.json"), "--out", str(out)]
    assert main(adapt) == 2
    assert "refused: has no reason_for_counseling; --reason-from-problem supplies it" in capsys.readouterr().out
    assert not out.exists()
    assert main([*adapt, "--reason-from-problem"]) == 0
    shown = capsys.readouterr().out
    assert "supplied  reason_for_counseling" in shown
    assert "1 record: 1 profile, 0 refused" in shown
    [profile] = read_profiles(out).profiles
    assert profile.demographics.name == "Oskar"
    assert main([*adapt, "--reason-from-problem"]) == 2
    assert "--overwrite replaces it" in capsys.readouterr().err


def test_read_and_refused_are_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = (FILES / "vera-mh-personas.tsv").read_text(encoding="utf-8").splitlines()
    at_risk = row[1].replace("Petra", "Paul").replace("\tNone\tLikes", "\tHigh\tLikes")
    (tmp_path / "a.tsv").write_text("\n".join([row[0], row[1], row[1], at_risk]), encoding="utf-8")
    out = tmp_path / "a.jsonl"
    assert main(["profiles", "adapt", str(tmp_path / "a.tsv"), "--reason-from-problem", "--out", str(out)]) == 2
    shown = capsys.readouterr().out
    assert "record 3: refused: says of a risk (a current risk: High)" in shown
    assert "3 records: 2 profiles, 1 refused" in shown
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["petra-001", "petra-002"]


def test_a_wish_to_die_in_a_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"description": "Ivo says that he wants to die."}))
    adapt = ["profiles", "adapt", str(tmp_path / "a.json"), "--name", "Ivo", "--reason-from-problem"]
    assert main(adapt) == 2
    assert "says of a risk" in capsys.readouterr().out


def test_ours_in_cactus_form_is_read_back_with_every_field_of_its_form(tmp_path: Path) -> None:
    profiles = builtin_profiles()[:3]
    ours = tmp_path / "ours.jsonl"
    ours.write_text("".join(profile.model_dump_json() + "\n" for profile in profiles), encoding="utf-8")
    out = tmp_path / "cactus.json"
    assert main(["profiles", "adapt", str(ours), "--to", "cactus", "--out", str(out)]) == 0
    for profile, back in zip(profiles, read_profiles(out).profiles, strict=True):
        assert (back.demographics.name, back.demographics.age) == (profile.demographics.name, profile.demographics.age)
        texts = " ".join(" ".join(text.split()) for _, text in texts_of(back))
        for path, text in texts_of(profile):
            if path.startswith(("presenting", "reason", "history", "support", "functioning", "strengths")):
                assert " ".join(text.split()) in texts, path


def test_wrong_inputs_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    file = str(tmp_path / "a.csv")
    assert main(["profiles", "adapt", file]) == 2
    assert "is of no format that ships" in capsys.readouterr().out
    assert main(["profiles", "adapt", file, "--out", str(tmp_path / "b.txt")]) == 2
    assert "should end in .jsonl" in capsys.readouterr().err
    assert main(["profiles", "adapt", file, "--format", "nothing"]) == 2
    assert "there is no such format" in capsys.readouterr().err
    assert main(["profiles", "adapt", file, "--to", "psyche"]) == 2
    assert "has no place for most of a form" in capsys.readouterr().err
    assert main(["profiles"]) == 0
