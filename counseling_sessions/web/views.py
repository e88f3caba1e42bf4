"""What the page shows, as plain JSON: the start, and a practice session as it stands."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from counseling_sessions.graph.practice import Practice
from counseling_sessions.inspection.live import DOING
from counseling_sessions.inspection.transcript import how_it_ended
from counseling_sessions.practice.hint_text import title
from counseling_sessions.practice.keeping import KeptSession
from counseling_sessions.practice.loop import LAST_WORDS
from counseling_sessions.practice.review_text import review_texts
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE, builtin_profiles
from counseling_sessions.profiles.schema import ATTITUDES, ClientProfile, counselor_information, counselor_reason
from counseling_sessions.state import Utterance
from counseling_sessions.web.exercises import Exercise
from counseling_sessions.web.seats import Seat, Seats

Json = dict[str, Any]


def start_view(seats: Seats, sessions: list[Json], exercises: Mapping[str, Exercise]) -> Json:
    """What can be begun, what was left, and the sessions of the folder."""
    return {
        "clients": [{"id": one.id, **client_view(one)} for one in builtin_profiles()],
        "exercises": [exercise_view(one, name) for name, one in exercises.items()],
        "attitudes": list(ATTITUDES),
        "attitude": DEFAULT_ATTITUDE,
        "left": [{"name": one.name, "client": one.client, "turns": one.turns} for one in seats.left()],
        "sessions": sessions,
    }


def exercise_view(exercise: Exercise, name: str = "") -> Json:
    """An exercise as trainees see it: without its client, where that is not shown, and without the attitude."""
    shown = client_view(exercise.profile) if exercise.shows_client and name else {}
    return {"name": name, "title": exercise.title, "task": exercise.task, "help": list(exercise.help), **shown}


def client_view(profile: ClientProfile) -> Json:
    """What a counselor knows of a client: its name, pairs of title and value, and the reason for coming."""
    facts = [line.partition(": ") for line in counselor_information(profile).splitlines()]
    return {
        "client": profile.demographics.name,
        "facts": [[name, value] for name, _, value in facts],
        "reason": counselor_reason(profile),
    }


def seat_view(seat: Seat) -> Json:
    """A session as every tab of it shows it."""
    practice, waiting = seat.practice, seat.practice.waiting
    head = practice.content.head
    talk = _talk_view(seat.name, head.profile, head.started_at, practice.dialogue, practice.config.max_turns)
    exercise = exercise_view(seat.exercise) if seat.exercise else None
    shown = {} if not seat.exercise or seat.exercise.shows_client or seat.kept else {"facts": [], "reason": ""}
    return (
        talk
        | shown
        | {
            "exercise": exercise,
            "number": seat.number,
            "turn": waiting.turn if waiting else talk["turn"],
            "pending": seat.pending,
            "busy": seat.busy,
            "doing": [DOING.get(node, title(node)) for node in dict.fromkeys(seat.doing)],
            "waiting": waiting is not None,
            "problem": waiting.problem if waiting else None,
            "closing": _closing(practice),
            "failure": practice.failure.message if practice.failure else None,
            "over": _over_view(seat.kept) if seat.kept else None,
        }
    )


def kept_view(name: str, kept: KeptSession) -> Json:
    """A session that was over when the server began, as `seat_view`."""
    record = kept.record
    turns = record.configuration.get("max_turns", len(record.turns))
    nothing = {"pending": "", "busy": False, "doing": [], "waiting": False, "problem": None, "closing": None}
    talk = _talk_view(name, record.profile, record.started_at, record.dialogue, turns)
    return (
        talk
        | nothing
        | {"number": time.time_ns() // 10**6, "failure": None, "exercise": None, "over": _over_view(kept)}
    )


def _talk_view(name: str, profile: ClientProfile, started_at: str, said: Sequence[Utterance], turns: int) -> Json:
    return {
        "name": name,
        **client_view(profile),
        "started_at": started_at,
        "turn": max((one.turn for one in said), default=0),
        "turns": turns,
        "dialogue": [
            {"turn": one.turn, "speaker": one.speaker, "text": one.text, "mine": one.author == "human"} for one in said
        ],
    }


def _closing(practice: Practice) -> str | None:
    """Why the next message is the goodbye; None where it need not be."""
    if practice.waiting is None or not practice.waiting.closing:
        return None
    return LAST_WORDS[practice.state["end_reason"]]


def _over_view(kept: KeptSession) -> Json:
    """The end of a session: how it ended, the review as data and as text, the words of its parts, and the folder of its files."""
    return {
        "ended": how_it_ended(kept.record),
        "review": kept.review.model_dump(mode="json") if kept.review else None,
        "texts": review_texts(),
        "text": kept.review_text,
        "folder": str(kept.folder),
    }
