"""One self-contained page of HTML from a result: no network, one script at most, and all that a table said escaped."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from regress import __version__
from regress.errors import InputError
from regress.messages import visible
from regress.records import ModelRecord, environment
from regress.report import comparison_charts, fit_charts, tables
from regress.report.charts import Chart, Drawing
from regress.report.svg import svg

_TEMPLATES = Path(__file__).parent / "templates"
OLD = "This model was saved without what a report shows. Fit it anew to see it."
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


def of_comparison(comparison: Any, command: str, versions: Mapping[str, str]) -> str:
    """Return the page of a comparison as HTML."""
    charts = comparison_charts.of_comparison(comparison)
    return _render("comparison.html", comparison=comparison, command=command, versions=versions, **charts)


def of_certificate(certificate: Any, command: str) -> str:
    """Return the page of a certificate as HTML."""
    chart = fit_charts.bars_of_digits([(name, right) for name, _, _, right in certificate.lines()])
    return _render(
        "certificate.html",
        certificate=certificate,
        most=tables.MOST_CERTIFIED,
        digits=Drawing([chart]),
        command=command,
        versions=environment(),
    )


def of_fit(model: ModelRecord, convergence: Drawing, walk: Drawing, told: Sequence[str]) -> str:
    """Return the page of a fit as HTML, with the drawings that need more than the model: what it `told` by step."""
    report = model.report
    dependent = report is not None and report["equations"]
    return _render(
        "fit.html",
        model=model,
        report=report,
        old=OLD,
        word=tables.WORDS.get(model.status, model.status),
        sections=[s for s in _SECTIONS if dependent or s[0] != "collinearity"],
        parts=[] if report is None else tables.parts(report),
        terms=_equation(model),
        betas=drawn(model, lambda: [fit_charts.coefficients(model)]),
        digits=drawn(model, lambda: [fit_charts.digits(model)]),
        convergence=convergence,
        residuals=drawn(model, lambda: fit_charts.residuals(model)),
        walk=walk,
        told=told,
        script=_script(),
    )


def drawn(model: ModelRecord, charts: Callable[[], Sequence[Chart]]) -> Drawing:
    """Return charts, or why there are none."""
    try:
        return Drawing(charts())
    except InputError as error:
        return Drawing(why=OLD if model.report is None else str(error))


def _equation(model: ModelRecord) -> tuple[list[tuple[str, float, str]], int]:
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
    style = Markup(_source("charts.css") + _source("style.css"))
    page = _environment().get_template(template)
    try:
        return page.render(style=style, script_hash=digest, release=__version__, **values)
    except TemplateError as error:
        raise InputError(f"What this model holds for a report is malformed ({error}). Fit it anew.") from None
