"""Planted defects: a real session with one thing broken, to see whether a judge notices. Pure and seeded.

A judge that knows good from bad must rate the broken session lower on the items that the defect names. A broken session has as many
turns as before, and as many words within 5 %, so that counting words finds nothing. Controls break nothing: where the ratings of an
identical copy fall, they fall by chance; where those of a padded or a shortened copy move, the judge goes by length.
"""

from functools import cache
from pathlib import Path
from random import Random

from pydantic import TypeAdapter

from counseling_sessions.evaluation.judging.planting.defect import Defect
from counseling_sessions.evaluation.judging.planting.planters import PLANTERS
from counseling_sessions.evaluation.session_length import count_said
from counseling_sessions.sessions import Session
from counseling_sessions.settings import read_yaml

FEWEST_TURNS = 4
"""A session with fewer turns is not broken: there would be too little left to compare."""
TOLERANCE = 0.05
"""By no larger share of its words a broken session is longer or shorter than before."""


@cache
def defects() -> tuple[Defect, ...]:
    """All defects, then the controls; the last one is the identical copy."""
    data = read_yaml(Path(__file__).with_name("planted.yaml"))
    return TypeAdapter(tuple[Defect, ...]).validate_python(data["defects"])


def plant(session: Session, defect: Defect, seed: int = 0) -> Session | None:
    """The session with this defect, under the id `<id>~<defect>`.

    None where it is too short, lacks the form, would not be changed, or would change its length by more than `TOLERANCE` (but for the
    controls of length). The same session, defect and seed give the same result. Raises `KeyError` for a defect that nothing plants.
    """
    planter = PLANTERS[defect.id]
    if session.turns < FEWEST_TURNS:
        return None
    draw = Random(f"{seed}/{session.id}/{defect.id}")
    dialogue = planter(session, defect, draw)
    if dialogue == session.dialogue:
        return None
    before = count_said(session.dialogue)
    if defect.role != "length" and abs(count_said(dialogue) - before) > TOLERANCE * before:
        return None
    return session.model_copy(update={"id": f"{session.id}~{defect.id}", "dialogue": dialogue})
