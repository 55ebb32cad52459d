"""Results as notebooks show them: the key figures and a table, as simple HTML."""

from collections.abc import Sequence

from markupsafe import Markup

from regress.fit_record import FitRecord
from regress.messages import shortened, visible
from regress.report.summary import coefficient_table, headline, notes

_MOST = 100  # rows of a table in a notebook


def table_html(
    title: Sequence[str], head: Sequence[str], rows: Sequence[Sequence[str]], foot: Sequence[str] = ()
) -> str:
    """Return paragraphs of text and a table, whose first column names its rows; all of it is text, and escaped."""
    lines = [Markup("<p>{}</p>").format(visible(line)) for line in title]
    cells = [Markup("<th>{}</th>").format(visible(cell)) for cell in head]
    lines.append(Markup("<table><thead><tr>{}</tr></thead><tbody>").format(Markup("").join(cells)))
    for name, *values in rows[:_MOST]:
        row = Markup("").join(Markup("<td>{}</td>").format(visible(value)) for value in values)
        lines.append(Markup("<tr><th>{}</th>{}</tr>").format(visible(shortened(name, 80)), row))
    lines.append(Markup("</tbody></table>"))
    left = [f"{len(rows) - _MOST:,} rows more."] if len(rows) > _MOST else []
    lines += [Markup("<p>{}</p>").format(visible(line)) for line in (*left, *foot)]
    return str(Markup("\n").join(lines))


def fit_html(known: FitRecord) -> str:
    """Return a fit: what was fitted, how well it fits, its coefficients, and what to know."""
    head, rows = coefficient_table(known)
    return table_html(headline(known), head, rows, notes(known))
