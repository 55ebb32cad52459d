"""Plots of results on matplotlib's axes: the charts of the reports, at a cost that does not depend on the rows.

Each function takes a fit, also one that `load` returns; `comparison` takes a comparison. It draws on the axes given as
`ax`, or on a new figure. It returns a `Display` with ``ax_``, ``axes_`` and ``figure_``, like the displays of
scikit-learn. For several charts, `ax` is one Axes per chart, or one Axes whose place they share.
"""

from collections.abc import Callable, Sequence
from typing import Any

from regress.api import drawings
from regress.api.comparison import Comparison
from regress.api.result import Fit
from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.messages import setting
from regress.report import comparison_charts, effect_charts, fit_charts, residual_charts, training_charts
from regress.report.axes import Display, draw
from regress.report.charts import Chart


def coefficients(fit: Fit, ax: Any = None) -> Display:
    """Draw standardized coefficients with their confidence intervals, the largest first.

    Parameters
    ----------
    fit : Fit
        The fit to draw.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/diabetes.csv", "progression")
    >>> regress.plot.coefficients(fit).ax_.get_xlabel()
    'sd of the target for one sd of the column'
    """
    return _drawn(fit, lambda known: [fit_charts.coefficients(known)], ax)


def convergence(fit: Fit, ax: Any = None) -> Display:
    """Draw the loss above its minimum and ‖∇L‖, before each step.

    Parameters
    ----------
    fit : Fit
        The fit to draw.
    ax : matplotlib Axes, or two of them, optional
        Where to draw; a new figure unless given.

    Raises
    ------
    InputError
        If there was no descent, as exact solutions take no steps.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/diabetes.csv", "progression", solver="accelerated")
    >>> len(regress.plot.convergence(fit).axes_)
    2
    """
    return _drawn(fit, lambda known: drawings.convergence(_descended(known)), ax)


def training(fit: Fit, ax: Any = None) -> Display:
    """Draw the loss per row by epoch, on training and held-out rows, and the loss above its exact minimum.

    The second chart is drawn where the minimum is known: for the squared error and a ridge penalty.

    Parameters
    ----------
    fit : Fit
        The fit to draw.
    ax : matplotlib Axes, or one per chart, optional
        Where to draw; a new figure unless given.

    Raises
    ------
    InputError
        If training took no steps, as exact solutions do not.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/diabetes.csv", "progression", solver="accelerated", test_size=0.2)
    >>> len(regress.plot.training(fit).axes_)
    2
    """
    return _drawn(fit, lambda known: training_charts.training(_descended(known)), ax)


def residuals(fit: Fit, ax: Any = None) -> Display:
    """Draw actual against predicted, residuals against predicted, the normal Q-Q, and scale against location.

    A dot is the mean of five rows or more near each other, from up to 20,000 training rows. More than 2,000 rows are
    counted in hexagons. A fit with ``points=True`` shows each row of up to 2,000.

    Parameters
    ----------
    fit : Fit
        The fit to draw.
    ax : matplotlib Axes, or four of them, optional
        Where to draw; a new figure unless given.

    Raises
    ------
    InputError
        If there were fewer than ten rows.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/diabetes.csv", "progression")
    >>> len(regress.plot.residuals(fit).axes_)
    4
    """
    return _drawn(fit, residual_charts.residuals, ax)


def leverage(fit: Fit, ax: Any = None) -> Display:
    """Draw residuals against leverage, the share of a row in its own prediction.

    Parameters
    ----------
    fit : Fit
        Of more than 2,000 rows, or with ``points=True``.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.

    Raises
    ------
    InputError
        If leverages are unknown, or rows are not drawn one by one and too few for hexagons.
    """
    return _drawn(fit, lambda known: [residual_charts.leverage(known)], ax)


def order(fit: Fit, ax: Any = None) -> Display:
    """Draw residuals in the order of the rows.

    Parameters
    ----------
    fit : Fit
        Whose residuals.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.

    Raises
    ------
    InputError
        If the order is unknown, as it is of several files.
    """
    return _drawn(fit, lambda known: [residual_charts.order(known)], ax)


def effects(fit: Fit, columns: Sequence[str] | None = None, ax: Any = None) -> Display:
    """Draw the effect of each column that enters by a curve, such as poly(x, 2), with its confidence band.

    Parameters
    ----------
    fit : Fit
        The fit to draw.
    columns : sequence of str, optional
        Columns of the table. Default: all that have an effect.
    ax : matplotlib Axes, or one per column, optional
        Where to draw; a new figure unless given.

    Raises
    ------
    InputError
        If a column has no effect, or no column has one.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/diabetes.csv", "progression ~ poly(bmi, 2) + s5")
    >>> regress.plot.effects(fit, ["bmi"]).ax_.get_xlabel()
    'bmi'
    """
    names = [columns] if isinstance(columns, str) else columns
    return _drawn(fit, lambda known: effect_charts.effects(known, names), ax)


def descent(fit: Fit, first: str | None = None, second: str | None = None, ax: Any = None) -> Display:
    """Draw the contours of L over two coefficients with the paths of plain, accelerated and preconditioned descent.

    Parameters
    ----------
    fit : Fit
        The fit to draw.
    first, second : str, optional
        The coefficients. Default: the two with the largest standardized coefficients.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.

    Raises
    ------
    InputError
        If a coefficient does not exist, or there is only one, or there are more than 50.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/diabetes.csv", "progression")
    >>> regress.plot.descent(fit, "bmi", "s5").ax_.get_xlabel()
    'coefficient of bmi'
    """
    if (first is None) != (second is None):
        raise InputError("The descent is drawn over two coefficients. Name both of them.")
    pair = None if first is None or second is None else (first, second)
    return _drawn(fit, lambda known: [drawings.descent(known, pair).chart], ax)


def comparison(comparison: Comparison, ax: Any = None) -> Display:
    """Draw the digits of each tool's worst coefficient, its loss above the minimum, and the time it took.

    Parameters
    ----------
    comparison : Comparison
        The comparison to draw.
    ax : matplotlib Axes, or three of them, optional
        Where to draw; a new figure unless given.

    Examples
    --------
    >>> import regress
    >>> comparison = regress.compare("data/income_rate.csv", "spend")
    >>> len(regress.plot.comparison(comparison).axes_)
    3
    """
    if not isinstance(comparison, Comparison):
        raise InputError(f"plot.comparison draws a result of regress.compare; got {type(comparison).__name__}.")
    charts = [
        comparison_charts.worst_digits(comparison.record),
        comparison_charts.loss(comparison.record),
        comparison_charts.seconds(comparison.record),
    ]
    return draw(charts, ax)


def _descended(known: FitRecord) -> FitRecord:
    if not known.outcome.history and known.trained.status == "converged":
        raise InputError(f"{fit_charts.DIRECT} Use {setting('solver', 'gd')} to draw a descent.")
    return known


def _drawn(fit: Any, what: Callable[[FitRecord], Sequence[Chart]], ax: Any) -> Display:
    if not isinstance(fit, Fit):
        raise InputError(f"regress.plot draws a fit, such as regress.load returns; got {type(fit).__name__}.")
    return draw(what(fit.record), ax)
