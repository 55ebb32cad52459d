"""Incremental fitting: exact totals over rows that come and go, and the minimum that they have."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import update_wrapper
from types import MethodType
from typing import Any

import numpy as np

from regress.aggregates.base import in_any_order
from regress.aggregates.collect import TrainingData, exact_fits, summary_of
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.totals import moments_of
from regress.api.estimator_rows import Table
from regress.blocks import Array
from regress.errors import InputError, UnavailableError
from regress.messages import setting
from regress.numerics.integers import Integers
from regress.numerics.threads import one_blas_thread
from regress.options import TrainOptions
from regress.solvers.exact.factors import MOST_COLUMNS, DoubleFactor
from regress.solvers.exact.integer_ldl import SingularError
from regress.solvers.exact.normal_equations import NormalEquations
from regress.solvers.solution import Training
from regress.solvers.status import Status
from regress.solvers.train import Regression

_EXACT: dict[str, tuple[Any, ...]] = {  # values of options with which the minimum is taken from exact totals
    "loss": ("squared_error",),
    "penalty": (None,),
    "solver": ("auto", "newton"),
    "gradient": ("derived",),
    "over": ("auto", "moments"),
    "precision": ("auto", "exact"),
}


class Exactly:
    """A method that only estimators with exact totals have: others raise an AttributeError that names the remedy."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        update_wrapper(self, method)  # type: ignore[arg-type]  # mypy expects a callable

    def __get__(self, estimator: Any, owner: type) -> Callable[..., Any]:
        if estimator is None:
            return self._method
        for name, values in _EXACT.items():
            given = getattr(estimator, name)
            if not any(given is value or (isinstance(given, str) and given == value) for value in values):
                raise UnavailableError(
                    f"{self._method.__name__} keeps exact totals, which {setting(name, given)} does not use. Use "
                    f"{setting(name)}={values[0]!r}, or fit on all rows."
                )
        return MethodType(self._method, estimator)


_CELLS = 2**15  # that wait: sums of more rows than fit in the cache take longer
LEARNED = ("coef_", "intercept_", "n_iter_", "rank_", "status_", "_center", "_at_center")


def learned(
    trained: Sequence[Training], dtype: "np.dtype[Any]", *, several: bool, fit_intercept: bool
) -> dict[str, Any]:
    """Return what an estimator learns from a training for each target, by attribute, in the type of X."""
    coef, b, at_center = (
        np.array(values) if several else np.asarray(values[0])
        for values in ([t.w for t in trained], [t.b for t in trained], [t.b_center for t in trained])
    )
    status = next((t.status for t in trained if t.status is not Status.CONVERGED), Status.CONVERGED)
    found = (
        _rounded(coef, dtype),
        _rounded(b, dtype) if fit_intercept else 0.0,
        max(1, *(t.n_iter for t in trained)),
        trained[0].rank,
        str(status),
        trained[0].center,
        at_center,
    )
    return dict(zip(LEARNED, found, strict=True))


def _rounded(values: Array, dtype: "np.dtype[Any]") -> Any:
    """Return values in the type of X: an array, or a scalar of NumPy."""
    with np.errstate(over="ignore"):  # looked for right below
        given = values.astype(dtype)[()]
    if not np.isfinite(given).all():
        raise InputError(f"A coefficient is beyond the range of {dtype}. Pass X as float64, or rescale it.")
    return given


class RunningTotals:
    """Rows that were added and not yet removed, as exact totals.

    Parameters
    ----------
    first : Table
        Rows with the columns and targets of all others; they are not added.

    Attributes
    ----------
    rows : int
        How many there are.
    """

    def __init__(self, first: Table) -> None:
        self._names, self._shape, self.rows = first.names, first.shape, 0
        if not exact_fits(len(first.names)):
            raise InputError(
                f"Exact totals over {len(first.names):,} columns need too much memory. Use fit on all rows."
            )
        self._sums = ExactSums()
        self._waiting: list[Table] = []  # for others: few rows at a time would take three times as long
        self._cells = 0  # of the rows that wait
        self._removed = False
        self._dtype: np.dtype[Any] = np.dtype(np.float32)
        self._given: dict[str, Any] = {}
        self._options = TrainOptions()

    def prepare(self, table: Table, given: dict[str, Any]) -> None:
        """Use these options from now on, and refuse rows with other targets."""
        if table.shape != self._shape:
            shape, other = (" by ".join(["rows", *map(str, of)]) for of in (self._shape, table.shape))
            raise InputError(f"y must have the shape of the first call: {shape}, not {other}.")
        if given != self._given:
            self._options = replace(TrainOptions(**given), over="moments", precision="exact")
            self._given = given

    def add(self, table: Table) -> None:
        """Add rows."""
        self._dtype = np.result_type(self._dtype, table.dtype)
        self.rows += len(table.X)
        waits = table.cells < _CELLS
        if self._waiting and not (waits and self._waiting[0].like(table)):
            self._sum_waiting()
        if not waits:
            self._sum(table)
        elif len(table.X):
            self._waiting.append(table.copied())  # a copy, since the caller may change the arrays
            self._cells += table.cells
            if self._cells >= _CELLS:
                self._sum_waiting()

    def _sum_waiting(self) -> None:
        if self._waiting:
            tables, self._waiting, self._cells = self._waiting, [], 0
            self._sum(Table.joined(tables))

    def _sum(self, table: Table) -> None:
        with one_blas_thread():
            if table.jobs > 1:
                self._sums.merge(in_any_order(ExactSums, table.blocks(), table.jobs))
                return
            for block in table.blocks():
                self._sums.add(block)

    def __getstate__(self) -> dict[str, Any]:
        self._sum_waiting()  # so that no row is stored
        return self.__dict__

    def remove(self, table: Table) -> None:
        """Take rows away that were added.

        Raises
        ------
        InputError
            If they cannot all be among the rows so far. Nothing has changed.
        """
        self._sum_waiting()
        if len(table.X):
            with one_blas_thread():
                self._sums.subtract_sums(in_any_order(ExactSums, table.blocks(), table.jobs))
            self.rows -= len(table.X)
            self._removed = True

    def data(self) -> TrainingData:
        """Return what training needs of the rows."""
        self._sum_waiting()
        totals = self._sums.finish()
        moments = moments_of(totals, totals.targets)
        return TrainingData(summary_of(moments), moments, None, totals=totals, exact=True)

    def learned(self) -> dict[str, Any]:
        """Return what the rows determine, of which there must be one.

        Raises
        ------
        UnavailableError
            If they do not determine it: an AttributeError, so that `hasattr` is false.
        """
        n = len(self._names)
        if n > MOST_COLUMNS and self.rows <= n:
            raise UnavailableError(
                f"{self.rows:,} rows do not determine {n:,} coefficients. Exact totals find the solution of minimum "
                f"norm among at most {MOST_COLUMNS} columns. Add rows."
            )
        try:
            with one_blas_thread():
                data = self.data()
                possible = not self._removed or self._possible(data)
                if possible:
                    regression = Regression(data, self._options, self._names)
                    trained = [regression.train(target) for target in range(int(np.prod(self._shape)))]
                    possible = not self._removed or all(t.minimum is None or t.minimum.least >= 0 for t in trained)
            if not possible:
                raise InputError("Rows were forgotten that were not added: no rows have these totals. Fit again.")
            intercept = self._options.fit_intercept
            return learned(trained, self._dtype, several=bool(self._shape), fit_intercept=intercept)
        except InputError as error:
            raise UnavailableError(str(error)) from error

    def _possible(self, data: TrainingData) -> bool:
        """Tell whether some rows may have these totals; with others, elimination would not end."""
        assert data.totals is not None
        targets, fit_intercept = data.totals.targets, self._options.fit_intercept
        for target in range(targets):
            equations = NormalEquations(data.totals, targets, target, 0.0, fit_intercept)
            try:
                DoubleFactor(equations.double_gram)  # quick; the target is seen at the minimum
            except SingularError:
                if not _semidefinite(equations.matrix):
                    return False
        return True


def _semidefinite(matrix: Integers) -> bool:
    """Tell whether a symmetric matrix has no negative eigenvalue, by elimination without fractions (Bareiss)."""
    last = 1
    while len(matrix):
        diagonal = np.diagonal(matrix)
        at = int(np.argmax(diagonal))
        pivot = diagonal[at]
        if min(diagonal) < 0 or not pivot:
            return not matrix.any()
        column, rest = np.delete(matrix[at], at), np.delete(np.delete(matrix, at, 0), at, 1)
        matrix, last = (pivot * rest - np.outer(column, column)) // last, pivot
    return True
