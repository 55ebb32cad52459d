"""Rows checked as scikit-learn does, but not converted, and read for NaN only where sums show that there is one."""

from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from regress.api.estimator_rows import Table
from regress.numerics.threads import resolve_jobs
from regress.sources.arrays import unmasked
from regress.sources.frame_rows import Rows, rows_of

_TYPES = [np.float64, np.float32]  # that are left as they are; others become the first


def checked_table(estimator: Any, X: Any, y: Any, sample_weight: Any, reset: bool = True) -> Table:
    """Return rows with targets and weights, for an estimator that they are to be learned from."""
    dtype: np.dtype[Any] = np.dtype(np.float64)
    if reset or not _plain(estimator, X, y):
        X, dtype = checked_rows(estimator, X, reset=reset, y=None if y is None else "no_validation")
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
    first = validate_data(estimator, first, y, reset=reset, dtype=_TYPES, ensure_all_finite=False)
    return first if rows is None else rows, first.dtype


def _plain(estimator: Any, X: Any, y: Any) -> bool:
    """Tell whether checks would find nothing: for a few rows they take longer than the sums."""
    if not (type(X) is type(y) is np.ndarray and X.dtype == y.dtype == np.float64 and y.ndim in (1, 2)):
        return False
    known = X.shape == (len(y), estimator.n_features_in_) and "feature_names_in_" not in vars(estimator)
    return 0 < len(y) and known


def check_finite(estimator: Any, table: Table) -> None:
    """Refuse cells that are not finite, in scikit-learn's words."""
    for block in table.doubles():
        for values, name in ((block.X, "X"), (block.Y, "y")):
            if not np.isfinite(values).all():
                assert_all_finite(values, input_name=name, estimator_name=type(estimator).__name__)
