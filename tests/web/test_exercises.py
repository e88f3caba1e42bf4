"""Exercises that a teacher prepares, and a class's reviews side by side."""

import json
from pathlib import Path

import pytest

from counseling_sessions.errors import UserError
from counseling_sessions.web.exercises import read_exercises
from tests.web.conftest import ORIGIN, TOKEN, Serve

EXERCISE = """
title: Stay with the feeling
task: Reflect at least twice before you ask.
client: amira-exam-panic
attitude: negative
turns: 2
help: [hint]
shows_client: false
"""


@pytest.fixture
def exercise(tmp_path: Path) -> Path:
    file = tmp_path / "exercises" / "feeling.yaml"
    file.parent.mkdir()
    file.write_text(EXERCISE, encoding="utf-8")
    return file


def test_an_exercise_sets_client_attitude_turns_and_help(serve: Serve, exercise: Path, tmp_path: Path) -> None:
    page = serve(exercises=read_exercises(exercise.parent))
    (listed,) = page.get(f"{ORIGIN}/{TOKEN}/api/start").json()["exercises"]
    assert listed == {
        "name": "feeling",
        "title": "Stay with the feeling",
        "task": "Reflect at least twice before you ask.",
        "help": ["hint"],
    }
    name = page.asks("api/practice", exercise="feeling")["name"]
    state = page.state(name)
    assert (state["turns"], state["facts"], state["reason"]) == (2, [], "")
    assert "negative" not in json.dumps(state)
    assert page.asks(f"api/practice/{name}/hint")["lines"]
    page.says(name, "You sound worn out.")
    for what, body in (("why", {}), ("magnet", {}), ("back", {"turn": 1})):
        answer = page.post(f"{ORIGIN}/{TOKEN}/api/practice/{name}/{what}", json=body)
        assert "without that help" in answer.json()["problem"]
    page.leave()
    after = serve()
    assert after.state(name)["exercise"]["title"] == "Stay with the feeling"
    over = after.says(name, "Goodbye for today.", closing=True)["over"]
    assert over["review"]["attitude"] == "negative"


def test_what_an_exercise_is_not_is_said(serve: Serve, exercise: Path) -> None:
    page = serve(exercises=read_exercises(exercise))
    answer = page.post(f"{ORIGIN}/{TOKEN}/api/practice", json={"exercise": "another"})
    assert "no such exercise" in answer.json()["problem"]
    for wrong, problem in (
        ("title: x\nclient: nobody-there\n", "nobody-there"),
        ("client: amira-exam-panic\n", "title"),
        ("title: x\nclient: amira-exam-panic\nhelp: [cheat]\n", "help"),
        ("- a list\n", "feeling.yaml"),
        ("title: [", "not readable as YAML"),
    ):
        exercise.write_text(wrong, encoding="utf-8")
        with pytest.raises(UserError, match=problem):
            read_exercises(exercise)
    exercise.unlink()
    with pytest.raises(UserError, match="no exercise"):
        read_exercises(exercise.parent)


def test_a_client_of_an_exercise_may_lie_beside_it(exercise: Path) -> None:
    profile = {
        "id": "bo",
        "demographics": {"name": "Bo"},
        "reason_for_counseling": "I am tired.",
        "presenting_problem": {"what": "I wake at four."},
    }
    (exercise.parent / "bo.json").write_text(json.dumps(profile), encoding="utf-8")
    exercise.write_text("title: x\nclient: bo.json\n", encoding="utf-8")
    assert read_exercises(exercise)["feeling"].profile.id == "bo"


def test_the_reviews_of_a_class_stand_side_by_side(serve: Serve, tmp_path: Path) -> None:
    page = serve()
    name = page.asks("api/practice", client="amira-exam-panic")["name"]
    page.state(name)
    page.says(name, "You should sleep. You should eat. Goodbye.", closing=True)
    (file,) = (tmp_path / "runs" / name).glob("*.review.json")
    (tmp_path / "runs" / "trainee-7.review.json").write_bytes(file.read_bytes())
    (tmp_path / "runs" / "torn.review.json").write_text('{"format": 1', encoding="utf-8")
    reviews = page.get(f"{ORIGIN}/{TOKEN}/api/reviews").json()["reviews"]
    lines = {one["who"]: one for one in reviews}
    assert set(lines) == {name, "trainee-7", "torn.review.json"}
    assert lines["trainee-7"]["messages"] == 1
    assert lines["trainee-7"]["name"] is None
    assert lines[name]["counts"] == lines["trainee-7"]["counts"]
    assert "no review" in lines["torn.review.json"]["problem"]
