"""A report as files for a paper: figures as data, names that last, and nothing of a name or a session that becomes code."""

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from counseling_sessions.commands.parsing.evaluation import ReportOptions
from counseling_sessions.commands.reports import give_report
from counseling_sessions.evaluation.report.document import Cell, Document, Plot, Section, Significance, Table
from counseling_sessions.evaluation.report.folder import INDEX, PREVIEW, paper_files
from counseling_sessions.evaluation.report.format import figure_cell, p_cells
from counseling_sessions.evaluation.report.latex import escaped, latex
from counseling_sessions.evaluation.report.methods import methods_paragraph
from counseling_sessions.evaluation.report.plots import dots
from counseling_sessions.evaluation.report.points import Point
from counseling_sessions.evaluation.report.tidy import COLUMNS, tidy
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.sessions.errors import RunError

TEST = Significance(PValue(0.00002, 12, "sign flips per client, exact"), 0.0314159, True, "Holm, structure, 6 tests")
SHARE = Figure(
    -0.25, -0.5, 0.125, 40, 20, 2, "bootstrap over 20 clients, 10,000 resamples, seed 3, expanded percentile"
)
HOSTILE = r'=HYPERLINK("http://x") \input{/etc/passwd} 50% & $x_1^2$ #3 ~ {*} `` -- [b] "q" <b> |'
TABLE = Table(
    "Differences",
    ("", "difference", "p", Cell("p, corrected"), "n"),
    (
        (
            Cell("findings", better="lower"),
            figure_cell(SHARE, share=True, test=TEST),
            *p_cells(TEST, more="a second test .04"),
            "40",
        ),
        (
            "… of clients",
            figure_cell(Figure(None, None, None, 0, 0, 3, note="nothing here has a value")),
            "–",
            "–",
            "0",
        ),
        (HOSTILE, "-1+2", "@x", "\tTAB", "+1"),
    ),
    ("In brackets 95 % intervals.",),
)
PICTURE = dots({"turns ↑": {"": Point(1.0, 0.5, 1.5)}}, "Effects, 3 pairs", "g_z", name="effects")


def lines_of(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(tidy(table), newline="")))


def document(*blocks: Table | Plot, methods: tuple[str, ...] = ()) -> Document:
    return Document("A report", "", (Section("Section: one", (), blocks),), methods=methods)


def test_a_figure_is_a_line_with_all_that_it_rests_on_as_data() -> None:
    line = lines_of(TABLE)[0]
    assert tuple(line) == COLUMNS
    assert {name: line[name] for name in COLUMNS if name not in ("shown", "interval", "behind")} == {
        **{"row": "findings", "column": "difference", "better": "lower", "unit": "share"},
        **{"estimate": "-0.25", "low": "-0.5", "high": "0.125", "n": "40", "clients": "20", "missing": "2"},
        **{"test": "sign flips per client, exact", "p": "2e-05", "p_corrected": "0.0314159"},
        "correction": "Holm, structure, 6 tests",
    }
    assert line["shown"] == "−25.0 % [−50.0, 12.5] (n=40)"
    assert "n = 40 of 20 clients, 2 more without a value" in line["behind"]


def test_a_figure_without_a_value_says_why_and_how_much_is_missing() -> None:
    line = lines_of(TABLE)[4]
    assert (line["row"], line["estimate"], line["missing"]) == ("findings, … of clients", "", "3")
    assert line["behind"] == "nothing here has a value"


def test_a_line_of_csv_is_no_formula_and_ends_as_the_standard_says() -> None:
    text = tidy(TABLE)
    shown = [value for line in lines_of(TABLE)[-4:] for value in (line["row"], line["column"], line["shown"])]
    assert not [value for value in shown if value.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [line["shown"] for line in lines_of(TABLE)[-4:]] == ["'-1+2", "'@x", "TAB", "'+1"]
    assert text.count("\r\n") == text.count("\n") == len(lines_of(TABLE)) + 1


def test_what_a_name_says_is_no_command_of_latex() -> None:
    text = escaped(HOSTILE)
    assert r"\textbackslash{}input\{/etc/passwd\}" in text
    # Without the commands that were put in, no sign is left that LaTeX takes for something else.
    left = re.sub(r"\\(?:text\w+\{\}|ldots\{\}|[&%$#_{}])|\{\\char34\}|-\{\}-", "", text)
    assert not set(left) & set('\\{}$&#^_~%"`|<>')
    assert latex(Table("", ("", "x"), (("[1pt] a", "1"), ("*", "2"))), "a").count("\n{}") == 2


def test_letters_beyond_latin_ask_for_another_latex() -> None:
    assert latex(Table("Größe 10 € – “so”", ("", "x"), (("a", "1"),)), "a").startswith(r"\begin{table}")
    assert latex(Table("患者", ("", "x"), (("a", "1"),)), "a").startswith("% Needs XeLaTeX")


def test_a_table_of_latex_has_rules_direction_notes_and_a_label() -> None:
    text = latex(TABLE, "one")
    for part in (
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\label{tab:one}",
        r"findings $\downarrow$ & $-$25.0 \% [$-$50.0",
    ):
        assert part in text
    assert r"\textbf{.031}" in text
    assert r"In brackets 95 \% intervals. $\downarrow$ lower is better." in text


def test_files_have_names_that_do_not_depend_on_figures_and_are_listed() -> None:
    again = Table("Effects; 12 pairs", ("", "x"), (("a", "1"),))
    picture = Plot("Effects, 3 pairs", str.encode, "", name="effects")
    files = paper_files(document(TABLE, picture, again, again, methods=("This was done.",)))
    stems = ["section-one-differences", "section-one-effects", "section-one-effects-2", "section-one-effects-3"]
    [first, picture, *tables] = stems
    assert set(files) == {
        *(f"{stem}{end}" for stem in (first, *tables) for end in (".csv", ".tex")),
        *(f"{picture}{end}" for end in (".pdf", ".svg")),
        *("index.csv", "preview.tex", "methods.txt", "methods.tex"),
    }
    index = list(csv.DictReader(io.StringIO(files[INDEX].decode())))
    assert {line["file"] for line in index} == set(files) - {INDEX}
    assert index[0] == {"file": f"{first}.csv", "kind": "table", "section": "Section: one", "caption": "Differences"}


def test_pictures_are_the_same_bytes_each_time_with_their_fonts() -> None:
    one, other = (paper_files(document(PICTURE)) for _ in range(2))
    assert one == other
    pdf, svg = (one[f"section-one-effects{end}"] for end in (".pdf", ".svg"))
    assert pdf.startswith(b"%PDF")
    assert b"/FontFile2" in pdf  # TrueType, embedded; Type 3 fonts are what journals refuse
    assert b"/Type3" not in pdf.replace(b" ", b"")
    assert b"CreationDate" not in pdf
    assert svg.startswith(b"<?xml")
    assert b"currentColor" not in svg


def test_the_methods_are_stated_from_the_figures_and_tests_shown() -> None:
    text = methods_paragraph(document(TABLE, methods=("Sessions were read.",)))
    assert text.startswith(
        "Sessions were read. The intervals of means and statistics were expanded percentile intervals"
    )
    assert "10,000 resamples, seed 3" in text
    assert "flipped together (exact)" in text
    assert "Holm, structure, 6 tests" in text
    assert "Missing values were left out" in text
    assert methods_paragraph(document(TABLE)) == ""


def test_a_test_without_patterns_of_signs_leaves_no_empty_brackets() -> None:
    same = Significance(PValue(1.0, 3, "sign flips per client", "the differences of every client sum to 0"))
    text = methods_paragraph(document(Table("", ("", "p"), (("a", p_cells(same)[0]),)), methods=("Done.",)))
    assert "flipped together." in text


def test_a_way_that_no_sentence_explains_is_named() -> None:
    odd = figure_cell(Figure(1.0, 0.0, 2.0, 9, 9, method="profile likelihood, 12 steps"))
    text = methods_paragraph(document(Table("", ("", "x"), (("a", odd),)), methods=("Done.",)))
    assert "Other intervals: profile likelihood." in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX is installed (Debian: texlive-latex-recommended)")
def test_latex_takes_all_of_it(tmp_path: Path) -> None:
    for name, data in paper_files(document(TABLE, PICTURE, methods=(HOSTILE,))).items():
        (tmp_path / name).write_bytes(data)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", PREVIEW]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "preview.pdf").exists()


def test_the_folder_is_made_and_a_file_in_its_place_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper = tmp_path / "new" / "paper"
    for _ in range(2):  # the second time over the files of the first
        give_report(ReportOptions(quiet=True, tables=paper), document(TABLE, methods=("Done.",)), {})
    assert capsys.readouterr().err.splitlines() == [f"written: {paper / INDEX}"] * 2
    assert {path.name for path in paper.iterdir()} == set(paper_files(document(TABLE, methods=("Done.",))))
    with pytest.raises(RunError, match=r"index\.csv cannot be written"):
        give_report(ReportOptions(quiet=True, tables=paper / INDEX), document(TABLE), {})
