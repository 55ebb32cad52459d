"""The flags of the command line, each declared once, and how help pages group them."""

import csv
import io
from collections.abc import Callable
from typing import Any

import click

GROUPS = ("Data", "Files", "Model", "Training", "Output", "Other")  # of a help page, in order


class Option(click.Option):
    """An option that belongs to a group of the help page."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class Command(click.Command):
    """A command whose help page lists its options by group."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups[parameter.group if isinstance(parameter, Option) else GROUPS[-1]].append(record)
        for group, records in groups.items():
            if records:
                with formatter.section(group):
                    formatter.write_dl(records)


class Columns(click.ParamType[list[str]]):
    """Column names as one CSV record: names may contain commas, in quotes."""

    name = "cols"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Split the record."""
        if isinstance(value, list):
            return value
        try:
            records = list(csv.reader(io.StringIO(value, newline=""), strict=True))
        except csv.Error as error:
            self.fail(f"{value!r} is not one CSV record: {error}.", param, ctx)
        if len(records) != 1 or not all(records[0]):
            self.fail(f"{value!r} is not a list of column names, such as a,b or '\"a, b\",c'.", param, ctx)
        return records[0]


class Pair(Columns):
    """Two names."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Split the record, and count."""
        names = super().convert(value, param, ctx)
        if len(names) != 2:
            self.fail(f"It takes two coefficients, such as x1,x2; got {value!r}.", param, ctx)
        return names


def target_of(table: Any, target: str | None, given: dict[str, Any]) -> str:
    """Return the column to predict; without one, refuse and say which there are."""
    if target is not None:
        return target
    from regress.options import file_options
    from regress.sources.open import open_table

    source = open_table(table, file_options(given))
    names = list(source.by_name)
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    raise click.UsageError(f"Name the column to predict with --target. {source.label} has: {shown}.")


def options_of(given: dict[str, Any]) -> dict[str, Any]:
    """Turn flags into keyword arguments: repeated lists joined, what was not given left out."""
    for name in ("features", "drop", "categorical", "na_values"):
        if name in given:
            given[name] = [column for part in given[name] for column in part] or None
    rate = given.get("learning_rate")
    if rate is not None and rate != "auto":
        try:
            given["learning_rate"] = float(rate)
        except ValueError:
            raise click.UsageError(f"--learning-rate must be a number or auto; got {rate!r}.") from None
    return {name: value for name, value in given.items() if value is not None}


def check_descent(table: Any, descent: list[str] | None, report: str | None, given: dict[str, Any]) -> None:
    """Refuse coefficients to draw that no column of the table can have, or no page to draw them on, before the fit."""
    if descent is None:
        return
    if report is None:
        raise click.UsageError("--descent says what a page draws. Name the page with --report PAGE.html.")
    from regress.errors import InputError
    from regress.options import file_options
    from regress.sources.base import nearest
    from regress.sources.open import open_table

    names = list(open_table(table, file_options(given)).by_name)
    for name in descent:
        if name not in names and name.rpartition("=")[0] not in names:
            raise InputError(f"There is no coefficient {name!r}. {nearest(name, names)}")


def command_line() -> str:
    """Return the command line as it was given."""
    return str(click.get_current_context().find_root().obj)


def option(*names: str, group: str, **kwargs: Any) -> Callable[[Any], Any]:
    """Declare an option of a group."""
    return click.option(*names, cls=Option, group=group, **kwargs)


def columns(name: str, help: str, group: str = "Data", metavar: str | None = None) -> Callable[[Any], Any]:
    """Declare an option that takes column names, or other texts, and may be repeated."""
    return option(name, group=group, type=Columns(), multiple=True, help=help, metavar=metavar)


def together(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Apply decorators in the order in which the help page shows them."""

    def apply(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


file_flags = together(
    option("--delimiter", group="Files", metavar="C", callback=lambda _, __, c: "\t" if c in ("tab", "\\t") else c,
           help="What separates cells, such as ';' or tab.  [default: found]"),
    option("--decimal", group="Files", type=click.Choice([".", ","]), help="Decimal mark.  [default: found]"),
    option("--encoding", group="Files", metavar="NAME", help="Such as cp1252 or utf-16.  [default: found, UTF-8]"),
    option("--quote", group="Files", metavar="C", help="What quotes cells, or none.  [default: found]"),
    option("--header", group="Files", type=click.Choice(["auto", "yes", "no"]), default="auto", show_default=True,
           help="Whether the first line names the columns; else they are x0, x1, …."),
    option("--skip-lines", group="Files", metavar="N", type=int, default=0, show_default=True,
           help="Lines above the table to skip, such as a title."),
    option("--comment", group="Files", metavar="C", help="Skip lines that begin with this character, such as '#'."),
    option("--escapechar", group="Files", metavar="C",
           help="What stands before a quote within quotes, such as '\\'.  [default: detected]"),
    option("--on-bad-row", group="Files", type=click.Choice(["error", "skip"]), default="error", show_default=True,
           help="Rows of another width, or with a cell that cannot be read: refuse, or leave out and count."),
    option("--rejects", group="Files", metavar="FILE", help="Where to write the rows that are skipped."),
    option("--max-bad", group="Files", type=int, default=1000, show_default=True, help="Most rows to skip."),
    option("--thousands", group="Files", metavar="C", help="What stands between groups of digits, as in 1,200."),
    columns("--na-values", "Cells to read as missing besides empty ones, NA, NaN, NULL, None.", group="Files",
            metavar="TEXTS"),
    option("--keep-na", group="Files", is_flag=True, help="Read NA, NULL and None in text columns as levels."),
)  # fmt: skip
table_options = together(
    click.argument("table"),
    file_flags,
    option("--target", group="Data", metavar="COL", help="Column to predict."),
    columns("--features", "Columns to use, comma-separated; all others unless given."),
    columns("--drop", "Columns to leave out."),
    option("--weights", group="Data", metavar="COL", help="Column of row weights, at least 0."),
    option("--weight-type", group="Data", type=click.Choice(["analytic", "frequency"]), default="analytic",
           show_default=True, help="Weights as 1/variance, or as counts of equal rows."),
    columns("--categorical", "Columns to read as text, whatever they look like."),
    option("--max-levels", group="Data", type=int, default=100, show_default=True, help="Most levels of a column."),
    option("--missing", group="Data", type=click.Choice(["error", "drop", "mean"]), default="error", show_default=True,
           help="Rows with missing cells: refuse, leave out, or fill numbers with the training mean."),
    option("--seed", "random_state", group="Data", type=int, default=0, show_default=True, help="Seed of the split."),
)  # fmt: skip
split_flags = together(
    option(
        "--test",
        group="Data",
        type=float,
        metavar="F",
        help="Hold out about this fraction of the rows.  [default: 0; compare: 0.2]",
    ),
    option(
        "--split-key",
        group="Data",
        metavar="COL",
        help="Hold out rows by their value in this column, which is then no feature by default.",
    ),
)
model_options = together(
    option("--no-intercept", "fit_intercept", group="Model", flag_value=False, default=True, help="Leave b at 0."),
)
penalty = option("--alpha", group="Model", type=float, default=0.0, show_default=True, help="Ridge penalty α‖w‖².")
row_flags = together(
    option("--unseen", group="Data", type=click.Choice(["error", "reference"]), default="error", show_default=True,
           help="Text that training did not see: refuse, or predict as the reference level."),
    columns("--keep", "Columns of TABLE to write beside the predictions."),
)  # fmt: skip
asked_digits = option("--digits", group="Output", type=float, default=6.0, show_default=True,
                      help="Digits that count as agreement.")  # fmt: skip
train_options = together(
    penalty,
    option("--solver", group="Training", type=click.Choice(["auto", "gd", "accelerated", "cg", "newton"]),
           default="auto", show_default=True, help="Update rule."),
    option("--gradient", group="Training", type=click.Choice(["derived", "autodiff"]), default="derived",
           show_default=True, help="Formulas derived by hand, or TensorFlow."),
    option("--over", group="Training", type=click.Choice(["auto", "rows", "moments"]), default="auto",
           show_default=True, help="What the gradient is computed from."),
    option("--no-standardize", "standardize", group="Training", flag_value=False, default=True,
           help="Descend in raw units."),
    option("--learning-rate", group="Training", default="auto", show_default=True, metavar="RATE",
           help="Step of gd and accelerated."),
    option("--precision", group="Training", type=click.Choice(["auto", "double", "exact"]), default="auto",
           show_default=True, help="Sums over rows: in double, or without any rounding."),
    option("--collinear", group="Model", type=click.Choice(["min-norm", "drop", "error"]), default="min-norm",
           show_default=True, help="Columns that depend on others: least ‖w‖, leave out, or refuse."),
    option("--se", group="Model", type=click.Choice(["classical", "HC0", "HC1"]), default="classical",
           show_default=True, help="Standard errors; HC0 and HC1 by a second pass."),
    option("--max-iter", group="Training", type=int, metavar="N", help="Most iterations."),
)  # fmt: skip
tolerance = option("--tol", group="Training", type=float, default=1e-10, show_default=True,
                   help="Scale-free size of a gradient that counts as zero.")  # fmt: skip
as_json = option("--json", "as_json", group="Output", is_flag=True, help="Print one JSON object and nothing else.")
report_page = option("--report", group="Output", metavar="PAGE.html", help="Write a page to look at and to mail.")
descent = option("--descent", group="Output", type=Pair(), metavar="A,B",
                 help="The two coefficients over which the page draws the descent.")  # fmt: skip
run_options = together(
    option("--threads", "n_jobs", group="Training", type=int, metavar="N", help="Threads; as many as CPUs by default."),
    as_json,
)
