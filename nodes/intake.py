"""The intake: the form is taken, split into what each side may see, and the opening exchange is put on record. No call."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from counseling_sessions.models.chat import Models
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE, DEFAULT_CLIENT, load_builtin
from counseling_sessions.profiles.schema import Attitude, ClientProfile, clean, counselor_information, counselor_reason
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import SessionId, Utterance, update


class IntakeView(BaseModel):
    """What a session is started with; without a client, the first built-in one comes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: SessionId | Literal[""] = ""
    profile_id: str = DEFAULT_CLIENT
    profile: ClientProfile | None = None
    attitude: Attitude | None = None
    utterances: tuple[Utterance, ...] = ()


async def intake(models: Models, view: IntakeView, config: SessionConfig) -> dict[str, Any]:
    """Fill the state from the profile. A session that is taken up again keeps its dialogue."""
    profile = view.profile
    if profile is None:
        profile = await asyncio.to_thread(load_builtin, view.profile_id)
    said = () if view.utterances else opening_of(profile)
    return taken_in(profile, view.attitude or profile.attitude or DEFAULT_ATTITUDE, said)


def opening_of(profile: ClientProfile) -> tuple[Utterance, ...]:
    """The opening exchange of a form, if it has one."""
    if profile.opening is None:
        return ()
    return (
        Utterance(turn=0, speaker="counselor", text=clean(profile.opening.counselor)),
        Utterance(turn=0, speaker="client", text=clean(profile.opening.client)),
    )


def taken_in(profile: ClientProfile, attitude: Attitude, said: Sequence[Utterance]) -> dict[str, Any]:
    """What the intake gives: who comes, what the counselor's side may know of them, and what is `said` already."""
    return update(
        profile_id=profile.id,
        profile=profile,
        attitude=attitude,
        client_information=counselor_information(profile),
        reason_for_counseling=counselor_reason(profile),
        utterances=said,
    )
