"""The table of several models as text, Markdown, LaTeX, HTML and CSV; names are text in each of them."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from html import escape
from typing import Any
from xml.etree import ElementTree

from regress.fit_record import FitRecord
from regress.messages import aligned, visible
from regress.report.decimals import align
from regress.report.model_table import Cell, Choice, Sheet
from regress.report.summary import has_errors

_INDENT = "\N{EM SPACE}"  # of a level, where spaces at the start of a cell are dropped
_MARKS = re.compile(r"[\\`*_{}\[\]|]")  # what Markdown takes for a mark
_NUMBERED = str.maketrans({mark: f"&#{ord(mark)};" for mark in "$~^@"})  # and some of its dialects: math, citations
_LATEX = str.maketrans(
    {
        "²": r"\textsuperscript{2}",
        "−": "$-$",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "`": r"\textasciigrave{}",
        '"': r"\textquotedbl{}",
        "'": r"\textquotesingle{}",
        "…": r"\ldots{}",
        _INDENT: r"\quad{}",
    }
)
_CELL = "text-align: center; font-weight: normal; padding: 0 0.6em"
_NAME = "text-align: left; font-weight: normal; padding: 0 0.6em"
_PREAMBLE = r"% Needs \usepackage{booktabs} and \usepackage[T1]{fontenc}. Letters of other scripts need LuaLaTeX."


def text(drawn: Sheet) -> str:
    """Return the table for a terminal: decimal points in one column, names of levels indented."""
    names = [f"  {row.name}" if row.level else row.name for row in (*drawn.coefficients, *drawn.figures)]
    columns = [_column(drawn, at) for at in range(len(drawn.names))]
    lines = aligned(["", *drawn.names], [["", *drawn.targets], *zip(names, *columns, strict=True)])
    split = 2 + len(drawn.coefficients)
    return "\n".join([*lines[:split], "", *lines[split:], "", *map(visible, drawn.notes)])


def _column(drawn: Sheet, at: int) -> list[str]:
    """Return the cells of a model, padded so that their decimal points stand in one column when right-justified."""
    cells = [row.cells[at] for row in (*drawn.coefficients, *drawn.figures)]
    padded = iter(align([cell.numbers[0] for cell in cells if len(cell.numbers) == 1]))
    behind = max((len(cell.after) for cell in cells if len(cell.numbers) == 1), default=0)
    shown = []
    for cell in cells:
        room = 0 if len(cell.numbers) != 1 else len(next(padded)) - len(cell.numbers[0]) + behind - len(cell.after)
        shown.append(_shown(cell, str) + " " * room)
    return shown


def markdown(drawn: Sheet) -> str:
    """Return the table as Markdown with pipes, as GitHub and Pandoc read it."""
    heads = [f"{name} {target}" for name, target in zip(drawn.names, drawn.targets, strict=True)]
    lines = [["", *(_markdown(visible(head)) for head in heads)], [":---", *[":---:"] * len(heads)]]
    lines += [[_markdown(cell) for cell in row] for row in _rows(drawn)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([table, *(_markdown(visible(note)) for note in drawn.notes)]) + "\n"


def _markdown(value: str) -> str:
    text = _MARKS.sub(r"\\\g<0>", escape(value, quote=False)).translate(_NUMBERED)
    return text.replace(_INDENT, "&emsp;")


def latex(drawn: Sheet) -> str:
    """Return the table as a LaTeX `tabular` with the rules of booktabs, and its notes below."""
    from regress.sources.frames import to_frame

    empty = [""] * len(drawn.names)
    heads = [["", *map(visible, names)] for names in (drawn.names, drawn.targets)]
    rows = [*heads, *_rows(drawn), *([visible(note), *empty] for note in drawn.notes)]
    frame = to_frame(rows, [str(column) for column in range(1 + len(empty))])
    written = frame.to_latex(index=False, header=False, escape=True)  # pandas escapes the text
    lines = [line for line in written.replace("--", "-{}-").translate(_LATEX).splitlines() if line.endswith(r" \\")]
    lines = ["{}" + line if line.startswith(("[", "*")) else line for line in lines]  # or \\ would take them
    split = len(heads) + len(drawn.coefficients)
    end = split + len(drawn.figures)
    return "\n".join(
        [
            _PREAMBLE,
            rf"\begin{{tabular}}{{l{'c' * len(empty)}}}",
            *(r"\toprule", *lines[: len(heads)]),
            *(r"\midrule", *lines[len(heads) : split]),
            *(r"\midrule", *lines[split:end]),
            *(r"\bottomrule", r"\end{tabular}"),
            *_below([line.removesuffix(" & " * len(empty) + r" \\") for line in lines[end:]]),
            "",
        ]
    )


def _below(notes: Sequence[str]) -> list[str]:
    """Return the notes of a LaTeX table as paragraphs in small letters."""
    return [r"\par\smallskip", r"{\footnotesize\raggedright", *(rf"{note}\par" for note in notes), "}"] if notes else []


def html(drawn: Sheet) -> str:
    """Return the table as an element of HTML in ASCII, with the rules of printed tables."""
    table = ElementTree.Element("table", style="border-collapse: collapse")
    rows, split = list(_rows(drawn)), len(drawn.coefficients)
    head = ElementTree.SubElement(table, "thead", style="border-top: 2px solid")
    for names in (drawn.names, drawn.targets):
        _add_row(head, ["", *map(visible, names)], "col")
    for part in (rows[:split], rows[split:]):
        body = ElementTree.SubElement(table, "tbody", style="border-top: 1px solid")
        for row in part:
            _add_row(body, row, "row")
    foot = ElementTree.SubElement(table, "tfoot", style="border-top: 2px solid; font-size: smaller")
    for note in drawn.notes:
        line, wide = ElementTree.SubElement(foot, "tr"), str(1 + len(drawn.names))
        ElementTree.SubElement(line, "td", colspan=wide, style=_NAME).text = visible(note)
    ElementTree.indent(table, "")
    return ElementTree.tostring(table, method="html").decode("ascii") + "\n"


def _add_row(part: ElementTree.Element, row: Sequence[str], scope: str) -> None:
    """Add a row of headings of columns, or one whose first cell is a heading."""
    line = ElementTree.SubElement(part, "tr")
    for at, value in enumerate(row):
        tag, scoped = ("th", {"scope": scope}) if value and (at == 0 or scope == "col") else ("td", {})
        ElementTree.SubElement(line, tag, scoped, style=_CELL if at else _NAME).text = value


def _rows(drawn: Sheet) -> Iterator[list[str]]:
    """Yield names and cells as a document shows them: thousands separated, the minus sign as such."""
    for row in (*drawn.coefficients, *drawn.figures):
        name = visible(row.name)
        yield [_INDENT + name if row.level else name, *(_shown(cell, _typeset) for cell in row.cells)]


def _shown(cell: Cell, number: Callable[[str], str]) -> str:
    return cell.word or f"{cell.before}{', '.join(map(number, cell.numbers))}{cell.after}"


def _typeset(number: str) -> str:
    """Return a number as documents show it.

    Examples
    --------
    >>> _typeset("-26517018.10")
    '−26,517,018.10'
    """
    if "," not in number and "e" not in number:
        number = f"{Decimal(number):,}"
    return number.replace("-", "−")


def values(records: Sequence[FitRecord], choice: Choice) -> list[tuple[Any, ...]]:
    """Return (name, statistic, a value for each model) with all digits; None where a model has none."""
    below = ("ci_low", "ci_high") if choice.intervals else ("std_err",)
    statistics = ("coef", *below, *(("p_value",) if choice.stars else ()))
    lines = [{line.name: line for line in record.coefficients} for record in records]
    rows: list[tuple[Any, ...]] = []
    for name in dict.fromkeys(name for of in lines for name in of):
        for statistic in statistics:
            known = [statistic == "coef" or has_errors(record) for record in records]
            held = [of.get(name) if shown else None for of, shown in zip(lines, known, strict=True)]
            rows.append((name, statistic, *(None if line is None else getattr(line, statistic) for line in held)))
    rows.append(("", "rows", *(record.trained.n_rows for record in records)))
    rows += [("", name, *(getattr(record.outcome, name) for record in records)) for name in ("r2", "r2_test")]
    for name in ("r2_adjusted", "sigma"):
        rows.append(("", name, *(None if r.figures is None else getattr(r.figures, name) for r in records)))
    return rows


def csv_text(drawn: Sheet, of: Sequence[tuple[Any, ...]]) -> str:
    """Return values as CSV with all digits: a row for each statistic of each coefficient."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    for row in (["name", "statistic", *drawn.names], ["", "target", *drawn.targets], *of):
        writer.writerow([visible(value) if isinstance(value, str) else value for value in row])
    return file.getvalue()
