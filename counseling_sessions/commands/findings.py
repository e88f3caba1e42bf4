"""`run.py evaluate --show`: the findings of a kind, with session, turn and text."""

from rich.text import Text

from counseling_sessions.commands.parsing.evaluation import shown_kinds
from counseling_sessions.commands.telling import tell
from counseling_sessions.evaluation.measure import Measures
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.words import counted


def show_findings(kind: str, measures: Measures) -> int:
    """List the findings of a kind, or of all. Raises `SettingsError` for a kind that does not exist."""
    wanted = shown_kinds(kind)
    console = HarmlessConsole(soft_wrap=True)
    shown = 0
    for group in measures.groups.values():
        listed = group.integrity.findings if group.integrity else {}
        for finding in (finding for name in wanted for finding in listed[name]):
            shown += 1
            where = f"{group.name}  {finding.session}  turn {finding.turn}  {finding.speaker or 'session'}"
            console.print(Text.assemble((where, "cyan"), "  ", (finding.kind, "yellow"), f"  {finding.detail}"))
            if finding.text.strip():
                console.print(Text(f"    {' '.join(finding.text.split())}"))
    tell(counted(shown, "finding"))
    return 0
