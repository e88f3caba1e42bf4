"""Servers that cut prompts without a word: noticed where tokens stand still, and nowhere else."""

import random

from counseling_sessions.models import growth
from counseling_sessions.models.growth import PromptGrowth

ONE = ("session", "client", "here", "m")


def notes(points: list[tuple[int, int | None]]) -> list[bool]:
    watched = PromptGrowth()
    return [bool(watched.stands_still(ONE, characters, tokens)) for characters, tokens in points]


def test_tokens_that_stand_still_are_noticed_from_a_thousand_characters_on() -> None:
    points = [(4_000 + 400 * turn, min(1_000 + 100 * turn, 2_048)) for turn in range(20)]
    noticed = notes(points)
    first = noticed.index(True)
    assert points[first - 1][1] == 2_048
    assert points[first][0] - 8_192 < 2_000
    assert not any(noticed[:first])
    assert all(noticed[first:])


def test_a_server_that_drops_message_by_message_is_noticed() -> None:
    points: list[tuple[int, int | None]] = [(16_000, 4_050), (17_700, 4_010), (19_500, 4_090), (21_300, 3_990)]
    assert notes(points) == [False, True, True, True]


def test_prompts_that_are_read_whole_are_never_noticed() -> None:
    draw = random.Random(1)
    for _ in range(200):
        a_token = draw.uniform(1.0, 6.0)
        characters, points = draw.randrange(500, 8_000), []
        for _ in range(40):
            characters += draw.randrange(-600, 1_800)
            characters = max(characters, 400)
            points.append((characters, round(characters / a_token * draw.uniform(0.97, 1.03))))
        assert not any(notes(points))


def test_what_is_not_reported_says_nothing() -> None:
    assert not any(notes([(4_000, None), (9_000, None), (9_000, 0), (20_000, None)]))


def test_each_session_role_and_model_is_a_series_and_the_oldest_are_forgotten() -> None:
    watched = PromptGrowth()
    assert not watched.stands_still(ONE, 4_000, 1_000)
    assert not watched.stands_still((*ONE[:1], "plan", *ONE[2:]), 9_000, 1_000)
    assert watched.stands_still(ONE, 9_000, 1_000)
    for number in range(growth.MOST_SERIES):
        watched.stands_still((str(number),), 4_000, 1_000)
    assert len(watched._longest) == growth.MOST_SERIES
    assert not watched.stands_still(ONE, 20_000, 1_000)
