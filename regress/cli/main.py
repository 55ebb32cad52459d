"""The command line: parse, call, print, exit code. No arithmetic."""

import io
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from regress import __version__
from regress.cli import process
from regress.cli.options import (
    Command,
    as_json,
    asked_digits,
    check_descent,
    columns,
    command_line,
    descent,
    file_flags,
    model_options,
    option,
    options_of,
    penalty,
    report_page,
    row_flags,
    run_options,
    split_flags,
    table_options,
    target_of,
    tolerance,
    train_options,
)
from regress.errors import RegressError
from regress.messages import quoted

FAILED, UNUSABLE, UNCONVERGED, INTERRUPTED = 1, 2, 3, 130
_SPOOL = 2**26  # bytes of predictions that wait in memory, more on disk


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, no_args_is_help=False)
@click.version_option(__version__, package_name="regress-trainer", prog_name="regress")
def cli() -> None:
    """Fit linear regressions by gradients derived by hand, and prove them."""
    process.check_memory()
    process.keep_memory()


@cli.command(cls=Command)
@table_options
@split_flags
@model_options
@train_options
@tolerance
@run_options
@option("--save", group="Output", metavar="M.json", help="Write the model.")
@report_page
@descent
def fit(table: str, target: str | None, save: str | None, report: str | None, as_json: bool, **given: Any) -> int:
    """Fit TABLE (CSV, Parquet, or a glob) and print the coefficients."""
    from regress.api import fit
    from regress.cli import console
    from regress.numerics import lazy_scipy
    from regress.options import file_options
    from regress.report import summary
    from regress.sources.files import open_files
    from regress.sources.paths import check_outputs

    lazy_scipy.load_ahead()
    descent = given.pop("descent")
    options = options_of(given)
    check_outputs(table, {"--save": save, "--report": report, "--rejects": options.get("rejects")})
    source = open_files(table, file_options(options))  # once: a pipe cannot be read again
    check_descent(source, descent, report, options)
    if save is None and report is None:
        options["sample"] = 0  # nobody will see residuals
    with console.progress_line() as progress:
        result = fit.fit(source, target_of(source, target, options), progress=progress, **options)
    result = replace(result, command=command_line())
    if save is not None:
        result.save(save)
    console.write_page(result, report, descent=descent)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show(*summary.summary(result).split("\n"))
    return 0 if result.status == "converged" else INTERRUPTED if result.status == "interrupted" else UNCONVERGED


@cli.command(cls=Command)
@table_options
@split_flags
@model_options
@tolerance
@run_options
@asked_digits
@report_page
@option("--rows", group="Data", type=int, metavar="N", help="Compare on the first rows only.")
def compare(table: str, target: str | None, report: str | None, as_json: bool, **given: Any) -> int:
    """Fit TABLE here and with scikit-learn, and say who is right. Exit 1 where LinearRegression() disagrees."""
    from regress.api import compare
    from regress.cli import console
    from regress.sources.paths import check_outputs

    options = options_of(given)
    check_outputs(table, {"--report": report, "--rejects": options.get("rejects")})
    with console.progress_line() as progress:
        result = compare.compare(table, target_of(table, target, options), progress=progress, **options)
    console.write_page(result, report, command_line())
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.print_comparison(result)
    return (0 if result.agree else FAILED) if result.converged else UNCONVERGED


@cli.command(cls=Command)
@table_options
@model_options
@run_options
def check(table: str, target: str | None, as_json: bool, **given: Any) -> int:
    """Compute the gradient on TABLE five ways and compare. Exit 1 where they disagree."""
    from regress.api import check
    from regress.cli import console

    options = options_of(given)
    with console.progress_line() as progress:
        result = check.check_gradients(table, target_of(table, target, options), progress=progress, **options)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.print_check(result)
    return 0 if result.passed else FAILED


@cli.command(cls=Command)
@click.argument("table")
@file_flags
@option("--target", group="Data", metavar="COL", help="Column to predict, for the command shown.")
@columns("--categorical", "Columns to read as text, whatever they look like.")
@as_json
def inspect(table: str, target: str | None, as_json: bool, **given: Any) -> int:
    """Show what is in TABLE, before any fit, and the command to run next."""
    from regress.api import inspect
    from regress.cli import console

    with console.progress_line() as progress:
        result = inspect.inspect(table, target, progress=progress, **options_of(given))
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.print_inspection(result)
    return 0


@cli.command(cls=Command)
@click.argument("model")
@table_options
@split_flags
@model_options
@penalty
@asked_digits
@run_options
@report_page
def certify(model: str, table: str, target: str | None, report: str | None, as_json: bool, **given: Any) -> int:
    """Say how many digits of MODEL's coefficients are right on TABLE, by exact sums. Exit 1 if it does not pass.

    MODEL is a saved model, which knows what it was trained to do, or JSON with "coef" and "intercept", for which the
    flags say what was minimised.
    """
    from regress.api import certify
    from regress.cli import console
    from regress.sources.paths import check_outputs

    source = click.get_current_context().get_parameter_source
    given = {k: v for k, v in options_of(given).items() if source(k) is not click.core.ParameterSource.DEFAULT}
    check_outputs(table, {"--report": report, "--rejects": given.get("rejects")}, model)
    with console.progress_line() as progress:
        result = certify.certify(model, table, target, progress=progress, **given)
    console.write_page(result, report, command_line())
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show(*result.summary().split("\n"))
    return 0 if result.passed else FAILED


@cli.command(cls=Command)
@click.argument("model")
@click.argument("table")
@file_flags
@row_flags
@option("-o", "--output", group="Output", metavar="FILE", help="Write a CSV or .parquet file, not standard output.")
@option("--interval", group="Output", type=float, metavar="P", help="Add an interval that holds a new value so often.")
def predict(
    model: str, table: str, output: str | None, interval: float | None, unseen: Any, keep: Any, **given: Any
) -> int:
    """Predict every row of TABLE with a saved MODEL: a row out for a row in.

    A row with a missing cell, or a bad one that is skipped, gets an empty prediction.
    """
    from regress.api.model import load
    from regress.cli import console
    from regress.numerics.atomic_write import in_temporary_folder, whole_file
    from regress.options import file_options
    from regress.sources.files import open_files
    from regress.sources.paths import check_outputs
    from regress.sources.write import is_parquet, write_predictions

    parquet, loaded = is_parquet(output), load(model)
    check_outputs(table, {"--output": output, "--rejects": given["rejects"]}, model)
    source = open_files(table, file_options(options_of(given)))
    kept = list(dict.fromkeys(name for names in keep for name in names))
    form = {"as_text": not source.typed_alike, "interval": interval is not None, "parquet": parquet}
    with console.progress_line() as progress:
        parts = console.watched(loaded.predict_batches(source, kept, interval, unseen), source.size, progress)
        if output is None:
            with tempfile.SpooledTemporaryFile(_SPOOL) as file:
                with in_temporary_folder():
                    missing = write_predictions(file, parts, kept, **form)
                file.seek(0)  # only now: a late row that cannot be used leaves standard output empty
                shutil.copyfileobj(file, sys.stdout.buffer)
        else:
            with whole_file(output) as file:
                missing = write_predictions(file, parts, kept, **form)
    if missing:
        process.say(f"{missing:,} row{'s have' if missing != 1 else ' has'} a missing or bad cell and no prediction.")
    return 0


@cli.command(cls=Command)
@click.argument("model")
@option("-o", "--output", group="Output", metavar="PAGE.html", help="The page.  [default: MODEL with .html at its end]")
@descent
def report(model: str, output: str | None, descent: list[str] | None) -> int:
    """Make the page of a saved MODEL: what it was trained on, its coefficients, its digits, its residuals."""
    from regress.api.model import load
    from regress.cli import console
    from regress.sources.paths import check_outputs

    loaded, page = load(model), str(Path(model).with_suffix(".html")) if output is None else output
    check_outputs(None, {"--output": page}, model)
    console.write_page(loaded, page, descent=descent)
    console.show(page)
    return 0


def command() -> None:
    """Run the command line, and exit with os._exit: interpreter shutdown takes a sixth of a small fit."""
    process.begin(sys.argv)
    try:
        main()
    except SystemExit as end:  # standard output is flushed already, where a full disk can be reported
        os._exit(int(end.code or 0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # closed: nobody reads
    sys.stderr = sys.stderr or open(os.devnull, "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for encodings without ŷ
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = process.say_warning
            given = " ".join(map(quoted, ["regress", *(sys.argv[1:] if arguments is None else arguments)]))
            code = int(cli.main(arguments, prog_name="regress", standalone_mode=False, obj=given) or 0)
            sys.stdout.flush()
            return code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "regress"
        return _refuse(f"{error.format_message()} See '{command} --help'.")
    except RegressError as error:
        return _refuse(str(error))
    except ArithmeticError as error:
        return _refuse(f"numbers in the table are beyond the range of a double ({error}). Rescale them.")
    except (KeyboardInterrupt, click.Abort) as error:
        process.say(str(error.__cause__ or "") or "Interrupted.")  # click's Abort says nothing itself
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        process.discard_output()
        return 0  # nobody reads on, which click tells by SystemExit
    except OSError as error:
        return _refuse(process.cause(error))
    except BaseException as error:  # a panic of Polars is no Exception
        return _refuse(process.unexpected(error))


def _refuse(text: str) -> int:
    process.say(f"Error: {text}")
    return UNUSABLE
