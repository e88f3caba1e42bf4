"""`run.py rate`: pages on which people compare pairs of sessions."""

from counseling_sessions.commands.parsing.evaluation import RateRequest
from counseling_sessions.commands.prefer import pairs_between
from counseling_sessions.commands.telling import say, warn
from counseling_sessions.evaluation.aspects import read_aspects
from counseling_sessions.evaluation.rating.draw import draw_study
from counseling_sessions.evaluation.rating.label_studio import write_label_studio
from counseling_sessions.evaluation.rating.page import write_pages
from counseling_sessions.evaluation.rating.study import STUDY_FILE, write_study
from counseling_sessions.settings import SettingsError


def run(request: RateRequest) -> int:
    """Draw a study, and write its pages."""
    pairs, _ = pairs_between(request)
    study = draw_study(
        pairs,
        read_aspects(request.aspects),
        raters=request.raters,
        pairs_per_rater=min(request.pairs, len(pairs)),
        shared=None if request.shared is None else min(request.shared, request.pairs, len(pairs)),
        repeats=request.repeats,
        swaps=request.swaps,
        seed=request.seed,
    )
    if request.pairs > len(pairs):
        warn(f"there are {len(pairs)} pairs, fewer than the {request.pairs} asked for; all of them are used")
    path = request.out / STUDY_FILE
    if path.exists():
        raise SettingsError(f"{path} holds a study already, and its raters' answers fit no other; give another --out")
    request.out.mkdir(parents=True, exist_ok=True)
    write_study(study, path)
    written = write_pages(study, request.out)
    if request.label_studio:
        written += write_label_studio(study, request.out)
    say(f"study {study.hash}: {len(study.pairs)} pairs for {len(study.sheets)} raters")
    for page in written:
        say(f"  {page}")
    say(
        f"Give each rater one page, and keep {path} to yourself: it says which session is whose. Put what the raters export "
        f"beside it, then: python run.py agreement {request.out}/*.json"
    )
    return 0
