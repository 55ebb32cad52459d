"""The page of a result, written to a file."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from regress.api import drawings
from regress.api.comparison import Comparison
from regress.api.inspect import Inspection
from regress.api.result import Fit
from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.inference.certified import Certificate
from regress.numerics.atomic_write import write_text
from regress.records import environment
from regress.report import page as pages
from regress.report.charts import Chart


def write_report(
    result: "Fit | Comparison | Certificate | Inspection",
    path: str | Path,
    *,
    descent: Sequence[str] | None = None,
    command: str = "",
) -> None:
    """Write a result as one self-contained HTML page of less than 1 MB.

    Parameters
    ----------
    result : Fit, Comparison, Certificate or Inspection
        The result to show; a fit may come from `load`.
    path : str or Path
        The file, written completely or not at all.
    descent : two str, optional
        Coefficients over which the descent of a fit is drawn; those of the largest standardized ones unless given.
    command : str
        The command line to show on the page of a comparison, certificate or inspection.

    Raises
    ------
    InputError
        If there is no such coefficient, or the descent cannot be drawn over them.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/diabetes.csv", "progression")
    >>> regress.write_report(fit, "diabetes.html")
    """
    write_text(path, page(result, descent, command))


def page(result: Any, descent: Sequence[str] | None = None, command: str = "") -> str:
    """Return the page of a result as HTML; see `write_report`."""
    if isinstance(result, Fit):
        return _of_fit(result.record, _pair_of(descent))
    if descent is not None:
        raise InputError("The descent is drawn for a fit.")
    if isinstance(result, Comparison):
        return pages.of_comparison(result.record, command, _versions())
    if isinstance(result, Certificate):
        return pages.of_certificate(result.record, command)
    if isinstance(result, Inspection):
        return pages.of_inspection(result.record, command)
    what = "a fit, comparison, certificate or inspection"
    raise InputError(f"There is no report of a {type(result).__name__}. Pass {what}.")


def _of_fit(known: FitRecord, pair: tuple[str, str] | None) -> str:
    told: list[str] = []

    def walked() -> Sequence[Chart]:
        walk = drawings.descent(known, pair)
        told.extend(walk.told)
        return walk.chart, walk.loss

    walk = pages.drawn(walked)
    if pair is not None and walk.why:  # asked for: then it is an error where it cannot be
        raise InputError(walk.why)
    return pages.of_fit(known, pages.drawn(lambda: drawings.convergence(known)), walk, told)


def _pair_of(descent: Sequence[str] | None) -> tuple[str, str] | None:
    if descent is None:
        return None
    if isinstance(descent, str) or len(descent) != 2 or not all(isinstance(name, str) for name in descent):
        raise InputError(f"descent takes two coefficients, such as ['x1', 'x2']; got {descent!r}.")
    return descent[0], descent[1]


def _versions() -> dict[str, str]:
    """Return the versions of what was compared."""
    found = environment() | {"scikit-learn": version("scikit-learn")}
    if (tensorflow := sys.modules.get("tensorflow")) is not None:
        found["tensorflow"] = tensorflow.__version__
    return found
