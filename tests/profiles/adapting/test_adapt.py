"""Other people's client profiles: what maps, what is kept, what is left out, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.profiles.adapting import Adapted, Supplied, adapt, format_named, format_of, formats, write_as
from counseling_sessions.profiles.documents import Record, records_of
from counseling_sessions.profiles.documents.paths import leaves
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.profiles.schema import texts_of

FILES = Path(__file__).with_name("files")
SUPPLIED = Supplied("Ines", reason_from_problem=True)
INVENTED: dict[str, dict[str, Any]] = {
    "cars": {
        "persona": {"name": "Ivo", "age": "38", "occupation": "Roofer", "chief_complaint": "Heights."},
        "background": "Ivo fell once.",
        "main_ccd": {"relevant_history": "A fall at 20.", "core_beliefs": ["I am clumsy."]},
        "session_ccd": {"resistance_triggers": ["Talk of ladders"]},
        "preferences": {"positive": ["Patience"], "negative": ["Haste"]},
    },
    "mindvoyager": {
        "name": "Ivo",
        "internal_cognitive_diagram": {"relevant_history": "A fall at 20.", "coping_strategies": "Stays down."},
        "external_experiences": [
            {"situation": "A ladder.", "reaction": "Looks away."},
            {"situation": "A bridge.", "reaction": "Walks around it."},
        ],
    },
    "psyche": {
        "MFC-Profile": {
            "Identifying data": {"Age": "40", "Sex": "Female", "Occupation": "Clerk"},
            "Chief complaint": "I wake at three.",
            "Present illness": {"Symptom": {"Name": "Light sleep", "Length": "9 weeks"}},
            "Impulsivity": {"Suicidal ideation": "Low", "Suicidal plan": "Absence"},
        },
        "MFC-History": "A quiet childhood.",
    },
    "annaagent": {
        "profile": {"drisk": 1, "srisk": 0, "age": "42", "gender": "Female", "symptoms": "Worry"},
        "situation": "The shop closes.",
        "complaint_chain": [{"stage": 1, "content": "I count the till twice."}],
        "style": ["Shy"],
    },
    "mindeval": {
        "member_attributes": {
            "name": "Ivo",
            "age": 28,
            "depressive_symptoms": "none",
            "anxious_symptoms": "some worry at night",
            "program_goal": "Sleep through",
            "siblings": "one sister",
        },
        "member_narrative": "You grew up by a lake.",
    },
    "roleplaydoh": {"description": "Ivo avoids the phone since a wrong call."},
    "simpatient": {
        "persona": {"age": 34, "gender": "male", "occupation": "Baker", "mbti": "INTJ"},
        "cognitive_model": {"patient_control": 3},
        "between_session_event": "A night without bread.",
    },
    "talkdep": {
        "name": "Ivo",
        "age": 24,
        "bdi_score": 9,
        "key_negative_symptoms": [{"name": "Sleep", "description": "I lie awake.", "severity": 1}],
        "life_history": ["Ivo moved twice."],
    },
    "eeyore": {
        "profile": {
            "name": "Cannot be identified",
            "age": "40",
            "situation of the client": "Moved to a flat without dogs.",
            "resistance toward the support": "Low",
            "symptom severity": {"anxiety, agitation, or restlessness": "Mild"},
        }
    },
    "consistentmi": {
        "idx": 90,
        "topic": "less salt",
        "Personas": ["You repair clocks."],
        "Beliefs": ["You believe salt wakes you."],
        "Motivation": ["Your sister asks."],
        "Behavior": "salting everything",
    },
    "psycheval": {
        "client_id": 41,
        "client_info": {
            "static_traits": {"name": "林远", "age": "31岁", "gender": "女", "marital_status": "未提及"},
            "main_problem": "出门前反复查看炉灶。",
            "core_beliefs": ["出错就完了"],
        },
    },
}


def only(name: str, supplied: Supplied = SUPPLIED) -> Adapted:
    [record] = records_of(FILES / name)
    assert isinstance(record, Record)
    form = format_of(record.value)
    assert form
    return adapt(record, form, 1, supplied)


def made(value: dict[str, Any], supplied: Supplied = SUPPLIED) -> Adapted:
    form = format_of(value)
    assert form
    return adapt(Record("a.json", 1, value), form, 1, supplied)


def fields(adapted: Adapted) -> dict[str, Any]:
    assert adapted.profile, adapted.refused
    texts = dict(texts_of(adapted.profile))
    return texts | {"age": adapted.profile.demographics.age}


def test_patient_psi_maps_its_situation_and_thought() -> None:
    said = fields(only("profile-patientpsi.json"))
    assert (said["id"], said["demographics.name"]) == ("9-1", "Oskar")
    assert said["automatic_thought"] == "I should have seen it coming."
    assert said["presenting_problem.what"] == "The boiler fails on a Sunday. Calls four plumbers."
    assert said["presenting_problem.triggers"] == "The boiler fails on a Sunday."
    assert "Coping: Makes lists at night." in said["other"].splitlines()
    assert only("profile-patientpsi.json").left_out == ("type/* (2)",)


def test_an_age_group_is_no_age_and_a_name_may_lie_deep() -> None:
    adapted = only("profile-patientact.json", Supplied())
    said = fields(adapted)
    assert (said["demographics.name"], said["age"]) == ("Hanna Brandt", None)
    assert said["reason_for_counseling"] == "Sent by the ship's doctor."
    assert said["strengths"] == "Skilled"
    assert "profile/demographics/age_group" in adapted.left_out


def test_what_stands_for_nothing_becomes_nothing() -> None:
    adapted = only("profile-clientcast.json", Supplied())
    assert adapted.refused == "has no demographics.name"
    said = fields(only("profile-clientcast.json"))
    assert said["age"] is None
    assert "demographics.occupation" not in said
    assert not any("Not Specified" in str(text) or "unclear" in str(text) for text in said.values())
    assert only("profile-clientcast.json").supplied == ("demographics.name",)


@pytest.mark.parametrize("name", ["profile-patientpsi.json", "vera-mh-personas.tsv"])
def test_a_missing_reason_is_named_and_supplied_by_a_rule_that_is_asked_for(name: str) -> None:
    assert only(name, Supplied("Ines")).refused == "has no reason_for_counseling"
    said = fields(only(name))
    assert said["reason_for_counseling"] == said["presenting_problem.what"]


@pytest.mark.parametrize(
    ("value", "sign"),
    [
        ({"Mental Health Context": "Low", "Current Risk Level": "High", "Name": "P"}, "a current risk: High"),
        (INVENTED["annaagent"] | {"profile": {"drisk": 1, "srisk": 2}}, "(srisk): 2"),
        ({"MFC-Profile": {"Chief complaint": "x", "Impulsivity": {"Suicidal ideation": "High"}}}, "suicidal ideation: High"),
        ({"Mental Health Context": "Low", "Current Risk Level": "Unknown", "Name": "P"}, "a current risk: Unknown"),
        ({"Mental Health Context": "Low", "Current Risk Level": " ", "Name": "P"}, "a current risk: left empty"),
        ({"profile": {"situation of the client": "x", "suicidal ideation severity": "Mild"}}, "Mild"),
    ],
)  # fmt: skip
def test_a_client_at_risk_is_refused_by_what_its_record_says(value: dict[str, Any], sign: str) -> None:
    adapted = made(value)
    assert adapted.profile is None
    assert "says of a risk" in adapted.refused
    assert sign in adapted.refused


def test_a_text_that_speaks_of_a_risk_is_refused_too() -> None:
    value = INVENTED["roleplaydoh"]
    form = format_of(value)
    assert form
    adapted = adapt(Record("a.json", 1, value), form, 1, SUPPLIED, lambda text: "phones" if "phone" in text else None)
    assert "says of a risk (phones)" in adapted.refused


def test_a_text_without_a_place_is_looked_at_too_but_no_conversation() -> None:
    value = INVENTED["annaagent"] | {"statement": ["I see no end."], "previous_conversations": [{"content": "An end."}]}
    form = format_of(value)
    assert form
    signs = {"I see no end.": "an end"}
    assert "says of a risk (an end)" in adapt(Record("a.json", 1, value), form, 1, SUPPLIED, signs.get).refused
    assert adapt(Record("a.json", 1, value), form, 1, SUPPLIED, {"An end.": "an end"}.get).profile


def test_every_format_that_ships_is_tried() -> None:
    tried = {*INVENTED, "patient-psi", "patient-act", "clientcast", "vera-mh"}
    assert tried == {form.name for form in formats()}


@pytest.mark.parametrize("name", INVENTED)
def test_nothing_is_invented_and_nothing_lost(name: str) -> None:
    value = INVENTED[name]
    form = format_of(value)
    assert form
    assert form.name == name
    adapted = made(value)
    assert adapted.profile, adapted.refused
    theirs = [str(leaf).strip() for _, leaf in leaves(value)]
    labels = [f"{label}: " for label in form.other]
    for path, text in texts_of(adapted.profile):
        if path in {"id", "source", "attitude"} or path in adapted.supplied:
            continue
        rest = text
        for part in sorted([*theirs, *labels], key=len, reverse=True):
            rest = rest.replace(part, "")
        assert not rest.strip(" ;\n"), (path, rest)
    used = {path for paths in (*adapted.mapped.values(), *adapted.kept.values()) for path in paths}
    used |= {mark.path for mark in form.risk if mark.path in dict(leaves(value))}
    left = sum(int(path.rpartition("(")[2].rstrip(")")) if path.endswith(")") else 1 for path in adapted.left_out)
    assert len(used) + left == len([leaf for _, leaf in leaves(value) if str(leaf).casefold() != "none"])


@pytest.mark.parametrize(
    ("name", "age", "attitude"),
    [("cars", 38, None), ("psyche", 40, None), ("eeyore", 40, "positive"), ("psycheval", 31, None)],
)
def test_ages_and_attitudes_are_read_where_they_are_certain(name: str, age: int, attitude: str | None) -> None:
    profile = made(INVENTED[name]).profile
    assert profile
    assert (profile.demographics.age, profile.attitude) == (age, attitude)


def test_ratings_of_symptoms_become_troubles() -> None:
    profile = made(INVENTED["eeyore"]).profile
    assert profile
    assert profile.severity
    assert profile.severity.worry == 1


def test_a_format_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "title: Ours\nabout: a table\nhas: [who]\nfields: {demographics.name: who, presenting_problem.what: [a, b]}\n"
    )
    value = {"who": "Ivo", "a": "One", "b": "Two."}
    adapted = adapt(Record("a.csv", 1, value), format_named(str(tmp_path / "mine.yaml")), 1, SUPPLIED)
    assert fields(adapted)["presenting_problem.what"] == "One; Two."
    (tmp_path / "bad.yaml").write_text("has: [who]\n")
    with pytest.raises(ProfileError, match="no description of a format: .*title"):
        format_named(str(tmp_path / "bad.yaml"))
    with pytest.raises(ProfileError, match="there is no such format"):
        format_named("nothing")


def test_a_foreign_profile_is_named_where_ours_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="looks like Patient-Ψ: `profiles adapt` makes a profile of it"):
        read_profiles(FILES / "profile-patientpsi.json")


def test_ours_goes_back_to_patient_psi_and_says_what_has_no_place() -> None:
    form = format_named("patient-psi")
    [record] = records_of(FILES / "profile-patientpsi.json")
    assert isinstance(record, Record)
    profile = adapt(record, form, 1, SUPPLIED).profile
    assert profile
    written = write_as(profile, form)
    again = adapt(Record("b.json", 1, written.value), form, 1, SUPPLIED).profile
    assert again
    kept = {"id", "demographics.name", "history", "automatic_thought", "presenting_problem.triggers", "other"}
    before, after = dict(texts_of(profile)), dict(texts_of(again))
    assert {name: after.get(name) for name in kept} == {name: before.get(name) for name in kept}
    assert written.lost == ("reason_for_counseling",)
    assert json.dumps(written.value)
