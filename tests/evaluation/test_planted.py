"""Planted defects: each breaks one thing and not the length, and a judge that notices is told from one that does not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import fmean

import pytest

from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.planting.checks import PlantedCheck, draw_sessions, planted_checks
from counseling_sessions.evaluation.judging.planting.defect import Defect
from counseling_sessions.evaluation.judging.planting.padding import padding
from counseling_sessions.evaluation.judging.planting.planted import TOLERANCE, defects, plant
from counseling_sessions.evaluation.judging.planting.planters import PLANTERS
from counseling_sessions.evaluation.judging.run import judge_sessions
from counseling_sessions.evaluation.scales import BUILT_IN, read_scale
from counseling_sessions.evaluation.session_length import count_said
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions import Session
from counseling_sessions.texts.words import sentences
from tests.evaluation.judged import corpus_sessions, judge, rater, rating, session
from tests.loopback import LoopbackServer

SCALES = [read_scale(name) for name in BUILT_IN]
BY_ID = {defect.id: defect for defect in defects()}
CONTROL = "none"
BROKEN = [defect.id for defect in defects() if defect.role == "defect"]
OF_THE_COUNSELOR = ("lecturing", "agreeing", "hostile", "off_topic", "knowing", "intruding", "imposing", "advising")
OF_THE_CLIENT = ("parroting", "telling_all", "contradicting", "textbook", "counseling")


def whole(name: str = "one") -> Session:
    """A session of the corpus under another id."""
    return corpus_sessions()[0].model_copy(update={"id": name})


def planted(name: str, seed: int = 0, about: Session | None = None) -> Session:
    found = plant(about or whole(), BY_ID[name], seed)
    assert found is not None
    return found


def said(one: Session, speaker: str) -> list[str]:
    return [message.text for message in one.dialogue if message.speaker == speaker]


def changed(before: list[str], after: list[str]) -> dict[int, str]:
    return {place: new for place, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}


def sentences_of(name: str) -> set[str]:
    return {sentence for words in BY_ID[name].words for sentence in sentences(words)}


def test_every_defect_names_items_or_subscales_that_exist() -> None:
    by_name = {scale.name: scale for scale in SCALES}
    for defect in defects():
        assert defect.must_fall or defect.role == "length"
        for scale, targets in defect.must_fall.items():
            assert set(defect.targets(by_name[scale])) == set(targets)
    assert list(BY_ID)[-3:] == ["shortened", "padded", CONTROL]
    assert BY_ID.keys() == PLANTERS.keys()


@pytest.mark.parametrize("name", BY_ID)
def test_a_defect_is_planted_alike_for_one_seed_and_leaves_the_original_alone(name: str) -> None:
    before = whole()
    one, again = plant(before, BY_ID[name], 3), plant(before, BY_ID[name], 3)
    assert one is not None
    assert one == again
    assert before == whole()
    assert one.id == f"one~{name}"
    assert [message.speaker for message in one.dialogue] == [message.speaker for message in before.dialogue]
    assert (one.profile, one.method, one.seed) == (before.profile, before.method, before.seed)


@pytest.mark.parametrize("name", sorted(set(BY_ID) - {CONTROL, "parroting"}))
def test_another_seed_plants_elsewhere(name: str) -> None:
    assert len({planted(name, seed).model_dump_json() for seed in range(6)}) > 1


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_session_is_as_long_as_before_in_turns_in_words_and_for_each_speaker(name: str) -> None:
    shares = []
    for one in corpus_sessions()[::2]:
        broken = planted(name, 1, one)
        assert [message.turn for message in broken.dialogue] == [message.turn for message in one.dialogue]
        assert broken.dialogue != one.dialogue
        shares.append(count_said(broken.dialogue) / count_said(one.dialogue))
        for speaker in ("client", "counselor"):
            sizes = [count_said(m for m in each.dialogue if m.speaker == speaker) for each in (one, broken)]
            assert sizes[1] == pytest.approx(sizes[0], rel=TOLERANCE)
    assert shares == pytest.approx([1] * len(shares), abs=0.02)
    assert fmean(shares) == pytest.approx(1, abs=0.01)


def test_controls_of_length_change_the_length_by_a_fifth_and_say_nothing_new() -> None:
    for one in corpus_sessions()[:3]:
        padded, shortened = planted("padded", 0, one), planted("shortened", 0, one)
        assert count_said(padded.dialogue) == pytest.approx(1.2 * count_said(one.dialogue), rel=0.02)
        assert count_said(shortened.dialogue) == pytest.approx(0.8 * count_said(one.dialogue), rel=0.02)
        for old, more, fewer in zip(one.dialogue, padded.dialogue, shortened.dialogue, strict=True):
            assert more.text.endswith(old.text)
            assert set(sentences(more.text.removesuffix(old.text))) <= set(padding()[old.speaker])
            kept = sentences(fewer.text)
            rest = iter(sentences(old.text))
            assert all(sentence in rest for sentence in kept)
            assert fewer.text.count("?") == old.text.count("?")
            assert kept[:1] + kept[-1:] == sentences(old.text)[:1] + sentences(old.text)[-1:]


def test_what_cannot_keep_its_length_is_not_planted() -> None:
    assert plant(session(), BY_ID["textbook"]) is None
    assert plant(session(), BY_ID["shuffled"]) is not None


@pytest.mark.parametrize("name", OF_THE_COUNSELOR)
def test_a_defect_of_the_counselor_leaves_the_client_and_the_turns_alone(name: str) -> None:
    before, after = whole(), planted(name)
    assert said(after, "client") == said(before, "client")
    assert said(after, "counselor") != said(before, "counselor")


@pytest.mark.parametrize("name", OF_THE_CLIENT)
def test_a_defect_of_the_client_leaves_the_counselor_and_the_turns_alone(name: str) -> None:
    before, after = whole(), planted(name)
    assert said(after, "counselor") == said(before, "counselor")
    assert said(after, "client") != said(before, "client")


@pytest.mark.parametrize("name", ["lecturing", "hostile", "off_topic"])
def test_half_of_the_counselors_inner_messages_are_replaced_and_first_and_last_stay(name: str) -> None:
    before = said(whole(), "counselor")
    new = changed(before, said(planted(name), "counselor"))
    assert len(new) == round(0.5 * (len(before) - 3))
    assert not {0, 1, len(before) - 1} & set(new)
    assert {sentence for text in new.values() for sentence in sentences(text)} <= sentences_of(name)


def test_advice_comes_in_the_first_third_and_asks_nothing() -> None:
    before = said(whole(), "counselor")
    new = changed(before, said(planted("advising"), "counselor"))
    assert list(new) == list(range(1, 1 + round((len(before) - 2) / 3)))
    assert {sentence for text in new.values() for sentence in sentences(text)} <= sentences_of("advising")


@pytest.mark.parametrize("name", ["intruding", "imposing"])
def test_up_to_half_of_the_counselors_messages_begin_with_planted_words_each_once(name: str) -> None:
    before = said(whole(), "counselor")
    new = changed(before, said(planted(name), "counselor"))
    beginnings = [next(words for words in BY_ID[name].words if text.startswith(words)) for text in new.values()]
    assert len(set(beginnings)) == len(beginnings) >= 4
    for (place, text), beginning in zip(new.items(), beginnings, strict=True):
        assert before[place].endswith(text.removeprefix(beginning).strip())


def test_shuffled_turns_stay_whole_move_all_and_are_numbered_in_order() -> None:
    before, after = whole(), planted("shuffled")
    assert sorted(message.text for message in after.dialogue) == sorted(message.text for message in before.dialogue)
    turns = lambda one: [one.dialogue[place : place + 2] for place in range(0, len(one.dialogue), 2)]  # noqa: E731
    texts = [[[message.text for message in turn] for turn in turns(one)] for one in (before, after)]
    assert sorted(texts[0]) == sorted(texts[1])
    stayed = [place for place, (one, other) in enumerate(zip(*texts, strict=True)) if one == other]
    assert stayed == [0, len(texts[0]) - 1]


def test_a_parroting_client_says_again_what_it_said_at_first() -> None:
    before, after = said(whole(), "client"), said(planted("parroting"), "client")
    start = len(before) // 3
    assert after[:start] == before[:start]
    first = {sentence for text in before[:start] for sentence in sentences(text)}
    assert {sentence for text in after[start:] for sentence in sentences(text)} <= first


def test_an_agreeing_counselor_asks_nothing_and_keeps_what_was_no_question() -> None:
    before, after = said(whole(), "counselor"), said(planted("agreeing"), "counselor")
    assert not any(text.endswith("?") for text in after)
    for place, text in changed(before, after).items():
        kept = [sentence for sentence in sentences(before[place]) if not sentence.endswith("?")]
        assert text.endswith(" ".join(kept))
        assert text.startswith(tuple(BY_ID["agreeing"].words))


def test_the_control_changes_the_numbers_of_the_turns_alone() -> None:
    before, after = whole(), planted(CONTROL)
    assert [message.turn for message in after.dialogue] == [message.turn + 1 for message in before.dialogue]
    assert [message.text for message in after.dialogue] == [message.text for message in before.dialogue]


def test_what_is_too_short_or_would_not_change_is_left_out() -> None:
    short = session(dialogue=session().dialogue[:8])
    assert [plant(short, defect) for defect in defects()] == [None] * len(BY_ID)
    told = whole().model_copy(
        update={"dialogue": tuple(m.model_copy(update={"text": m.text.replace("?", ".")}) for m in whole().dialogue)}
    )
    assert plant(told, BY_ID["agreeing"]) is None
    assert draw_sessions([short], 5, 0) == []
    assert draw_sessions([short, told, whole("fits")], 1, 0) == [whole("fits")]
    with pytest.raises(KeyError):
        plant(session(), Defect(id="singing", title="t", must_fall={}))


def test_sessions_are_drawn_whatever_their_order_and_from_as_many_clients_as_there_are() -> None:
    many = [one.model_copy(update={"id": f"{one.id}-{n}"}) for one in corpus_sessions()[:4] for n in range(5)]
    clients = len({one.client for one in many})
    hostile = [BY_ID["hostile"]]
    drawn = draw_sessions(many, 5, 1, hostile)
    assert drawn == draw_sessions(reversed(many), 5, 1, hostile)
    assert len(drawn) == 5
    assert {one.client for one in drawn[:clients]} == {one.client for one in many}
    assert {one.id for one in drawn} != {one.id for one in draw_sessions(many, 5, 2, hostile)}
    assert len(draw_sessions(many, 50, 1, hostile)) == 20


@pytest.fixture
async def models() -> AsyncIterator[Models]:
    models = Models(backoff=0.001)
    yield models
    await models.close()


HOSTILE = BY_ID["hostile"]


def alert(item: str, prompt: str) -> int:
    """A judge that takes two points off for a hostile counselor."""
    return 2 if sum(words in prompt for words in HOSTILE.words) > 1 else 4


async def checks(models: Models, folder: Path, score: object, **options: object) -> dict[tuple[str, str], PlantedCheck]:
    with LoopbackServer(score) as server:  # type: ignore[arg-type]
        found, _ = await planted_checks(
            corpus_sessions()[:6],
            SCALES[:2],
            [judge(server)],
            models,
            JudgeCache(folder),
            n=4,
            **options,  # type: ignore[arg-type]
        )
    return {(check.defect, check.target): check for check in found}


async def test_a_judge_that_notices_lets_the_matching_scores_fall_and_no_others(models: Models, tmp_path: Path) -> None:
    options = {"planted": [HOSTILE, BY_ID["lecturing"], BY_ID["padded"], BY_ID[CONTROL]]}
    found = await checks(models, tmp_path, rater(alert), **options)
    check = found["hostile", "understanding"]
    assert (check.scale, check.n, check.fell, check.tied, check.rose, check.mean_fall) == ("ctrs-style", 4, 4, 0, 0, 2)
    assert found["hostile", "bond"].mean_fall == 2
    for (defect, _), other in found.items():
        assert other.unscored == 0
        if defect != "hostile":
            assert (other.fell, other.tied, other.mean_fall) == (0, 4, 0)


async def test_reverse_keyed_items_fall_by_rising(models: Models, tmp_path: Path) -> None:
    one = Defect(id="hostile", title="t", must_fall={"wai-style": ("w04_goals_unclear",)}, words=HOSTILE.words)
    found = await checks(models, tmp_path, rater(alert), planted=[one])
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
        marks = json.loads(rating(prompt, lambda item, prompt: 4))
        if any(words in prompt for words in HOSTILE.words):
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
    sessions = corpus_sessions()[:3]
    with LoopbackServer(rater(alert)) as server:
        await judge_sessions(sessions, SCALES[:1], [judge(server)], models, JudgeCache(tmp_path))
        before = len(server.requests)
        _, judgements = await planted_checks(
            sessions, SCALES[:1], [judge(server)], models, JudgeCache(tmp_path), n=3, planted=[HOSTILE]
        )
        assert (before, len(server.requests)) == (3, 6)
    names = {one.id for one in sessions}
    assert {row.key.session for row in judgements.rows} == names | {f"{name}~hostile" for name in names}


async def test_a_scale_that_a_defect_does_not_name_is_not_asked(models: Models, tmp_path: Path) -> None:
    with LoopbackServer(rater()) as server:
        _, judgements = await planted_checks(
            [whole()], SCALES, [judge(server)], models, JudgeCache(tmp_path), planted=[HOSTILE]
        )
    assert {row.scale for row in judgements.rows} == {"ctrs-style", "wai-style"}
