"""Drawing a study of single sessions that people rate on a scale: as for pairs, but for sides."""

import hashlib
from collections.abc import Mapping, Sequence
from random import Random

from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.rating.draw import study_session
from counseling_sessions.evaluation.rating.hands import check_draw, deal, repeated, with_repeats
from counseling_sessions.evaluation.rating.study import (
    RatedSession,
    ScaleStudy,
    SessionSheet,
    SessionShowing,
    StudyError,
)
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.profiles.schema import client_form, counselor_information, counselor_reason
from counseling_sessions.sessions import Session

MOST_POINTS = 11
"""A page has room for so many points of a scale."""


def draw_scale_study(
    groups: Mapping[str, Sequence[Session]],
    scale: Scale,
    pairing: Pairing,
    *,
    raters: int = 3,
    sessions_per_rater: int = 30,
    shared: int | None = None,
    repeats: float = 0.05,
    seed: int = 0,
) -> ScaleStudy:
    """Draw a study of single sessions; options as in `draw_study`.

    Groups come up evenly, then attitudes and clients. Raises `StudyError` for a scale of affect (it is rated twice a session), one of
    more than 11 points, sessions without the intake form that a scale needs, and where the sessions do not suffice.
    """
    _check_scale(scale)
    subjects = _subjects(groups, scale)
    shared = sessions_per_rater if shared is None else shared
    check_draw(len(subjects), raters, sessions_per_rater, shared, "session")
    (twice,) = repeated((repeats,), sessions_per_rater, "session")
    rated = {name: _rated(name, group, session, scale, pairing) for name, (group, session) in subjects.items()}
    traits = {name: _traits(one) for name, one in rated.items()}
    hands = deal(traits, raters, sessions_per_rater, shared, Random(f"{seed} sessions"))
    sheets = []
    for place, hand in enumerate(hands, 1):
        random = Random(f"{seed} rater {place}")
        random.shuffle(hand)
        showings = [SessionShowing(number=1, session=name) for name in hand]
        shown = tuple(with_repeats(showings, [_again] * twice, random))
        sheets.append(SessionSheet(rater=f"rater-{place}", showings=shown))
    return ScaleStudy(
        seed=seed,
        options={
            "raters": raters,
            "sessions_per_rater": sessions_per_rater,
            "shared": shared,
            "repeats": repeats,
            "sessions_to_draw_from": len(subjects),
        },
        scale=scale,
        sessions=tuple(rated[name] for name in sorted({name for hand in hands for name in hand})),
        sheets=tuple(sheets),
    ).hashed()


def session_id(group: str, session: Session) -> str:
    """A session's id in a study: neither the folder nor the order counts, so that a run may move."""
    return hashed_id(group, session.id)


def hashed_id(group: str, session: str) -> str:
    """The id of a session by its own id and the name of its group."""
    return hashlib.sha256(f"{group}\n{session}".encode()).hexdigest()[:12]


def _check_scale(scale: Scale) -> None:
    if scale.subject == "affect":
        raise StudyError(f"{scale.name} rates affect before and after a session, which pages do not ask people about")
    if scale.high - scale.low >= MOST_POINTS:
        points = scale.high - scale.low + 1
        raise StudyError(f"{scale.name} has {points} points; a page has room for {MOST_POINTS}")


def _subjects(groups: Mapping[str, Sequence[Session]], scale: Scale) -> dict[str, tuple[str, Session]]:
    """The sessions with their groups, by id in the study."""
    subjects = {
        session_id(group, session): (group, session) for group, sessions in groups.items() for session in sessions
    }
    if len(subjects) != sum(map(len, groups.values())):
        raise StudyError("a session comes twice in a group: read every run once")
    if scale.needs_form and (bare := [session.id for _, session in subjects.values() if session.profile is None]):
        raise StudyError(f"{scale.name} needs the intake form, and {len(bare)} sessions have none, such as {bare[0]}")
    return subjects


def _traits(rated: RatedSession) -> list[tuple[str, ...]]:
    group = rated.session.method
    return [
        ("group", group),
        ("group and attitude", group, rated.attitude),
        ("attitude", rated.attitude),
        ("client", rated.client),
    ]


def _again(showing: SessionShowing) -> SessionShowing:
    return showing.model_copy(update={"repeat": "same"})


def _rated(name: str, group: str, session: Session, scale: Scale, pairing: Pairing) -> RatedSession:
    key, profile = pairing.key(session.key), session.profile
    about: list[str] = []
    if profile and scale.needs_form:
        about = client_form(profile).splitlines()
    elif profile:
        reason = counselor_reason(profile)
        about = counselor_information(profile).splitlines() + ([f"Reason for counseling: {reason}"] if reason else [])
    return RatedSession(
        id=name,
        client=key.client,
        attitude=key.attitude,
        seed=key.seed,
        about=tuple(about),
        session=study_session(session, group),
    )
