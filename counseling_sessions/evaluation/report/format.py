"""How figures are written in a report: with their interval and what they rest on."""

from counseling_sessions.evaluation.report.document import Cell
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.texts.words import counted

NONE = "–"
INTERVALS = "In brackets 95 % intervals, clustered by client; none is given for fewer than five clients."


def figure_cell(figure: Figure | None, *, share: bool = False, digits: int = 2, strong: bool = False) -> Cell:
    """A figure with its 95 % interval; behind it, what it rests on. A share is written in per cent."""
    if figure is None:
        return Cell(NONE)
    if figure.value is None:
        return Cell(NONE, figure.note)
    text = number(figure.value, share=share, digits=digits)
    if figure.low is not None and figure.high is not None:
        low, high = (number(end, share=share, digits=digits).removesuffix(" %") for end in (figure.low, figure.high))
        text += f" [{low}, {high}]"
    if figure.missing:
        text += f" (n={figure.n:,})"
    missing = f", {figure.missing:,} more without a value" if figure.missing else ""
    rests = f"n = {figure.n:,} of {counted(figure.clients, 'client')}{missing}"
    return Cell(text, "; ".join(part for part in (rests, figure.method, figure.note) if part), strong)


def number(value: float, *, share: bool = False, digits: int = 2) -> str:
    """A number with so many decimals; a share in per cent, with two decimals less (one at least)."""
    text = f"{100 * value:.{max(1, digits - 2)}f} %" if share else f"{value:,.{digits}f}"
    return text.replace("-", "−")


def p_cell(value: float | None, *, rejected: bool = False, detail: str = "") -> Cell:
    """A p value; one under .001 is cut short."""
    if value is None:
        return Cell(NONE, detail)
    return Cell("< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0"), detail, rejected)


def tested(p: PValue) -> str:
    """How a p value was obtained."""
    return "; ".join(part for part in (p.method, counted(p.clients, "client") if p.clients else "", p.note) if part)


def per_cent(part: int, total: int) -> str:
    """A count as a share of another."""
    return f"{100 * part / total:.1f} %" if total else NONE
