"""Fit a table: read, train, infer."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from regress.api.formulas import with_formula
from regress.api.model import LinearModel
from regress.api.outcome import Ended, kept, outcome_of
from regress.api.process import hide, running_of, validated
from regress.api.record import Inference, middle_of, sample_of
from regress.api.relevel import Again, without_rows
from regress.api.result import Fit
from regress.api.sums import Reading, ReadTable
from regress.api.tables import (
    Where,
    check_rows,
    exactly,
    moments_in,
    on_cluster,
    opened,
    options_of,
    read_any,
    source_of,
)
from regress.api.units import check_asked, check_sample, retransform_of
from regress.errors import (
    ConvergenceWarning,
    DataWarning,
    InputError,
    check_number,
)
from regress.fit_record import FitOptions, Trained
from regress.inference.measurement_noise import collinearity
from regress.inference.robust_covariance import Covariance, given_kind
from regress.inference.sums_of_squares import spreads, squares_of
from regress.keywords import FitKeywords, made, refuse_unknown, takes
from regress.messages import setting, visible
from regress.numerics import kernel
from regress.numerics.digits import digits_at_least
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.objective.huber import Huber
from regress.options import Correction, CovType, Precision, ProcessOptions, Progress, TableOptions, TrainOptions
from regress.records import environment, known
from regress.solvers.choose import objective_of, read_again, reading
from regress.solvers.running import Running
from regress.solvers.train import Regression
from regress.sources.base import Source


@takes(TableOptions, TrainOptions, ProcessOptions, without=["rows"])
def fit(
    table: Any,
    target: Any = None,
    *,
    cov_type: CovType | Covariance = "nonrobust",
    level: float = 0.95,
    sample: int = 20_000,
    points: bool = False,
    retransform: Correction | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    cluster: Any = None,
    cluster_timeout: float = 300.0,
    **options: Unpack[FitKeywords],
) -> Fit:
    """Fit a linear regression ŷ = Xw + b to a table: minimize Σ(ŷ − y)².

    Parameters
    ----------
    table : path, glob, folder, "-", frame, dict of columns, list of dicts, array of shape (m, n), or moments
        The rows, or `moments` of them. "-" is standard input; a frame is one of pandas or Polars, or whatever gives an
        Arrow stream. Text columns become one 0/1 column a category, except the reference level: the first in the order
        of code points, of numbers, or of the Categorical or Enum. Without an intercept the first text column keeps all
        its categories. Categories are those of training rows. Dates become days since 1970-01-01. Masked cells of an
        array are missing.
    target : str, Series or array of shape (m,)
        The column to predict, or its values, or a formula such as "log(price) ~ area * zone". Moments know theirs. A
        Series that is a column of the table is taken by its name. A pandas Series is paired with a pandas frame by row
        labels.
    cov_type : {"nonrobust", "HC0", "HC1"} or Covariance
        Standard errors: classical, or White's HC0 and HC1, which allow a spread that varies from row to row and take a
        second pass. Or a kind of your own, an object of a subclass of `regress.Covariance`.
    level : float
        Coverage of the confidence intervals, such as 0.99.
    sample : int
        Training rows to keep for plots of residuals and for smearing, those whose file and record have the smallest
        hashes; 0 for none. Fewer are kept of more than 200 columns.
    points : bool
        Whether the record, its file and its page list the residual of each row, of up to 2,000 rows.
    retransform : {"smearing", "normal", "naive"}, optional
        If the target is log(y), log1p(y), log2(y), log10(y) or sqrt(y), y a column, predictions are in units of y. They
        are corrected by the residuals of `sample` (Duan's smearing; exp(ŷ) · Σa exp(e)/Σa for log(y)), for normal
        errors (exp(ŷ + s²/2)), or not. Naive predictions are medians if errors are symmetric. A negative ŷ of sqrt(y)
        counts as 0. Limits of intervals are not corrected. Default: smearing, or normal if no rows are kept.
    n_jobs : int, optional
        Number of threads. Default: one for each CPU that this process may use.
    progress : callable, optional
        Called as progress(stage, done, position, size): "rows" or "iterations", how many, and the bytes or rows of the
        table that have been read, of how many.
    cluster : distributed.Client or str, optional
        Where a Dask collection, or files that all workers can read, are summed. It is a client, the address of a
        scheduler such as "tcp://host:8786", or "local:2" for two processes of this machine. The result has the same
        bits as in one process in exact arithmetic.
    cluster_timeout : float
        Seconds to wait for any progress of the cluster.
    **options

    Returns
    -------
    Fit
        Coefficients in the user's units, status, history and model.

    Raises
    ------
    InputError
        If an argument or the table cannot be used; the message says what to do.

    Warns
    -----
    ConvergenceWarning
        If training stopped early; the fit holds the last valid parameters.
    DataWarning
        If columns are constant or depend on each other, or a note says what else to know: see `Fit.notes`.

    Notes
    -----
    Rows are held out by the smallest seeded hashes of their keys. The key is the record number, joined by the file's
    name without endings where there are several files, or the value in the column `split_key`. Held-out rows with
    categories that no training row has count as the reference level.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/penguins.csv", "body_mass_g", features=["flipper_length_mm"], missing="drop")
    >>> fit.w.round(2).tolist(), round(fit.b), round(fit.r2, 3)
    ([49.69], -5781, 0.759)
    """
    refuse_unknown(fit, options)
    target, given_options = with_formula(target, options)
    of_table, of_training = made(TableOptions, given_options), made(TrainOptions, given_options)
    process = made(ProcessOptions, given_options)
    if of_table.as_written:
        of_training = exactly(of_training)
    given = given_kind(cov_type, of_table.weight_type)
    if cov_type != "nonrobust" and not objective_of(of_training)[0].quadratic:
        raise InputError(f"{setting('cov_type')} needs the squared error. Use {setting('cov_type', 'nonrobust')}.")
    level = check_number("level", level, above=0.0, below=1.0)
    check_sample(sample, points)
    jobs, where = resolve_jobs(n_jobs), Where(cluster, cluster_timeout)
    with one_blas_thread(), opened(table, target, of_table, where, process) as table:
        if on_cluster(table):  # which keeps the sums, so that there is no descent to go on with
            process = replace(process, checkpoint=None, resume=False)
        if (summed := moments_in(table)) is not None:
            from regress.api.moments.training import fitted_as

            of_training = fitted_as(summed, of_training)
        check_rows(table, of_training, cov_type, process.checkpoint)
        if summed is None:
            check_asked(retransform, of_table.formula, sample)
        source, checkpoint = source_of(table), None
        if process.checkpoint is not None:
            from regress.api import checkpoint as checkpoints

            checkpoint = checkpoints.opened(process, source)
        steps = process.steps
        over, first, indexed, quadratic = reading(of_training, source, steps)

        def read(precision: Precision) -> ReadTable:
            reading = Reading(
                over,
                jobs,
                precision,
                sampled=sample,
                fit_intercept=of_training.fit_intercept,
                along=() if given is None else given.columns,
                keep_held_out=not quadratic,
                indexed=indexed,
            )
            return read_any(table, target, of_table, reading, progress)

        def problem(prepared: ReadTable) -> tuple[ReadTable, FitOptions, Running, Regression]:
            if process.validation is not None or process.early_stopping is not None:
                prepared = validated(prepared, process, of_table, kept=not quadratic)
            options_kept = kept(prepared, of_training, options_of(table, of_table), cov_type=str(cov_type), level=level)
            running = running_of(prepared, options_kept, of_training, process, progress=progress, checkpoint=checkpoint)
            regression = Regression(prepared.data, of_training, prepared.names, running=running)
            return prepared, options_kept, running, regression

        prepared, options_kept, running, regression = problem(read(first))
        since = "by default" if isinstance(table, Source) else "sums of parts"
        reason, again = read_again(
            of_training, prepared.data, lambda: regression.accuracy, bool(steps), exact_since=since
        )
        if again:
            prepared, options_kept, running, regression = problem(read("exact"))
        try:
            result, said = train(
                prepared,
                regression,
                of_training,
                options_kept,
                reason,
                given=given,
                retransform=retransform,
                points=points,
                checkpoint=process.checkpoint,
            )
        finally:
            if process.verbose:
                hide(running)
    for note in said:
        early = not result.status.as_asked and note.startswith(result.status.message)
        warnings.warn(visible(note), ConvergenceWarning if early else DataWarning, stacklevel=2)
    return result


def train(
    prepared: ReadTable,
    regression: Regression,
    options: TrainOptions,
    kept: FitOptions,
    reason: str,
    *,
    given: Covariance | None = None,
    retransform: Correction | None = None,
    points: bool = False,
    checkpoint: str | Path | None = None,
) -> tuple[Fit, list[str]]:
    """Train on what was read; return the fit, and what to warn of."""
    data, reader = prepared.data, prepared.reader
    training = regression.train()
    squares, loss = squares_of(training, data, options)
    units, on_units = retransform_of(prepared, training, squares, kept, retransform)
    trained = Trained(
        target=reader.target.name,
        retransform=units,
        options=kept,
        n_rows=prepared.tally.used,
        loss=known(loss),
        status=training.status.value,
        versions=environment() | {"products": kernel.described()},
    )
    model = LinearModel(
        w=training.w,
        center=training.center,
        b=training.b,
        b_center=training.b_center,
        design=reader.design,
        trained=trained,
    )
    repeated = kept.weight_type == "frequency"
    middle = None
    if kept.cov_type != "nonrobust" and not options.alpha and data.moments is not None:
        middle = middle_of(prepared, training, kept, given)
    norm, target_norm = spreads(data, training.minimum)
    loss_of_rows = regression.loss()
    outliers = None
    if isinstance(loss_of_rows, Huber):
        from regress.inference.huber import outliers_of

        outliers = outliers_of(training, data, loss_of_rows)
    ended = Ended(
        training,
        trained,
        squares=squares,
        norm=norm,
        collinearity=collinearity(regression, data, options, training.minimum, measured=reader.design.measured),
        outliers=outliers,
        checkpoint=None if checkpoint is None else str(checkpoint),
    )
    rank_sure = training.precision == "exact" or training.minimum is not None or regression.accuracy.rank_sure
    outcome, said = outcome_of(prepared, ended, options, reason, rank_sure=rank_sure)
    outcome = replace(outcome, notes=(*outcome.notes, *on_units))
    bound = None if training.minimum is not None else regression.accuracy.error_bound(training)
    from_sums = training.solver == "direct" and middle is None and units is None
    bare = without_rows(prepared) if from_sums else None
    held = Inference(
        model=model,
        outcome=outcome,
        training=training,
        data=replace(data, rows=None, again=None, elsewhere=None),
        options=options,
        squares=squares,
        log_weight=0.0 if repeated else prepared.log_weight,
        middle=middle,
        outliers=outliers,
        standardized=training.w * norm / target_norm if target_norm > 0 else np.zeros(len(norm)),
        digits=None if bound is None else digits_at_least(bound, training.w, regression.accuracy.norm, target_norm),
        sampled=sample_of(prepared, model),
        points=points,
        again=None if bare is None else Again(bare, options, kept, reason, train),
        ranges=prepared.ranges,
    )
    if given is not None:
        _ = held.statistics  # so that sums that cannot be used are an error of this call
    return Fit(_bare=model, _held=held), said
