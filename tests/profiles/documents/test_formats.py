"""Every format: its records, what is wrong in the middle, and what is assumed."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counseling_sessions.profiles.documents import Record, records_of
from counseling_sessions.profiles.documents.json_values import json_records
from counseling_sessions.profiles.documents.values import never
from counseling_sessions.profiles.problems import Note, Problem

ALICE, BERT = {"name": "Alice"}, {"name": "Bert"}


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder, name, content, *options, **named):
    """What a file gives, short: its values and numbers, and problems as their number and text."""
    items = records_of(put(folder, name, content), *options, **named)
    return [(item.number, item.value) if isinstance(item, Record) else (item.record, item.message) for item in items]


def notes_on(folder, name, content, **named):
    notes: list[Note] = []
    list(records_of(put(folder, name, content), notes=notes, **named))
    return [note.message for note in notes]


TWO = [(1, ALICE), (2, BERT)]
LINES = '{"name": "Alice"}\n{"name": "Bert"}\n'
PRETTY = json.dumps([ALICE, BERT], indent=1)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.json", PRETTY, TWO),
        ("x.json", "\ufeff \n" + PRETTY + "\n ", TWO),
        ("x.json", json.dumps(ALICE, indent=1) + json.dumps(BERT, indent=1), TWO),
        ("x.json", f"[{json.dumps(ALICE)}]\n[{json.dumps(BERT)}]", [(1, [ALICE]), (2, [BERT])]),
        ("x.json", '[[1], "a", NaN, {"b": {}}]', [(1, [1]), (2, "a"), (3, pytest.approx(float("nan"), nan_ok=True)), (4, {"b": {}})]),
        ("x.jsonl", LINES, TWO),
        ("x.jsonl", '\ufeff{"name": "Alice"}\r\n\r\n[2]', [(1, ALICE), (3, [2])]),
        ("x.jsonl", PRETTY, TWO),
        ("x.jsonl", "[\n" + json.dumps({"long": "x" * 70_000}) + "\n]", [(1, {"long": "x" * 70_000})]),
        ("x.yaml", "- name: Alice\n- name: Bert", TWO),
        ("x.yaml", "name: Alice\n---\nname: Bert", TWO),
        ("x.csv", "name\nAlice\nBert\n", TWO),
        ("x.csv", '\ufeff name ,b\r\nAlice,"1\r\n""2"" "\r\n\r\n ,\r\nBert,\r\n', [(1, {"name": "Alice", "b": '1\r\n"2" '}), (4, {"name": "Bert", "b": ""})]),
        ("x.csv", "name;b\nAlice;1,2,3\nBert;2,3", [(1, {"name": "Alice", "b": "1,2,3"}), (2, {"name": "Bert", "b": "2,3"})]),
        ("x.csv", "name\rAlice\rBert\r", TWO),
        ("x.csv", "name,b,,\nAlice,1,,\nBert,2", [(1, {"name": "Alice", "b": "1"}), (2, {"name": "Bert", "b": "2"})]),
        ("x.tsv", "name\tb\nAlice\t1,2\n", [(1, {"name": "Alice", "b": "1,2"})]),
        ("x.txt", "T: hello\r\nC: well\n", [(1, "T: hello\nC: well\n")]),
        ("x.md", "- a\n- b", [(1, "- a\n- b")]),
        ("x.log", "[00:01] T: hello", [(1, "[00:01] T: hello")]),
        ("x", "T: hello\nT: again\n", [(1, "T: hello\nT: again\n")]),
        ("x", "name: Alice", [(1, ALICE)]),
    ],
)  # fmt: skip
def test_every_format_gives_its_records(tmp_path, name, content, expected):
    assert read(tmp_path, name, content) == expected


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("x.csv", PRETTY, "JSON"),
        ("x.txt", PRETTY, "JSON"),
        ("x.json", LINES, "JSON Lines"),
        ("x.jsonl", PRETTY, "JSON"),
        ("x.json", "name,age\nAlice,1\nBert,2\n", "a table"),
        ("x.jsonl", "name\tage\nAlice\t1\nBert\t2\n", "a table"),
    ],
)
def test_content_goes_before_the_suffix_and_a_note_says_so(tmp_path, name, content, kind):
    values = [value for _, value in read(tmp_path, name, content)]
    assert [value["name"] for value in values] == ["Alice", "Bert"]
    assert f"is {kind}, whatever its name says, and read as that" in notes_on(tmp_path, name, content)


def test_what_a_file_says_itself_is_not_noted(tmp_path):
    for name, content in (
        ("x.json", PRETTY),
        ("x.jsonl", LINES),
        ("x.csv", "a,b\n1,2\n"),
        ("x.txt", "T: a"),
        ("x", LINES),
    ):
        assert notes_on(tmp_path, name, content) == []
    assert notes_on(tmp_path, "x.csv", "a;b\n1;2\n") == ["its cells are parted by ';', by all signs"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.json", '[{"a": 1},\n {"a" 2},\n {"a": 3}]', [(1, {"a": 1}), (2, "broken JSON at line 2, column 7: Expecting ':' delimiter")]),
        ("x.json", '[{"a": 1}\n {"a": 2}]', [(1, {"a": 1}), (1, "broken JSON at line 2, column 2: Expecting ',' delimiter")]),
        ("x.json", '[{"a": 1},\n]', [(1, {"a": 1}), (1, "broken JSON at line 2, column 1: Expecting value")]),
        ("x.json", '[{"a": 1},\n {"a', [(1, {"a": 1}), (2, "broken JSON at line 2, column 3: Unterminated string starting at")]),
        ("x.json", '[{"a": 1}, {"b": 1, "b": 2}]', [(1, {"a": 1}), (2, "broken JSON: the key 'b' stands twice in one object")]),
        ("x.json", '{"a": 1} {', [(1, {"a": 1}), (2, "broken JSON at line 1, column 11: Expecting property name enclosed in double quotes")]),
        ("x.json", '[{"a": 1}, ' + "[" * 100_000, [(1, {"a": 1}), (2, "broken JSON: nested too deeply")]),
        ("x.json", "[ ]", [(None, "the list is empty")]),
        ("x.jsonl", '{"a": 1}\n{"a"\n{"a": 3}', [(1, {"a": 1}), (2, "line 2 is broken JSON, column 5: Expecting ':' delimiter"), (3, {"a": 3})]),
        ("x.jsonl", '{"a"\n{"a": 3}', [(1, "line 1 is broken JSON, column 5: Expecting ':' delimiter"), (2, {"a": 3})]),
        ("x.jsonl", b'{"a": 1}\n{"a": "\xff"}\n{"a": 3}', [(None, "is no UTF-8 text, and its encoding is not clear; name it with --encoding NAME, such as cp1252 or shift_jis")]),
        ("x.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n", [(1, {"a": "1", "b": "2"}), (2, "the row has 1 cells, the header 2"), (3, "the row has 3 cells, the header 2"), (4, {"a": "7", "b": "8"})]),
        ("x.csv", 'a,b\n1,2\n"3"x,4\n5,6\n', [(1, {"a": "1", "b": "2"}), (2, "the row is broken: ',' expected after '\"'"), (3, {"a": "5", "b": "6"})]),
        ("x.csv", 'a,b\n1,2\n"3,4\n5,6\n', [(1, {"a": "1", "b": "2"}), (2, "the row is broken: unexpected end of data")]),
        ("x.csv", "a,b, a \n1,2,3\n", [(None, "the header has several columns 'a'; each column needs a name of its own")]),
        ("x.csv", "a,b\n,\n", [(None, "the table has no row below its header")]),
        ("x.csv", " \n", [(None, "the file is empty")]),
        ("x.txt", "", [(None, "the file is empty")]),
        ("x.txt", "a\0b" * 9, [(None, "is no UTF-8 text, and its encoding is not clear; name it with --encoding NAME, such as cp1252 or shift_jis")]),
    ],
)  # fmt: skip
def test_what_is_broken_says_where_and_the_rest_is_read(tmp_path, name, content, expected):
    assert read(tmp_path, name, content) == expected


def test_a_late_byte_that_fits_no_text_is_told_and_costs_one_line(tmp_path):
    good, bad = b'{"a": "' + b"x" * 70_000 + b'"}\n', b'{"a": "\xff"}\n'
    assert [number for number, _ in read(tmp_path, "x.jsonl", good + bad + good)] == [1, 2, 3]
    assert read(tmp_path, "x.jsonl", good + bad + good)[1][1].startswith("line 2 is no UTF-8 text (byte 8 of it)")
    as_list = b"[" + good + b"," + good + b"," + bad + b"]"
    first, second, problem = read(tmp_path, "x.json", as_list)
    assert (first[0], second[0]) == (1, 2)
    place = as_list.index(b"\xff") + 1
    assert problem == (
        None,
        f"cannot be read: byte {place:,} is no utf-8 text; name the file's encoding with --encoding NAME",
    )


def test_a_list_is_one_record_where_its_first_item_says_so(tmp_path):
    def is_text(first):
        return isinstance(first, str)

    for name, content in (("x.json", '["a", "b"]'), ("x.yaml", "[a, b]"), ("x", "- a\n- b")):
        assert read(tmp_path, name, content, is_text) == [(1, ["a", "b"])]
        assert read(tmp_path, name, content) == [(1, "a"), (2, "b")]
    assert read(tmp_path, "x.json", '[]["a"]\n ["b", "c"] [1]', is_text) == [
        (None, "the list is empty"),
        (1, ["a"]),
        (2, ["b", "c"]),
        (3, 1),
    ]
    long = ["x" * 3_000_000, "y" * 3_000_000]
    assert read(tmp_path, "x.json", json.dumps(long), is_text) == [(1, long)]


def test_a_record_longer_than_may_be_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("counseling_sessions.profiles.documents.json_values.MOST_LINE", 1000)
    monkeypatch.setattr("counseling_sessions.profiles.documents.json_values.CHUNK", 100)
    monkeypatch.setattr("counseling_sessions.profiles.documents.tables.MOST_CELL", 1000)
    text = "x" * 300_000
    _, (number, problem) = read(tmp_path, "x.json", json.dumps([1, [text], 2]).replace("[1", "[[]"))
    assert (number, problem) == (
        2,
        "broken JSON at line 1, column 6: no value that ends within 1,000 characters begins here",
    )
    assert read(tmp_path, "x.csv", f"a,b\n1,{text}\n2,3\n") == [
        (1, "the row is broken: field larger than field limit (1000)"),
        (2, {"a": "2", "b": "3"}),
    ]


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@anything
@given(
    values=st.lists(JSON_VALUES, min_size=1, max_size=6), indent=st.sampled_from([None, 1]), chunk=st.integers(1, 40)
)
def test_any_list_is_read_whole_wherever_it_is_cut(values, indent, chunk):
    text = json.dumps(values, indent=indent)
    pieces = (text[start : start + chunk] for start in range(0, len(text), chunk))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("counseling_sessions.profiles.documents.json_values.CHUNK", chunk)
        items = list(json_records(pieces, "x.json", never))
    assert items == [Record("x.json", number, value) for number, value in enumerate(values, 1)]


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_a_number_that_is_cut_is_one_number(monkeypatch, chunk):
    text = "[12345, -0.25e-7, true]"
    monkeypatch.setattr("counseling_sessions.profiles.documents.json_values.CHUNK", chunk)
    items = json_records((text[start : start + chunk] for start in range(0, len(text), chunk)), "x", never)
    assert [item.value for item in items] == [12345, -0.25e-7, True]


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t"), max_size=12)


@anything
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2).filter(lambda row: row[1].strip()), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
)
def test_any_table_is_read_as_written(tmp_path, rows, delimiter):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(["first", "second"])
    writer.writerows(rows)
    expected = [(number, {"first": row[0], "second": row[1]}) for number, row in enumerate(rows, 1)]
    assert read(tmp_path, "x.csv", file.getvalue()) == expected


@anything
@given(
    content=st.binary(max_size=60) | ANY_TEXT.map(str.encode),
    suffix=st.sampled_from([".csv", ".tsv", ".txt", "", ".json", ".parquet", ".zip", ".jsonl.gz"]),
)
def test_whatever_a_file_holds_it_gives_something_and_raises_nothing(tmp_path, content, suffix):
    items = list(records_of(put(tmp_path, f"x{suffix}", content)))
    assert items
    assert all(isinstance(item, Record | Problem) for item in items)
