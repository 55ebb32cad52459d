"""The flags of the command line, made from `regress.options`, and how help pages group them."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin

import click

from regress.keywords import hints_of, meant
from regress.messages import flag_name

GROUPS = {  # of a help page, in order, with their titles
    "Data": "Columns and rows",
    "Model": "Model",
    "Output": "Output",
    "Training": "Training",
    "Mini-batches": "Mini-batches (solvers sgd, averaged-sgd, adam)",
    "Process": "Start, stop and resume",
    "Files": "Format of files",
    "Computing": "Threads and clusters",
    "Other": "Help",
}
CLUSTER = ("cluster", "cluster_timeout")


class Flag(click.Option):
    """A flag that belongs to a group of the help page."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class Command(click.Command):
    """A command whose help page lists its flags by group, and ends with examples."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the line of the command in the list of all."""
        from regress.cli.examples import COMMANDS

        shown = COMMANDS.get(self.name or "")
        return super().get_short_help_str(limit) if shown is None else shown.line

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the flags, group by group."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups[parameter.group if isinstance(parameter, Flag) else "Other"].append(record)
        for group, records in groups.items():
            if records:
                with formatter.section(GROUPS[group]):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write commands to copy."""
        from regress.cli.examples import COMMANDS

        shown = COMMANDS.get(self.name or "")
        if shown is not None:
            write_examples(formatter, shown.examples)


class Commands(click.Group):
    """All commands, in the order of use; their help page ends with examples."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        from regress.cli.examples import COMMANDS

        return [*COMMANDS, *sorted(set(self.commands) - set(COMMANDS))]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write commands to copy."""
        from regress.cli.examples import START

        write_examples(formatter, START)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """Write commands to copy, each on its own lines."""
    with formatter.section("Examples"):
        for line in "\n".join(examples).split("\n"):
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class ColumnNames(click.ParamType[list[str]]):
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


class OneText(click.ParamType[list[str]]):
    """One text of a flag that may be repeated."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Return a list of it."""
        return value if isinstance(value, list) else [value]


class NumberOrAuto(click.ParamType[float | str]):
    """A number, or auto."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """Read the number."""
        try:
            return value if value == "auto" else float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number or auto.", param, ctx)


def flags(*groups: type, only: Sequence[str] = (), without: Sequence[str] = (), **told: str) -> Callable[[Any], Any]:
    """Declare the flags of the options of some classes: all but some, or some only. `told` replaces help texts."""
    made = []
    for group in groups:
        hints = hints_of(group)
        for f in fields(group):
            if f.name not in without and (not only or f.name in only):
                made.append(_flag(f.name, hints[f.name], f.default, f.metadata, told.get(f.name)))

    def apply(function: Any) -> Any:
        for decorator in reversed(made):
            function = decorator(function)
        return function

    return apply


def _flag(name: str, hint: Any, default: Any, metadata: Any, told: str | None) -> Callable[[Any], Any]:
    """Declare one flag. None stands for a flag that is not given: then the default of the option holds."""
    how: dict[str, Any] = {"group": metadata["group"], "default": None, "metavar": metadata["metavar"] or None}
    free = {type(None), Any}  # what a flag cannot give
    parts = [part for part in get_args(hint) if part not in free] if free & {*get_args(hint)} else [hint]
    kind = parts[0]
    more = metadata["flag"]
    text, spelled = told or more.get("off") or more.get("text") or metadata["help"], flag_name(name)
    if kind is bool:
        how |= {"flag_value": not default, "type": bool, "metavar": None}
        spelled = flag_name(name, not default)
    elif get_origin(kind) is Literal:
        how["type"] = click.Choice(get_args(kind))
    elif get_origin(kind) is Sequence:
        how |= {"type": ColumnNames(), "multiple": True}
    elif Mapping in (get_origin(kind), *map(get_origin, get_args(kind))):
        how |= {"type": OneText(), "multiple": True}
    elif kind in (int, float):
        how["type"] = kind
    elif float in get_args(kind):
        how["type"] = NumberOrAuto()
    if told is None and default not in (None, ()) and not isinstance(default, bool):
        text += f"  [default: {default:g}]" if isinstance(default, float) else f"  [default: {default}]"
    short = [more["short"]] if "short" in more else []
    return click.option(*short, spelled, name, cls=Flag, help=text, **how)


def options_of(given: dict[str, Any]) -> dict[str, Any]:
    """Turn flags into keyword arguments: repeated lists are joined, flags that are not given are dropped."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, tuple):
            value = [text for part in value for text in part] or None
        if value is not None:
            options[name] = value
    if options.get("delimiter") in ("tab", "\\t"):
        options["delimiter"] = "\t"
    if "date_format" in options:
        options["date_format"] = _date_formats(options["date_format"])
    return options


def _date_formats(texts: Sequence[str]) -> dict[str, str] | str:
    """Return formats by column from texts such as ``sold=%d/%m/%Y``, or one format without a column."""
    formats = dict(text.rpartition("=")[::2] for text in texts)
    if "" not in formats:
        return formats
    if len(texts) > 1:
        raise click.UsageError("--date-format takes one FORMAT for all columns of dates, or COLUMN=FORMAT for each.")
    return formats[""]


def target_of(table: Any, target: str | None, options: Mapping[str, Any]) -> str | None:
    """Return the target as it was given, if any: moments know theirs, and a formula may name it. Else list columns."""
    from regress.api.formulas import with_formula
    from regress.sources.base import Source

    if with_formula(target, options)[0] is not None or not isinstance(table, Source):
        return target
    names = list(table.by_name)
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    raise click.UsageError(f"Name the column to predict with --target. {table.label} has: {shown}.")


def check_descent(source: Any, descent: list[str] | None, report: str | None, *, computed: bool) -> None:
    """Refuse coefficients to draw that the table cannot have, or a missing page, before the fit.

    What a formula calls its coefficients is known once the table is read.
    """
    if descent is None:
        return
    if report is None:
        raise click.UsageError("--descent needs a page to draw on. Name it with --report PAGE.html.")
    from regress.errors import InputError
    from regress.sources.find import nearest

    check_pair(descent)
    names = list(source.by_name)
    for name in descent:
        if not computed and name not in names and name.rpartition("=")[0] not in names:
            raise InputError(f"There is no coefficient {name!r}. {nearest(name, names)}")


def check_pair(descent: list[str] | None) -> None:
    """Refuse all but two coefficients."""
    if descent is not None and len(descent) != 2:
        raise click.UsageError(f"--descent takes two coefficients, such as x1,x2; got {','.join(descent)!r}.")


def command_line() -> str:
    """Return the command line as it was given."""
    return str(click.get_current_context().find_root().obj)


def usage(error: click.UsageError) -> str:
    """Return the error in the command, with the nearest flag, and the command for help."""
    text = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        text = f"No such option: {error.option_name}."
        known = {p.name or "": p.opts[-1] for p in error.ctx.command.get_params(error.ctx)}
        near = meant(error.option_name.lstrip("-").replace("-", "_"), [*known])
        if near is not None and known[near] != error.option_name:
            text += f" Use {known[near]}."
    return f"{text} See '{error.ctx.command_path if error.ctx else 'regress'} --help'."
