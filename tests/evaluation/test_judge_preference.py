"""Preference by judges: both orders are asked, a judge that goes by position decides nothing, and nothing is guessed."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from counseling_sessions.evaluation.aspects import read_aspects
from counseling_sessions.evaluation.judging.ask import Unscored
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.card import judge_cards
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.panel import JudgeStopped
from counseling_sessions.evaluation.judging.preference import (
    Order,
    PairVerdict,
    PairVerdicts,
    Winner,
    decisions,
    judge_pairs,
    position_bias,
)
from counseling_sessions.evaluation.judging.run import Judgements
from counseling_sessions.evaluation.pairs import Pair, Pairing, PairKey, pairs_of
from counseling_sessions.models.chat import Models
from counseling_sessions.settings import SettingsError
from tests.evaluation.judged import judge, keys_of, session
from tests.loopback import LoopbackServer, Request

ASPECTS = read_aspects()
Better = Callable[[str, Request], str]


def pair() -> Pair:
    """A session that says (ours), and one of another method with the same client that says (theirs)."""
    theirs = session("theirs", method="single")
    shorter = theirs.model_copy(update={"dialogue": theirs.dialogue[:-4]})
    (only,) = pairs_of({"magnet": [session("ours")], "single": [shorter]}, Pairing()).pairs
    return only


def answer(request: Request, better: Better, **changes: Any) -> str:
    return json.dumps(
        {
            aspect: {"evidence_a": [1], "evidence_b": [2], "reason": "r", "answer": better(aspect, request)} | changes
            for aspect in keys_of(request.prompt)
        }
    )


def ours(aspect: str, request: Request) -> str:
    """A judge that sees the better session wherever it stands."""
    return "A" if request.prompt.index("(ours)") < request.prompt.index("(theirs)") else "B"


def always(what: str) -> Better:
    return lambda aspect, request: what


async def compared(models: Models, cache: JudgeCache, one: Judge, **options: Any) -> PairVerdicts:
    return await judge_pairs([pair()], ASPECTS, [one], models, cache, **options)


async def test_both_orders_are_asked_and_answers_find_their_session(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(lambda request: answer(request, ours)) as server:
        found = await compared(models, cache, judge(server))
        forward, backward = sorted(
            (request.prompt for request in server.requests), key=lambda text: text.index("(ours)")
        )
        headers = {request.headers["x-session-id"] for request in server.requests}
    assert forward.index("(ours)") < forward.index("(theirs)")
    assert backward.index("(theirs)") < backward.index("(ours)")
    assert "[A1] Counselor: " in forward
    assert "[B1] Counselor: " in forward
    assert len(headers) == 2
    assert len(found.rows) == 2 * 9
    assert {row.winner for row in found.rows} == {"first"}
    assert [row.order for row in found.rows[:2]] == ["forward", "backward"]
    by_order = {row.order: (row.evidence_first, row.evidence_second) for row in found.rows}
    assert by_order == {"forward": ((1,), (2,)), "backward": ((2,), (1,))}
    for decision in decisions(found.rows):
        assert (decision.outcome, decision.samples, decision.agreed) == ("first", 1, 1)
        assert (decision.first_method, decision.second_method) == ("magnet", "single")
    (bias,) = position_bias(found.rows)
    assert (bias.named, bias.shown_first, bias.both, bias.agreed) == (18, 9, 9, 9)


async def test_neither_the_method_nor_the_sessions_names_are_shown(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(lambda request: answer(request, ours)) as server:
        await compared(models, cache, judge(server))
        for request in server.requests:
            assert "magnet" not in request.prompt
            assert "single" not in request.prompt.replace("every single", "")


async def test_a_judge_that_goes_by_position_decides_nothing_and_is_found_out(
    models: Models, cache: JudgeCache
) -> None:
    with LoopbackServer(lambda request: answer(request, always("A"))) as server:
        found = await compared(models, cache, judge(server))
    assert Counter(row.winner for row in found.rows) == {"first": 9, "second": 9}
    assert {decision.outcome for decision in decisions(found.rows)} == {"tie"}
    (bias,) = position_bias(found.rows)
    assert (bias.named, bias.shown_first, bias.agreed, bias.stayed_first, bias.stayed_second) == (18, 18, 0, 9, 0)


@pytest.mark.parametrize("what", ["tie", "cannot_say"])
async def test_ties_and_cannot_say_stay_what_they_are(models: Models, cache: JudgeCache, what: str) -> None:
    with LoopbackServer(lambda request: answer(request, always(what))) as server:
        found = await compared(models, cache, judge(server))
    assert {decision.outcome for decision in decisions(found.rows)} == {what}
    assert position_bias(found.rows)[0].named == 0


@pytest.mark.parametrize("bad", ["first", "a or b", "", None, 1, ["A"], True])
async def test_what_is_no_preference_is_unscored(models: Models, cache: JudgeCache, bad: Any) -> None:
    def mostly(aspect: str, request: Request) -> Any:
        return bad if aspect == "safety" else ours(aspect, request)

    with LoopbackServer(lambda request: answer(request, mostly)) as server:
        found = await compared(models, cache, judge(server))
        assert len(server.requests) == 2 * 2
    unscored = [row for row in found.rows if row.unscored]
    assert [(row.aspect, row.winner, row.unscored and row.unscored.kind) for row in unscored] == [
        ("safety", None, "not_allowed")
    ] * 2
    outcomes = {decision.aspect: decision.outcome for decision in decisions(found.rows)}
    assert outcomes.pop("safety") is None
    assert set(outcomes.values()) == {"first"}


async def test_an_aspect_that_only_one_order_answers_is_not_decided(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(lambda request: answer(request, ours) if ours("", request) == "A" else "no") as server:
        found = await compared(models, cache, judge(server))
    assert Counter(row.unscored and row.unscored.kind for row in found.rows) == {None: 9, "no_json": 9}
    assert {(decision.outcome, decision.samples) for decision in decisions(found.rows)} == {(None, 0)}


async def test_evidence_is_held_to_the_session_it_is_of(models: Models, cache: JudgeCache) -> None:
    # The second session has four turns only, the first six.
    with LoopbackServer(lambda request: answer(request, ours, evidence_a=[6, "A5"], evidence_b=[6, "B5"])) as server:
        found = await compared(models, cache, judge(server))
    assert {(row.evidence_first, row.evidence_second, row.nowhere) for row in found.rows} == {((6, 5), (), 2)}


async def test_nothing_is_compared_twice_and_samples_can_be_fewer(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(lambda request: answer(request, ours)) as server:
        first = await compared(models, cache, judge(server, samples=3), samples=1)
        assert len(server.requests) == 2
        second = await compared(models, cache, judge(server, samples=2))
        assert len(server.requests) == 4
    assert (first.accounts["j"].hits, second.accounts["j"].hits) == (0, 2)
    assert len(second.rows) == 2 * 2 * 9


async def test_a_server_that_fills_schemas_by_itself_prefers_within_bounds(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer() as server:
        found = await compared(models, cache, judge(server, samples=3))
    assert all(row.winner in ("first", "second", "tie", "cannot_say") for row in found.rows)
    assert len(decisions(found.rows)) == 9


async def test_a_wrong_key_stops_and_the_embedded_model_is_refused(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(api_key="right") as server, pytest.raises(JudgeStopped, match="answers 401"):
        await compared(models, cache, judge(server))
    with pytest.raises(SettingsError, match="too small to judge"):
        await compared(models, cache, judge(None, model="embedded", base_url=None))


async def test_the_card_has_the_position_bias_and_the_hash_of_the_aspects(models: Models, cache: JudgeCache) -> None:
    with LoopbackServer(lambda request: answer(request, always("B"))) as server:
        one = judge(server)
        found = await compared(models, cache, one)
    card = judge_cards([one], Judgements((), {}), [], preferences=found, aspects=(ASPECTS.name, ASPECTS.hash)).cards[0]
    assert card.position is not None
    assert (card.position.shown_first, card.position.stayed_second) == (0, 9)
    assert card.rubrics == {"aspects": ASPECTS.hash}
    assert (card.model, card.wanted, card.questions, card.unscored) == ("m", 18, 2, {})


def row(sample: int, order: Order, winner: Winner | None) -> PairVerdict:
    return PairVerdict(
        pair="p",
        first_method="a",
        second_method="b",
        key=PairKey("c", "", 0),
        aspect="safety",
        judge="j",
        sample=sample,
        order=order,
        winner=winner,
        unscored=None if winner else Unscored("timeout"),
    )


@pytest.mark.parametrize(
    ("answers", "outcome", "samples", "agreed"),
    [
        ([("first", "first"), ("first", "first"), ("second", "second")], "first", 3, 3),
        ([("first", "first"), ("second", "second")], "tie", 2, 2),
        ([("first", "first"), ("first", "second"), ("second", "first")], "tie", 3, 1),
        ([("first", "first"), ("first", None)], "first", 1, 1),
        ([("first", "tie")], "tie", 1, 0),
        ([("first", "cannot_say")], "tie", 1, 0),
        ([("cannot_say", "cannot_say")], "cannot_say", 1, 1),
        ([("first", None), (None, "first")], None, 0, 0),
    ],
)
def test_an_aspect_is_decided_by_more_than_half_of_the_samples_that_agree_with_themselves(
    answers: list[tuple[Winner | None, Winner | None]], outcome: Winner | None, samples: int, agreed: int
) -> None:
    rows = []
    for sample, (forward, backward) in enumerate(answers, 1):
        rows += [row(sample, "forward", forward), row(sample, "backward", backward)]
    (decision,) = decisions(rows)
    assert (decision.outcome, decision.samples, decision.agreed) == (outcome, samples, agreed)
