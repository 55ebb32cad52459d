"""The exact minimum: from totals or, with more columns than rows, from the rows themselves."""

from collections.abc import Sequence

from regress.aggregates.collect import TrainingData
from regress.errors import InputError
from regress.messages import setting
from regress.options import TrainOptions
from regress.solvers.exact.collinearity import Dependence, Noise
from regress.solvers.exact.factors import MOST_COLUMNS
from regress.solvers.exact.granularity import Steps
from regress.solvers.exact.integer_ldl import SingularError
from regress.solvers.exact.normal_equations import NormalEquations
from regress.solvers.exact.refinement import Minimum, minimize
from regress.solvers.exact.row_check import Question, confirmed
from regress.solvers.exact.wide import Point, minimize_wide


def exact_minimum(data: TrainingData, target: int, options: TrainOptions, names: Sequence[str]) -> Minimum | None:
    """Return the minimum of exact totals; None without them, or if that needs too many integers.

    Raises
    ------
    InputError
        If columns depend on each other and are to be refused, or if exact arithmetic is required and cannot decide.
    """

    def review(equations: NormalEquations, dependence: Dependence) -> Dependence:
        # Rows are read again as doubles. Decimals are rounded there, and not in the totals, which decide alone.
        rows = data.has_rows and data.totals is not None and data.totals.divisor == 1
        if rows and (dependence.relations or dependence.near):
            steps = Steps.of_doubles(equations.ulps == 0.0)
            dependence = confirmed(Question(equations, steps, Noise(equations.ulps)), dependence, data.fold)
        if dependence.relations and options.collinear == "error":
            shown = "; ".join(r.text(names) for r in dependence.relations[:5])
            raise InputError(
                f"Columns depend on each other: {shown}. Remove one column of each equation, or use "
                f"{setting('collinear', 'drop')}."
            )
        return dependence.dropped() if options.collinear == "drop" else dependence

    if data.totals is None:
        return None
    try:
        fit_intercept, targets = options.fit_intercept, len(data.summary.target_norm)
        return minimize(data.totals, targets, target, options.alpha, fit_intercept, review=review)
    except SingularError:
        if options.precision != "exact":
            return None
    if len(names) <= MOST_COLUMNS:
        raise InputError(
            f"The columns are too nearly dependent for exact arithmetic. Use {setting('precision', 'float64')}, or "
            "remove some of them."
        )
    raise InputError(
        f"{setting('precision', 'exact')} can resolve dependent columns among at most {MOST_COLUMNS}; there are "
        f"{len(names):,}. Use {setting('precision', 'float64')}, or remove columns that depend on others."
    )


def exact_point(data: TrainingData, minimum: Minimum | None, target: int, options: TrainOptions) -> Point | None:
    """Return w (n,), b and the rank at the minimum, unrounded; None if the sums are in float64.

    Raises
    ------
    InputError
        If there are at least as many columns as rows, and exact arithmetic is required and would take too long.
    """
    if minimum is not None:
        return Point(rank=minimum.rank, w=minimum.exact, b=minimum.b)
    if data.moments is not None or data.rows is None or not data.exact:
        return None
    try:
        return minimize_wide(data.written or data.rows, target, options.alpha, options.fit_intercept)
    except SingularError:
        if options.precision != "exact":
            return None
    raise InputError(
        f"{setting('precision', 'exact')} with more columns than rows can resolve dependent rows among at most "
        f"{MOST_COLUMNS}; there are {data.summary.rows:,}. Use {setting('precision', 'float64')}."
    )
