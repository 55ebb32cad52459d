"""A table, its options checked, read once into what training needs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from regress.errors import InputError, TableError
from regress.numerics.moments import Block
from regress.tables.design import Design, match, plan
from regress.tables.facts import Facts, alike
from regress.tables.opening import open_table
from regress.tables.options import FileOptions
from regress.tables.reading import Missing, Reader
from regress.tables.source import Source, find_column, rereading
from regress.tables.split import Split
from regress.tables.tally import Tally
from regress.tables.values import Values, as_values
from regress.training.gathering import TrainingData, gather
from regress.training.options import Over, Precision, TrainOptions, check_choice, check_number, check_whole

WeightType = Literal["analytic", "frequency"]
Progress = Callable[[str, int, int, int], None]
"""Called with what is being done, how many rows or iterations of it are, and how much of the table was read, of what:
bytes of files, rows of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions(FileOptions):
    """How a table is read, and what becomes of its columns and rows; `fit` says what each means."""

    features: Sequence[str] | None = None
    drop: Sequence[str] | None = ()
    weights: Any = None
    weight_type: WeightType = "analytic"
    categorical: Sequence[str] | None = ()
    max_levels: int = 100
    missing: Missing = "error"
    test: float = 0.0
    split_key: str | None = None
    random_state: int = 0
    rows: int | None = None

    def __post_init__(self) -> None:
        for name in ("features", "drop", "categorical"):
            names = None if getattr(self, name) is None else _checked_names(name, getattr(self, name))
            object.__setattr__(self, name, () if names is None and name != "features" else names)
        if self.split_key is not None and not isinstance(self.split_key, str):
            raise InputError(f"split_key must be a column's name, as text; got {self.split_key!r}.")
        check_choice("missing", self.missing, ("error", "drop", "mean"))
        check_choice("weight_type", self.weight_type, get_args(WeightType))
        check_number("max_levels", self.max_levels, at_least=1)
        check_number("test", self.test, at_least=0.0)
        object.__setattr__(self, "test", float(self.test))
        object.__setattr__(self, "random_state", check_whole("random_state", self.random_state))
        if self.rows is not None:
            check_number("rows", self.rows, at_least=1)
        if self.test >= 1.0:
            raise InputError(f"test must be a fraction below 1; got {self.test!r}.")


def _checked_names(option: str, given: Any) -> tuple[str, ...]:
    """Return names of columns as a tuple."""
    if isinstance(given, str):
        raise InputError(f"{option} must be a list of column names, not one text; use [{given!r}].")
    if not isinstance(given, Iterable):
        raise InputError(f"{option} must be a list of column names; got {given!r}.")
    names = tuple(given)
    for name in names:
        if not isinstance(name, str):
            raise InputError(
                f"{option} must hold column names as text; got {name!r}. "
                "The columns of an array are named 'x0', 'x1', …; whole numbers of a frame become '0', '1', …."
            )
    return names


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A table, read: what training needs, where every row went, Σ log a, and what to know of the rows."""

    data: TrainingData
    reader: Reader
    log_weight: float
    facts: Facts

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of X."""
        return self.reader.design.names


def prepare(
    table: Any,
    target: Any,
    options: TableOptions,
    over: Over,
    n_jobs: int,
    progress: Progress | None = None,
    room: int | None = None,
    precision: Precision = "double",
    design: Design | None = None,
    sampled: int = 0,
    fit_intercept: bool = True,
) -> Prepared:
    """Open, plan and read a table, keeping a sample of its rows; `over`, `room`, `precision` are those of `gather`.

    A `design` that is there already, such as a model's, decides what becomes of the columns.
    """
    read = partial(
        _prepare,
        target=target,
        options=options,
        over=over,
        n_jobs=n_jobs,
        progress=progress,
        room=room,
        precision=precision,
        design=design,
        sampled=sampled,
        fit_intercept=fit_intercept,
    )
    return rereading(open_table(table, options), read)


def _prepare(
    source: Source,
    *,
    target: Any,
    options: TableOptions,
    over: Over,
    n_jobs: int,
    progress: Progress | None,
    room: int | None,
    precision: Precision,
    design: Design | None,
    sampled: int,
    fit_intercept: bool,
) -> Prepared:
    named = [name for name in (target, options.weights) if isinstance(name, str) and name in source.by_name]
    source = source.settled([name for name in named if source.by_name[name].kind == "text"])
    y = as_values(source, target, "the target")
    a = None if options.weights is None else as_values(source, options.weights, "weights")
    if options.split_key is not None:
        find_column(source, options.split_key, "the key of the split")
    if design is not None:
        source, key = match(source, _apart(design, y, a)), None
    else:
        source, design, key = _planned(source, y, a, options, fit_intercept)
    if options.split_key is not None and options.split_key not in {*design.columns, y.name, a.name if a else None}:
        source = source.read_as({options.split_key: "text"})  # so that no cell of it makes a row bad
    split = Split(options.test, options.split_key, options.random_state)
    counts = options.weight_type == "frequency"
    exact, most = precision == "exact", options.max_levels
    reader = Reader(source, design, y, a, options.missing, split, options.rows, counts, most, sampled, n_jobs, exact)
    log_weight = 0.0

    def blocks() -> Iterator[Block]:
        nonlocal log_weight
        for block in reader.blocks():
            if block.weights is not None:
                log_weight += float(np.log(block.weights).sum())
            if progress is not None:
                progress("rows", reader.tally.rows, reader.read, source.size)
            yield block

    try:
        data = gather(blocks(), reader, over, n_jobs, room, precision)
    except InputError as error:
        if isinstance(error, TableError) or reader.tally.used or not reader.tally.rows:
            raise
        raise InputError(f"{source.label} has no row left to train on: {describe(reader.tally)}.") from None
    facts = reader.facts or Facts()
    facts = replace(facts, split_key=key, of_source=source.notes, alike=alike(reader.design))
    return Prepared(replace(data, again=reader.blocks), reader, log_weight, facts)


def _apart(design: Design, y: Values, a: Values | None) -> Design:
    """Return a model's design, which must not use the target or the weights."""
    for role, values in (("the target", y), ("weights", a)):
        if values is not None and values.array is None and values.name in design.columns:
            raise InputError(f"{values.name!r} is a feature of the model, so it cannot be {role}. Name another column.")
    return design


def _planned(
    source: Source, y: Values, a: Values | None, options: TableOptions, fit_intercept: bool
) -> tuple[Source, Design, str | None]:
    """Return a table as it is read, its design, and the key of the split where that is left out of the features."""
    roles = [v for v in (y, a) if v is not None]
    others, drop, key = [v.name for v in roles if v.array is None], options.drop or (), options.split_key
    if options.features is not None or key in (*others, *drop):
        key = None
    source, design = plan(
        source,
        exclude=[*others, key],
        features=options.features,
        drop=drop,
        categorical=options.categorical or (),
        fit_intercept=fit_intercept,
    )
    for name in (v.name for v in roles if v.clash and v.name in design.columns):
        raise InputError(
            f"The values given for {name!r} differ from the feature {name!r} of {source.label}. "
            f"Leave that feature out with drop=[{name!r}], or pass values.to_numpy() if it is one."
        )
    return source, design, key


def describe(tally: Tally) -> str:
    """Return the account of the rows in words."""
    parts = [f"{tally.used:,} used"]
    for name in ("held_out", "missing", "zero_weight", "bad"):
        if count := getattr(tally, name):
            parts.append(f"{count:,} {name.replace('_', ' ')}")
    return f"{tally.rows:,} rows = " + " + ".join(parts)


def file_options(options: Mapping[str, Any]) -> FileOptions:
    """Return those options that say how files are read."""
    return FileOptions(**{f.name: options[f.name] for f in fields(FileOptions) if f.name in options})


def split_options(options: dict[str, Any]) -> tuple[TableOptions, TrainOptions]:
    """Return the options of a table and those of training, checked.

    Raises
    ------
    TypeError
        If an option belongs to neither.
    """
    of_table = {f.name for f in fields(TableOptions)}
    of_training = {f.name for f in fields(TrainOptions)}
    for name in options:
        if name not in of_table | of_training:
            raise TypeError(f"unexpected option {name!r}")
    return (
        TableOptions(**{k: v for k, v in options.items() if k in of_table}),
        TrainOptions(**{k: v for k, v in options.items() if k in of_training}),
    )
