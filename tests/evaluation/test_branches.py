"""A rubric in branches: its data, the way that a scripted judge takes through it, and what counts as an answer."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from counseling_sessions.evaluation.branches import SEVERITIES, Branches, Severity, read_branches
from counseling_sessions.evaluation.judging.branches import BranchJudgements, judge_branches
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.models.chat import Models
from tests.evaluation.judged import judge, keys_of, session
from tests.loopback import LoopbackServer, Request

pytestmark = pytest.mark.usefixtures("no_surroundings")

RISK = read_branches()
Way = tuple[tuple[str, str], ...]
"""Questions and answers from the first to a leaf."""


def small(**questions: Any) -> Branches:
    """A rubric with one dimension."""
    dimensions = {"care": {"title": "Care", "questions": questions}}
    return Branches.model_validate(
        {"name": "small", "title": "Small", "note": "For tests.", "question": "Look.", "dimensions": dimensions}
    )


def asking(**answers: str) -> dict[str, Any]:
    """A question; each answer leads to a severity, or else to the question of that name."""
    leads = {name: "severity" if to in SEVERITIES else "next" for name, to in answers.items()}
    return {"ask": "How?", "answers": {name: {"means": name, leads[name]: to} for name, to in answers.items()}}


FORKED = small(
    one=asking(left="low", right="two"), two=asking(on="three", off="high"), three=asking(yes="none", no="low")
)


def ways(rubric: Branches, dimension: str, question: str | None = None) -> Iterator[tuple[Way, Severity]]:
    """Every way through a dimension, and the severity at its end."""
    asked = question or rubric.dimensions[dimension].first
    for name, answer in rubric.dimensions[dimension].questions[asked].answers.items():
        if answer.next is None:
            assert answer.severity
            yield ((asked, name),), answer.severity
        else:
            for rest, severity in ways(rubric, dimension, answer.next):
                yield ((asked, name), *rest), severity


def answering(answer: Callable[[str, Request], Any]) -> Callable[[Request], str]:
    """A server's answer function that answers every question by a function."""

    def reply(request: Request) -> str:
        return json.dumps(
            {
                name: {
                    "evidence": [2 if name == "two" else 1, 9],
                    "reason": "So it was.",
                    "answer": answer(name, request),
                }
                for name in keys_of(request.prompt)
            }
        )

    return reply


async def walked(
    models: Models, cache: JudgeCache, rubric: Branches, server: LoopbackServer, **options: Any
) -> BranchJudgements:
    about = options.pop("sessions", [session()])
    return await judge_branches(about, rubric, [judge(server, **options)], models, cache)


def test_the_rubric_on_risk_has_its_five_dimensions_and_all_severities() -> None:
    assert list(RISK.dimensions) == ["detects", "confirms", "guides", "supports", "boundaries"]
    for dimension in RISK.dimensions:
        assert {severity for _, severity in ways(RISK, dimension)} == {"no_occasion", "none", "low", "high"}
    assert len(RISK.hash) == 12


def test_every_dimension_asks_first_whether_there_is_an_occasion() -> None:
    for dimension in RISK.dimensions.values():
        # Last, so that nobody takes it because it comes first.
        assert list(dimension.questions[dimension.first].answers)[-1] == "nothing_shown"
        assert dimension.questions[dimension.first].answers["nothing_shown"].severity == "no_occasion"


def test_the_number_of_questions_is_that_of_the_shortest_and_the_longest_way() -> None:
    assert (FORKED.questions, small(one=asking(a="low", b="high")).questions) == ((1, 3), (1, 1))
    lengths = [[len(way) for way, _ in ways(RISK, dimension)] for dimension in RISK.dimensions]
    assert RISK.questions == (sum(map(min, lengths)), sum(map(max, lengths))) == (5, 15)


@pytest.mark.parametrize(
    ("questions", "problem"),
    [
        (
            {"one": {"ask": "How?", "answers": {"a": {"means": "a"}, "b": {"means": "b", "severity": "low"}}}},
            "leads to a",
        ),
        (
            {
                "one": {
                    "ask": "How?",
                    "answers": {
                        "a": {"means": "a", "next": "two", "severity": "low"},
                        "b": {"means": "b", "severity": "low"},
                    },
                },
                "two": asking(a="low", b="high"),
            },
            "not to both",
        ),
        ({"one": asking(a="two", b="low"), "two": asking(a="one", b="low")}, "'one' is no later question"),
        ({"one": asking(a="nine", b="low")}, "'nine' is no later question"),
        ({"one": asking(a="none", b="low"), "two": asking(a="none", b="low")}, "'two': no answer leads to it"),
        ({"one": asking(a="none")}, "at least 2"),
    ],
)
def test_a_rubric_that_leads_nowhere_or_in_circles_is_refused(questions: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        small(**questions)


async def test_a_judge_is_asked_only_what_lies_on_every_way_of_the_rubric_on_risk(
    models: Models, cache: JudgeCache
) -> None:
    planned = {
        f"{dimension}-{number}": (dimension, way, severity)
        for dimension in RISK.dimensions
        for number, (way, severity) in enumerate(ways(RISK, dimension))
    }
    assert len(planned) > 30
    asked: dict[str, list[str]] = {name: [] for name in planned}

    def answer(question: str, request: Request) -> str:
        about = request.headers["x-session-id"]
        asked[about].append(question)
        answers = {
            q: a
            for dimension in RISK.dimensions.values()
            for q, one in dimension.questions.items()
            for a in one.answers
        }
        return dict(planned[about][1]).get(question) or answers[question]

    with LoopbackServer(answering(answer)) as server:
        found = await walked(models, cache, RISK, server, sessions=[session(name) for name in planned])
    for walk in found.walks:
        dimension, way, severity = planned[walk.key.session]
        if walk.dimension == dimension:
            assert (tuple((step.question, step.answer) for step in walk.steps), walk.severity) == (way, severity)
            questions = RISK.dimensions[dimension].questions
            assert [one for one in asked[walk.key.session] if one in questions] == [question for question, _ in way]


async def test_samples_go_their_own_ways(models: Models, cache: JudgeCache) -> None:
    first: list[str] = []

    def answer(question: str, request: Request) -> str:
        if question == "one":
            first.append("left" if not first else "right")
            return first[-1]
        return {"two": "on", "three": "yes"}[question]

    with LoopbackServer(answering(answer)) as server:
        found = await walked(models, cache, FORKED, server, samples=3, max_in_flight=1)
        assert len(server.requests) == 3 + 2 + 2
    assert [(walk.sample, walk.severity, len(walk.steps)) for walk in found.walks] == [
        (1, "low", 1),
        (2, "none", 3),
        (3, "none", 3),
    ]
    assert found.severities() == {(session().key, "care"): "none"}


async def test_of_two_as_common_severities_the_graver_counts(models: Models, cache: JudgeCache) -> None:
    given = iter(["left", "right"])
    answers = {"two": "off"}
    with LoopbackServer(answering(lambda question, _: answers.get(question) or next(given))) as server:
        found = await walked(models, cache, FORKED, server, samples=2, max_in_flight=1)
    assert [walk.severity for walk in found.walks] == ["low", "high"]
    assert found.severities() == {(session().key, "care"): "high"}


async def test_an_answer_that_is_none_of_the_answers_leaves_the_walk_unscored_where_it_stands(
    models: Models, cache: JudgeCache
) -> None:
    with LoopbackServer(answering(lambda question, _: "right" if question == "one" else "perhaps")) as server:
        found = await walked(models, cache, FORKED, server)
        assert len(server.requests) == 1 + 2  # the second question twice: it has two attempts
    walk = found.walks[0]
    assert [step.question for step in walk.steps] == ["one"]
    assert walk.severity is None
    assert walk.unscored
    assert (walk.unscored.kind, walk.unscored.detail) == ("not_allowed", "two: answer must be one of on, off")
    assert found.severities() == {(session().key, "care"): None}


async def test_a_step_names_its_evidence_and_reason(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(answering(lambda *_: "left")) as server:
        found = await walked(models, cache, FORKED, server)
        prompt = server.requests[0].prompt
    step = found.walks[0].steps[0]
    assert (step.evidence, step.nowhere, step.reason) == ((1,), 1, "So it was.")
    assert "I counted the change twice" in prompt
    assert "Look.\n\nCare. How?" in prompt
    assert "- left: left\n- right: right" in prompt


async def test_what_was_walked_once_is_asked_of_nobody_again(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(answering(lambda question, _: {"one": "right", "two": "off"}[question])) as server:
        first = await walked(models, cache, FORKED, server)
        asked = len(server.requests)
        second = await walked(models, cache, FORKED, server)
        assert len(server.requests) == asked == 2
        assert first.walks == second.walks
        await walked(models, cache, FORKED.model_copy(update={"hash": "another"}), server)
        assert len(server.requests) == 2 * asked


async def test_a_session_in_which_nobody_says_a_word_is_not_asked_about(models: Models, cache: JudgeCache) -> None:
    silent = session("silent", dialogue=())
    with LoopbackServer(answering(lambda *_: "left")) as server:
        found = await walked(models, cache, FORKED, server, sessions=[silent, session()])
        assert len(server.requests) == 1
    assert [walk.unscored and walk.unscored.kind for walk in found.walks] == ["empty_session", None]


async def test_walks_are_scores_with_what_they_rest_on(models: Models, cache: JudgeCache) -> None:
    rubric = small(one=asking(left="no_occasion", right="two"), two=asking(on="none", off="high"))
    given = iter(["left", "right", "right", "perhaps", "perhaps"])
    answers = iter(["on", "off"])
    with LoopbackServer(answering(lambda question, _: next(given if question == "one" else answers))) as server:
        found = await walked(models, cache, rubric, server, samples=4, max_in_flight=1)
    scores = found.scores("small")
    assert [(row.scale, row.item, row.sample, row.scored) for row in scores] == [
        ("small", "care", 1, None),
        ("small", "care", 2, 2),
        ("small", "care", 3, 0),
        ("small", "care", 4, None),
    ]
    assert [row.unscored and row.unscored.kind for row in scores] == ["no_occasion", None, None, "not_allowed"]
    assert [(row.evidence, row.nowhere, row.reason) for row in scores[:2]] == [
        ((1,), 1, "So it was."),
        ((1, 2), 2, "So it was."),
    ]


async def test_severities_are_of_one_judge_or_of_all(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(answering(lambda _, request: "left" if request.body["model"] == "m" else "right")) as server:
        rubric = small(one=asking(left="none", right="high"))
        judges = [judge(server), judge(server, name="k", model="n")]
        found = await judge_branches([session()], rubric, judges, models, cache)
    where = session().key, "care"
    assert (found.severities("j")[where], found.severities("k")[where], found.severities()[where]) == (
        "none",
        "high",
        "high",
    )
