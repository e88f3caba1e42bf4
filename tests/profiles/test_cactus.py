"""The CACTUS record, on a synthetic one of the same shape."""

import contextlib
import copy
import json
import time

import pytest

from counseling_sessions.profiles.intake_form import parse_intake_form
from counseling_sessions.profiles.readers import ProfileError, read_profiles
from counseling_sessions.profiles.schema import client_form

HEADER = """Name:
Zora Lindqvist
Age:
52
Gender:
female
Occupation: Clockmaker
Education: Apprenticeship
Marital Status: Widowed
Family Details: Two nephews,
both abroad"""
FORM = f"""{HEADER}

2. Presenting Problem
I cannot finish the tower clock. It is on my mind at every hour.
These doubts started last spring, after a gear broke.
My late husband used to check my work.
Over time, I have stopped opening the workshop.
I experience this whenever a customer rings the bell.
I have tried working at night, which made me clumsy.

3. Reason for Seeking Counseling
The town council has set a date.

4. Past History (including medical history)
I had no such trouble before.
I wear glasses.

5. Academic/occupational functioning level: Orders pile up.
Interpersonal relationships: I answer letters late.
Daily life: I sleep in the chair.

6. Social Support System
My neighbour brings soup."""
RECORD = {
    "AI_client": {
        "intake_form": FORM,
        "attitude": "neutral",
        "attitude_instruction": "instruction-word",
        "dialogue_history_init": "Counselor: Welcome, Zora.\nClient: Thank you.\nIt is about a clock.",
        "dialogue_history": None,
    },
    "AI_counselor": {
        "CBT": {
            "client_information": HEADER,
            "reason_counseling": "The town council has set a date.",
            "init_history_counselor": "Welcome, Zora. What brings you?",
            "init_history_client": "A clock that I cannot finish.",
        },
        "Response": {"client_information": HEADER, "cbt_plan": None},
    },
    "ground_truth_CBT": ["Behavior Experiment", " Decatastrophizing ", "Behavior Experiment"],
}


def read(tmp_path, *records):
    path = tmp_path / "records.json"
    path.write_text(json.dumps(list(records)))
    return read_profiles(path).profiles


def changed(**parts):
    """The record with other values at dotted paths (`__` for the dot); `...` takes the key away."""
    record = copy.deepcopy(RECORD)
    for path, value in parts.items():
        *parents, last = path.split("__")
        part = record
        for name in parents:
            part = part[name]
        if value is ...:
            del part[last]
        else:
            part[last] = value
    return record


def with_form(form):
    return changed(AI_client__intake_form=form)


def test_every_part_finds_its_field(tmp_path):
    (profile,) = read(tmp_path, RECORD)
    assert profile.id == "zora-lindqvist-001-neutral"
    assert profile.demographics.model_dump(exclude_none=True) == {
        "name": "Zora Lindqvist",
        "age": 52,
        "gender": "female",
        "occupation": "Clockmaker",
        "education": "Apprenticeship",
        "relationship": "Widowed",
        "family": "Two nephews, both abroad",
    }
    assert profile.reason_for_counseling == "The town council has set a date."
    problem = profile.presenting_problem
    assert problem.what == (
        "I cannot finish the tower clock. It is on my mind at every hour. My late husband used to check my work."
    )
    assert problem.since == (
        "These doubts started last spring, after a gear broke. Over time, I have stopped opening the workshop."
    )
    assert problem.triggers == "I experience this whenever a customer rings the bell."
    assert problem.tried == "I have tried working at night, which made me clumsy."
    assert profile.history == "I had no such trouble before. I wear glasses."
    assert profile.functioning.work == "Orders pile up."
    assert profile.functioning.relationships == "I answer letters late."
    assert profile.functioning.daily_life == "I sleep in the chair."
    assert profile.support == "My neighbour brings soup."
    assert profile.other is None
    assert profile.opening.counselor == "Welcome, Zora. What brings you?"
    assert profile.opening.client == "A clock that I cannot finish."
    assert profile.attitude == "neutral"
    assert profile.labelled_techniques == ("Behavior Experiment", "Decatastrophizing")
    assert profile.source == "CACTUS intake form"
    assert "instruction-word" not in profile.model_dump_json()


def test_a_released_session_and_a_nested_record_are_the_same_client(tmp_path):
    session = {**RECORD, "cbt_technique": "x", "cbt_plan": "y", "dialogue": [{"role": "client", "message": "z"}]}
    nested = {"example": RECORD, "history": [], "cbt_plan": "y"}
    outer = {"example": changed(ground_truth_CBT=...), "ground_truth_CBT": RECORD["ground_truth_CBT"]}
    first, *rest = read(tmp_path, RECORD, session, nested, outer)
    assert [other.model_copy(update={"id": first.id}) for other in rest] == [first] * 3
    assert [other.id for other in rest] == [f"zora-lindqvist-00{number}-neutral" for number in (2, 3, 4)]


def test_positions_run_over_the_files_of_a_directory(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.json").write_text(json.dumps(RECORD))
    assert [profile.id[-11:] for profile in read_profiles(tmp_path).profiles] == ["001-neutral", "002-neutral"]


def test_labels_on_one_line_bullets_and_emphasis(tmp_path):
    form = (
        "**Client Information**\n**Name:** Ian Ng\n- Age: 40 years old\nGender: male\nFamily Details:\n- a parrot\n"
        "### 2. Presenting Problem: I count stairs.\n**3. Reason for Seeking Counseling**\nA new flat.\n"
        "5. Occupational Functioning Level\n- Job performance: I come late.\n"
        "- Interpersonal relationships have suffered.\n- Daily life: I take the lift.\nSocial Support System: My aunt."
    )
    (profile,) = read(tmp_path, with_form(form))
    assert (profile.demographics.name, profile.demographics.age, profile.demographics.gender) == ("Ian Ng", 40, "male")
    assert profile.demographics.family == "a parrot"
    assert profile.presenting_problem.what == "I count stairs."
    assert profile.reason_for_counseling == "A new flat."
    assert profile.functioning.work == "I come late."
    assert profile.functioning.relationships == "Interpersonal relationships have suffered."
    assert profile.functioning.daily_life == "I take the lift."
    assert profile.support == "My aunt."


def test_what_has_no_field_is_kept_as_other(tmp_path):
    form = FORM.replace("Age:\n52", "Age:\nmid-fifties").replace("Gender:", "Religion: Quaker\nGender:")
    (profile,) = read(tmp_path, with_form(f"Seen on a Monday\n{form}\n\n7. Goals\nTo hear it strike."))
    assert profile.demographics.age is None
    assert profile.other.split("\n") == [
        "Age: mid-fifties",
        "Seen on a Monday",
        "Religion: Quaker",
        "7. Goals",
        "To hear it strike.",
    ]
    assert "mid-fifties Seen on a Monday" in client_form(profile)


def test_a_line_of_several_kinds_stays_with_the_problem():
    line = "These doubts started in May. I have tried to rest."
    form = parse_intake_form(f"Name: A\n2. Presenting Problem\nI worry.\n{line}\n3. Reason for Counseling\nx")
    assert form.problem == {"what": f"I worry. {line}"}


def test_the_first_line_is_what_the_problem_is():
    form = parse_intake_form("Name: A\n2. Presenting Problem\nThe dread started in May.\nThe dread started at noon.")
    assert form.problem == {"what": "The dread started in May.", "since": "The dread started at noon."}


def test_a_section_title_inside_a_sentence_is_text():
    form = parse_intake_form("Name: A\n2. Presenting Problem\nDaily life is grey\nOccupational: no section here")
    assert form.problem == {"what": "Daily life is grey Occupational: no section here"}
    assert form.sections == {}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("Pie Chart Technique", ("Pie Chart Technique",)),
        ("Pie Chart Technique, Reality Testing", ("Pie Chart Technique", "Reality Testing")),
        ("['Pie Chart Technique', 'Reality Testing']", ("Pie Chart Technique", "Reality Testing")),
        ([], ()),
        (["", " "], ()),
        (None, ()),
        (..., ()),
    ],
)
def test_labelled_techniques_as_list_or_text(tmp_path, labels, expected):
    (profile,) = read(tmp_path, changed(ground_truth_CBT=labels))
    assert profile.labelled_techniques == expected


def test_the_opening_falls_back_on_the_dialogue_and_then_on_none(tmp_path):
    no_lines = {"AI_counselor__CBT__init_history_client": ...}
    first, second = read(tmp_path, changed(**no_lines), changed(**no_lines, AI_client__dialogue_history_init="Hello"))
    assert first.opening.counselor == "Welcome, Zora."
    assert first.opening.client == "Thank you.\nIt is about a clock."
    assert second.opening is None


def test_what_the_form_lacks_is_taken_from_the_counselor(tmp_path):
    form = FORM.replace(HEADER, "").replace("3. Reason for Seeking Counseling\nThe town council has set a date.\n", "")
    (profile,) = read(tmp_path, with_form(form))
    assert profile.demographics.name == "Zora Lindqvist"
    assert profile.reason_for_counseling == "The town council has set a date."


def test_a_form_alone_is_enough(tmp_path):
    (profile,) = read(tmp_path, {"AI_client": {"intake_form": FORM}})
    assert profile.id == "zora-lindqvist-001"
    assert (profile.attitude, profile.opening, profile.labelled_techniques) == (None, None, ())


def test_a_name_without_latin_letters_has_an_id(tmp_path):
    (profile,) = read(tmp_path, with_form(FORM.replace("Zora Lindqvist", "李娜")))
    assert profile.id == "client-001-neutral"
    assert profile.demographics.name == "李娜"


PIECES = [
    " ",
    "1. ",
    "*",
    "- ",
    "name: ",
    "\n",
    "Presenting Problem: ",
    "the ",
    "to cope ",
    "a. ",
    "(including ",
    "counselor:",
    "client \n",
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_form_is_taken_apart_at_once(tmp_path, piece):
    long = piece * (90_000 // len(piece)) + "x"
    started = time.process_time()
    for text in (long, f"Name: A\n2. Presenting Problem\n{long}"):
        with contextlib.suppress(ProfileError):
            read(tmp_path, with_form(text))
    exchange = {
        "AI_counselor__CBT__init_history_client": ...,
        "AI_client__dialogue_history_init": f"Counselor: a\n{long}",
    }
    with contextlib.suppress(ProfileError):
        read(tmp_path, changed(**exchange))
    assert time.process_time() - started < 3  # seconds; white space alone took minutes


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (changed(AI_client=3), "record 1, AI_client: should be an object"),
        (changed(AI_client__intake_form=...), "AI_client.intake_form: should be the text"),
        (changed(AI_client__intake_form=float("nan")), "AI_client.intake_form: should be the text"),
        (with_form("Name: A\nhello"), "AI_client.intake_form: has no section 'Presenting Problem'"),
        ({"AI_client": {"intake_form": FORM.replace(HEADER, "")}}, "AI_client.intake_form: has no line 'Name:'"),
        (
            {"AI_client": {"intake_form": "Name: A\n2. Presenting Problem\nB"}},
            "no section 'Reason for Seeking Counseling'",
        ),
        (changed(AI_client__attitude="grumpy"), "AI_client.attitude: should be one of positive, neutral, negative"),
        (with_form("x" * 100_001), "AI_client.intake_form: 100,001 characters; at most 100,000"),
        (
            changed(AI_counselor__CBT__init_history_client="x" * 20_001),
            "opening.client: 20,001 characters; at most 20,000",
        ),
        (changed(ground_truth_CBT=7), "ground_truth_CBT: should be a text or a list of texts"),
    ],
)
def test_a_missing_part_is_named(tmp_path, record, message):
    with pytest.raises(ProfileError, match=message.replace(".", r"\.")):
        read(tmp_path, record)
