"""How figures are written in a report: with their interval and what they rest on, and beside the text as data."""

from counseling_sessions.evaluation.figures import PRIMARY, Measure
from counseling_sessions.evaluation.report.document import Cell, Significance, Unit
from counseling_sessions.evaluation.statistics.family import Family
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.texts.words import counted

NONE = "–"
INTERVALS = "In brackets 95 % intervals, clustered by client; none is given for fewer than five clients."


def figure_cell(
    figure: Figure | None,
    *,
    share: bool = False,
    digits: int = 2,
    strong: bool = False,
    test: Significance | None = None,
) -> Cell:
    """A figure with its 95 % interval; behind it, what it rests on. A share is written in per cent. `test` is of this figure."""
    if figure is None:
        return Cell(NONE)
    unit: Unit = "share" if share else ""
    if figure.value is None:
        return Cell(NONE, figure.note, figure=figure, unit=unit, test=test)
    text = number(figure.value, share=share, digits=digits)
    if figure.low is not None and figure.high is not None:
        low, high = (number(end, share=share, digits=digits).removesuffix(" %") for end in (figure.low, figure.high))
        text += f" [{low}, {high}]"
    if figure.missing:
        text += f" (n={figure.n:,})"
    missing = f", {figure.missing:,} more without a value" if figure.missing else ""
    rests = f"n = {figure.n:,} of {counted(figure.clients, 'client')}{missing}"
    detail = "; ".join(part for part in (rests, figure.method, figure.note) if part)
    return Cell(text, detail, strong, figure=figure, unit=unit, test=test)


def plain_cell(
    value: float | None,
    n: int,
    clients: int = 0,
    *,
    share: bool = False,
    digits: int = 2,
    text: str = "",
    detail: str = "",
    strong: bool = False,
    test: Significance | None = None,
) -> Cell:
    """A figure that has no interval, of `n` things of `clients` clients (0: of no clients); `text` stands in for the number."""
    unit: Unit = "share" if share else ""
    shown = text or (NONE if value is None else number(value, share=share, digits=digits))
    return Cell(shown, detail, strong, figure=Figure(value, None, None, n, clients), unit=unit, test=test)


def tally_cell(count: int, of: int | None = None, *, shown: bool = True) -> Cell:
    """A count of things, and of how many, where that is given; `shown`: not only in files."""
    text = f"{count:,}" if of is None or not shown else f"{count:,} of {of:,}"
    return plain_cell(count, count if of is None else of, text=text)


def part_cell(count: int, of: int, clients: int = 0, *, counted_too: bool = False, detail: str = "") -> Cell:
    """A count as a share of another, in per cent; with the count before it if asked for."""
    text = f"{count:,} ({per_cent(count, of)})" if counted_too else per_cent(count, of)
    return plain_cell(count / of if of else None, of, clients, share=True, text=text, detail=detail)


def alone(p: PValue, *, level: float = 0.05) -> tuple[Significance, Cell]:
    """A test that belongs to no family, and its p value, in bold below the level."""
    test = Significance(p)
    return test, p_cell(p.value, rejected=p.value is not None and p.value < level, detail=tested(p), test=test)


def measure_cell(measure: Measure, *, more: str = "") -> Cell:
    """A measure's title as the name of a row, with the way that is better, and whether it is a primary one."""
    primary = f" ({PRIMARY})" if measure.family == PRIMARY else ""
    return Cell(measure.title + primary + more, better=measure.better)


def number(value: float, *, share: bool = False, digits: int = 2) -> str:
    """A number with so many decimals; a share in per cent, with two decimals less (one at least)."""
    text = f"{100 * value:.{max(1, digits - 2)}f} %" if share else f"{value:,.{digits}f}"
    return text.replace("-", "−")


def p_cell(value: float | None, *, rejected: bool = False, detail: str = "", test: Significance | None = None) -> Cell:
    """A p value; one under .001 is cut short."""
    if value is None:
        return Cell(NONE, detail, test=test)
    return Cell("< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0"), detail, rejected, test=test)


def p_words(value: float | None) -> str:
    """A p value within a sentence."""
    text = p_cell(value).text
    return "no test" if value is None else f"p {text}" if text.startswith("<") else f"p = {text}"


def figure_words(figure: Figure, *, share: bool = False, points: bool = False) -> str:
    """A figure within a sentence, with its interval if it has one; `points`: a share is a difference of two, in points."""
    if figure.value is None:
        return NONE

    def written(value: float) -> str:
        return number(value, share=share).replace(" %", " points" if points else " %")

    if figure.low is None or figure.high is None:
        return f"{written(figure.value)} (no interval)"
    low, high = written(figure.low).removesuffix(" points").removesuffix(" %"), written(figure.high)
    return f"{written(figure.value)} (95 % interval {low} to {high})"


def p_cells(test: Significance, *, more: str = "") -> tuple[Cell, Cell]:
    """The p value as it is, with how it was obtained behind it (and `more`), and corrected for its family."""
    detail = "; ".join(part for part in (tested(test.p), more) if part)
    return (
        p_cell(test.p.value, detail=detail, test=test),
        p_cell(test.corrected, rejected=test.rejected, detail=test.correction, test=test),
    )


def in_family(p: PValue, family: Family, name: str) -> Significance:
    """A test as one of a family that was corrected together; `name` is its name in there."""
    item = next((item for item in family.comparisons if item.name == name), None)
    return Significance(p, item.adjusted, item.rejected, correction(family)) if item else Significance(p)


def correction(family: Family) -> str:
    """How the p values of a family were corrected."""
    return f"{family.method}, {family.name}, {counted(family.tested, 'test')}"


def tested(p: PValue) -> str:
    """How a p value was obtained."""
    return "; ".join(part for part in (p.method, counted(p.clients, "client") if p.clients else "", p.note) if part)


def per_cent(part: int, total: int) -> str:
    """A count as a share of another."""
    return f"{100 * part / total:.1f} %" if total else NONE
