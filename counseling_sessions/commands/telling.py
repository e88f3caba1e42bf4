"""What is said beside a command's output."""

from rich.console import Console
from rich.text import Text

from counseling_sessions.graph.ledger import Damage, counted_damage, damage_lines
from counseling_sessions.texts.console import HarmlessConsole


def errors() -> Console:
    """Where messages go that are not the command's output."""
    return HarmlessConsole(stderr=True, soft_wrap=True)


def tell_left_out(left_out: list[Damage] | None) -> None:
    """Say which damaged sessions were left out, if any were."""
    if left_out:
        lines = [f"left out: {counted_damage(left_out)}", *damage_lines(left_out)]
        errors().print(Text("\n  ".join(lines), style="yellow"))
