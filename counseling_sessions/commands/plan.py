"""`run.py plan-study`: how many clients, pairs and raters it takes."""

from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from counseling_sessions.commands.parsing.planning import PlanStudyRequest, SpreadOptions
from counseling_sessions.commands.parsing.values import names
from counseling_sessions.commands.report_data import read_report
from counseling_sessions.commands.reports import give_report
from counseling_sessions.evaluation.pilot import Pilot, read_panel_pilot, read_pilot
from counseling_sessions.evaluation.planning import (
    Goal,
    StudyDesign,
    plan_difference,
    plan_equivalence,
    plan_preference,
)
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.made import made_by, made_section
from counseling_sessions.evaluation.report.methods import of_plan, of_software
from counseling_sessions.evaluation.report.planned import designs_section, goal_section, panel_said, spread_said
from counseling_sessions.evaluation.statistics.power import AnswerSpread, DifferenceSpread
from counseling_sessions.settings import SettingsError


def plan_study(request: PlanStudyRequest) -> int:
    """Plan a study, and report."""
    goal = Goal(request.power, request.tests)
    aims = [request.difference, request.alike_within, request.win_rate]
    if request.win_rate is not None:
        aim, said, designs, rests_on = _preference(request, request.win_rate, goal)
    else:
        aim, said, designs, rests_on = _measure(request, goal)
    kinds = ("difference", "equivalence", "win_rate")
    kind = next(kind for kind, asked in zip(kinds, aims, strict=True) if asked is not None)
    made = made_by(list(request.arguments))
    document = Document(
        "Plan of a study",
        "",
        (
            goal_section(aim, goal, said),
            designs_section(designs, alpha=goal.alpha, clients=request.clients, one_sided=kind == "equivalence"),
            made_section(made),
        ),
        methods=(*of_plan(aim, goal, said, kind=kind), *of_software(made)),
    )
    data = {"made": made, "aim": aim, "goal": goal, "alpha": goal.alpha, **rests_on, "designs": designs}
    give_report(request.report, document, dict(to_jsonable_python(data)))
    return 0


def _preference(
    request: PlanStudyRequest, rate: float, goal: Goal
) -> tuple[str, list[str], list[StudyDesign], dict[str, Any]]:
    options = request.panel
    pilot = None
    if request.spread.pilot:
        data = _data(request.spread.pilot, "preferences", "`prefer --json` or `agreement --json`")
        pilot = read_panel_pilot(data, request.spread.measure, _between(request.spread))
    panel = (
        pilot.panel
        if pilot
        else AnswerSpread(options.rater_sd, options.client_rate_sd, options.pair_rate_sd, options.ties)
    )
    designs = plan_preference(
        rate,
        panel,
        goal,
        request.per_client,
        options.raters,
        cautious=pilot.cautious if pilot else None,
        with_clients=request.clients,
    )
    aim = f"To tell a win rate of {rate:g} from one half"
    return aim, panel_said(panel, pilot), designs, {"panel": panel, "pilot": pilot}


def _measure(request: PlanStudyRequest, goal: Goal) -> tuple[str, list[str], list[StudyDesign], dict[str, Any]]:
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
    if options.pilot is None or options.measure is None:
        return None
    data = _data(options.pilot, "groups", "`evaluate --json` or `compare --json`")
    return read_pilot(data, options.measure, _between(options))


def _between(options: SpreadOptions) -> tuple[str, str] | None:
    between = names(options.between) if options.between else None
    if between and len(between) != 2:
        raise SettingsError("--between: name two of the pilot's groups")
    return (between[0], between[1]) if between else None


def _assumed(options: SpreadOptions) -> DifferenceSpread:
    return DifferenceSpread(options.client_sd or 0.0, options.pair_sd or 0.0)


def _data(path: Path, part: str, written_by: str) -> dict[str, Any]:
    """The data of a report, which has this part. Raises `SettingsError`."""

    def with_part(data: Any) -> dict[str, Any]:
        if not data[part]:
            raise ValueError(f"{part} is empty")
        return dict(data)

    return read_report(path, written_by, with_part)
