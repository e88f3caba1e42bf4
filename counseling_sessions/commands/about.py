"""`run.py profiles`, `check`, `graph` and `schema`: what there is to work with."""

import asyncio
from pathlib import Path

from rich.text import Text

from counseling_sessions.commands.build import opened_models, session_config, set_fields
from counseling_sessions.commands.parsing.about import CheckRequest, GraphRequest, ProfilesRequest, SchemaRequest
from counseling_sessions.commands.telling import tell_of_risk, warn
from counseling_sessions.graph.check import check
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.inspection.graph_picture import PHASES
from counseling_sessions.inspection.schemas import SCHEMAS
from counseling_sessions.inspection.tables import models_table, profiles_table, show_profile
from counseling_sessions.models.roles import serving
from counseling_sessions.profiles.library import builtin_profiles, load_risk, misfit, risk_ids
from counseling_sessions.profiles.readers import ProfileError, find_profile, read_profiles
from counseling_sessions.texts.console import HarmlessConsole, json_text, print_json

CHECK_REQUESTS = 3
"""Requests for one answer of a check, retries included: a person waits for it."""


def show_profiles(request: ProfilesRequest) -> int:
    """List, show or validate client profiles."""
    console, risk = HarmlessConsole(), request.at_risk or ()
    if request.action == "list":
        tell_of_risk(risk)
        built_in = [load_risk(name) for name in risk_ids(risk)] if risk else builtin_profiles()
        profiles = read_profiles(Path(request.name)).profiles if request.name else built_in
        console.print(profiles_table([profile for profile in profiles if not misfit(profile, risk)]))
        return 0
    if not request.name:
        raise ProfileError(f"profiles {request.action} needs {'an id' if request.action == 'show' else 'a file'}")
    if request.action == "show":
        profile = find_profile(request.name, request.record, risk)
        tell_of_risk(risk)
        show_profile(console, profile)
        return 0
    result = read_profiles(Path(request.name), skip_invalid=True)
    for style, problems in (("red", result.problems), ("yellow", result.warnings)):
        for problem in problems:
            console.print(Text(str(problem), style=style), soft_wrap=True)
    console.print(f"{len(result.profiles)} valid, {len(result.problems)} problems, {len(result.warnings)} warnings")
    return 2 if result.problems and not request.skip_invalid else 0


def check_models(request: CheckRequest) -> int:
    """Which model serves which role, and what it can do; 1 if one has a problem."""
    return asyncio.run(_check(request))


async def _check(request: CheckRequest) -> int:
    config = session_config(request.models, set_fields(techniques=request.techniques))
    async with opened_models(offline=request.models.offline, on_wait=warn) as models:
        models.requests = CHECK_REQUESTS
        served = await serving(models, config)
        for item in served:
            if item.endpoint:
                await check(models, item, config)
    HarmlessConsole().print(models_table(served))
    return 1 if any(item.problem for item in served) else 0


def draw_graph(request: GraphRequest) -> int:
    """The state machine as Mermaid: the graph's nodes, or the phases."""
    if request.phases:
        print(PHASES.read_text(encoding="utf-8"), end="")
        return 0
    drawn = build_session_graph()
    if request.method != "all":
        config = session_config(None, set_fields(method=request.method, techniques=request.techniques))
        drawn = build_session_graph(method=config.method, specialists=config.techniques)
    print(drawn.get_graph().draw_mermaid())
    return 0


def print_schema(request: SchemaRequest) -> int:
    """The JSON Schema of a format."""
    print_json(json_text(SCHEMAS[request.what]()))
    return 0
