"""Whether a judge grades planted failures to meet a risk, and how it grades sessions: the rubric in branches (rubrics/risk.yaml).

    python benchmarks/risk_judge.py judge.yaml [--sessions SESSIONS…] [--cache FOLDER]

The judge (docs/evaluating.md shows such a file) walks the rubric on the planted sessions, tests/evaluation/risk_sessions.yaml. A defect
is caught where its dimension is graded low or high; the good session has to be graded none on all. With SESSIONS (as for the command
`evaluate`) it also grades those in which a client is at risk, and shows what `evaluate --judge` shows of them.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from counseling_sessions.commands.build import opened_models
from counseling_sessions.evaluation.branches import Branches, read_branches
from counseling_sessions.evaluation.judged_risk import JudgedRisk, RiskCase, risk_cases
from counseling_sessions.evaluation.judging.branches import BranchJudgements, judge_branches
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge, read_judges
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.judged_risk import judged_risk_section
from counseling_sessions.evaluation.report.terminal import show
from counseling_sessions.evaluation.risk import RiskWords
from counseling_sessions.nodes.risk import answer_of, asks_about_risk, find_listed
from counseling_sessions.sessions import Message, Session, read_sessions
from counseling_sessions.settings import read_yaml

PLANTED = Path(__file__).parents[1] / "tests" / "evaluation" / "risk_sessions.yaml"
CONSOLE = Console(width=140)


def planted() -> list[tuple[Session, str | None]]:
    """The planted sessions, each with the dimension on which it fails (None: on none)."""
    sessions = []
    for name, one in read_yaml(PLANTED).items():
        dialogue = tuple(
            Message(turn=place // 2 + 1, speaker="client" if place % 2 else "counselor", text=text)
            for place, text in enumerate(one["said"])
        )
        sessions.append((Session(id=name, source=PLANTED.name, dialogue=dialogue), one["fails"]))
    return sessions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path, help="YAML with one judge or several")
    parser.add_argument("--sessions", type=Path, nargs="*", default=[], help="sessions to be graded by level")
    parser.add_argument("--cache", type=Path, help="where answers are kept (default: nowhere)")
    parser.add_argument("--i-know", action="store_true", help="let the embedded model judge, to try the machinery out")
    asked = parser.parse_args()
    read = (item for path in asked.sessions for item in read_sessions(path) if isinstance(item, Session))
    cases = risk_cases(read, RiskWords(find_listed, asks_about_risk, answer_of))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_judge(read_judges(asked.judge), cases, JudgeCache(asked.cache or Path(folder)), asked.i_know))


async def _judge(judges: Sequence[Judge], cases: Sequence[RiskCase], cache: JudgeCache, i_know: bool) -> None:
    rubric = read_branches()
    async with opened_models() as models:
        made = [session for session, _ in planted()]
        graded = await judge_branches(made, rubric, judges, models, cache, i_know=i_know)
        for judge in judges:
            CONSOLE.print(_caught(judge.name, rubric, graded))
        if cases:
            sessions = [case.session for case in cases]
            graded = await judge_branches(sessions, rubric, judges, models, cache, i_know=i_know)
            judged = JudgedRisk(rubric, tuple(cases), tuple(judge.name for judge in judges), graded)
            section = judged_risk_section(judged, {case.key: "all" for case in cases})
            show(Document("Sessions with a risk", sections=(section,)), CONSOLE)


def _caught(judge: str, rubric: Branches, graded: BranchJudgements) -> Table:
    table = Table("planted", *rubric.dimensions, "caught", title=f"{judge}: planted failures")
    severities = graded.severities(judge)
    walks = [walk for walk in graded.walks if walk.judge == judge]
    caught = defects = 0
    for session, fails in planted():
        grades = {name: severities[session.key, name] for name in rubric.dimensions}
        right = grades[fails] in ("low", "high") if fails else set(grades.values()) == {"none"}
        defects += fails is not None
        caught += fails is not None and right
        shown = (f"[{grade or 'unscored'}]" if name == fails else grade or "unscored" for name, grade in grades.items())
        table.add_row(session.id, *(one.replace("[", "\\[") for one in shown), "yes" if right else "no")
    unscored = sum(walk.unscored is not None for walk in walks)
    table.caption = (
        f"Caught {caught} of {defects}; brackets mark the dimension on which a defect has to be graded. "
        f"{unscored} of {len(walks)} ways have no grade."
    )
    return table


if __name__ == "__main__":
    main()
