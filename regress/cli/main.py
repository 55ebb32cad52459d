"""The command line: parse, call, print, exit code. No arithmetic."""

import io
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from regress import __version__
from regress.cli import process
from regress.cli.models import certify, predict, relevel, report, table, verify
from regress.cli.moments import merge, moments
from regress.cli.options import (
    CLUSTER,
    Command,
    Commands,
    check_descent,
    command_line,
    flags,
    options_of,
    target_of,
    usage,
)
from regress.cli.process import FAILED, INTERRUPTED, UNCONVERGED, UNUSABLE
from regress.errors import RegressError
from regress.keywords import made
from regress.messages import quoted, speaking_flags
from regress.options import CallOptions, FileOptions, ProcessOptions, TableOptions, TrainOptions
from regress.sources.paths import is_address, masked


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    no_args_is_help=False,
)
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
@flags(CallOptions, only=["cov_type", "level", "retransform", "n_jobs", *CLUSTER])
@flags(CallOptions, only=["save", "report", "points", "descent", "vif", "json"])
def fit(table: str, target: str | None, **given: Any) -> int:
    """Fit TABLE (CSV, Parquet, a glob, or moments) and print the coefficients.

    Only --target is required, or a formula that names the target. The defaults suit most tables.
    """
    from regress.api import fit
    from regress.api.tables import open_any, source_of
    from regress.cli import console

    options = options_of(given)
    outputs = ("save", "report", "descent", "vif", "json")
    save, report, descent, vif, as_json = (options.pop(name, None) for name in outputs)
    written = {"--save": save, "--report": report, "--checkpoint": options.get("checkpoint")}
    opened = open_any(table, made(FileOptions, options), outputs=written)
    if options.get("points") and save is None and report is None:
        raise click.UsageError("--points needs --save or --report: it lists residuals in the model and its page.")
    formula = "formula" in options or "~" in (target or "")
    check_descent(source_of(opened), descent, report, computed=formula)
    if save is None and report is None and not formula:
        options["sample"] = 0  # nobody will see residuals, and no target needs them
    kept = written["--checkpoint"] if options.get("cluster") else None
    outcome = f"The finished parts are in {kept}. Continue with --resume." if kept else "Nothing was written."
    with console.progress_line(outcome) as progress, warnings.catch_warnings():
        if not as_json:  # the summary has these notes
            warnings.simplefilter("ignore", UserWarning)
        verbose = sys.stderr.isatty()
        result = fit.fit(opened, target_of(opened, target, options), progress=progress, verbose=verbose, **options)
    result = result.with_command(command_line())
    if save is not None:
        result.save(save)
    console.write_page(result, report, descent=descent)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show_fit(result, vif=bool(vif))
    if result.status == "interrupted":
        console.say_interrupted(result, save, written["--checkpoint"])
    return 0 if result.status.as_asked else INTERRUPTED if result.status == "interrupted" else UNCONVERGED


@cli.command(cls=Command)
@click.argument("table")
@flags(CallOptions, only=["target"])
@flags(TableOptions, test_size="Fraction of the rows to hold out, approximately.  [default: 0.2]")
@flags(TrainOptions, only=["fit_intercept", "tol"])
@flags(CallOptions, only=["estimators", "metrics", "cv", "split_time", "digits", "n_jobs", *CLUSTER, "report", "json"])
def compare(table: str, target: str | None, **given: Any) -> int:
    """Fit TABLE with regress and scikit-learn, and report which is correct. Exit 1 if LinearRegression() disagrees.

    A fifth of the rows is held out to test the predictions; --test-size changes this.
    """
    from regress.api import compare
    from regress.api.tables import open_any
    from regress.cli import console, installed

    options = options_of(given)
    report, as_json = options.pop("report", None), options.pop("json", None)
    if "estimators" in options:
        options["estimators"] = installed.estimators(options["estimators"])
    opened = open_any(table, made(FileOptions, options), outputs={"--report": report})
    with console.progress_line() as progress, installed.installed_only():
        result = compare.compare(opened, target_of(opened, target, options), progress=progress, **options)
    console.write_page(result, report, command_line())
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show_comparison(result.record)
    return (0 if result.agree else FAILED) if result.converged else UNCONVERGED


@cli.command(cls=Command)
@click.argument("table")
@flags(CallOptions, only=["target"])
@flags(TableOptions, without=["rows", "test_size", "split_key"], random_state="Seed of the point.  [default: 0]")
@flags(TrainOptions, only=["fit_intercept"])
@flags(CallOptions, only=["n_jobs", "json"])
def check(table: str, target: str | None, **given: Any) -> int:
    """Compute the gradient on TABLE in five ways, at a random point, and compare them. Exit 1 if they disagree."""
    from regress.api import check
    from regress.cli import console
    from regress.sources.files import open_files

    options = options_of(given)
    as_json = options.pop("json", None)
    source = open_files(table, made(FileOptions, options))
    with console.progress_line() as progress:
        result = check.check_gradients(source, target_of(source, target, options), progress=progress, **options)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show_judged(result.summary().split("\n"), -1, good=result.passed)
    return 0 if result.passed else FAILED


@cli.command(cls=Command)
@click.argument("table")
@flags(CallOptions, only=["target"], target="Column to predict, for the command shown.")
@flags(TableOptions, only=["formula", "categorical"])
@flags(FileOptions)
@flags(CallOptions, only=["report", "json"])
def inspect(table: str, target: str | None, **given: Any) -> int:
    """Show what is in TABLE, before any fit, and the command to run next."""
    from regress.api import inspect
    from regress.cli import console
    from regress.report.inspection import inspection_lines
    from regress.sources.files import open_files

    options = options_of(given)
    report, as_json = options.pop("report", None), options.pop("json", None)
    source = open_files(table, made(FileOptions, options), outputs={"--report": report})
    with console.progress_line() as progress:
        result = inspect.inspect(source, target, progress=progress, **options)
    console.write_page(result, report, command_line())
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show(*inspection_lines(result.record, blocks=_shown("▁▇")))
    return 0


def _shown(characters: str) -> bool:
    """Tell whether the encoding of standard output has some characters."""
    try:
        characters.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


for each in (certify, predict, relevel, report, table, verify, moments, merge):
    cli.add_command(each)


def command() -> None:
    """Run the command line, and leave."""
    process.begin(sys.argv)
    try:
        main()
    except SystemExit as end:  # standard output is flushed already, where a full disk can be reported
        process.leave(int(end.code or 0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # closed: nobody reads
    sys.stderr = sys.stderr or open(os.devnull, "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for encodings without ŷ
    sys.exit(_run(arguments))


def _word(given: str) -> str:
    """Return a word of the command line as models and pages hold it: without secrets in addresses, and folders."""
    flag, mark, value = given.partition("=") if given.startswith("--") else ("", "", given)
    return quoted(f"{flag}{mark}{masked(value) if is_address(value) else _without_folder(value)}")


def _without_folder(word: str) -> str:
    """Return a path without its folders, if one of them exists; other words may have a slash, such as km/h."""
    path = Path(word)
    folders = [each for each in path.parents if each.name]
    return path.name if any(map(os.path.isdir, folders)) else word


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with warnings.catch_warnings(), speaking_flags():
            warnings.simplefilter("always")
            warnings.showwarning = process.say_warning
            given = " ".join(map(_word, ["regress", *(sys.argv[1:] if arguments is None else arguments)]))
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
