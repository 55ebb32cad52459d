"""The command line: parse, call, print, exit code. No arithmetic."""

import csv
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import click

from regress import __version__
from regress.errors import MissingDependencyError, RegressError

FAILED, UNUSABLE, UNCONVERGED, INTERRUPTED = 1, 2, 3, 130


class Option(click.Option):
    """An option that belongs to a group of the help page."""

    def __init__(self, *args: Any, group: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class Command(click.Command):
    """A command whose help page lists its options by group."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                group = parameter.group if isinstance(parameter, Option) else "Other"
                groups.setdefault(group, []).append(record)
        for group, records in groups.items():
            with formatter.section(group):
                formatter.write_dl(records)


class Columns(click.ParamType[list[str]]):
    """Column names as one CSV record: names may contain commas, in quotes."""

    name = "cols"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Split the record."""
        return value if isinstance(value, list) else next(csv.reader(io.StringIO(value)), [])


def option(*names: str, group: str, **kwargs: Any) -> Callable[[Any], Any]:
    """Declare an option of a group."""
    return click.option(*names, cls=Option, group=group, **kwargs)


def columns(name: str, help: str) -> Callable[[Any], Any]:
    """Declare an option that takes column names, and may be repeated."""
    return option(name, group="Data", type=Columns(), multiple=True, help=help)


def together(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Apply decorators in the order in which the help page shows them."""

    def apply(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


table_options = together(
    click.argument("table"),
    option("--target", group="Data", metavar="COL", help="Column to predict."),
    columns("--features", "Columns to use, comma-separated; all others unless given."),
    columns("--drop", "Columns to leave out."),
    option("--weights", group="Data", metavar="COL", help="Column of row weights, at least 0."),
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
        help="Fraction of rows to hold out.  [default: 0; compare: 0.2]",
    ),
    option("--split-key", group="Data", metavar="COL", help="Column whose value decides which rows are held out."),
)
model_options = together(
    option("--no-intercept", "fit_intercept", group="Model", flag_value=False, default=True, help="Leave b at 0."),
)
train_options = together(
    option("--alpha", group="Model", type=float, default=0.0, show_default=True, help="Ridge penalty α‖w‖²."),
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
    option("--max-iter", group="Training", type=int, metavar="N", help="Most iterations."),
)  # fmt: skip
tolerance = option("--tol", group="Training", type=float, default=1e-10, show_default=True,
                   help="Scale-free size of a gradient that counts as zero.")  # fmt: skip
run_options = together(
    option(
        "--threads",
        "n_jobs",
        group="Training",
        type=int,
        metavar="N",
        help="Threads; as many as CPUs unless given.",
    ),
    option("--json", "as_json", group="Output", is_flag=True, help="Print one JSON object and nothing else."),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, package_name="regress-trainer", prog_name="regress")
def cli() -> None:
    """Fit linear regressions by gradients derived by hand, and prove them."""


def _target(table: str, target: str | None) -> str:
    if target is not None:
        return target
    from regress.tables.opening import open_table

    names = [column.name for column in open_table(table).columns]
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    raise click.UsageError(f"Name the column to predict with --target. {table} has: {shown}.")


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Turn flags into keyword arguments: repeated lists joined, what was not given left out."""
    for name in ("features", "drop", "categorical"):
        if name in given:
            given[name] = [column for part in given[name] for column in part] or None
    rate = given.get("learning_rate")
    if rate is not None and rate != "auto":
        try:
            given["learning_rate"] = float(rate)
        except ValueError:
            raise click.UsageError(f"--learning-rate must be a number or auto; got {rate!r}.") from None
    return {name: value for name, value in given.items() if value is not None}


@cli.command(cls=Command)
@table_options
@split_flags
@model_options
@train_options
@tolerance
@run_options
@option("--save", group="Output", metavar="M.json", help="Write the model.")
def fit(table: str, target: str | None, save: str | None, as_json: bool, **given: Any) -> int:
    """Fit TABLE (CSV, Parquet, or a glob) and print the coefficients."""
    from regress import console, fitting

    with console.progress_line() as progress:
        result = fitting.fit(table, _target(table, target), progress=progress, **_options(given))
    if save is not None:
        result.save(save)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.print_fit(result)
    return 0 if result.status == "converged" else INTERRUPTED if result.status == "interrupted" else UNCONVERGED


@cli.command(cls=Command)
@table_options
@split_flags
@model_options
@tolerance
@run_options
@option(
    "--digits",
    group="Output",
    type=float,
    default=6.0,
    show_default=True,
    help="Digits that count as agreement.",
)
@option("--rows", group="Data", type=int, metavar="N", help="Compare on the first rows only.")
def compare(table: str, target: str | None, as_json: bool, **given: Any) -> int:
    """Fit TABLE here and with scikit-learn, and say who is right. Exit 1 where LinearRegression() disagrees."""
    from regress import comparison, console

    with console.progress_line() as progress:
        result = comparison.compare(table, _target(table, target), progress=progress, **_options(given))
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.print_comparison(result)
    return 0 if result.agree else FAILED


@cli.command(cls=Command)
@table_options
@model_options
@run_options
def check(table: str, target: str | None, as_json: bool, **given: Any) -> int:
    """Compute the gradient on TABLE five ways and compare. Exit 1 where they disagree."""
    from regress import checking, console

    with console.progress_line() as progress:
        result = checking.check_gradients(table, _target(table, target), progress=progress, **_options(given))
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.print_check(result)
    return 0 if result.passed else FAILED


@cli.command(cls=Command)
@click.argument("table")
@option("--target", group="Data", metavar="COL", help="Column to predict, for the command shown.")
@columns("--categorical", "Columns to read as text, whatever they look like.")
@option("--json", "as_json", group="Output", is_flag=True, help="Print one JSON object and nothing else.")
def inspect(table: str, target: str | None, as_json: bool, **given: Any) -> int:
    """Show what is in TABLE, before any fit, and the command to run next."""
    from regress import console, inspection

    with console.progress_line() as progress:
        result = inspection.inspect(table, target, progress=progress, **_options(given))
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.print_inspection(result)
    return 0


@cli.command(cls=Command)
@click.argument("model")
@click.argument("table")
@option("-o", "--output", group="Output", metavar="FILE", help="Write a CSV file instead of standard output.")
def predict(model: str, table: str, output: str | None) -> int:
    """Predict every row of TABLE with a saved MODEL; a row with a missing cell gives an empty line."""
    from regress import console
    from regress.model import load, write_lines

    missing = 0

    def lines() -> Any:
        nonlocal missing
        yield "prediction\n"
        for part in loaded.predict_batches(table):
            missing += int((part.values != part.values).sum())
            yield from (f"{v!r}\n" if v == v else '""\n' for v in part.values.tolist())

    loaded = load(model)
    if output is None:
        sys.stdout.writelines(lines())
    else:
        write_lines(output, lines())
    if missing:
        console.say(f"{missing:,} row{'s have' if missing != 1 else ' has'} a missing cell and no prediction.")
    return 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    code = _run(arguments)
    sys.stdout.flush()
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = _show_warning
            return int(cli.main(arguments, prog_name="regress", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return UNUSABLE
    except (RegressError, MissingDependencyError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return UNUSABLE
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on; nothing is left to flush to
        return 0


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    sys.stderr.write(f"Note: {message}\n")


if __name__ == "__main__":
    main()
