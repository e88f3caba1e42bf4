"""Whether a model can serve its roles: asked as sessions ask, with their prompts, schemas, sampling, guards and retries."""

import asyncio
from typing import Any

from counseling_sessions.models.chat import Models
from counseling_sessions.models.roles import Served
from counseling_sessions.nodes.attempts import Unusable, Usable
from counseling_sessions.nodes.client import ask_client
from counseling_sessions.nodes.inner import next_state
from counseling_sessions.nodes.intake import opening_of
from counseling_sessions.nodes.pick_request import ask_pick
from counseling_sessions.nodes.plan import ask_plan
from counseling_sessions.nodes.router import policy_of
from counseling_sessions.nodes.single import alone_task
from counseling_sessions.nodes.speaking import DecisionRequest, SpeechRequest, counselor_request, decide, speak
from counseling_sessions.nodes.specialist import ask_specialist
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE, DEFAULT_CLIENT, load_builtin
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientView, CounselorView, Utterance

Probe = SpeechRequest | DecisionRequest[Any]


async def check(models: Models, served: Served, config: SessionConfig) -> None:
    """Find out what a model can do: one message, the same again, and each kind of structured answer that its roles ask for.

    What would end a session becomes the model's problem. What its server refused and is left out stands in `models.dialects`.
    """
    profile = await asyncio.to_thread(load_builtin, DEFAULT_CLIENT)
    probes = _probes(served.roles, profile, config)
    for number, probe in enumerate([probes[0], *probes]):
        answer = await _ask(models, probe)
        call = answer.call if isinstance(answer, Usable) else answer.failure.call
        if isinstance(probe, DecisionRequest):
            served.structured = call.structured if isinstance(answer, Usable) and call else "no"
        if isinstance(answer, Unusable):
            if probe.role == "router" and not answer.permanent:
                continue  # The rules pick then.
            served.problem = f"{answer.failure.stage}: {answer.failure.message}"
            return
        if number == 0:
            served.seconds = answer.call.seconds
            served.usage = answer.call.prompt_tokens is not None
        if number == 1:
            served.cached = bool(answer.call.cached_tokens) if served.usage else None
        served.dialect = models.dialects.of(answer.call.endpoint, served.endpoint.model if served.endpoint else "")


async def _ask(models: Models, probe: Probe) -> Usable[Any] | Unusable:
    if isinstance(probe, SpeechRequest):
        return await speak(models, probe)
    return await decide(models, probe)


def _probes(roles: list[str], profile: ClientProfile, config: SessionConfig) -> list[Probe]:
    """A request for each kind of answer that the roles ask for: one message first, if they speak."""
    said = opening_of(profile)
    view = CounselorView.of(profile, utterances=said)
    speaking = [role for role in roles if role not in ("plan", "router")]
    probes: list[Probe] = []
    if speaking:
        role = "client" if "client" in speaking else speaking[0]
        if role == "client":
            # Its own words before the last ones, so that the roles alternate as they do later.
            heard = (*said, *(Utterance(turn=1, speaker=one.speaker, text=one.text) for one in said[:1]))
            client_view = ClientView(profile=profile, attitude=DEFAULT_ATTITUDE, utterances=heard)
            probes.append(ask_client(client_view, config, next_state(client_view, config)))
        elif role in config.techniques:
            probes.append(ask_specialist(view, config, role))
        else:
            probes.append(counselor_request(view, config, role, alone_task(view, config, None)))
    if "plan" in roles:
        probes.append(ask_plan(view, config))
    if "router" in roles and (policy_of(config) == "llm" or not probes):
        probes.append(ask_pick(view, config))
    return probes
