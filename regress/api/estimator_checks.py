"""Rows checked as scikit-learn does, but not converted, and read for NaN only where sums show that there is one."""

from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from regress.api.estimator_rows import Table
from regress.numerics.threads import resolve_jobs
from regress.sources.arrays import small_numbers, unmasked
from regress.sources.frame_rows import Rows, rows_of

_TYPES = [np.float64, np.float32]  # that are left as they are; others become the first


def checked_table(estimator: Any, X: Any, y: Any, sample_weight: Any, reset: bool = True) -> Table:
    """Return rows with targets and weights, for an estimator that learns from them."""
    X, dtype = checked_rows(estimator, X, reset=reset, y=None if y is None else "no_validation")
    if not (isinstance(y, np.ndarray) and y.ndim in (1, 2) and _sound(y) and len(y) == len(X)):
        y = check_array(unmasked(y), ensure_2d=False, ensure_all_finite=False, input_name="y", estimator=estimator)
        check_consistent_length(X, y)
    names = getattr(estimator, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])])
    return Table.of(X, y, sample_weight, names=names, jobs=resolve_jobs(estimator.n_jobs), dtype=dtype)


def checked_rows(
    estimator: Any, X: Any, *, reset: bool = False, y: Any = "no_validation"
) -> tuple[Rows, "np.dtype[Any]"]:
    """Return the rows of X, and the type that scikit-learn finds for them.

    Where the types of the columns decide on everything else, it looks at the first row: it would convert all of them.
    """
    X = unmasked(X)
    rows, first = rows_of(X) or (None, X)
    if rows is not None and y is not None and _sound(first) and _fits(estimator, first, reset):
        return rows, rows.dtype if rows.dtype in _TYPES else np.dtype(np.float64)
    first = validate_data(estimator, first, y, reset=reset, dtype=_TYPES, ensure_all_finite=False)
    return first if rows is None else rows, first.dtype


def _sound(cells: Any) -> bool:
    """Tell whether scikit-learn would find nothing about cells: for a few rows it takes longer than the sums."""
    return type(cells) in (np.ndarray, np.memmap) and small_numbers(cells.dtype) and cells.size > 0


def _fits(estimator: Any, X: Any, reset: bool) -> bool:
    """Tell whether an array has the columns that are known, or make them known, as scikit-learn does."""
    if reset:
        estimator.n_features_in_ = X.shape[1]
        vars(estimator).pop("feature_names_in_", None)
    return X.shape[1] == estimator.n_features_in_ and "feature_names_in_" not in vars(estimator)


def check_finite(estimator: Any, table: Table) -> None:
    """Refuse cells that are not finite, in scikit-learn's words."""
    for block in table.doubles():
        for values, name in ((block.X, "X"), (block.Y, "y")):
            if not np.isfinite(values).all():
                assert_all_finite(values, input_name=name, estimator_name=type(estimator).__name__)
