"""One self-contained page of HTML from a result: no network, one script at most, and all that a table said escaped."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from regress import __version__
from regress.errors import InputError
from regress.escaping import visible
from regress.evidence.certificate import Certificate
from regress.model import LinearModel, environment
from regress.report import pictures, tables, walks
from regress.report.charts import Chart, Drawing
from regress.report.svg import svg
from regress.result import Fit
from regress.writing import write_text

if TYPE_CHECKING:
    from regress.comparison import Comparison

_TEMPLATES = Path(__file__).parent / "templates"
_TERMS = 12  # of the equation
_SECTIONS = (
    ("rows", "Rows"),
    ("equation", "Equation"),
    ("coefficients", "Coefficients"),
    ("certificate", "Certificate"),
    ("convergence", "Convergence"),
    ("residuals", "Residuals"),
    ("descent", "The descent"),
    ("collinearity", "Collinearity"),
    ("environment", "Environment"),
)


def write_report(
    result: "Fit | LinearModel | Comparison | Certificate",
    path: str | Path,
    *,
    descent: Sequence[str] | None = None,
    command: str = "",
) -> None:
    """Write one self-contained HTML page, under 1 MB whatever the rows: what was computed, and how right it is.

    Parameters
    ----------
    result : Fit, LinearModel, Comparison or Certificate
        What to show. A model shows what it was saved with.
    path : str or Path
        The file, written whole or not at all.
    descent : two str, optional
        Coefficients over which the descent of a fit is drawn; those of the largest standardised ones unless given.
    command : str
        The command line to show on the page of a comparison or certificate.

    Raises
    ------
    InputError
        If there is no such coefficient, or the model's file is malformed.
    """
    write_text(path, page(result, descent, command))


def page(result: Any, descent: Sequence[str] | None = None, command: str = "") -> str:
    """Return the page of a result as HTML; see `write_report`."""
    if isinstance(result, Fit | LinearModel):
        pair, model = _pair_of(descent), result.model if isinstance(result, Fit) else result
        try:
            with pictures.sound(result):
                return _of_fit(model, pair)
        except TemplateError as error:
            raise InputError(f"What this model holds for a report is malformed ({error}). Fit it anew.") from None
    if descent is not None:
        raise InputError("The descent is drawn for a fit.")
    from regress.comparison import Comparison
    from regress.report import contests

    if isinstance(result, Comparison):
        return _render(
            "comparison.html",
            comparison=result,
            command=command,
            versions=contests.versions(),
            **contests.of_comparison(result),
        )
    if isinstance(result, Certificate):
        chart = pictures.bars_of_digits([(name, right) for name, _, _, right in result.lines()])
        return _render(
            "certificate.html",
            certificate=result,
            most=tables.MOST_LINES,
            digits=Drawing([chart]),
            command=command,
            versions=environment(),
        )
    raise InputError(f"There is no report of a {type(result).__name__}. Pass a fit, model, comparison or certificate.")


def _pair_of(descent: Sequence[str] | None) -> tuple[str, str] | None:
    if descent is None:
        return None
    if isinstance(descent, str) or len(descent) != 2 or not all(isinstance(name, str) for name in descent):
        raise InputError(f"descent takes two coefficients, such as ['x1', 'x2']; got {descent!r}.")
    return descent[0], descent[1]


def _of_fit(model: LinearModel, pair: tuple[str, str] | None) -> str:
    report = model.report
    old = "This model was saved without what a report shows. Fit it anew to see it."

    def drawn(what: Callable[[LinearModel], Sequence[Chart]]) -> Drawing:
        try:
            return Drawing(what(model))
        except InputError as error:
            return Drawing(why=old if report is None else str(error))

    told: list[str] = []

    def walked(model: LinearModel) -> Sequence[Chart]:
        walk = walks.descent(model, pair)
        told.extend(walk.told)
        return walk.chart, walk.loss

    walk = drawn(walked)
    if pair is not None and walk.why:  # asked for: then it is an error where it cannot be
        raise InputError(walk.why)
    dependent = report is not None and report["equations"]
    return _render(
        "fit.html",
        model=model,
        report=report,
        old=old,
        word=tables.WORDS.get(model.status, model.status),
        sections=[s for s in _SECTIONS if dependent or s[0] != "collinearity"],
        parts=[] if report is None else tables.parts(report),
        terms=_equation(model),
        betas=drawn(lambda model: [pictures.coefficients(model)]),
        digits=drawn(lambda model: [pictures.digits(model)]),
        convergence=drawn(pictures.convergence),
        residuals=drawn(pictures.residuals),
        walk=walk,
        told=told,
        script=_script(),
    )


def _equation(model: LinearModel) -> tuple[list[tuple[str, float, str]], int]:
    """Return sign, size and name of the terms that say most, and how many are left out."""
    names, w = list(model.names), model.w.tolist()
    if model.report is not None:
        size = {line["name"]: abs(line["standardized"] or 0.0) for line in model.report["lines"]}
        names.sort(key=lambda name: -size.get(name, 0.0))
    of = dict(zip(model.names, w, strict=True))
    shown = [name for name in model.names if name in set(names[:_TERMS])]
    return [("−" if of[name] < 0 else "+", abs(of[name]), name) for name in shown], len(names) - len(shown)


def _finalize(value: Any) -> Any:
    """Show what a table said as text: nothing that has no shape, or turns the text around it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _source(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {"figure": tables.figure, "svg": svg}
    environment.globals["tables"] = tables
    return environment


@cache
def _script() -> Markup:
    return Markup(_source("descent.js"))


def _render(template: str, **values: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(_source("charts.css") + _source("style.css")),
            script_hash=digest,
            release=__version__,
            **values,
        )
    )
