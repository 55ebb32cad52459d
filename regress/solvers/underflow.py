"""Values that vary where float64 sees no squares."""

from collections.abc import Sequence

import numpy as np

from regress.aggregates.collect import TrainingData
from regress.errors import InputError
from regress.messages import setting
from regress.solvers.exact.normal_equations import NormalEquations


def check_small(data: TrainingData, target: int, names: Sequence[str]) -> None:
    """Refuse columns and targets that vary where float64 sees no squares: a descent would pass them by.

    Raises
    ------
    InputError
        If there is one.
    """
    norms = np.append(data.summary.norm, data.summary.target_norm[target])
    if norms.all():
        return
    varies = norms > 0
    if data.totals is not None:
        varies = NormalEquations(data.totals, len(data.summary.target_norm), target, 0.0, True).norms > 0
    elif data.moments is None and data.rows is not None:
        columns = np.concatenate([np.column_stack([X, Y[:, target]]) for X, Y, *_ in data.rows])
        varies = (columns != columns[0]).any(0)
    lost = [name for name, v, norm in zip([*names, "the target"], varies, norms, strict=True) if v and not norm]
    if lost:
        raise InputError(
            f"The squares of {', '.join(lost[:3])} underflow float64: values differ by less than 1e-150. "
            f"Rescale it, or use {setting('solver', 'auto')} with {setting('precision', 'exact')}."
        )
