"""The gradient check on a user's own table."""

from typing import Any, Unpack

from regress.api.formulas import with_formula
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.inference.gradient_check import GradientCheck, check
from regress.keywords import CheckKeywords, made, names_of, refuse_unknown, takes
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import Progress, TableOptions, TrainOptions

_OPTIONS = [*(name for name in names_of(TableOptions) if name != "rows"), "fit_intercept"]


@takes(TableOptions, TrainOptions, only=_OPTIONS)
def check_gradients(
    table: Any,
    target: Any = None,
    *,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    **options: Unpack[CheckKeywords],
) -> GradientCheck:
    """Compute the gradient of Σ(ŷ − y)² on a table in five ways, and compare them.

    The ways are derived or autodiff, from rows or from moments, and a central difference of the loss. The point is
    random, away from the minimum. `random_state` is its seed.

    Parameters
    ----------
    table, target, n_jobs, progress
        As in `fit`.
    **options

    Returns
    -------
    GradientCheck
        `.table`, one row per parameter, and `.passed`.

    Raises
    ------
    InputError
        If the table cannot be used.
    MissingDependencyError
        If TensorFlow is not installed.

    Examples
    --------
    >>> import regress
    >>> check = regress.check_gradients("data/income_rate.csv", "spend")
    >>> check.passed, check.worst < 1e-12
    (True, True)
    """
    refuse_unknown(check_gradients, options)
    target, given = with_formula(target, options)
    table_options, train_options = made(TableOptions, given), made(TrainOptions, given)
    with one_blas_thread():
        jobs, fit_intercept = resolve_jobs(n_jobs), train_options.fit_intercept
        reading = Reading("rows", jobs, fit_intercept=fit_intercept)
        prepared = read_table(table, target, table_options, reading, progress)
        return check(prepared.data, prepared.names, fit_intercept, table_options.random_state)
