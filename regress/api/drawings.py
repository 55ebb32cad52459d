"""The charts of a fit that need something computed: for pages and for plots."""

import numpy as np

from regress.aggregates.plain_moments import MOST_MOMENTS, to_moments
from regress.errors import InputError
from regress.fit_record import FitRecord, PlainMoments
from regress.inference.descent_paths import descents, lowest
from regress.records import SQUARED
from regress.report import descent_charts, fit_charts
from regress.report.charts import Chart
from regress.report.descent_charts import DescentDrawing
from regress.sources.find import nearest


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is not drawn
def convergence(known: FitRecord) -> tuple[Chart, Chart]:
    """Return the loss above its minimum, and ‖∇L‖, before each step.

    Raises
    ------
    InputError
        If nothing was descended.
    """
    least, options = None, known.trained.options
    if options.loss != SQUARED or options.penalty:
        pass  # its minimum is not known
    elif known.certificate is not None:
        least = known.certificate.loss
    elif known.moments is not None and known.outcome.history:
        names = [line.name for line in known.columns]
        least = lowest(to_moments(known.moments), names, options.fit_intercept, options.alpha)
    return fit_charts.convergence(known, least)


@np.errstate(over="ignore", invalid="ignore")
def descent(known: FitRecord, pair: tuple[str, str] | None = None) -> DescentDrawing:
    """Return the contours of L over two coefficients with the paths of three methods, and their loss by step.

    The two are those of `pair`, or those of the largest standardized coefficients. The methods run here.

    Raises
    ------
    InputError
        If the record holds no moments, or not two columns, or has no coefficient of that name.
    """
    options, names = known.trained.options, [line.name for line in known.columns]
    if other := ("" if options.loss == SQUARED else options.loss) or options.penalty:
        raise InputError(
            f"The descent is drawn of the squared error with a ridge penalty; this model minimizes {other}."
        )
    first, second = _pair(known, names, pair)
    found = descents(to_moments(_moments(known)), names, (first, second), options.fit_intercept, options.alpha)
    return descent_charts.descent(found, (names[first], names[second]))


def _moments(known: FitRecord) -> PlainMoments:
    if known.moments is not None:
        return known.moments
    if len(known.columns) > MOST_MOMENTS:
        raise InputError(f"The descent is drawn from moments, which models keep for at most {MOST_MOMENTS} columns.")
    raise InputError("The descent is drawn from moments of the rows, and there are too few rows to have them.")


def _pair(known: FitRecord, names: list[str], pair: tuple[str, str] | None) -> tuple[int, int]:
    if len(names) < 2:
        raise InputError("The descent is drawn over two coefficients, and this model has one.")
    if pair is not None:
        if pair[0] == pair[1]:
            raise InputError(f"The descent is drawn over two different coefficients; got {pair[0]!r} twice.")
        return names.index(_checked(pair[0], names)), names.index(_checked(pair[1], names))
    size = [abs(line.standardized or 0.0) for line in known.columns]
    first, second = sorted(np.argsort([-v for v in size], kind="stable")[:2].tolist())
    return first, second


def _checked(name: str, names: list[str]) -> str:
    """Return a name that is one of the coefficients.

    Raises
    ------
    InputError
        If it is none; the message has the nearest.
    """
    if name not in names:
        raise InputError(f"There is no coefficient {name!r}. {nearest(name, names)}")
    return name
