"""A page with studies of invented sessions, for the tests of rating."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.rating.draw_sessions import draw_scale_study
from counseling_sessions.evaluation.rating.study import AnyStudy, ScaleStudy, write_study
from counseling_sessions.evaluation.scales import read_scale
from counseling_sessions.models.chat import Models
from counseling_sessions.settings import SessionConfig
from counseling_sessions.web.app import page_app
from counseling_sessions.web.guard import Guard
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import Seats
from tests.evaluation.rating_sessions import METHODS, pairs, study
from tests.scripted import config

ORIGIN = "http://testserver"
FOLDER = "canary-folder"
"""A study's folder, whose name may tell raters what is compared."""


async def scripted() -> SessionConfig:
    return config()


def guarded(folder: Path, *origins: str) -> Guard:
    """The whole page of a folder, with the token `t`."""
    seats = Seats(folder, Models(), scripted)
    return Guard(page_app(seats, Runs(folder), stopping=lambda: False), "t", origins or (ORIGIN,))


@contextmanager
def page(folder: Path) -> Iterator[TestClient]:
    """A browser's way to the page; addresses are relative to the token."""
    with TestClient(guarded(folder), base_url=f"{ORIGIN}/t/") as client:
        yield client


def kept(folder: Path, drawn: AnyStudy) -> AnyStudy:
    """The study, in a folder of its own."""
    write_study(drawn, folder / FOLDER / "study.json")
    return drawn


def of_pairs(**options: Any) -> AnyStudy:
    return study(6, raters=2, **options)


def of_sessions() -> ScaleStudy:
    both = pairs(6)
    groups = {METHODS[0]: [pair.first for pair in both], METHODS[1]: [pair.second for pair in both]}
    return draw_scale_study(groups, read_scale("ctrs-style"), Pairing(), raters=2, sessions_per_rater=12)


def choices_of(drawn: AnyStudy, rater: str, number: int) -> dict[str, str]:
    """What a rater of the tests answers: always the same, and not always what the other one does."""
    return {
        name: allowed[(number * 3 + place + (rater == "rater-2") * (place % 3 == 0)) % len(allowed)]
        for place, (name, allowed) in enumerate(drawn.choices.items())
    }
