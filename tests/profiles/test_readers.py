"""Reading profiles from files: every format, and every error a user can cause by its message."""

import json
from pathlib import Path

import pytest
import yaml

from counseling_sessions.profiles.disclosure import DEFAULT_LEVELS
from counseling_sessions.profiles.readers import Problem, ProfileError, find_profile, read_profiles
from counseling_sessions.profiles.records import field_paths
from counseling_sessions.profiles.schema import FIELD_LIMIT, ClientProfile


def small(name="a", **fields):
    return {
        "id": name,
        "demographics": {"name": f"Client {name}"},
        "reason_for_counseling": "Because",
        "presenting_problem": {"what": "A worry"},
        **fields,
    }


def lines(*records):
    return "\n".join(json.dumps(record) for record in records)


def put(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def ids(path, **options):
    return [profile.id for profile in read_profiles(path, **options).profiles]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("one.json", json.dumps(small()), ["a"]),
        ("list.json", json.dumps([small("b"), small("a")], indent=2), ["b", "a"]),
        ("lines.jsonl", lines(small("a"), small("b")) + "\n\n", ["a", "b"]),
        ("single.jsonl", lines(small("a")), ["a"]),
        ("pretty.jsonl", json.dumps([small("a"), small("b")], indent=2), ["a", "b"]),
        ("lines.json", lines(small("a"), small("b")), ["a", "b"]),
        ("separator.jsonl", lines(small("a"), small("b", support="x|y")).replace("|", "\u2028"), ["a", "b"]),
        ("one.yaml", yaml.safe_dump(small()), ["a"]),
        ("LIST.YML", yaml.safe_dump([small("a"), small("b")]), ["a", "b"]),
        ("many.yaml", yaml.safe_dump_all([small("a"), small("b")]) + "---\n", ["a", "b"]),
        ("json.txt", "  " + json.dumps(small()), ["a"]),
        ("yaml", yaml.safe_dump(small()), ["a"]),
        ("utf-16.json", json.dumps(small()).encode("utf-16"), ["a"]),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(small()).encode(), ["a"]),
    ],
)
def test_each_format_is_read(tmp_path, name, content, expected):
    assert ids(put(tmp_path, name, content)) == expected


def test_a_directory_is_read_in_the_order_of_its_names(tmp_path):
    put(tmp_path, "3.yaml", yaml.safe_dump(small("third")))
    put(tmp_path, "1.json", json.dumps(small("first")))
    put(tmp_path, "2.jsonl", lines(small("second")))
    put(tmp_path, "notes.txt", "no profile")
    (tmp_path / "0.json").mkdir()
    assert ids(tmp_path) == ["first", "second", "third"]


def test_a_date_and_a_merge_in_yaml_are_plain_values(tmp_path):
    rest = "presenting_problem: {what: x}\n"
    text = (
        f"id: a\ndemographics: {{name: X}}\nreason_for_counseling: 2019-05-01\n{rest}---\n"
        f"id: b\ndemographics: {{<<: {{name: Y, age: 3}}, age: 4}}\nreason_for_counseling: x\n{rest}"
    )
    first, second = read_profiles(put(tmp_path, "x.yaml", text)).profiles
    assert first.reason_for_counseling == "2019-05-01"
    assert (second.demographics.name, second.demographics.age) == ("Y", 4)


def unfit(message, **fields):
    return "x.json", json.dumps({**small(), **fields}), message


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
BROKEN = {
    "empty": ("x.json", "", "the file is empty"),
    "white space": ("x.yaml", " \n ", "the file is empty"),
    "comments": ("x.yaml", "# nothing\n", "the file holds comments only"),
    "empty list": ("x.json", "[]", "the list is empty"),
    "json": ("x.json", '{\n "id": "a",,}', "broken JSON at line 2, column 12"),
    "json lines": ("x.jsonl", lines(small()) + '\n{"id": }', "record 2: line 2 is broken JSON, column 8"),
    "json key": ("x.json", '{"id": "a", "id": "b"}', "the key 'id' stands twice"),
    "json depth": ("x.json", "[" * 100_000, "broken JSON: nested too deeply"),
    "json number": ("x.json", "9" * 5000, "broken JSON"),
    "yaml": ("x.yaml", "id: a\nname: [1, 2\n", "broken YAML at line 3"),
    "yaml key": ("x.yaml", "id: a\nid: b\n", "broken YAML at line 2, column 1: the key 'id' stands twice"),
    "yaml depth": ("x.yaml", "[" * 1500, "broken YAML: nested too deeply"),
    "yaml tag": ("x.yaml", "!!python/object/apply:os.getcwd []", "could not determine a constructor"),
    "yaml int": ("x.yaml", "id: !!int ''", "does not fit its type 'int'"),
    "yaml bytes": ("x.yaml", "id: \x01", "broken YAML: character 5"),
    "unclear encoding": (
        "x.yaml",
        "id: é".encode("latin-1"),
        "its encoding is not clear; name it with --encoding NAME",
    ),
    "plain text": ("x.txt", yaml.safe_dump(small()), "should be an object with a profile's fields, not text"),
    "text": ("x.json", '"hello"', "holds str, not an object or a list of objects"),
    "null": ("x.json", "null", "holds null, not an object"),
    "item": ("x.json", "[3]", "record 1: should be an object with a profile's fields, not a number"),
    "line item": ("x.jsonl", lines(small(), [1]), "record 2: should be an object with a profile's fields, not a list"),
    "required": ("x.json", "{}", "record 1, reason_for_counseling: is required"),
    "bool": (
        "x.yaml",
        yaml.safe_dump(small()) + "support: no",
        "support: should be text, not true or false; put it in",
    ),
    "key": ("x.yaml", "1: x", "1: the name of a field should be text"),
    "twice": ("x.json", json.dumps([small(), small()]), "record 2, id: 'a' is already the id of"),
    "unknown": unfit("histroy: there is no such field; did you mean 'history'", histroy="x"),
    "unknown in a part": unfit(
        "manner.verbosty: there is no such field; did you mean 'manner.verbosity'", manner={"verbosty": "low"}
    ),
    "unknown level": unfit(
        "disclosure.histor: there is no such field; did you mean 'disclosure.history'", disclosure={"histor": 2}
    ),
    "misplaced": unfit("gender: there is no such field; did you mean 'demographics.gender'", gender="x"),
    "number": unfit("support: should be text, not a number; put it in quotes", support=3),
    "nested": unfit("presenting_problem.what: should be text, not a list", presenting_problem={"what": []}),
    "nan": unfit("support: should be text, not NaN", support=float("nan")),
    "age": unfit("demographics.age: input should be less than", demographics={"name": "A", "age": 300}),
    "age text": unfit("demographics.age: should be a whole number, not text", demographics={"name": "A", "age": "30"}),
    "age nan": unfit("age: should be a whole number, not NaN", demographics={"name": "A", "age": float("nan")}),
    "long text": unfit("support: 20,001 characters; at most 20,000", support="x" * 20_001),
    "long nested": unfit("functioning.work: 20,001 characters; at most 20,000", functioning={"work": "x" * 20_001}),
    "long opening": unfit("opening.client: 20,001 characters", opening={"counselor": "Hi.", "client": "x" * 20_001}),
    "long together": unfit(
        "has 114,023 characters; the texts of a profile have at most 100,000 together",
        **dict.fromkeys(("history", "support", "strengths", "other", "automatic_thought", "source"), "x" * 19000),
    ),
    "labels": unfit("labelled_techniques: 101 entries; at most 100", labelled_techniques=["x"] * 101),
    "long label": unfit("labelled_techniques.0: 201 characters; at most 200", labelled_techniques=["x" * 201]),
    "many fields": unfit("and 983 more problems", **{f"field{number}": "x" for number in range(1002)}),
    "yaml bomb": ("x.yaml", BOMB, "the aliases stand for more than 1,000,000 values"),
    "yaml number": ("x.yaml", f"id: {'9' * 5000}", "a number of more than 100 characters"),
    "object": unfit("functioning: should be an object with fields, not text", functioning="x"),
    "tuple": unfit("labelled_techniques: should be a list, not text", labelled_techniques="x"),
    "choice": unfit("attitude: should be one of 'positive', 'neutral' or 'negative'", attitude="angry"),
    "distortion": unfit("cognitive_distortion: should be one of 'all-or-nothing", cognitive_distortion="x"),
    "blank": unfit("support: is empty", support="  "),
    "invisible": unfit("support: has no visible character", support="\u200b"),
    "surrogate": unfit("support: holds half of a character", support="\ud800"),
    "id": unfit("id: may hold up to 100 letters", id="a/b"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_each_error_says_what_and_where(tmp_path, case):
    name, content, message = BROKEN[case]
    path = put(tmp_path, name, content)
    with pytest.raises(ProfileError) as caught:
        read_profiles(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert read_profiles(path, skip_invalid=True).problems == list(caught.value.problems)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such.json", "there is no file or directory '.*no-such.json'$"),
        ("\0", "there is no file or directory"),
        ("x" * 5000, "cannot be read: File name too long"),
    ],
)
def test_nothing_to_read_is_always_an_error(tmp_path, name, message):
    for skip_invalid in (False, True):
        with pytest.raises(ProfileError, match=message):
            read_profiles(tmp_path / name, skip_invalid=skip_invalid)


def test_what_looks_like_an_id_is_answered_with_profiles_list(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProfileError, match="you mean a built-in profile 'amira-exam-panic': `profiles list`"):
        find_profile("amira-exam-panick")
    with pytest.raises(ProfileError, match="you mean a built-in profile: `profiles list`"):
        find_profile("zzz")


def test_a_directory_without_profiles_is_an_error(tmp_path):
    put(tmp_path, "notes.txt", "x")
    with pytest.raises(ProfileError, match=r"nothing to read here; looked for \.arrow, \.csv, \.json"):
        read_profiles(tmp_path, skip_invalid=True)


def test_with_skip_invalid_the_good_ones_load(tmp_path):
    put(tmp_path, "1.jsonl", lines(small("a"), {"id": 1}) + "\n{\n" + lines(small("b")))
    put(tmp_path, "2.json", "{")
    put(tmp_path, "3.yaml", yaml.safe_dump([small("a"), small("c")]))
    result = read_profiles(tmp_path, skip_invalid=True)
    assert [profile.id for profile in result.profiles] == ["a", "b", "c"]
    assert result.numbers == [1, 4, 2]
    places = {(problem.file[-7:], problem.record) for problem in result.problems}
    assert places == {("1.jsonl", 2), ("1.jsonl", 3), ("/2.json", None), ("/3.yaml", 1)}


def test_an_error_lists_twenty_problems_and_counts_the_rest(tmp_path):
    path = put(tmp_path, "x.json", json.dumps([small(str(number), support=1) for number in range(50)]))
    with pytest.raises(ProfileError) as caught:
        read_profiles(path)
    text = str(caught.value)
    assert text.startswith("50 problems:")
    assert text.count("put it in quotes") == 20
    assert text.endswith("and 30 more")
    assert len(caught.value.problems) == 50


def test_a_long_field_is_a_warning(tmp_path):
    long = small(support="x" * (FIELD_LIMIT + 1), presenting_problem={"what": "y" * FIELD_LIMIT})
    result = read_profiles(put(tmp_path, "x.json", json.dumps([small("b"), long])))
    assert [(warning.record, warning.field) for warning in result.warnings] == [(2, "support")]
    assert result.profiles[1].support == "x" * (FIELD_LIMIT + 1)


def test_a_problem_reads_as_one_line():
    assert str(Problem("f.json", "is\nempty", 3, "a.b")) == "f.json, record 3, a.b: is empty"
    assert str(Problem("f.json", "is empty")) == "f.json: is empty"


class TestFindProfile:
    def test_by_id_of_the_library(self):
        assert find_profile("amira-exam-panic").id == "amira-exam-panic"
        with pytest.raises(ProfileError, match="is a built-in profile"):
            find_profile("amira-exam-panic", "1")

    def test_the_only_one_of_a_file(self, tmp_path):
        assert find_profile(str(put(tmp_path, "x.json", json.dumps(small("q"))))).id == "q"

    def test_one_of_many_by_number_or_id(self, tmp_path):
        path = str(put(tmp_path, "x.jsonl", lines(small("a"), {"id": "b"}, small("c"), small("1"))))
        assert find_profile(path, "3").id == "c"
        assert find_profile(path, "c").id == "c"
        assert find_profile(path, "1").id == "1", "an id goes before a number"
        with pytest.raises(ProfileError, match="record 2, reason_for_counseling: is required"):
            find_profile(path, "2")
        with pytest.raises(ProfileError, match="has no record '9'; it has a, c, 1"):
            find_profile(path, "9")
        with pytest.raises(ProfileError, match="is required"):
            find_profile(path)

    def test_many_need_a_choice(self, tmp_path):
        put(tmp_path, "x.json", json.dumps(small("a")))
        put(tmp_path, "y.json", json.dumps(small("b")))
        with pytest.raises(ProfileError, match="holds 2 profiles; choose one with --record"):
            find_profile(str(tmp_path))
        with pytest.raises(ProfileError, match="several files with a record 1; choose by id: a, b"):
            find_profile(str(tmp_path), "1")


def test_the_documents_name_every_field_and_every_default_level() -> None:
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    part = text.partition("## Client profile")[2].partition("\n## ")[0]
    missing = [path for path in field_paths(ClientProfile) if f"`{path.rpartition('.')[2]}`" not in part]
    assert missing == []
    (row,) = [line for line in part.splitlines() if line.startswith("| `disclosure`")]
    easily, rest = row.partition("By default 1 for")[2].split(", 3 for")
    painful, some = rest.split(", 2 for")
    for path, level in DEFAULT_LEVELS.items():
        name = f"`{path.rpartition('.')[2]}`"
        assert [name in names for names in (easily, some, painful)] == [level == 1, level == 2, level == 3], path
