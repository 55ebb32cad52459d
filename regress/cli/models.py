"""Commands that take saved models: certify, verify, predict, relevel, report, table."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from regress.cli import process
from regress.cli.options import CLUSTER, Command, check_pair, command_line, flags, options_of
from regress.cli.process import FAILED
from regress.keywords import made
from regress.options import CallOptions, FileOptions, TableOptions, TrainOptions

_SPOOL = 2**26  # bytes of predictions that wait in memory, more on disk


@click.command(cls=Command)
@click.argument("model")
@click.argument("table")
@flags(CallOptions, only=["target"])
@flags(TableOptions, without=["rows"])
@flags(TrainOptions, only=["fit_intercept", "alpha"])
@flags(CallOptions, only=["digits", "n_jobs", *CLUSTER, "report", "json"])
def certify(model: str, table: str, target: str | None, **given: Any) -> int:
    """Count the correct digits of MODEL's coefficients on TABLE, in exact arithmetic. Exit 1 if it does not pass.

    MODEL is a saved model, or JSON with "coef" and "intercept". For JSON, the flags describe what was minimized.
    """
    from regress.api import certify
    from regress.api.tables import open_any
    from regress.cli import console

    options = options_of(given)
    report, as_json = options.pop("report", None), options.pop("json", None)
    opened = open_any(table, made(FileOptions, options), outputs={"--report": report}, model=model)
    with console.progress_line() as progress:
        result = certify.certify(model, opened, target, progress=progress, **options)
    console.write_page(result, report, command_line())
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show_judged(result.summary().split("\n"), -1, good=result.passed)
    return 0 if result.passed else FAILED


@click.command(cls=Command)
@click.argument("model")
@click.argument("table")
@flags(FileOptions)
@flags(CallOptions, only=["n_jobs", *CLUSTER, "json"])
def verify(model: str, table: str, **given: Any) -> int:
    """Tell whether MODEL was fitted to the rows of TABLE, in any order. Exit 1 if it was not.

    TABLE may be a file of moments. The sums over its rows are compared with those of the model, without rounding.
    """
    from regress.api import verify
    from regress.api.tables import open_any
    from regress.cli import console

    options = options_of(given)
    as_json = options.pop("json", None)
    opened = open_any(table, made(FileOptions, options), outputs={}, model=model)
    with console.progress_line("Nothing is known.") as progress:
        result = verify.verify(model, opened, progress=progress, **options)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show_judged(result.summary().split("\n"), 0, good=result.matches)
    return 0 if result.matches else FAILED


@click.command(cls=Command)
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


@click.command(cls=Command)
@click.argument("model")
@click.argument("references", metavar="COLUMN=LEVEL...", nargs=-1, required=True)
@flags(CallOptions, only=["save", "json"])
def relevel(model: str, references: tuple[str, ...], **given: Any) -> int:
    """Give text columns of a saved MODEL other reference levels, without the table, and print the coefficients."""
    from regress.api.load import load
    from regress.cli import console
    from regress.design.references import divided
    from regress.sources.paths import check_outputs

    options = options_of(given)
    save, as_json = options.get("save"), options.get("json")
    result = load(model)
    if save is not None:
        check_outputs({"--save": save}, {Path(model): "the model"})
    for text in references:
        if "=" not in text:
            raise click.UsageError(f"{text!r} is not a column with a level, such as zone=north.")
        result = result.relevel(*divided(text, [variable.name for variable in result.model.design.texts]))
    result = result.with_command(command_line())
    if save is not None:
        result.save(save)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.show_fit(result)
    return 0


@click.command(cls=Command)
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


_ENDINGS = {".md": "md", ".tex": "latex", ".html": "html", ".csv": "csv", ".txt": "text"}  # of the file to write


@click.command(cls=Command)
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@flags(CallOptions, only=["names", "intervals", "stars", "to"])
@flags(CallOptions, only=["output"], output="File to write. Default: standard output.")
def table(models: tuple[str, ...], **given: Any) -> int:
    """Put saved models side by side in one table, as papers show them: Markdown, LaTeX, HTML, CSV or text."""
    from regress.api.table import table
    from regress.cli import console
    from regress.numerics.atomic_write import write_text
    from regress.sources.paths import check_outputs

    options = options_of(given)
    output, form = options.pop("output", None), options.pop("to", None)
    if output is not None and form is None and (form := _ENDINGS.get(Path(output).suffix.lower())) is None:
        raise click.UsageError(f"The ending of {output!r} is not that of a format. Name the format with --to.")
    check_outputs({"--output": output}, {Path(model): "a model" for model in models})
    made = table(*models, **options)
    written = {"md": made.to_markdown, "latex": made.to_latex, "html": made.to_html, "csv": made.to_csv}
    text = written.get(form or "text", lambda: f"{made}\n")()
    if output is None:
        console.show(*text.removesuffix("\n").split("\n"))
    else:
        write_text(output, text)
    return 0
