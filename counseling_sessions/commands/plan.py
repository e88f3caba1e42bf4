"""`run.py plan-study`: how many clients, pairs and raters it takes."""

from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from counseling_sessions.commands.parsing.planning import PlanStudyRequest, SpreadOptions
from counseling_sessions.commands.parsing.values import names
from counseling_sessions.commands.reports import give_report
from counseling_sessions.evaluation.pilot import Pilot, read_pilot
from counseling_sessions.evaluation.planning import (
    Design,
    Goal,
    plan_difference,
    plan_equivalence,
    plan_preference,
)
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.planned import designs_section, goal_section, panel_said, spread_said
from counseling_sessions.evaluation.statistics.power import Panel, Spread
from counseling_sessions.settings import SettingsError
from counseling_sessions.store.reading import parse_json, read_text


def plan_study(request: PlanStudyRequest) -> int:
    """Plan a study, and report."""
    goal = Goal(request.power, request.tests)
    aims = [request.difference, request.alike_within, request.win_rate]
    if sum(aim is not None for aim in aims) != 1:
        raise SettingsError("name one aim: --difference D, --alike-within D or --win-rate RATE")
    if request.win_rate is not None:
        aim, said, designs, rests_on = _preference(request, request.win_rate, goal)
    else:
        aim, said, designs, rests_on = _measure(request, goal)
    document = Document(
        "Plan of a study",
        "",
        (
            goal_section(aim, goal, said),
            designs_section(designs, clients=request.clients, share=request.win_rate is not None),
        ),
    )
    data = {"aim": aim, "goal": goal, "alpha": goal.alpha, **rests_on, "designs": designs}
    give_report(request.report, document, dict(to_jsonable_python(data)))
    return 0


def _preference(
    request: PlanStudyRequest, rate: float, goal: Goal
) -> tuple[str, list[str], list[Design], dict[str, Any]]:
    options = request.panel
    if rate == 0.5:
        raise SettingsError("--win-rate 0.5 is no preference: there is nothing to find")
    panel = Panel(options.rater_sd, options.rate_sd, options.ties)
    designs = plan_preference(rate, panel, goal, request.per_client, options.raters, with_clients=request.clients)
    return f"To tell a win rate of {rate:g} from one half", panel_said(panel), designs, {"panel": panel}


def _measure(request: PlanStudyRequest, goal: Goal) -> tuple[str, list[str], list[Design], dict[str, Any]]:
    pilot = _pilot(request.spread)
    spread = pilot.spread if pilot else _assumed(request.spread)
    cautious = pilot.cautious if pilot else None
    if request.difference is not None:
        aim = f"To find a difference of {request.difference:g}"
        designs = plan_difference(
            request.difference,
            spread,
            goal,
            request.per_client,
            cautious=cautious,
            with_clients=request.clients,
        )
    else:
        margin = request.alike_within or 0.0
        aim = f"To show that two methods that do not differ are alike within ± {margin:g}"
        designs = plan_equivalence(margin, 0.0, spread, goal, request.per_client, cautious=cautious)
    return aim, spread_said(spread, pilot), designs, {"spread": spread, "pilot": pilot}


def _pilot(options: SpreadOptions) -> Pilot | None:
    if options.pilot is None:
        return None
    if options.measure is None:
        raise SettingsError("--pilot: name the --measure too")
    between = names(options.between) if options.between else None
    if between and len(between) != 2:
        raise SettingsError("--between: name two of the pilot's groups")
    return read_pilot(_data(options.pilot), options.measure, (between[0], between[1]) if between else None)


def _assumed(options: SpreadOptions) -> Spread:
    if options.client_sd is None and options.pair_sd is None:
        raise SettingsError("say how differences vary: --pilot FILE --measure MEASURE, or --client-sd and --pair-sd")
    return Spread(options.client_sd or 0.0, options.pair_sd or 0.0)


def _data(path: Path) -> dict[str, Any]:
    problem = f"{path} is not what `evaluate --json` or `compare --json` writes"
    try:
        data = parse_json(read_text(path))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise SettingsError(problem) from None
    if not isinstance(data, dict) or not isinstance(data.get("groups"), dict):
        raise SettingsError(problem)
    return data
