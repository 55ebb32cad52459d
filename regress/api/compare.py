"""Compare a fit with scikit-learn's: the same encoded rows, the same split, and who is right."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from regress.aggregates.account import describe
from regress.aggregates.collect import RoomError, memory
from regress.api import other_tools
from regress.api.added_tools import added
from regress.api.cluster.table import ClusterTable, dask_collection
from regress.api.comparison import Comparison
from regress.api.formulas import with_formula
from regress.api.measuring import cross_validated, measured
from regress.api.moments.table_moments import TableMoments
from regress.api.notes import of_rows
from regress.api.read import read_table
from regress.api.scoring import metrics_of
from regress.api.sums import Reading, ReadTable
from regress.api.tables import Opened, Where, opened, read_any
from regress.api.verdict import verdict_of
from regress.blocks import Block
from regress.design.folds import CrossFold, by_hash, by_time
from regress.design.preparation import used_bits
from regress.design.rows import Reader
from regress.errors import DataWarning, InputError, check_number, check_text, check_whole
from regress.inference.judge import Judge
from regress.keywords import CompareKeywords, made, names_of, refuse_unknown, takes
from regress.messages import setting
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import Progress, TableOptions, TrainOptions
from regress.solvers.choose import limits_of
from regress.solvers.solution import Training
from regress.solvers.train import Regression
from regress.sources.base import Source
from regress.sources.open import open_table

_COPIES = 5  # of the table, that reading it, scikit-learn and LAPACK hold at once
_FEW = 50  # rows of which none is held out
_OPTIONS = [*(name for name in names_of(TableOptions) if name != "rows"), "fit_intercept", "tol"]


@takes(TableOptions, TrainOptions, only=_OPTIONS, test_size=0.2)
def compare(
    table: Any,
    target: Any = None,
    *,
    digits: float = 6.0,
    rows: int | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    estimators: Mapping[str, Any] | None = None,
    metrics: Sequence[Any] | None = None,
    cv: int | None = None,
    split_time: str | None = None,
    cluster: Any = None,
    cluster_timeout: float = 300.0,
    **options: Unpack[CompareKeywords],
) -> Comparison:
    """Fit the same rows with regress and with other tools; compare their accuracy and their predictions.

    A fifth of the rows is held out unless `test_size` is given. Of fewer than 50 rows, no row is held out. With `cv`,
    each fold is held out once instead. A target such as log(y) is compared as it is, without a back-transformation.

    Parameters
    ----------
    table, target, n_jobs, progress
        As in `fit`.
    digits : float
        Correct digits that the worst coefficient of ``LinearRegression()`` must have.
    rows : int, optional
        Read only the first rows of the table.
    estimators : mapping of str to estimator, optional
        Estimators with the methods of scikit-learn, pipelines included, by the name to show. Each is cloned and fitted
        to the same encoded rows, an array with the columns `.names`. With weights, it must take `sample_weight`. Its
        coefficients are measured like those of the other tools if it is a linear model of these columns. The verdict
        does not depend on it.
    metrics : sequence or mapping, optional
        Metrics on rows that were not trained on. Names are "r2", "rmse", "mae", "mape", "max_error" (all of
        them by default), and those of scikit-learn's scorers. Functions ``scorer(estimator, X, y)`` work too, in a
        dict by name if you like. Weights of the rows are passed as `sample_weight`.
    cv : int, optional
        Number of folds of a cross-validation. Rows go to folds by the hash that chooses held-out rows. So folds are the
        same in any format of a file. With `split_key`, they are the same in any order of the rows, and rows with one
        value of the key share a fold.
    split_time : str, optional
        A column of times: numbers, or texts such as 2024-03-01 or 2024-03-01T12:30 (UTC unless they have an offset).
        The latest rows are held out. With `cv`, each fold tests the rows that follow those that it trains on. Rows of
        one time stay together. The column is a feature only if the features name it.
    cluster, cluster_timeout
        As in `fit`: where the exact fit, with which the others are compared, is summed. The rows are read here too.
    **options

    Returns
    -------
    Comparison
        `.table`, `.agree`, `.verdict`, `.to_dict()`.

    Raises
    ------
    InputError
        If the table or an estimator cannot be used, or scikit-learn would need more than half of the free memory.

    Examples
    --------
    >>> import regress
    >>> from sklearn.linear_model import Lasso
    >>> result = regress.compare("data/diabetes.csv", "progression", estimators={"lasso": Lasso()})
    >>> result.agree, result.fits[-1].name
    (True, 'lasso')
    >>> result.table.loc[["regress", "lasso"], ["r2", "rmse"]].round(2)
               r2   rmse
    name
    regress  0.64  44.16
    lasso    0.63  44.51
    """
    if "alpha" in options:
        raise InputError(f"compare takes no penalty: LinearRegression() is least squares. Remove {setting('alpha')}.")
    refuse_unknown(compare, options)
    target, given = with_formula(target, options)
    check_number("digits", digits, at_least=0.0)
    _check_split(given, cv, split_time)
    if cluster is not None and split_time is not None:
        raise InputError(f"A cluster does not split by time. Remove {setting('split_time')} or {setting('cluster')}.")
    table_options = made(TableOptions, {"test_size": 0.0 if cv else 0.2, **given, "rows": rows})
    train_options, jobs = made(TrainOptions, given), resolve_jobs(n_jobs)
    scored = metrics_of(metrics, weighted=table_options.weights is not None)
    theirs = [*other_tools.scikit_learn(train_options.fit_intercept)]
    theirs += added(estimators, [*other_tools.OURS, *(tool.name for tool in theirs)])
    copies = _COPIES + (cv is not None) + (estimators is not None)
    reading = Reading(
        "rows", jobs, fit_intercept=train_options.fit_intercept, time=split_time, keep_held_out=True, room=free_memory()
    )
    with opened(table, target, table_options, Where(cluster, cluster_timeout)) as found:
        if isinstance(found, TableMoments):
            found.source.refuse("a comparison")
        source = found
        if isinstance(found, ClusterTable):  # scikit-learn works here
            source = found.table if dask_collection(table) else table
        source = open_table(source, table_options)
        prepared = _read(source, target, table_options, reading, progress, copies=copies)
        data, held = prepared.data, prepared.held_out
        if not (cv or held):
            _refuse_untested(prepared.tally.rows, table_options.test_size, metrics=metrics, split_time=split_time)
        assert data.rows is not None
        block = _joined(data.rows)
        if isinstance(found, ClusterTable) or table_options.as_written:
            best = _exact_best(found, prepared, target, table_options, train_options)
        else:
            best = other_tools.best(block, prepared.names, train_options.fit_intercept, jobs)
    folds = _folds(prepared.reader, len(block.X), cv, in_time=split_time is not None) if cv else []
    judge = Judge(block, data.summary, train_options.fit_intercept, best)
    tools = [*other_tools.ours(prepared.names, train_options, jobs, limits_of(source)), *theirs]
    fits = measured(tools, block, _joined(held.rows) if held else None, judge, scored)
    fits = cross_validated(tools, fits, block, folds, scored) if folds else fits
    for note in of_rows(prepared.facts):
        warnings.warn(note, DataWarning, stacklevel=2)
    verdict = verdict_of(fits, prepared.names, judge, digits)
    reader = prepared.reader
    return Comparison(
        fits=fits,
        names=prepared.names,
        agree=verdict.agree,
        disagree=verdict.disagree,
        verdict=verdict.said,
        rows=describe(prepared.tally),
        read_as=reader.source.dialect,
        metrics=tuple(metric.name for metric in scored) if held or folds else (),
        folds=_in_words(len(folds), table_options.split_key, split_time) if folds else "",
        source=reader.source.label,
        target=reader.target.name,
        digits_asked=digits,
        fit_intercept=train_options.fit_intercept,
    )


def _exact_best(
    table: Opened, prepared: ReadTable, target: Any, options: TableOptions, training: TrainOptions
) -> Training:
    """Return the fit that all others are measured against, from exact sums over the same rows."""
    if not prepared.tally.held_out:  # of few rows
        options = replace(options, test_size=0.0)
    reading = Reading("moments", 1, "exact", design=prepared.reader.design, fit_intercept=training.fit_intercept)
    data = read_any(table, target, options, reading).data
    exact = TrainOptions(fit_intercept=training.fit_intercept, precision="exact", over="moments")
    with one_blas_thread():
        return Regression(data, exact, prepared.names).train()


def _check_split(options: Mapping[str, Any], cv: int | None, split_time: str | None) -> None:
    """Refuse ways to choose test rows that exclude each other."""
    if cv is not None:
        check_whole("cv", cv, 2)
        if options.get("test_size"):
            raise InputError(f"In {setting('cv', cv)}, each fold is held out once. Remove {setting('test_size')}.")
        if options.get("missing") == "mean":
            raise InputError(
                f"In {setting('cv', cv)}, the means of test rows would fill cells of training rows. "
                f"Use {setting('missing', 'drop')}."
            )
    if split_time is not None:
        check_text("split_time", split_time, "a column's name")
        for name in ("split_key", "random_state"):
            if options.get(name) is not None:
                raise InputError(f"{setting('split_time')} splits in the order of time. Remove {setting(name)}.")
        if cv is None and options.get("test_size", 0.2) == 0.0:
            raise InputError(f"{setting('split_time')} needs {setting('cv', 5)}, or a {setting('test_size')} above 0.")


def _refuse_untested(rows: int, test_size: float, **asked: object) -> None:
    """Refuse options of held-out rows where there are none."""
    for name in (name for name, value in asked.items() if value is not None):
        why = "their categories are unknown"
        if rows < _FEW or not test_size:
            why = f"fewer than {_FEW} rows are not split" if test_size else f"{setting('test_size')} is 0"
        raise InputError(f"There are no held-out rows for {setting(name)}: {why}. Use {setting('cv', 5)}.")


def _folds(reader: Reader, rows: int, count: int, *, in_time: bool) -> list[CrossFold]:
    """Return the folds of the training rows, by a pass over what decides them."""
    bits = used_bits(reader, exactly=True)
    assert len(bits) == rows  # in the same order
    folds = by_time(bits, count) if in_time else by_hash(bits, count)
    if not all(len(fold.train) and len(fold.test) for fold in folds):
        column = reader.split.key
        what = "rows" if column is None else f"different values of {column!r}"
        raise InputError(f"There are too few {what} for {setting('cv', count)}. Use fewer folds.")
    return folds


def _in_words(count: int, split_key: str | None, split_time: str | None) -> str:
    if split_time is not None:
        return f"{count} folds in the order of {split_time!r}: each tests the rows that follow its training rows"
    return f"{count} folds by {'the hash of each row' if split_key is None else f'groups of {split_key!r}'}"


def free_memory() -> int:
    """Return the bytes of memory that new work may take."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return memory()  # not Linux: what there is in all


def _read(
    table: Source, target: Any, options: TableOptions, reading: Reading, progress: Progress | None, *, copies: int
) -> ReadTable:
    """Read as many rows as scikit-learn can work on, all into one block; hold none out of fewer than 50."""
    assert reading.room is not None
    room = int(reading.room // 2 // copies * (1.0 - options.test_size))  # held-out rows are kept too
    reading = replace(reading, room=room)
    seen = 0

    def watch(what: str, count: int, read: int, size: int) -> None:
        nonlocal seen
        seen = count
        if progress is not None:
            progress(what, count, read, size)

    try:
        with one_blas_thread():
            prepared = read_table(table, target, options, reading, watch)
            if options.test_size and prepared.tally.rows < _FEW:
                prepared = read_table(table, target, replace(options, test_size=0.0), reading, watch)
    except RoomError:
        raise InputError(
            f"From row {seen:,} on, scikit-learn would need more than half of the free memory. "
            f"Compare on fewer rows, with {setting('rows', max(seen // 2, 1))}."
        ) from None
    return prepared


def _joined(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    X, Y = np.concatenate([b.X for b in blocks]), np.concatenate([b.Y for b in blocks])
    weighted = any(b.weights is not None for b in blocks)
    parts = [np.ones(len(b.X)) if b.weights is None else b.weights for b in blocks]
    return Block(X, Y, np.concatenate(parts) if weighted else None)
