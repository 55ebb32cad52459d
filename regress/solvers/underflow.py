"""Values whose squares are beyond float64: infinite, or zero where the values vary."""

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


def check_range(data: TrainingData, names: Sequence[str], target: int) -> None:
    """Refuse columns and targets whose squares are beyond float64: infinite, or zero where values do differ.

    Raises
    ------
    InputError
        If there is one.
    """
    summary, m = data.summary, data.moments
    bad = [name for name, norm in zip(names, summary.norm, strict=True) if not np.isfinite(norm)]
    bad += [] if np.isfinite(summary.target_norm[target]) else ["the target"]
    if bad:
        raise InputError(
            f"The squares of {', '.join(bad[:3])} overflow float64: a value is above 1e150, infinite or "
            "not a number. Rescale or drop it."
        )
    if m is None or data.totals is not None:
        return
    bad = [name for name, xx, off in zip(names, np.diagonal(m.xx), m.mean_x, strict=True) if off and not xx]
    bad += ["the target"] if m.mean_y[target] and not m.yy[target] else []
    if bad:
        raise InputError(
            f"The squares of {', '.join(bad[:3])} underflow float64: values differ by less than 1e-150. "
            f"Rescale it, or use {setting('precision', 'exact')}."
        )
