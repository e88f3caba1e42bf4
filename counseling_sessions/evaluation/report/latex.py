"""Tables and paragraphs as LaTeX (booktabs): what a session or a name says stays text, whatever signs are in it."""

import re

from counseling_sessions.evaluation.report.document import Cell, Table, cell
from counseling_sessions.texts.harmless import one_line

LONG_NAME = 36
"""Names of rows that are longer than this get a column that breaks lines."""

_SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": r"\textasciigrave{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"{\char34}", "…": r"\ldots{}"},
    **{"−": "$-$", "–": "--", "—": "---", "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$"},
    **{"≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "≈": r"$\approx$", "→": r"$\rightarrow$", "←": r"$\leftarrow$"},
    **{"↑": r"$\uparrow$", "↓": r"$\downarrow$", "’": "'", "‘": "`", "“": "``", "”": "''"},
    **{"--": "-{}-", ",,": ",{},", "''": "'{}'"},
}
"""Signs that LaTeX takes for commands or joins to others, and what stands for them."""
_ESCAPED = re.compile("|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True)))
_LATIN = re.compile("[\x00-\u017f\u2010-\u201f\u20ac]*")


def escaped(text: str) -> str:
    """The text as LaTeX in one line. Letters of scripts but Latin stay: they need XeLaTeX or LuaLaTeX."""
    return _ESCAPED.sub(lambda sign: _SIGNS[sign.group()], one_line(text))


def latex(table: Table, label: str) -> str:
    """The table as a float with caption, label and notes; it needs `\\usepackage{booktabs}`."""
    headed = any(cell(column).text for column in table.columns)
    lines = [r"\begin{table}[htbp]", r"\centering", r"\small"]
    if table.caption:
        lines.append(rf"\caption{{{escaped(table.caption)}}}")
    lines += [rf"\label{{tab:{label}}}", rf"\begin{{tabular}}{{{_columns(table, headed)}}}", r"\toprule"]
    if headed:
        lines += [_row([cell(column) for column in table.columns]), r"\midrule"]
    lines += [_row([cell(item) for item in row]) for row in table.rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if table.all_notes:
        notes = " ".join(map(escaped, table.all_notes))
        lines.append(rf"\par\smallskip\begin{{minipage}}{{0.95\linewidth}}\footnotesize {notes}\end{{minipage}}")
    text = "\n".join([*lines, r"\end{table}", ""])
    return text if _LATIN.fullmatch(text) else f"% Needs XeLaTeX or LuaLaTeX, and a font that has its letters.\n{text}"


def _columns(table: Table, headed: bool) -> str:
    if not headed:
        return r"@{}lp{0.7\linewidth}" + "l" * (len(table.columns) - 2) + "@{}"
    long = any(len(cell(row[0]).text) > LONG_NAME for row in table.rows)
    kinds = ("l" if table.is_text(number) else "r" for number in range(1, len(table.columns)))
    return "@{}" + (r"p{0.3\linewidth}" if long else "l") + "".join(kinds) + "@{}"


def _row(cells: list[Cell]) -> str:
    texts = [(escaped(item.marked), item.strong) for item in cells]
    row = " & ".join(rf"\textbf{{{text}}}" if strong else text for text, strong in texts)
    # At the head of a row LaTeX would take a bracket or a star for the row break's own.
    return ("{}" if row.startswith(("[", "*")) else "") + row + r" \\"
