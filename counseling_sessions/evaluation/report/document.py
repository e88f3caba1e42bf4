"""What a report is made of, whatever it is shown on: sections with paragraphs, tables, plots and lists that can be opened."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """A cell of a table. `detail` is what stands behind a figure: its n, how its interval was obtained; `strong` marks it.

    `brief` stands in for the text where space is short.
    """

    text: str
    detail: str = ""
    strong: bool = False
    brief: str = ""


Row = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows. `columns` may carry explanations too. Notes stand below it."""

    caption: str
    columns: Row
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plot:
    """A picture, drawn when it is asked for; `text` says in words what it shows, for who cannot see it."""

    caption: str
    draw: Callable[[], str]
    text: str

    @property
    def svg(self) -> str:
        """The picture as SVG in which ink is `currentColor`."""
        return self.draw()


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
    """A report."""

    title: str
    subtitle: str = ""
    sections: tuple[Section, ...] = field(default_factory=tuple)


def cell(content: Cell | str) -> Cell:
    """A cell, of a text too."""
    return content if isinstance(content, Cell) else Cell(content)
