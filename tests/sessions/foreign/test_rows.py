"""A message a row: what belongs together, and what becomes of a session that stands in pieces."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.profiles.problems import Note, Problem
from counseling_sessions.sessions import Session
from counseling_sessions.sessions.foreign import AS_IT_SAYS, USUAL, HowToRead, foreign_sessions, rows, shape_named
from counseling_sessions.sessions.foreign.metadata import MOST_ENTRIES, codes_of, common_metadata

HEADER = "dialogue_id,nr,who,speaker,text"
ONE = ("1,1,a,client,Hm.", "1,2,a,counselor,Yes?")
TWO = ("2,1,a,counselor,Hello.", "2,2,a,client,Hi.")
REST = ("1,3,a,client,I stay up.", "1,4,a,counselor,Until when?")


@pytest.fixture
def ordered(tmp_path: Path) -> HowToRead:
    shape = tmp_path / "ordered.yaml"
    shape.write_text("group: dialogue_id\norder: nr\nannotator: who\n")
    return HowToRead(shape_named(str(shape)))


def read(folder: Path, lines: Sequence[str], how: HowToRead = AS_IT_SAYS) -> tuple[list[Any], list[Note]]:
    file = folder / "rows.csv"
    file.write_text("\n".join((HEADER, *lines)) + "\n")
    notes: list[Note] = []
    return [item for item in foreign_sessions(file, how, notes) if isinstance(item, Session | Problem)], notes


def texts(item: Session | Problem) -> list[str]:
    assert isinstance(item, Session), item
    return [said.text for said in item.dialogue]


def test_a_session_in_pieces_is_one_problem_where_nothing_says_that_it_goes_on(tmp_path: Path) -> None:
    items, notes = read(tmp_path, (*ONE, *TWO, *REST))
    problem, session = items
    assert isinstance(problem, Problem)
    assert (problem.record, notes) == (1, [])
    assert (
        "session '1' come again after others, so that it is in pieces or they are several sessions" in problem.message
    )
    assert texts(session) == ["Hello.", "Hi."]


def test_pieces_are_put_together_in_their_order_and_it_is_said_once_a_file(tmp_path: Path, ordered: HowToRead) -> None:
    more = ("2,3,a,counselor,And now?",)
    (first, second), notes = read(tmp_path, (*REST, *TWO, *ONE, *more), ordered)
    assert texts(first) == ["Hm.", "Yes?", "I stay up.", "Until when?"]
    assert texts(second) == ["Hello.", "Hi.", "And now?"]
    [note] = notes
    assert note.message == "2 sessions stood in pieces with others between them; put together by 'nr'"


@pytest.mark.parametrize("again", [ONE, ("1,,a,client,I stay up.",)])
def test_where_the_order_begins_again_or_is_missing_they_are_no_one_session(
    again: Sequence[str], tmp_path: Path, ordered: HowToRead
) -> None:
    session, problem = read(tmp_path, (*ONE, *TWO, *again), ordered)[0]
    assert texts(session) == ["Hello.", "Hi."]
    assert isinstance(problem, Problem)
    assert "'nr' does not go on" in problem.message


def test_an_annotators_second_round_is_no_new_session(tmp_path: Path, ordered: HowToRead) -> None:
    (two, one), _ = read(tmp_path, (*ONE, *TWO, *(row.replace(",a,", ",b,") for row in ONE)), ordered)
    assert texts(two) == ["Hello.", "Hi."]
    assert texts(one) == ["Hm.", "Yes?"]
    assert one.passed_over == {"row of a further annotator": 2}


def test_a_broken_row_parts_no_session(tmp_path: Path) -> None:
    problem, session = read(tmp_path, (ONE[0], "1,2", *ONE[1:]))[0]
    assert isinstance(problem, Problem)
    assert "the row has 2 cells" in problem.message
    assert texts(session) == ["Hm.", "Yes?"]


def test_a_session_with_too_many_rows_is_refused_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_ROWS", 3)
    problem, session = read(tmp_path, (*ONE, *REST, "1,5,a,client,Two.", *TWO))[0]
    assert isinstance(problem, Problem)
    assert (problem.record, problem.message) == (1, "a session has more than 3 rows")
    assert texts(session) == ["Hello.", "Hi."]


def test_more_rows_in_pieces_than_may_be_held_are_refused(
    tmp_path: Path, ordered: HowToRead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_HELD", 2)
    items, notes = read(tmp_path, (ONE[0], TWO[0], ONE[1], TWO[1]), ordered)
    problem, two = items
    assert isinstance(problem, Problem)
    assert "more than 2 such rows would be held at once" in problem.message
    assert texts(two) == ["Hello.", "Hi."]
    assert len(notes) == 1


def test_what_all_rows_say_alike_is_the_sessions_in_whole_or_in_parts() -> None:
    about = {"place": "north", "age": {"from": 20, "to": 30}, "nr": 1, "blank": " x "}
    others = ({"nr": 2, "age": {"from": 20, "to": 40}}, {"nr": 3, "blank": "x"})
    listed = [about, *(about | other for other in others)]
    assert common_metadata(listed, USUAL) == {"place": "north", "age/from": 20, "blank": "x"}
    assert common_metadata([*listed, {"place": "north"}], USUAL) == {"place": "north"}


def test_of_a_hundred_thousand_columns_a_session_and_a_message_keep_so_many() -> None:
    wide = {f"column {number}": "1" for number in range(100_000)}
    assert len(common_metadata([wide, wide | {"column 3": "2"}, wide], USUAL)) == MOST_ENTRIES - 1
    assert len(codes_of(wide, USUAL, set())) == MOST_ENTRIES
