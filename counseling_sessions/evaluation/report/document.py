"""What a report is made of, whatever it is shown on: sections with paragraphs, tables, plots and lists that can be opened."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from counseling_sessions.evaluation.figures import Better
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.sign_flips import PValue

Unit = Literal["", "share", "per cent"]
"""What a figure is in: its own points, a share within −1 and 1 (shown in per cent), or per cent."""
Form = Literal["page", "svg", "pdf"]
"""A picture for a page, whose ink it takes; or one that stands alone in black ink on white."""


@dataclass(frozen=True)
class Significance:
    """A test's p value, and the one that holds for a family of tests; `correction` says how and over how many it was corrected."""

    p: PValue
    corrected: float | None = None
    rejected: bool = False
    correction: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table. `detail` is what stands behind a figure: its n, how its interval was obtained; `strong` marks it.

    `brief` stands in for the text where space is short. `figure` and `test` are the same as data, for files; a figure is in `unit`.
    `better` belongs in the name of a row or the head of a column: which way its figures are better. A column whose head is `spare`
    goes first where space is short.
    """

    text: str
    detail: str = ""
    strong: bool = False
    brief: str = ""
    figure: Figure | None = None
    unit: Unit = ""
    test: Significance | None = None
    better: Better | None = None
    spare: bool = False

    @property
    def marked(self) -> str:
        """The text with an arrow up where higher is better, and one down where lower is."""
        return (
            f"{self.text}\N{NO-BREAK SPACE}{ARROWS[self.better]}" if self.better in ("higher", "lower") else self.text
        )


ARROWS: dict[Better, str] = {"higher": "↑", "lower": "↓"}
IN_WORDS: dict[Better, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    "neither": "neither way is better",
}

Row = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows. `columns` may carry explanations too. Notes stand below it.

    `name` names its files; without one they are named after the caption.
    """

    caption: str
    columns: Row
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    name: str = ""

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes, and what the arrows mean where there are some."""
        ways = {cell(item).better for item in (*self.columns, *(row[0] for row in self.rows))} - {None}
        if not ways:
            return self.notes
        said = [f"{arrow} {IN_WORDS[way]}" for way, arrow in ARROWS.items() if way in ways]
        said += [f"no arrow: {IN_WORDS['neither']}"] if "neither" in ways else []
        return (*self.notes, f"{'; '.join(said)}.")

    @property
    def row_names(self) -> tuple[str, ...]:
        """What each row is called by itself: one without a name, or with a name that goes on ("…"), belongs to the row above."""
        names: list[str] = []
        above = ""
        for row in self.rows:
            name, *others = (cell(item).text for item in row)
            if name and not name.startswith("…"):
                above = name
            else:
                name = ", ".join(filter(None, (above, name or next(iter(others), ""))))
            names.append(name)
        return tuple(names)

    def is_text(self, column: int) -> bool:
        """Whether a column after the first holds words rather than figures."""
        texts = [cell(row[column]).text for row in self.rows]
        return any(text[:1].isalpha() for text in texts) and not any(text[:1].isdigit() for text in texts)


@dataclass(frozen=True)
class Plot:
    """A picture, drawn when it is asked for; `text` says in words what it shows, for who cannot see it.

    `name` names its files; without one they are named after the caption.
    """

    caption: str
    draw: Callable[[Form], bytes]
    text: str
    name: str = ""

    @property
    def svg(self) -> str:
        """The picture as SVG in which ink is `currentColor`."""
        return self.draw("page").decode()


@dataclass(frozen=True)
class Listing:
    """Things that one may want to read one by one; a page shows the summary, and the items when it is opened."""

    summary: str
    items: tuple[tuple[str, str], ...]
    """Where something is, and its text."""


Block = Table | Plot | Listing


@dataclass(frozen=True)
class Section:
    """A part of a report."""

    title: str
    paragraphs: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Document:
    """A report. `caution` says at its top what no figure of it shows; `methods` are sentences for a paper: what was done."""

    title: str
    subtitle: str = ""
    sections: tuple[Section, ...] = field(default_factory=tuple)
    caution: str = ""
    methods: tuple[str, ...] = ()

    @property
    def tables(self) -> list[Table]:
        """All tables, in their order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Table)]


def cell(content: Cell | str) -> Cell:
    """A cell, of a text too."""
    return content if isinstance(content, Cell) else Cell(content)
