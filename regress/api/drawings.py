"""The charts of a fit, with what they need computed: for pages and for plots."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from regress.aggregates.plain_moments import MOST_MOMENTS, to_moments
from regress.api.model import LinearModel
from regress.errors import InputError
from regress.inference.descent_paths import descents, lowest
from regress.report import descent_charts, fit_charts
from regress.report.charts import Chart
from regress.report.descent_charts import DescentDrawing
from regress.report.fit_charts import report_of
from regress.sources.base import nearest


@contextmanager
def sound(result: Any) -> Iterator[None]:
    """Say in one sentence that what a model from a file holds for a report is malformed, wherever that shows.

    Raises
    ------
    InputError
        If it is.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is not drawn
            yield
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        if not isinstance(result, LinearModel):
            raise
        raise InputError(f"What this model holds for a report is malformed ({error!r}). Fit it anew.") from None


def _lowest_loss(model: LinearModel) -> float | None:
    """Return the minimum of L: exact where it is known, else from the moments; None if neither is there."""
    report = report_of(model)
    if report["certificate"] is not None:
        return float(report["certificate"]["loss"])
    if report["moments"] is None:
        return None
    options = model.options
    return lowest(to_moments(report["moments"]), model.names, options["fit_intercept"], options["alpha"])


def convergence(model: LinearModel) -> tuple[Chart, Chart]:
    """Return the loss above its minimum, and ‖∇L‖, before each step."""
    return fit_charts.convergence(model, _lowest_loss(model))


def descent(model: LinearModel, pair: tuple[str, str] | None = None) -> DescentDrawing:
    """Return the contours of L over two coefficients with the paths of three methods, and their loss by step.

    The two are those of `pair`, or those of the largest standardized coefficients.

    Raises
    ------
    InputError
        If the model holds no moments, or not two columns, or has no coefficient of that name.
    """
    report, names = report_of(model), model.names
    first, second = _pair(model, pair)
    if report["moments"] is None and len(names) > MOST_MOMENTS:
        raise InputError(f"The descent is drawn from moments, which models keep for at most {MOST_MOMENTS} columns.")
    if report["moments"] is None:
        raise InputError("The descent is drawn from moments of the rows, and there are too few rows to have them.")
    options = model.options
    moments = to_moments(report["moments"])
    found = descents(moments, names, (first, second), options["fit_intercept"], options["alpha"])
    return descent_charts.descent(found, (names[first], names[second]))


def _pair(model: LinearModel, pair: tuple[str, str] | None) -> tuple[int, int]:
    names = model.names
    if len(names) < 2:
        raise InputError("The descent is drawn over two coefficients, and this model has one.")
    if pair is not None:
        if pair[0] == pair[1]:
            raise InputError(f"The descent is drawn over two different coefficients; got {pair[0]!r} twice.")
        return names.index(_known(pair[0], names)), names.index(_known(pair[1], names))
    lines = {
        line["name"]: abs(line["standardized"] or 0.0) for line in report_of(model)["lines"] if not line["intercept"]
    }
    size = [lines.get(name, 0.0) for name in names]
    first, second = sorted(np.argsort([-v for v in size], kind="stable")[:2].tolist())
    return first, second


def _known(name: str, names: tuple[str, ...]) -> str:
    """Return a name that is one of the coefficients.

    Raises
    ------
    InputError
        If it is none; the message has the nearest.
    """
    if name not in names:
        raise InputError(f"There is no coefficient {name!r}. {nearest(name, names)}")
    return name
