"""How the descent of a fit runs: where it begins, what it is validated on, and who watches it."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regress.aggregates.collect import NoRowsError
from regress.aggregates.held_out import HeldOut
from regress.api.model import LinearModel
from regress.api.read import read_table
from regress.api.result import Fit
from regress.api.sums import Reading, ReadTable
from regress.errors import InputError
from regress.fit_record import FitOptions
from regress.messages import by_interface, setting
from regress.options import ProcessOptions, Progress, TableOptions, TrainOptions
from regress.solvers.choose import batched, plan
from regress.solvers.course import Iteration
from regress.solvers.running import Running, Start
from regress.solvers.state import State
from regress.solvers.watch import Callback, Save

if TYPE_CHECKING:
    from regress.api.checkpoint import Checkpoint
    from regress.design.block_index import BlockReader
    from regress.report.live import Totals

_EXACT = 600  # columns up to which sums over the validation rows are exact


def running_of(
    prepared: ReadTable,
    kept: FitOptions,
    training: TrainOptions,
    process: ProcessOptions,
    *,
    progress: Progress | None = None,
    checkpoint: "Checkpoint | None" = None,
) -> Running:
    """Return how a descent on a table runs.

    Raises
    ------
    InputError
        If the start has other columns, or a checkpoint is not one of this run.
    """
    save = None
    if checkpoint is not None:
        from regress.api.run_identity import identity

        start = start_of(process.init, prepared.names, training.fit_intercept)
        save = checkpoint.of(identity(prepared, kept, training, process, start))
    callbacks = [*process.callbacks, *([] if progress is None else [_counting(progress)])]
    after: list[Save] = [] if save is None else [save]
    if process.verbose:
        from regress.api.live import Live

        after.append(Live(totals_of(prepared, training, process)))
    return Running(
        descends=bool(process.steps),
        start=start_of(process.init, prepared.names, training.fit_intercept),
        resumed=None if save is None or not save.resumes else save.resumed,
        callbacks=callbacks,
        held_out=prepared.held_out,
        early_stopping=process.patience,
        max_seconds=inf if process.max_seconds is None else process.max_seconds,
        every=process.monitor_every,
        after=after,
        seed=kept.random_state,
        reader=_blocks(prepared) if prepared.index else None,
    )


def _blocks(prepared: ReadTable) -> "BlockReader":
    """Return what reads blocks in any order."""
    from regress.design.block_index import BlockReader

    return BlockReader(prepared.reader, prepared.index)


def hide(running: Running) -> None:
    """Take a line that shows a descent off the terminal."""
    from regress.api.live import Live

    for shows in running.after:
        if isinstance(shows, Live):
            shows.close()


def totals_of(prepared: ReadTable, training: TrainOptions, process: ProcessOptions) -> "Totals":
    """Return when a descent ends."""
    from regress.report.live import Totals

    limit = inf if process.max_seconds is None else process.max_seconds
    if batched(training):
        return Totals(epochs=training.epochs, rows=prepared.data.summary.rows, max_seconds=limit)
    solver = str(plan(training, prepared.data, descends=bool(process.steps)).solver)
    most = training.iteration_limit(solver, len(prepared.names))
    return Totals(max_iter=most, tol=training.tol, steady=solver == "gd", max_seconds=limit)


def _counting(progress: Progress) -> Callback:
    def count(state: State, record: Iteration) -> None:
        progress("iterations", state.iteration + 1, 0, 0)

    return count


def start_of(init: Any, names: Sequence[str], fit_intercept: bool) -> Start | None:
    """Return where a descent begins: None for zeros, else that of (w, b), of a fit, of a model, or of a model's file.

    Raises
    ------
    InputError
        If it has other columns, or an intercept where none is fitted.
    """
    if init is None:
        return None
    if isinstance(init, tuple | list):
        start, b = _of_pair(init, names), init[1]
    else:
        model = _model(init, names)
        start, b = Start(model.w, model.center, model.b_center), model.b
    if b and not fit_intercept:
        raise InputError(f"{setting('init')} has an intercept, but this fit does not. Give (w, 0.0).")
    return start


def _model(init: Any, names: Sequence[str]) -> LinearModel:
    """Return a model of the same columns: as given, that of a fit, or that of a file."""
    from regress.api.load import load

    if not isinstance(init, Fit | LinearModel | str | Path):
        raise InputError(f"{setting('init')} must be (w, b), a fit, or a model's file; got {type(init).__name__}.")
    given = load(init) if isinstance(init, str | Path) else init
    model = given.model if isinstance(given, Fit) else given
    if tuple(model.names) != tuple(names):
        other = sorted({*model.names} ^ {*names}) or list(model.names)
        remedy = by_interface("Give (w, b).", "Give a model of the same columns, in their order.")
        raise InputError(
            f"The model given as {setting('init')} has other columns than this fit, such as {other[0]!r}. {remedy}"
        )
    return model


def _of_pair(init: Sequence[Any], names: Sequence[str]) -> Start:
    wanted = f"{setting('init')} must be (w, b): {len(names)} coefficients and the intercept"
    if len(init) != 2:
        raise InputError(f"{wanted}; got {len(init)} values.")
    try:
        w, b = np.array(init[0]).astype(np.float64, casting="same_kind"), float(init[1])
    except (TypeError, ValueError):
        raise InputError(f"{wanted}, all numbers.") from None
    if w.shape != (len(names),):
        raise InputError(f"{wanted}; w has shape {w.shape}.")
    if not np.isfinite([*w, b]).all():
        raise InputError(f"{wanted}, all finite.")
    return Start(w, np.zeros(len(names)), b)


def validated(prepared: ReadTable, process: ProcessOptions, options: TableOptions, kept: bool) -> ReadTable:
    """Return a table whose held-out rows are those of `validation`, if that is given.

    Raises
    ------
    InputError
        If rows are held out as well, or early stopping has no rows to look at.
    """
    if process.validation is not None:
        if options.test_size:
            raise InputError(f"{setting('validation')} and {setting('test_size')} are both given. Remove one of them.")
        prepared = replace(prepared, held_out=_read(process.validation, prepared, options, kept))
    if process.early_stopping is not None and prepared.held_out is None:
        raise _none_held_out(prepared, options)
    return prepared


def _none_held_out(prepared: ReadTable, options: TableOptions) -> InputError:
    """Return the error of early stopping that has no rows to look at."""
    needs, size = f"{setting('early_stopping')} needs rows to validate on", setting("test_size", options.test_size)
    if prepared.tally.held_out:  # of levels that no training row has, without a reference level
        return InputError(f"{needs}, and the rows of {size} have levels that training did not see. Fit an intercept.")
    if options.test_size:
        return InputError(f"{needs}, and {size} held out no row. Raise it, or use {setting('validation')}.")
    return InputError(f"{needs}. Use {setting('test_size', 0.2)}, or {setting('validation')}.")


def _read(given: Any, prepared: ReadTable, options: TableOptions, kept: bool) -> HeldOut:
    """Read a table, or (X, y) or (X, y, weights), with the design of the training rows."""
    reader = prepared.reader
    table, target, weights = given, reader.target.name, options.weights
    if isinstance(given, tuple):
        if len(given) not in (2, 3):
            raise InputError(f"{setting('validation')} must be a table, (X, y) or (X, y, weights).")
        if target in {c.name for c in reader.design.computed}:
            raise InputError(f"The formula computes the target {target}, so {setting('validation')} must be a table.")
        table, target, weights = given[0], given[1], given[2] if len(given) == 3 else None
    elif reader.target.array is not None:
        raise InputError(f"The target was given as values, so {setting('validation')} must be (X, y).")
    elif not isinstance(weights, str):
        weights = None
    exact = len(prepared.names) <= _EXACT
    reading = Reading(
        "rows" if kept else "auto",
        prepared.n_jobs,
        "exact" if exact and not kept else "float64",
        design=reader.design,
        fit_intercept=True,
        handle_unknown="reference",  # as for rows held out
    )
    plain = replace(options, test_size=0.0, split_key=None, weights=weights, rows=None)
    try:
        data = read_table(table, target, plain, reading).data
    except NoRowsError:
        raise InputError(f"{setting('validation')} has no row that can be used. Give a table that has some.") from None
    except InputError as error:
        if _is_number(given):
            raise InputError(
                f"{setting('validation')} must be rows; got {given!r}. To hold out a part of the rows, use "
                f"{setting('test_size', 0.2)}."
            ) from None
        raise InputError(f"The validation rows: {error}") from error
    if data.moments is None or kept:
        assert data.rows is not None
        return HeldOut(data.summary.rows, rows=tuple(data.rows))
    return HeldOut(data.summary.rows, totals=data.totals, moments=None if data.totals is not None else data.moments)


def _is_number(given: Any) -> bool:
    """Tell whether a number was given for a table; on the command line it is text."""
    try:
        return isinstance(given, int | float | str) and isfinite(float(given))
    except ValueError:
        return False
