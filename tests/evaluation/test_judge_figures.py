"""From scores to figures: means, changes of affect, the judge card."""

import json
from typing import Any

import pytest

from counseling_sessions.evaluation.judging.ask import Unscored
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.card import judge_cards, score_ratings
from counseling_sessions.evaluation.judging.means import affect_changes, subscale_means
from counseling_sessions.evaluation.judging.run import Score, judge_sessions
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.models.chat import Models
from counseling_sessions.models.prices import Price, Prices
from counseling_sessions.sessions import SessionKey
from tests.evaluation.judged import SMALL, judge, rating, session, small_scale
from tests.loopback import LoopbackServer, Request

pytestmark = pytest.mark.usefixtures("no_surroundings")


def score(
    value: int | None, item: str = "warmth", judge: str = "j", sample: int = 1, session: str = "one", **changes: Any
) -> Score:
    scored = None if value is None else SMALL.scored(item, value)
    missing = None if value is not None else Unscored("missing")
    values = {
        "key": SessionKey(session, "test", "magnet", "c", None, 1),
        "scale": SMALL.name,
        "occasion": "session",
        "item": item,
        "judge": judge,
        "sample": sample,
    }
    return Score(**{**values, "score": value, "scored": scored, "unscored": missing, **changes})


def test_means_are_over_items_then_samples_then_judges() -> None:
    rows = [
        score(4), score(4, "haste"),                                    # 4 and 0 after reversal: 2
        score(1, sample=2), score(1, "haste", sample=2),                # 1 and 3: 2
        score(4, sample=3), score(0, "haste", sample=3),                # 4 and 4: 4
        score(0, judge="k"), score(4, "haste", judge="k"),              # 0 and 0: 0
    ]  # fmt: skip
    (mean,) = subscale_means(rows, SMALL)
    assert mean.mean == pytest.approx(((2 + 2 + 4) / 3 + 0) / 2)
    assert (mean.subscale, mean.judges, mean.samples, mean.missing) == ("manner", 2, 4, 0)
    (without,) = subscale_means([row for row in rows if (row.judge, row.item) != ("k", "haste")], SMALL)
    assert (without.mean, without.judges, without.missing) == (pytest.approx(8 / 3), 1, 1)


def test_means_keep_sessions_apart_and_know_only_shares() -> None:
    rows = [
        score(4, session="a"),
        score(0, "haste", session="a"),
        score(0, session="b"),
        score(None, "haste", session="b"),
    ]
    assert [(mean.key.session, mean.mean) for mean in subscale_means(rows, SMALL)] == [("a", 4), ("b", None)]
    with pytest.raises(ValueError, match="share"):
        subscale_means(rows, SMALL, share=0)


def test_a_change_of_affect_needs_both_from_one_judge() -> None:
    affect: Scale = small_scale(subject="affect")
    both = [score(value, item, occasion=when) for when, value in (("before", 1), ("after", 3)) for item in ("warmth",)]
    other = [score(4, judge="k", occasion="after"), score(None, judge="k", occasion="before")]
    (change,) = affect_changes([*both, *other], affect, share=0.5)
    assert (change.before, change.after, change.change, change.judges) == (1, 3, 2, 1)
    with pytest.raises(ValueError, match="not rated before and after"):
        affect_changes(both, SMALL)


async def test_the_card_tells_what_a_reader_has_to_know(models: Models, cache: JudgeCache) -> None:
    def answer(request: Request) -> str:
        if "(two)" in request.prompt:
            return "I cannot rate this."
        return rating(
            request.prompt, lambda item, prompt: 4 if item == "warmth" else request.number % 2, evidence=[1, 99]
        )

    with LoopbackServer(answer) as server:
        judges = [
            judge(server, samples=2, max_in_flight=1, attempts=1),
            judge(server, name="k", model="n", max_in_flight=1, attempts=1),
        ]
        found = await judge_sessions([session("one"), session("two")], [SMALL], judges[:1], models, cache)
        both = await judge_sessions([session("one")], [SMALL], judges, models, cache)
    cards = judge_cards(judges[:1], found, [SMALL], prices=Prices({"m": Price(input=1e6, output=0)}))
    card = cards.cards[0]
    assert (card.judge, card.model, card.temperature, card.samples) == ("j", "m", 0.7, 2)
    assert card.rubrics == {"small-style": SMALL.hash}
    assert set(card.prompts) == {
        f"judge/{name}" for name in ("branch", "system", "material", "scale", "preference", "retry")
    }
    assert (card.wanted, card.unscored) == (8, {"no_json": 4})
    assert (card.evidence, card.nowhere, card.without_evidence) == (8, 4, 0)
    assert (card.questions, card.hits, card.retries) == (4, 0, 0)
    assert card.cost == card.used.prompt == card.spent.prompt > 0
    use = card.scales[0]
    assert (use.n, use.unscored, use.top, use.bottom) == (
        4,
        4,
        0.75,
        0,
    )  # warmth twice 4; haste 0 and 1, reversed 4 and 3
    assert (use.samples.n, use.samples.identical, use.samples.within_one, use.samples.mean_difference) == (
        2,
        0.5,
        1,
        0.5,
    )
    (pair,) = judge_cards(judges, both, [SMALL]).between
    assert (pair.one, pair.other, pair.closeness.n) == ("j", "k", 4)
    assert json.loads(cards.model_dump_json())["cards"][0]["unscored"] == {"no_json": 4}


def test_ratings_for_a_coefficient_of_agreement_are_one_per_unit_and_rater() -> None:
    rows = [score(1), score(3, sample=2), score(None, "haste"), score(4, judge="k")]
    ratings = score_ratings(rows, SMALL.name)
    assert [(rater, value, client) for _, rater, value, client in ratings] == [
        ("j", 2, "c"),
        ("j", None, "c"),
        ("k", 4, "c"),
    ]
    samples = score_ratings(rows, SMALL.name, "j")
    assert [(unit.split("\n")[-1], rater, value) for unit, rater, value, _ in samples] == [
        ("warmth", "1", 1), ("warmth", "2", 3), ("haste", "1", None),
    ]  # fmt: skip
