"""Planted defects: each breaks one thing and nothing else, and a judge that notices is told from one that does not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.checks import PlantedCheck, draw_sessions, planted_checks
from counseling_sessions.evaluation.judging.planted import CONTROL, Defect, defects, plant
from counseling_sessions.evaluation.judging.run import judge_sessions
from counseling_sessions.evaluation.scales import BUILT_IN, read_scale
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions import Session
from tests.evaluation.judged import judge, rater, rating, session
from tests.loopback import LoopbackServer

SCALES = [read_scale(name) for name in BUILT_IN]
BY_ID = {defect.id: defect for defect in defects()}
OF_THE_COUNSELOR = ("lecturing", "agreeing", "hostile", "off_topic", "knowing")
OF_THE_CLIENT = ("parroting", "telling_all", "contradicting", "textbook", "counseling")


def planted(name: str, seed: int = 0) -> Session:
    found = plant(session(), BY_ID[name], seed)
    assert found is not None
    return found


def said(one: Session, speaker: str) -> list[str]:
    return [message.text for message in one.dialogue if message.speaker == speaker]


def test_every_defect_names_items_or_subscales_that_exist() -> None:
    by_name = {scale.name: scale for scale in SCALES}
    for defect in defects():
        assert defect.must_fall
        for scale, targets in defect.must_fall.items():
            assert set(defect.targets(by_name[scale])) == set(targets)
    assert list(BY_ID)[-1] == CONTROL


@pytest.mark.parametrize("name", BY_ID)
def test_a_defect_is_planted_alike_for_one_seed_and_leaves_the_original_alone(name: str) -> None:
    before = session()
    one, again = plant(before, BY_ID[name], 3), plant(before, BY_ID[name], 3)
    assert one is not None
    assert one == again
    assert before == session()
    assert one.id == f"one~{name}"
    assert [message.speaker for message in one.dialogue] == [message.speaker for message in before.dialogue]
    assert (one.profile, one.method, one.seed) == (before.profile, before.method, before.seed)


@pytest.mark.parametrize("name", sorted(set(BY_ID) - {CONTROL, "agreeing", "parroting"}))
def test_another_seed_plants_elsewhere(name: str) -> None:
    assert len({planted(name, seed).model_dump_json() for seed in range(8)}) > 1


@pytest.mark.parametrize("name", OF_THE_COUNSELOR)
def test_a_defect_of_the_counselor_leaves_the_client_and_the_turns_alone(name: str) -> None:
    before, after = session(), planted(name)
    assert said(after, "client") == said(before, "client")
    assert [message.turn for message in after.dialogue] == [message.turn for message in before.dialogue]
    assert said(after, "counselor") != said(before, "counselor")


@pytest.mark.parametrize("name", OF_THE_CLIENT)
def test_a_defect_of_the_client_leaves_the_counselor_and_the_turns_alone(name: str) -> None:
    before, after = session(), planted(name)
    assert said(after, "counselor") == said(before, "counselor")
    assert [message.turn for message in after.dialogue] == [message.turn for message in before.dialogue]
    assert said(after, "client") != said(before, "client")


@pytest.mark.parametrize("name", ["lecturing", "hostile", "off_topic"])
def test_half_of_the_counselors_inner_messages_are_replaced_and_first_and_last_stay(name: str) -> None:
    before, after = said(session(), "counselor"), said(planted(name), "counselor")
    changed = [place for place, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    assert len(changed) == 2
    assert not {0, 1, len(before) - 1} & set(changed)
    assert {after[place] for place in changed} <= set(BY_ID[name].words)


def test_shuffled_turns_stay_whole_move_all_and_are_numbered_in_order() -> None:
    before, after = session(), planted("shuffled")
    assert sorted(message.text for message in after.dialogue) == sorted(message.text for message in before.dialogue)
    assert [message.turn for message in after.dialogue] == [message.turn for message in before.dialogue]
    turns = lambda one: [one.dialogue[place : place + 2] for place in range(0, len(one.dialogue), 2)]  # noqa: E731
    texts = [[[message.text for message in turn] for turn in turns(one)] for one in (before, after)]
    assert sorted(texts[0]) == sorted(texts[1])
    stayed = [place for place, (one, other) in enumerate(zip(*texts, strict=True)) if one == other]
    assert stayed == [0, len(texts[0]) - 1]


def test_a_parroting_client_says_two_old_things_in_turns() -> None:
    before, after = session(), planted("parroting")
    assert said(after, "counselor") == said(before, "counselor")
    first = said(before, "client")[:2]
    assert said(after, "client") == [*first, *first, *first, first[0]]


def test_an_agreeing_counselor_asks_nothing_and_keeps_what_was_no_question() -> None:
    after = said(planted("agreeing"), "counselor")
    assert not any("?" in text for text in after)
    assert after[3].endswith("You expected people to notice.")
    assert after[3].startswith(tuple(BY_ID["agreeing"].words))


def test_the_control_changes_the_numbers_of_the_turns_alone() -> None:
    before, after = session(), planted(CONTROL)
    assert [message.turn for message in after.dialogue] == [message.turn + 1 for message in before.dialogue]
    assert [message.text for message in after.dialogue] == [message.text for message in before.dialogue]


def test_what_is_too_short_or_would_not_change_is_left_out() -> None:
    short = session(dialogue=session().dialogue[:8])
    assert [plant(short, defect) for defect in defects()] == [None] * len(BY_ID)
    told = session(dialogue=tuple(m.model_copy(update={"text": m.text.replace("?", ".")}) for m in session().dialogue))
    assert plant(told, BY_ID["agreeing"]) is None
    assert draw_sessions([short, told], 5, 0) == []
    with pytest.raises(KeyError):
        plant(session(), Defect(id="singing", title="t", must_fall={}))


def test_sessions_are_drawn_whatever_their_order() -> None:
    many = [session(str(number)) for number in range(20)]
    drawn = draw_sessions(many, 5, 1)
    assert drawn == draw_sessions(reversed(many), 5, 1)
    assert len(drawn) == 5
    assert {one.id for one in drawn} != {one.id for one in draw_sessions(many, 5, 2)}
    assert len(draw_sessions(many, 50, 1)) == 20


@pytest.fixture
async def models() -> AsyncIterator[Models]:
    models = Models(backoff=0.001)
    yield models
    await models.close()


HOSTILE = BY_ID["hostile"]


def noticing(item: str, prompt: str) -> int:
    """A judge that takes two points off for a hostile counselor, and more for bond."""
    return 2 if any(words in prompt for words in HOSTILE.words) else 4


async def checks(models: Models, folder: Path, score: object, **options: object) -> dict[tuple[str, str], PlantedCheck]:
    sessions = [session(str(number)) for number in range(6)]
    with LoopbackServer(score) as server:  # type: ignore[arg-type]
        found, _ = await planted_checks(sessions, SCALES, [judge(server)], models, JudgeCache(folder), n=4, **options)  # type: ignore[arg-type]
    return {(check.defect, check.target): check for check in found}


async def test_a_judge_that_notices_lets_the_matching_scores_fall_and_no_others(models: Models, tmp_path: Path) -> None:
    found = await checks(models, tmp_path, rater(noticing))
    check = found["hostile", "understanding"]
    assert (check.scale, check.n, check.fell, check.tied, check.rose, check.mean_fall) == ("ctrs-style", 4, 4, 0, 0, 2)
    assert found["hostile", "bond"].mean_fall == 2
    for (defect, _), other in found.items():
        assert other.unscored == 0
        if defect != "hostile":
            assert (other.fell, other.tied, other.mean_fall) == (0, 4, 0)


async def test_reverse_keyed_items_fall_by_rising(models: Models, tmp_path: Path) -> None:
    one = Defect(id="hostile", title="t", must_fall={"wai-style": ("w04_goals_unclear",)}, words=HOSTILE.words)
    found = await checks(models, tmp_path, rater(noticing), planted=[one])
    assert (found["hostile", "w04_goals_unclear"].rose, found["hostile", "w04_goals_unclear"].mean_fall) == (4, -2)


async def test_a_judge_that_gives_the_lowest_score_cannot_let_it_fall_and_that_is_counted(
    models: Models, tmp_path: Path
) -> None:
    found = await checks(models, tmp_path, rater(lambda item, prompt: 1), planted=[BY_ID["lecturing"]])
    assert found["lecturing", "task"].at_floor == 4
    assert found["lecturing", "collaboration"].at_floor == 0


async def test_what_is_not_scored_twice_is_unscored_and_no_fall(models: Models, tmp_path: Path) -> None:
    def refusing(request: object) -> str:
        prompt = request.prompt  # type: ignore[attr-defined]
        whole = not any(words in prompt for words in HOSTILE.words)
        marks = json.loads(rating(prompt, lambda item, prompt: 4))
        if not whole:
            marks.pop("understanding", None)
            marks.pop("w09_trust", None)
        return json.dumps(marks)

    found = await checks(models, tmp_path, refusing, planted=[HOSTILE])
    check = found["hostile", "understanding"]
    assert (check.n, check.fell, check.unscored, check.mean_fall) == (0, 0, 4, None)
    assert found["hostile", "interpersonal_effectiveness"].n == 4
    # A subscale without one of its items is another subscale.
    assert (found["hostile", "bond"].n, found["hostile", "bond"].unscored) == (0, 4)


async def test_the_whole_sessions_are_not_judged_again(models: Models, tmp_path: Path) -> None:
    sessions = [session(str(number)) for number in range(3)]
    with LoopbackServer(rater(noticing)) as server:
        await judge_sessions(sessions, SCALES[:1], [judge(server)], models, JudgeCache(tmp_path))
        before = len(server.requests)
        _, judgements = await planted_checks(
            sessions, SCALES[:1], [judge(server)], models, JudgeCache(tmp_path), n=3, planted=[HOSTILE]
        )
        assert (before, len(server.requests)) == (3, 6)
    assert {row.key.session for row in judgements.rows} == {f"{n}{end}" for n in range(3) for end in ("", "~hostile")}


async def test_a_scale_that_a_defect_does_not_name_is_not_asked(models: Models, tmp_path: Path) -> None:
    with LoopbackServer(rater()) as server:
        _, judgements = await planted_checks(
            [session()], SCALES, [judge(server)], models, JudgeCache(tmp_path), planted=[HOSTILE]
        )
    assert {row.scale for row in judgements.rows} == {"ctrs-style", "wai-style"}
