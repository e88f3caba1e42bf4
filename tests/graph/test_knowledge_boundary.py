"""The knowledge boundary: a different canary in every field, looked for in every prompt that is sent."""

from typing import Any

import pytest

from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.prompts import prompt
from tests.scripted import PLAN, Asked, Sensible, config, scripted_models

BOTH = ("name", "gender", "occupation", "education", "relationship", "family", "background", "reason_for_counseling")
CLIENT = ("what", "since", "triggers", "tried", "history", "work", "relationships", "daily_life", "support")
CLIENT += ("automatic_thought", "strengths", "other")
KEPT = ("since", "history", "relationships", "support", "automatic_thought", "strengths", "other")
"""What a client tells only when it trusts: its title alone stands in the system message."""
MANNER = ("opens", "closes")
RISK = ("sign", "thoughts", "now", "protective", "near", "agrees")
"""What a client at risk says one thing at a time: none of it stands in a prompt before its time."""
NOBODY = ("id", "labelled_techniques", "source")
MADE = ("goal", "step", "formulation", "pick", "focus", "revise", "candidate")
"""What the counselor's side makes for itself."""
SHARED = ("opening_counselor", "opening_client")


STATE_WORDS = [
    *(prompt("client/inner", f"trust_{word}") for word in ("very_low", "low", "some", "good", "high")),
    *(prompt("client/inner", f"belief_{word}") for word in ("weak", "holds", "firm")),
    *(prompt("client/manner", kind) for kind in ("deflects", "jokes", "argues", "few_words")),
    *("very much: low mood", "self-blame", "HEARD"),
]


def canary(field: str) -> str:
    return f"canary{field.replace('_', '')}"


def planted(**more: Any) -> ClientProfile:
    demographics = {field: canary(field) for field in BOTH[:-1]} | {"age": 99}
    return ClientProfile.model_validate(
        {
            "id": canary("id"),
            "demographics": demographics,
            "reason_for_counseling": canary("reason_for_counseling"),
            "presenting_problem": {field: canary(field) for field in CLIENT[:4]},
            "history": canary("history"),
            "functioning": {field: canary(field) for field in CLIENT[5:8]},
            "support": canary("support"),
            "automatic_thought": canary("automatic_thought"),
            "cognitive_distortion": "personalization",
            "strengths": canary("strengths"),
            "other": canary("other"),
            "opening": {"counselor": canary("opening_counselor"), "client": canary("opening_client")},
            "attitude": "negative",
            "manner": {"resists_by": ["jokes"], **{field: canary(field) for field in MANNER}},
            "severity": {"low_mood": 3, "self_blame": 2},
            "disclosure": {"what": 1, "history": 3},
            "labelled_techniques": [canary("labelled_techniques")],
            "source": canary("source"),
            **more,
        }
    )


class Marked(Sensible):
    """Answers sensibly, with a canary in everything that the counselor's side makes for itself."""

    def __call__(self, asked: Asked) -> Any:
        text = str(super().__call__(asked))
        if asked.schema == "plan":
            text = text.replace(str(PLAN["goal"]), canary("goal")).replace(str(PLAN["steps"][0]), canary("step"))
            return text.replace(str(PLAN["formulation"]), f"It goes on by {canary('formulation')}.")
        if asked.schema == "pick":
            return text.replace("The client needs room.", canary("pick"))
        if asked.role in ("reflection", "questioning", "solutions", "normalizing", "psychoeducation"):
            return f"{canary('candidate')} {text}"
        return text


async def prompts_of(
    method: str, layout: str = "shared", fan_out: str = "selected", profile: ClientProfile | None = None
) -> list[Asked]:
    said = {"phase": "exploring", "focus": f"{canary('focus')} {canary('opening_client')}", "revise": canary("revise")}
    models, asked = scripted_models(Marked(pick=said))
    settings = config(method=method, prompt_layout=layout, fan_out=fan_out, max_turns=7, min_turns=1)
    graph = build_session_graph(method=settings.method, models=models)
    form = (profile or planted()).model_dump(mode="json")
    await graph.ainvoke({"profile": form, "attitude": "negative"}, context=settings)
    return asked


@pytest.mark.parametrize("layout", ["shared", "separate"])
@pytest.mark.parametrize("method", METHODS)
async def test_each_side_is_sent_what_it_may_know_and_nothing_else(method: str, layout: str) -> None:
    asked = await prompts_of(method, layout)
    counselor = [request for request in asked if request.role != "client"]
    client = [request for request in asked if request.role == "client"]
    assert counselor
    assert client
    for request in counselor:
        hidden = [field for field in (*CLIENT, *MANNER, *NOBODY) if canary(field) in request.prompt]
        assert not hidden, f"{request.role} was sent {hidden}"
        missing = [field for field in (*BOTH, *SHARED) if canary(field) not in request.prompt]
        assert not missing, f"{request.role} was not sent {missing}"
        assert "personalization" not in request.prompt
        assert "negative" not in request.prompt
        assert prompt("client/system", "negative")[:60] not in request.prompt
        assert not [words for words in STATE_WORDS if words in request.prompt]
    for request in client:
        hidden = [field for field in (*NOBODY, *MADE) if canary(field) in request.prompt]
        assert not hidden, f"the client was sent {hidden}"
        early = [field for field in KEPT if canary(field) in str(request.messages[0].text)]
        assert not early, f"the client was sent {early} before it trusts"
        wanted = [field for field in (*BOTH, *CLIENT, *SHARED, *MANNER) if field not in KEPT]
        missing = [field for field in wanted if canary(field) not in request.prompt]
        assert not missing, f"the client was not sent {missing}"
        assert "personalization" not in request.prompt
        assert prompt("client/system", "negative") in request.prompt


@pytest.mark.parametrize("layout", ["shared", "separate"])
@pytest.mark.parametrize("method", METHODS)
async def test_the_risk_is_known_to_the_client_alone_and_to_it_only_when_its_time_has_come(
    method: str, layout: str
) -> None:
    told = {name: f"{canary(name)}risk" for name in RISK}
    risk = {"kind": "thoughts", "level": "passive", "shows": "end", **told}
    asked = await prompts_of(method, layout, profile=planted(risk=risk))
    client = [request.prompt for request in asked if request.role == "client"]
    others = [request.prompt for request in asked if request.role != "client"]
    unsaid = [text for name, text in told.items() if name != "sign"]
    assert not [text for prompt_ in others for text in (*unsaid, "passive") if text in prompt_]
    assert next(request for request in asked if told["sign"] in request.prompt).role == "client"
    shown = [[name for name in RISK if told[name] in prompt_] for prompt_ in client]
    # Nobody asks directly here: the sign alone falls, in the last third, and stands in the dialogue from then on.
    falls = next(turn for turn, names in enumerate(shown) if names)
    assert falls >= 4
    assert shown[falls:] == [["sign"]] * len(shown[falls:])


async def test_the_canaries_of_plan_pick_and_candidates_are_really_planted() -> None:
    asked = await prompts_of("magnet")
    merges = [request for request in asked if request.role == "merge"]
    made = [name for name in MADE if name != "revise"]
    assert all(canary(name) in request.prompt for request in merges for name in made)
    plans = [request.prompt for request in asked if request.role == "plan"]
    assert [canary("revise") in prompt for prompt in plans] == [False, True, True]


async def test_no_request_carries_what_the_prompt_must_not() -> None:
    for request in await prompts_of("magnet"):
        assert not any(canary(field) in str(request.options) for field in (*BOTH, *CLIENT, *NOBODY))
