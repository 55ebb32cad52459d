"""The command line: parse, call, print, exit code. No arithmetic."""

import io
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from regress import __version__
from regress.cli import process
from regress.cli.options import (
    Command,
    check_descent,
    check_pair,
    command_line,
    flags,
    options_of,
    target_of,
    usage,
)
from regress.errors import RegressError
from regress.keywords import made
from regress.messages import quoted, speaking_flags
from regress.options import CallOptions, FileOptions, ProcessOptions, TableOptions, TrainOptions

FAILED, UNUSABLE, UNCONVERGED, INTERRUPTED = 1, 2, 3, 130
_SPOOL = 2**26  # bytes of predictions that wait in memory, more on disk


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, no_args_is_help=False)
@click.version_option(__version__, package_name="regress-trainer", prog_name="regress")
def cli() -> None:
    """Fit linear regressions to CSV and Parquet files, and verify the results."""
    process.check_memory()
    process.keep_memory()


@cli.command(cls=Command)
@click.argument("table")
@flags(CallOptions, only=["target"])
@flags(TableOptions, without=["rows"])
@flags(TrainOptions, without=["penalty", "optimizer"])
@flags(ProcessOptions, without=["callbacks", "verbose"])
@flags(CallOptions, only=["cov_type", "level", "n_jobs", "save", "report", "descent", "vif", "json"])
def fit(table: str, target: str | None, **given: Any) -> int:
    """Fit TABLE (CSV, Parquet, or a glob) and print the coefficients."""
    from regress.api import fit
    from regress.cli import console
    from regress.numerics import lazy_scipy
    from regress.sources.files import open_files

    lazy_scipy.load_ahead()
    options = options_of(given)
    outputs = ("save", "report", "descent", "vif", "json")
    save, report, descent, vif, as_json = (options.pop(name, None) for name in outputs)
    written = {"--save": save, "--report": report, "--checkpoint": options.get("checkpoint")}
    source = open_files(table, made(FileOptions, options), outputs=written)
    check_descent(source, descent, report)
    if save is None and report is None:
        options["sample"] = 0  # nobody will see residuals
    with console.progress_line() as progress, warnings.catch_warnings():
        if not as_json:  # the summary has these notes
            warnings.simplefilter("ignore", UserWarning)
        verbose = sys.stderr.isatty()
        result = fit.fit(source, target_of(source, target), progress=progress, verbose=verbose, **options)
    result = result.with_command(command_line())
    if save is not None:
        result.save(save)
    console.write_page(result, report, descent=descent)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show(*result.summary(vif=bool(vif)).split("\n"))
    if result.status == "interrupted":
        console.say_interrupted(result, save, written["--checkpoint"])
    return 0 if result.status.as_asked else INTERRUPTED if result.status == "interrupted" else UNCONVERGED


@cli.command(cls=Command)
@click.argument("table")
@flags(CallOptions, only=["target"])
@flags(TableOptions, test_size="Fraction of the rows to hold out, approximately.  [default: 0.2]")
@flags(TrainOptions, only=["fit_intercept", "tol"])
@flags(CallOptions, only=["estimators", "metrics", "cv", "split_time", "digits", "n_jobs", "report", "json"])
def compare(table: str, target: str | None, **given: Any) -> int:
    """Fit TABLE with regress and scikit-learn, and report which is correct. Exit 1 where LinearRegression() disagrees.

    A fifth of the rows is held out; change this with --test-size. Repeat --with to compare more estimators.
    """
    from regress.api import compare
    from regress.cli import console, installed
    from regress.report.text import comparison_lines
    from regress.sources.files import open_files

    options = options_of(given)
    report, as_json = options.pop("report", None), options.pop("json", None)
    if "estimators" in options:
        options["estimators"] = installed.estimators(options["estimators"])
    source = open_files(table, made(FileOptions, options), outputs={"--report": report})
    with console.progress_line() as progress, installed.installed_only():
        result = compare.compare(source, target_of(source, target), progress=progress, **options)
    console.write_page(result, report, command_line())
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show(*comparison_lines(result.record))
    return (0 if result.agree else FAILED) if result.converged else UNCONVERGED


@cli.command(cls=Command)
@click.argument("table")
@flags(CallOptions, only=["target"])
@flags(TableOptions, without=["rows", "test_size", "split_key"], random_state="Seed of the point.  [default: 0]")
@flags(TrainOptions, only=["fit_intercept"])
@flags(CallOptions, only=["n_jobs", "json"])
def check(table: str, target: str | None, **given: Any) -> int:
    """Compute the gradient on TABLE five ways, at a random point, and compare. Exit 1 where they disagree."""
    from regress.api import check
    from regress.cli import console
    from regress.sources.files import open_files

    options = options_of(given)
    as_json = options.pop("json", None)
    source = open_files(table, made(FileOptions, options))
    with console.progress_line() as progress:
        result = check.check_gradients(source, target_of(source, target), progress=progress, **options)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show(*result.summary().split("\n"))
    return 0 if result.passed else FAILED


@cli.command(cls=Command)
@click.argument("table")
@flags(CallOptions, only=["target"], target="Column to predict, for the command shown.")
@flags(TableOptions, only=["categorical"])
@flags(FileOptions)
@flags(CallOptions, only=["json"])
def inspect(table: str, target: str | None, **given: Any) -> int:
    """Show what is in TABLE, before any fit, and the command to run next."""
    from regress.api import inspect
    from regress.cli import console
    from regress.report.text import inspection_lines
    from regress.sources.files import open_files

    options = options_of(given)
    as_json = options.pop("json", None)
    source = open_files(table, made(FileOptions, options))
    with console.progress_line() as progress:
        result = inspect.inspect(source, target, progress=progress, **options)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show(*inspection_lines(result.record))
    return 0


@cli.command(cls=Command)
@click.argument("model")
@click.argument("table")
@flags(CallOptions, only=["target"])
@flags(TableOptions, without=["rows"])
@flags(TrainOptions, only=["fit_intercept", "alpha"])
@flags(CallOptions, only=["digits", "n_jobs", "report", "json"])
def certify(model: str, table: str, target: str | None, **given: Any) -> int:
    """Count the correct digits of MODEL's coefficients on TABLE, in exact arithmetic. Exit 1 if it does not pass.

    MODEL is a saved model, or JSON with "coef" and "intercept". For JSON, the flags describe what was minimized.
    """
    from regress.api import certify
    from regress.cli import console
    from regress.sources.files import open_files

    options = options_of(given)
    report, as_json = options.pop("report", None), options.pop("json", None)
    source = open_files(table, made(FileOptions, options), outputs={"--report": report}, model=model)
    with console.progress_line() as progress:
        result = certify.certify(model, source, target, progress=progress, **options)
    console.write_page(result, report, command_line())
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show(*result.summary().split("\n"))
    return 0 if result.passed else FAILED


@cli.command(cls=Command)
@click.argument("model")
@click.argument("table")
@flags(FileOptions)
@flags(CallOptions, only=["handle_unknown", "keep", "interval"])
@flags(CallOptions, only=["output"], output="Write a CSV or .parquet file. Default: standard output.")
def predict(model: str, table: str, **given: Any) -> int:
    """Predict every row of TABLE with a saved MODEL: one output row for each input row.

    A row with a missing cell, or a bad one that is skipped, gets an empty prediction.
    """
    from regress.api.load import load
    from regress.cli import console
    from regress.numerics.atomic_write import in_temporary_folder, whole_file
    from regress.sources.files import open_files
    from regress.sources.write import write_predictions, writes_parquet

    options = options_of(given)
    output, interval, unknown = (options.get(name) for name in ("output", "interval", "handle_unknown"))
    parquet, loaded = writes_parquet(output), load(model).model
    source = open_files(table, made(FileOptions, options), outputs={"--output": output}, model=model)
    kept = list(dict.fromkeys(options.get("keep", [])))
    form = {"as_text": not source.typed_alike, "interval": interval is not None, "parquet": parquet}
    with console.progress_line() as progress:
        predicted = loaded.predict_batches(source, kept, interval, unknown or "error")
        parts = console.watched(predicted, source.size, progress)
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
@flags(CallOptions, only=["output"], output="Page to write. Default: MODEL with .html at its end.")
@flags(CallOptions, only=["descent"])
def report(model: str, output: str | None, descent: tuple[list[str], ...]) -> int:
    """Write the page of a saved MODEL: its rows, coefficients, digits and residuals."""
    from regress.api.load import load
    from regress.cli import console
    from regress.sources.paths import check_outputs

    pair = options_of({"descent": descent}).get("descent")
    check_pair(pair)
    loaded, page = load(model), str(Path(model).with_suffix(".html")) if output is None else output
    check_outputs({"--output": page}, {Path(model): "the model"})
    console.write_page(loaded, page, descent=pair)
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
        with warnings.catch_warnings(), speaking_flags():
            warnings.simplefilter("always")
            warnings.showwarning = process.say_warning
            given = " ".join(map(quoted, ["regress", *(sys.argv[1:] if arguments is None else arguments)]))
            code = int(cli.main(arguments, prog_name="regress", standalone_mode=False, obj=given) or 0)
            sys.stdout.flush()
            return code
    except click.UsageError as error:
        return _refuse(usage(error))
    except RegressError as error:
        return _refuse(str(error))
    except ArithmeticError as error:
        return _refuse(f"numbers in the table are beyond the range of float64 ({error}). Rescale them.")
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
